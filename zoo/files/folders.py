"""Folders that appear complete or not at all, and are one process' at a time.

Windows opens no folder, syncs no file that was opened to be read, and moves and removes
nothing that somebody has open: what it refuses was tested by emulation.
"""

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

TRIES, PAUSE = 5, 0.1  # to have what another uses; seconds between them


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
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()  # Windows puts no folder in the place of an empty one
            replace(temporary, folder)
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
    however it ends. A disk that knows no locks lets all have it, and so does Windows.

    Raises: BlockingIOError: if another holds it.
    """
    if fcntl is None:
        yield
        return
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
    if fcntl is None:
        return False
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
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a disk that knows no locks
        return True
    return True


def sync(path):
    """Has the disk keep a file of ours, or the names in a folder, so that they outlive
    a loss of power. Windows keeps names by itself."""
    is_folder = os.path.isdir(path)
    try:
        handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    except PermissionError:
        if is_folder:
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(source, target):
    """Moves `source` to the place of `target`. Somebody who has one of them open may
    hinder it, as a reader or a search for viruses does on Windows: they soon end."""
    for left in reversed(range(TRIES)):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if not left:
                raise
            time.sleep(PAUSE)
