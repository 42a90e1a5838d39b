"""Versions of an exported model: folders named by numbers, which a server watches.

A version appears complete or not at all: it is written under a name that is no number,
so that no server takes it up, synced and renamed.
"""

import contextlib
import json
import pathlib

from zoo import inputs
from zoo.files import folders, sums


def existing(folder):
    """Returns the versions in `folder`, sorted."""
    names = [path.name for path in pathlib.Path(folder).iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal())


def newest(folder, count):
    """Returns the newest versions in `folder`, at most `count`, sorted.

    Raises: ValueError: if there is none. OSError: if `folder` is no folder.
    """
    numbers = existing(folder)[-count:]
    if not numbers:
        raise ValueError(
            "A model's folder holds its versions, 1/ and so on, as `python -m "
            f"experiments.export` writes them; here is none. Received: {folder}."
        )
    return numbers


@contextlib.contextmanager
def new(folder, version=None, facts=None):
    """Yields (a folder to write into, the path that it gets when all is well).

    zoo.json and SHA256SUMS of all files are added; servers ignore them. On an error
    nothing remains of the version, nor of the folders above that were new with it.

    Args:
        folder: Of all versions of one model; a new one if there is none.
        version: Its number; one more than the last if None.
        facts: What zoo.json tells, a dict.
    Raises: FileExistsError: if there is such a version. NotADirectoryError: if `folder`
        is a file.
    """
    folder = pathlib.Path(folder)
    if version is not None:
        inputs.check_integer("A version", version, 1)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(
            f"Versions are written into a folder, not a file. Received: {folder}."
        )
    last = max(existing(folder), default=0) if folder.exists() else 0
    final = folder / str(version or last + 1)
    if final.exists():
        raise FileExistsError(f"There is such a version already. Received: {final}.")
    with folders.appearing(final, ".version-") as temporary:
        yield temporary, final
        (temporary / "zoo.json").write_text(json.dumps(facts or {}, indent=1) + "\n")
        sums.write_below(temporary)
