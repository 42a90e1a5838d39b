"""The circumstances of a training: command, time, versions, commit, machine."""

import contextlib
import datetime
import hashlib
import os
import pathlib
import platform
import shlex
import subprocess
import sys
from importlib import metadata

from zoo.version import VERSION


def versions():
    """{package: version} of what decides how a model trains."""
    from zoo import backend  # here, so that a record is read without Keras

    numbers = {"python": platform.python_version(), "zoo": VERSION}
    packages = ("keras", backend.NAME, "numpy", "scikit-learn", "tensorflow-datasets")
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            numbers[name] = metadata.version(name)
    return numbers


def circumstances():
    """Command line, time, versions, git commit and machine of this process, a dict."""
    return {
        "command": shlex.join(_command()),
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "git_commit": git_commit(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
    }


def changes(record):
    """Sentences on what of the code is another now than when a run last went on.

    Args:
        record: The run's run.json, a dict.
    """
    then, now = (record.get("continued") or [record])[-1], circumstances()
    before = then.get("versions") or {}
    pairs = {name: (before.get(name), now["versions"].get(name)) for name in before}
    pairs["the zoo's commit"] = (then.get("git_commit"), now["git_commit"])
    return [
        f"{name} was {old} and is {new}"
        for name, (old, new) in pairs.items()
        if old and new and old != new
    ]


def _command():
    """The command line as typed; Python keeps only the path of `-m module`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is None:
        is_installed = pathlib.Path(sys.argv[0]).stem == "zoo"  # a script of pip's
        return ["zoo", *sys.argv[1:]] if is_installed else ["python", *sys.argv]
    return ["python", "-m", spec.name.removesuffix(".__main__"), *sys.argv[1:]]


def code():
    """Version of the zoo and, where git tells it, commit of the code."""
    return f"{VERSION} {git_commit() or ''}".strip()


def package():
    """Checksum of the zoo's own code."""
    folder, digest = pathlib.Path(__file__).parents[1], hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def git_commit():
    """Commit of the code, with "-dirty" if files differ from it; None without git."""
    folder = pathlib.Path(__file__).parent
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
