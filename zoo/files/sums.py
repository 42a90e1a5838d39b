"""Checksums in the format of `sha256sum`."""

import hashlib

import numpy as np

from zoo.files import atomic

SUMS = "SHA256SUMS"


def write_below(path):
    """Writes SHA256SUMS into a plain folder: all files in it, at any depth."""
    digests = {f.relative_to(path).as_posix(): sha256(f) for f in _below(path)}
    _write(path / SUMS, digests)


def _below(path):
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in files if file != path / SUMS)


def _write(path, digests):
    lines = [f"{digest}  {name}\n" for name, digest in sorted(digests.items())]
    with atomic.replaced(path) as temporary:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)


def of_arrays(*arrays):
    """Returns the sha256 of arrays, or of None among them, as text."""
    digest = hashlib.sha256()
    for array in arrays:
        form = "none" if array is None else f"{array.dtype} {array.shape}"
        digest.update(form.encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array))
    return digest.hexdigest()


def sha256(file):
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
