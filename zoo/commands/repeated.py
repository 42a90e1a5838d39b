"""Makes the command line that repeats a run from its run.json."""

import csv
import dataclasses
import io
import json
import pathlib

BY_KEY = {"config": "set", **{n: n for n in ("learning_rate", "schedule", "warmup")}}
# Settings that follow from others, or are not repeated.
DERIVED = ("monitor_mode", "workdir", "parts")


def command(path, argv):
    """Returns `argv` with the flags of a run's settings before its own.

    Args:
        path: Its run.json.
        argv: The program and the flags that take the place of settings.
    Raises: ValueError: if the file is no run.json. OSError: if it cannot be read.
    """
    try:
        settings = json.loads(pathlib.Path(path).read_text())["settings"]
        unknown = sorted(set(settings) - _known())
        parts = settings.get("parts", {})  # these models are named by their files
        settings["config"] |= {name: part["file"] for name, part in parts.items()}
        flags = [flag for name in settings for flag in _flags(name, settings[name])]
        workdir = pathlib.Path(settings["workdir"])  # "runs/x/" is "runs/x"
        flags.append(f"--workdir={workdir}-again")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"The file is no run's run.json. Received: {path}.") from None
    if unknown:  # another flag, such as --flagfile, which reads any file
        raise ValueError(
            "The run has settings that this version of the zoo does not know: "
            f"{', '.join(map(repr, unknown))}. Received: {path}."
        )
    return [argv[0], *flags, *argv[1:]]


def _known():
    """Returns the names of all settings."""
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.runs.settings import Settings

    return {field.name for field in dataclasses.fields(Settings)}


def _flags(name, value):
    """Returns the flags that give a setting its value; none if it is None or
    derived."""
    if name in BY_KEY:
        pairs = ((key, each) for key, each in value.items() if each is not None)
        return [f"--{BY_KEY[name]}={key}={each}" for key, each in pairs]
    if name == "options":
        return [f"--{key}={each}" for key, each in value.items()]
    if value is None or name in DERIVED:
        return []
    if name == "image_size" and isinstance(value, list):
        value = f"{value[1]}x{value[0]}"
    if isinstance(value, list):
        line = io.StringIO()  # absl reads a list as a row of CSV
        csv.writer(line, lineterminator="").writerow(value)
        value = line.getvalue()
    return [f"--{name}={value}"]
