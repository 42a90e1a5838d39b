"""Folders that appear complete or not at all."""

import contextlib
import os
import pathlib
import secrets
import shutil


@contextlib.contextmanager
def appearing(folder, prefix):
    """Yields a temporary folder beside `folder`, which then becomes it: synced and
    renamed on success. On an error nothing remains of it, nor of the folders above that
    were made for it.

    Args:
        folder: A free name, or an empty folder.
        prefix: Begins the temporary name, which no reader of folders may take up.
    """
    folder = pathlib.Path(folder).absolute()
    made = [path for path in folder.parents if not path.exists()]
    temporary = folder.with_name(prefix + secrets.token_hex(4))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()  # for whom the umask says
        yield temporary
        for path in (*temporary.rglob("*"), temporary):
            sync(path)
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    sync(folder.parent)


def sync(path):
    """Has the disk keep a file, or the names in a folder, so that they outlive a loss
    of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
