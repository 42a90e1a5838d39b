"""The files below a folder, however deep, and whatever links there are."""

import hashlib
import os
import pathlib
import stat

Path = tuple[str, ...]  # parts of a path, below a folder
LARGEST = 2**28  # bytes of a picture file


def files(root: pathlib.Path) -> tuple[list[Path], list[str]]:
    """Returns the files below a folder, as parts of their paths, sorted; and what was
    passed over, with the reason.

    Hidden files and folders are left out. A link to a folder is followed, unless that
    folder holds the set itself, or the link lies below another one: so a walk ends.
    """
    home = root.resolve()
    paths, passed = [], []
    waiting: list[tuple[Path, bool]] = [((), False)]
    while waiting:
        parts, is_linked = waiting.pop()
        try:
            with os.scandir(root.joinpath(*parts)) as listing:
                entries = [entry for entry in listing if entry.name[0] != "."]
        except OSError as error:
            passed.append(f"{os.path.join(root, *parts)!r} ({error.strerror})")
            continue
        for entry in entries:
            path = (*parts, entry.name)
            if _is_file(entry):
                paths.append(path)
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((path, is_linked))
            elif entry.is_symlink() and os.path.isdir(entry.path):
                if is_linked or home.is_relative_to(os.path.realpath(entry.path)):
                    passed.append(f"{entry.path!r} (a link that leads back or on)")
                else:
                    waiting.append((path, True))
    return sorted(paths), sorted(passed)


def _is_file(entry):
    """Whether an entry is a file, or a link to one: no pipe, no device, no loop."""
    try:
        return entry.is_file()
    except OSError:
        return False


def size(path: str | os.PathLike, largest: int = LARGEST) -> int:
    """Returns the bytes of a file; ValueError unless it is a regular one of a size that
    a picture may have."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    if not 0 < status.st_size <= largest:
        raise ValueError(f"it may have 1 to {largest:,} bytes, not {status.st_size:,}")
    return status.st_size


def digest(path: str | os.PathLike, largest: int = LARGEST) -> bytes:
    """Returns a hash of a file's content; ValueError if it has no `size`, or another
    one than its folder tells, as files have that are no files on a disk."""
    sha, left = hashlib.sha256(), size(path, largest)
    with open(path, "rb") as file:
        while left and (block := file.read(min(left, 2**20))):
            sha.update(block)
            left -= len(block)
        if left or file.read(1):
            raise ValueError("its size is not what its folder tells")
    return sha.digest()
