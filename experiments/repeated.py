"""The command line that repeats a run, out of its run.json."""

import csv
import io
import json
import pathlib

BY_KEY = {"config": "set", **{n: n for n in ("learning_rate", "schedule", "warmup")}}
DERIVED = ("monitor_mode", "workdir")  # of other settings, or not to be repeated


def command(path, argv):
    """Returns `argv` with the flags of a run's settings before its own.

    Args:
        path: Its run.json.
        argv: The program and the flags that take the place of settings.
    Raises: ValueError: if the file is no run.json. OSError: if it cannot be read.
    """
    try:
        settings = json.loads(pathlib.Path(path).read_text())["settings"]
        flags = [flag for name in settings for flag in _flags(name, settings[name])]
        flags.append(f"--workdir={settings['workdir']}-again")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"The file is no run's run.json. Received: {path}.") from None
    return [argv[0], *flags, *argv[1:]]


def _flags(name, value):
    """The flags that give one setting its value; none if it is None or derived."""
    if name in BY_KEY:
        pairs = ((key, each) for key, each in value.items() if each is not None)
        return [f"--{BY_KEY[name]}={key}={each}" for key, each in pairs]
    if value is None or name in DERIVED:
        return []
    if isinstance(value, list):
        line = io.StringIO()  # absl reads a list as a row of CSV
        csv.writer(line, lineterminator="").writerow(value)
        value = line.getvalue()
    return [f"--{name}={value}"]
