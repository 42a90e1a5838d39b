"""A run folder belongs to one training at a time."""

import contextlib

from zoo.files import folders


def is_training(path):
    """Whether a process trains in the folder `path` now."""
    return folders.is_held(path)


def require_free(path):
    """Raises BlockingIOError if a process trains in the folder `path` now."""
    if is_training(path):
        raise _busy(path)


@contextlib.contextmanager
def held(path):
    """Makes the folder `path` and keeps other trainings out of it within the context;
    a folder that is new and still empty at the end is removed.

    Raises: BlockingIOError: if another process trains there.
    """
    with folders.ensured(path), contextlib.ExitStack() as stack:
        try:
            stack.enter_context(folders.held(path))
        except BlockingIOError:
            raise _busy(path) from None
        yield


def _busy(path):
    return BlockingIOError(
        "Another process trains in this folder now; wait until it has ended, or "
        f"choose another --workdir. Received: {path}."
    )
