"""The file of a preset's weights: an .npz of plain arrays, kernels in half precision.

Nothing is unpickled. The checksum is compared first; each array's header has to agree
with the bytes that are there before memory is taken for it.
"""

import hashlib
import io
import math
import zipfile

import numpy as np

from zoo.files import archives
from zoo.files.atomic import replaced
from zoo.pretrained import archive
from zoo.pretrained.presets.record import MOST_BYTES

KINDS = {"float16", "float32", "int32", "int64", "uint32", "bool"}
# SyntaxError is what NumPy raises where the header of an array is none.
DAMAGE = (*archives.DAMAGE, SyntaxError)


def packed(weights):
    """Returns the bytes of an .npz file of `weights`, {network: arrays}.

    Raises: ValueError: if a weight does not fit into half precision, or the file would
        be too large.
    """
    members = {
        # `ascontiguousarray` would give a single number an axis.
        f"{name}.{index:04d}": np.asarray(_halved(array), order="C")
        for name, arrays in weights.items()
        for index, array in enumerate(arrays)
    }
    memory = io.BytesIO()
    np.savez(memory, **members)
    blob = memory.getvalue()
    if len(blob) > MOST_BYTES:
        raise ValueError(
            f"A preset's file has at most {MOST_BYTES:,} bytes. "
            f"Received: {len(blob):,} bytes."
        )
    return blob


def _halved(array):
    is_float = np.issubdtype(array.dtype, np.floating)
    return archive.halved(array) if is_float else array


def write(path, blob):
    """Writes the file; returns its sha256."""
    with replaced(path) as temporary, open(temporary, "wb") as file:
        file.write(blob)
    return hashlib.sha256(blob).hexdigest()


def read(path, sha256):
    """Returns {network: arrays}, floats in float32.

    Raises: ValueError: if the file is missing, damaged, or not the one of this sha256.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
        blob = path.read_bytes()
        if hashlib.sha256(blob).hexdigest() != sha256:
            raise ValueError("its sha256 is another")
        return unpacked(blob)
    except DAMAGE as error:
        reason = "there is no such file" if isinstance(error, OSError) else error
        raise ValueError(
            f"The weights of the preset are damaged ({' '.join(str(reason).split())}). "
            f"Received: {path}."
        ) from None


def unpacked(blob):
    """Returns {network: arrays} of the bytes that `packed` made."""
    weights = {}
    with zipfile.ZipFile(io.BytesIO(blob)) as file:
        for member in file.infolist():
            name, _, number = member.filename.removesuffix(".npy").rpartition(".")
            arrays = weights.setdefault(name, [])
            if number != f"{len(arrays):04d}":
                raise ValueError(f"{member.filename!r} has no place in it")
            if member.compress_type or member.compress_size != member.file_size:
                raise ValueError(f"{member.filename!r} is compressed")
            arrays.append(_array(file.read(member)))
    return weights


def _array(blob):
    """The array of an .npy file's bytes; its header is checked against their number."""
    file = io.BytesIO(blob)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array has an unknown form")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
    size = math.prod(shape) * dtype.itemsize
    if dtype.name not in KINDS or in_columns or size != len(blob) - file.tell():
        raise ValueError("an array's header is not that of its bytes")
    array = np.frombuffer(blob, dtype, offset=file.tell()).reshape(shape)
    return array.astype("float32") if dtype == np.float16 else array
