"""Folders that appear complete or not at all, and are one process' at a time."""

import contextlib
import os
import pathlib
import secrets
import shutil
import time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TRIES, PAUSE = 5, 0.1  # to hold a folder; seconds between them


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
    temporary = folder.with_name(prefix + secrets.token_hex(4))
    with ensured(folder.parent):
        try:
            temporary.mkdir()  # for whom the umask says
            yield temporary
            for path in (*temporary.rglob("*"), temporary):
                sync(path)
            temporary.replace(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync(folder.parent)


@contextlib.contextmanager
def ensured(folder):
    """Makes `folder` and those above it; of these, what is empty at the end of the
    context goes again."""
    folder = pathlib.Path(folder).absolute()
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in new:
            with contextlib.suppress(OSError):  # not empty
                path.rmdir()


@contextlib.contextmanager
def held(folder):
    """Holds an existing `folder`, until the end of the context or of the process,
    however it ends. A disk that knows no locks lets all have it.

    Raises: BlockingIOError: if another holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        for _ in range(TRIES):
            if _take(handle):
                break
            time.sleep(PAUSE)  # somebody may just be looking, see `is_held`
        else:
            raise BlockingIOError(f"Another process holds {folder}.")
        yield
    finally:
        os.close(handle)


def is_held(folder):
    """Whether somebody holds `folder`, which may not exist."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _take(handle)
    finally:
        os.close(handle)


def _take(handle):
    """Locks an open folder until it is closed; returns whether it was free."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a disk that knows no locks
        return True
    return True


def sync(path):
    """Has the disk keep a file, or the names in a folder, so that they outlive a loss
    of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
