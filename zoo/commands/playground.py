"""Serves a page on which trained models are played with: sliders, images, steps."""

import importlib.util
import signal
import threading

from zoo import commands
from zoo.commands.confined import confined

VERB = commands.Verb(
    "playground",
    __doc__.strip(),
    "python -m experiments.playground",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "list",
    "workdir",
    [],
    "Run folders or .keras files, e.g. runs/vae-fashion_mnist,runs/gan-fashion_mnist "
    "[all presets, and the runs in runs].",
)
VERB.group("Seen among")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "host", "127.0.0.1", "Address; 0.0.0.0 shows it to the network.")
VERB.define("integer", "port", 7860, "Of the page.", lower_bound=0, upper_bound=65535)


def main():
    flags = VERB.flags
    _require_subject()
    _require_gradio()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    page = _of_players(flags.workdir) if flags.workdir else _of_shelf()
    from zoo.pages.playground.page import serving
    from zoo.serving.server import guard

    with serving(page, flags.host, flags.port) as address:
        print(f"serving: {address} (Ctrl-C stops it)", flush=True)
        if not guard.is_loopback(flags.host):
            print("Whoever reaches this address can use the page.", flush=True)
        stop.wait()


def _of_players(paths):
    """The page of these models, which are read first: a wrong one is told at once."""
    players = [_loaded(path) for path in paths]
    from zoo.pages.playground import page

    return page.of_players(players)


def _of_shelf():
    """The page of all models that are at hand, which are read when they are chosen."""
    from zoo.pages.playground import page, shelf

    return page.of_shelf(shelf.subjects())


def _loaded(path):
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.pages import playground

    player = playground.Player(path, **VERB.dataset())
    print(f"loaded: {path}" + (f" ({player.note})" if player.note else ""), flush=True)
    return player


def _require_subject():
    """Raises ValueError for a data set without the model that is to see it."""
    is_chosen = any(value is not None for value in VERB.dataset().values())
    if is_chosen and not VERB.flags.workdir:
        raise ValueError(
            "The flags of a data set go with --workdir or --weights. "
            "Received: neither of them."
        )


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
