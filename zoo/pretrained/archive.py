"""Weights that come with the zoo or lie in the cache: NAME.npz, and NAME.json on it."""

import hashlib
import io
import json
import pathlib

import numpy as np

from zoo.files.atomic import replaced


def write(folder, name, weights):
    """Writes weights, kernels in half precision, as `name`.npz.

    Returns: its sha256, and the weights as they are read again.
    Raises: ValueError: if a weight does not fit into half precision.
    """
    arrays = {f"w{index:03d}": halved(array) for index, array in enumerate(weights)}
    with replaced(pathlib.Path(folder) / f"{name}.npz") as temporary:
        np.savez(temporary, **arrays)
        blob = pathlib.Path(temporary).read_bytes()
    return hashlib.sha256(blob).hexdigest(), _weights(blob)


def describe(folder, name, about):
    """Writes what there is to say of `name`.npz, with its "sha256", as `name`.json."""
    with replaced(pathlib.Path(folder) / f"{name}.json") as temporary:
        pathlib.Path(temporary).write_text(json.dumps(about, indent=2) + "\n")


def read(folder, name):
    """Returns (about, weights in float32) as `write` and `describe` wrote them.

    Raises: ValueError: if a file is missing, damaged or not the one that was written.
    """
    path = pathlib.Path(folder) / f"{name}.npz"
    try:
        about = json.loads(path.with_suffix(".json").read_text())
        blob = path.read_bytes()
        if hashlib.sha256(blob).hexdigest() != about["sha256"]:
            raise ValueError("its sha256 is another")
        return about, _weights(blob)
    except (OSError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"The weights of the extractor are damaged ({reason}). Received: {path}."
        ) from None


def _weights(blob):
    """The arrays of an .npz file's bytes, float32, in their order."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        return [arrays[key].astype("float32") for key in sorted(arrays.files)]


def halved(array):
    """Kernels in half precision; the few biases and statistics stay as they are."""
    if array.ndim < 2:
        return array.astype(np.float32)
    with np.errstate(over="ignore"):  # the sentence below names it
        half = array.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(
            "The weights do not fit into half precision, up to 65504. "
            f"Received: a weight of {np.abs(array).max():g}."
        )
    return half
