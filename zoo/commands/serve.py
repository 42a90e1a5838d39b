"""Serves an exported model on this machine, by TensorFlow Serving's REST protocol."""

import contextlib
import importlib.util
import os
import pathlib
import signal
import sys
import tempfile
import threading

from zoo import commands

VERB = commands.Verb(
    "serve",
    __doc__.strip(),
    "python -m experiments.serve --workdir=runs/vaegan-digits",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "string",
    "model_dir",
    None,
    "Folder of an exported model's versions, e.g. serving/vaegan; its name is the "
    "model's.",
)
VERB.define(
    "string", "workdir", None, "Or a run folder or .keras file, exported for the time."
)
VERB.group("Where")
VERB.define("string", "host", "127.0.0.1", "Address; 0.0.0.0 shows it to the network.")
VERB.define("integer", "port", 8501, "0: any free one.", 0, upper_bound=65535)
VERB.group("How much")
VERB.define("integer", "workers", None, "Requests at once [processor's cores].", 1)
VERB.define("integer", "queue", 256, "Requests that wait; others get 503.", 0)
VERB.define("integer", "max_rows", 1024, "Rows of a request.", 1)
VERB.define("integer", "max_megabytes", 16, "Of a request's body.", 1)
VERB.define("integer", "timeout", 30, "Seconds that a client may take.", 1)


def main():
    flags = VERB.flags
    if (flags.model_dir is None) == (flags.workdir is None):
        raise ValueError(
            "A server needs either --model_dir or --workdir. "
            f"Received: {'none' if flags.workdir is None else 'both'}."
        )
    from zoo.serving import versions

    if flags.model_dir is not None:
        versions.newest(flags.model_dir, 1)
    _require_packages()
    # A process that SIGTERM ends would leave its temporary export behind, and one that
    # a script began in the background does not heed SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        from zoo.serving.server import listening

        listener = stack.enter_context(listening.bound(flags.host, flags.port))
        folder = flags.model_dir or stack.enter_context(_exported(flags.workdir))
        _serve(folder, listener)


def _serve(folder, listener):
    """Serves until Ctrl-C or SIGTERM."""
    from zoo.serving.server import app, guard, listening, served

    flags = VERB.flags
    limits = app.Limits(
        flags.workers or os.cpu_count() or 1,
        flags.queue,
        flags.max_rows,
        flags.max_megabytes * 2**20,
        flags.timeout,
    )
    model = served.Model(folder)
    with listening.serving(model, listener, limits) as address:
        print(f"serving: {address}/v1/models/{model.name} (Ctrl-C stops it)")
        if not guard.is_loopback(flags.host):
            print("Whoever reaches this address can use the server.")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@contextlib.contextmanager
def _exported(workdir):
    """Yields the folder of a run's only version, which is removed afterwards."""
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo
    from zoo.runs import folder

    with tempfile.TemporaryDirectory(prefix="zoo-serve-") as temporary:
        out = pathlib.Path(temporary, pathlib.Path(workdir).stem)
        zoo.export(
            zoo.load(workdir), out, warmup=False, rules=folder.kept_rules(workdir)
        )
        yield out


def _require_packages():
    lacks = [
        each for each in ("starlette", "uvicorn") if not importlib.util.find_spec(each)
    ]
    if lacks:
        raise ImportError(
            f"The server needs {' and '.join(lacks)} (the extra `serve`): "
            f"pip install {' '.join(lacks)}."
        )
