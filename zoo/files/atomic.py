"""A file appears complete or not at all."""

import contextlib
import pathlib
import secrets

from zoo.files import folders

TEMPORARY = ".partial-"  # begins the name of a file that is not complete yet


@contextlib.contextmanager
def replaced(path):
    """Yields a temporary sibling of `path` (same suffix), which then replaces it:
    synced and renamed on success, removed on failure. Keras itself writes in place."""
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no such folder. Received: {path.parent}.")
    name = f"{TEMPORARY}{path.stem}-{secrets.token_hex(4)}{path.suffix}"
    temporary = str(path.with_name(name))
    # Readable by whom the umask says; those of tempfile are for the owner alone.
    pathlib.Path(temporary).touch(exist_ok=False)
    try:
        yield temporary
        folders.sync(temporary)
        folders.replace(temporary, path)
    except BaseException as error:
        pathlib.Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            if error.filename in (None, temporary):  # a full disk names none
                error.filename = str(path)
        raise
    folders.sync(path.parent)


def clear(*paths):
    """Removes what a killed process left of the files that it was about to write."""
    for path in map(pathlib.Path, paths):
        for left in path.parent.glob(f"{TEMPORARY}{path.stem}-*"):
            left.unlink(missing_ok=True)
