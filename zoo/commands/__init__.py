"""The verbs of the command line: how one is run, and what they share.

A verb is a file of this room with `VERB`, which defines its flags in groups so that
`--help` tells what, how long, how fast and where, and `main`, which parses nothing and
calls the other rooms. A wrong input is one sentence on stderr and exit code 1, wherever
it was found.
"""

import importlib
import logging
import os
import sys

from zoo.commands import preflight, quiet
from zoo.commands.verb import CHOICES, DATASET, OPTIONS, SAMPLING, Verb

__all__ = [
    "CHOICES",
    "DATASET",
    "HELP",
    "OPTIONS",
    "SAMPLING",
    "Verb",
    "enter",
    "import_quietly",
    "leave_output",
    "open_streams",
    "printable",
    "run",
    "start",
    "warn_plainly",
]

SIGPIPE = 13  # of `signal`, which has none on Windows
HELP = ("--help", "-help", "-h", "--helpshort", "--helpfull")


def enter(name):
    """Runs the verb `name` on the command line of this process, and ends it."""
    sys.exit(run(name, sys.argv))


def run(name, argv, program=None):
    """Runs a verb and returns the exit code.

    Args:
        name: Of its file in this room.
        argv: The command line; `argv[0]` is the program.
        program: What is typed before a verb, where that is not `python -m
            experiments.`: help and errors then name commands in that way.
    """
    module = importlib.import_module(f"zoo.commands.{name}")
    module.VERB.program = program
    if hasattr(module, "begin"):  # what comes before its flags are read, or after all
        return module.begin(argv)
    return start(module.VERB, module.main, argv)


def start(verb, main, argv=None):
    """Parses the command line, runs `main()` and returns the exit code.

    A wrong input is not raised but printed on stderr, as one sentence.
    """
    argv = sys.argv if argv is None else argv
    open_streams()
    try:
        if set(HELP) & set(argv[1:]):
            print(verb.addressed(verb.usage()), flush=True)
            return 0
        verb.parse(argv)
        preflight.require_least(verb)
        preflight.require_models(verb)
        preflight.require_runs(verb)
        preflight.require_data(verb)
        warn_plainly()
        with quiet.imports():
            verb.take_presets()
            code = main() or 0
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return leave_output()
    except (ValueError, OSError, ImportError) as error:
        print(f"{verb.name}: {verb.addressed(_sentence(error))}", file=sys.stderr)
        return 1
    except MemoryError as error:
        from zoo.inputs import memory

        free = f"{memory.free() / 2**30:,.1f} GiB are free"
        print(f"{verb.name}: {_too_much(error)}, and {free}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def leave_output():
    """Returns the exit code of who writes to nobody: the reader of the lines, such as
    `head`, has seen enough."""
    # What is still to be written would raise again at the end of the process.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + SIGPIPE


def open_streams():
    """Lets a process print whose stdout or stderr was closed before it began."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115


def warn_plainly():
    """Makes each warning appear on stderr once, as a sentence without absl's marks."""
    handler, printed = logging.StreamHandler(), set()
    handler.setFormatter(logging.Formatter("warning: %(message)s"))

    def is_new(record):
        text = record.getMessage()
        return not (text in printed or printed.add(text))

    handler.addFilter(is_new)
    # This has no effect if there is a handler already.
    logging.basicConfig(handlers=[handler])


def import_quietly():
    """Imports Keras without TensorFlow's notes, in a process that no verb started."""
    with quiet.imports():
        import keras  # noqa: F401


def _sentence(error):
    """Returns the error's text on one line; for system errors, the path and the
    reason."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        text = f"{where}{error.strerror}."
    return printable(" ".join(text.split()))


def _too_much(error):
    """What a MemoryError tells of how much was wanted."""
    text = printable(" ".join(str(error).split())).rstrip(".")
    return f"That does not fit into memory ({text or 'it is not told how much'})"


def printable(text):
    """Returns `text` with control characters escaped, which a file's name may hold and
    a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
