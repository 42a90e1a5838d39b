"""Versions of an exported model: folders named by numbers, which a server watches.

A version appears complete or not at all: it is written under a name that is no number,
so that no server takes it up, synced and renamed.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile

from zoo import inputs


def existing(folder):
    """Returns the versions in `folder`, sorted."""
    names = [path.name for path in pathlib.Path(folder).iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal())


@contextlib.contextmanager
def new(folder, version=None):
    """Yields (a folder to write into, the path that it gets when all is well).

    On an error nothing remains of it, nor of the folders above that were made for it.

    Args:
        folder: Of all versions of one model; made if there is none.
        version: Its number; one more than the last if None.
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
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        final = folder / str(version or max(existing(folder), default=0) + 1)
        if final.exists():
            raise FileExistsError(
                f"There is such a version already. Received: {final}."
            )
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=".version-", dir=folder))
        yield temporary, final
        _sync(temporary)
        temporary.chmod(0o755)  # mkdtemp's is for the owner alone; servers are others
        temporary.rename(final)
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _sync(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
