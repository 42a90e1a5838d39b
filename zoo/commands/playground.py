"""Serves a page on which trained models are played with: sliders, images, steps."""

import importlib.util
import signal
import threading

from zoo import commands
from zoo.commands.confined import confined

VERB = commands.Verb(
    "playground",
    __doc__.strip(),
    "python -m experiments.playground --workdir=runs/vaegan-digits",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "list",
    "workdir",
    ["runs/vaegan-digits"],
    "Run folders or .keras files, e.g. runs/vae-fashion_mnist,runs/gan-fashion_mnist.",
)
VERB.group("Seen among")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "host", "127.0.0.1", "Address; 0.0.0.0 shows it to the network.")
VERB.define("integer", "port", 7860, "Of the page.", lower_bound=0, upper_bound=65535)


def main():
    flags = VERB.flags
    _require_gradio()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    players = [_loaded(path) for path in flags.workdir]
    from zoo.pages.playground import page
    from zoo.serving.server import guard

    with page.serving(players, flags.host, flags.port) as address:
        print(f"serving: {address} (Ctrl-C stops it)", flush=True)
        if not guard.is_loopback(flags.host):
            print("Whoever reaches this address can use the page.", flush=True)
        stop.wait()


def _loaded(path):
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.pages import playground

    player = playground.Player(path, **VERB.dataset())
    print(f"loaded: {path}" + (f" ({player.note})" if player.note else ""), flush=True)
    return player


def _require_gradio():
    # The import, which is slow, comes later.
    if importlib.util.find_spec("gradio") is None:
        raise ImportError(
            "The page is made by Gradio, which is not installed: "
            "pip install -r requirements-playground.txt."
        )


def begin(argv):
    """Serves the page; returns the exit code. Nothing that it writes stays."""
    with confined():
        return commands.start(VERB, main, argv)
