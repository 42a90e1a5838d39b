"""MNIST's own file format, read without TensorFlow, in the order that tfds gives."""

import gzip
import hashlib
import pathlib
import zlib
from typing import Any

import numpy as np

from zoo.data import arguments, resize, source
from zoo.data.sources import prepared

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
_NUM_EXAMPLES = {"train": 60_000, "test": 10_000}


def complete(folder: pathlib.Path) -> bool:
    """Whether the four idx files lie in `folder`."""
    return all((folder / file).is_file() for pair in FILES.values() for file in pair)


class Idx(source.Source):
    """MNIST or Fashion-MNIST from their four idx files.

    The examples come in the order in which tfds stores them (by the MD5 of split name
    and number), so that example i is the same image whether or not tfds was asked.
    """

    image_shape = (28, 28, 1)
    _rows = source.ranges(_NUM_EXAMPLES["train"], _NUM_EXAMPLES["test"])
    num_examples = {split: stop - start for split, (start, stop) in _rows.items()}

    def __init__(
        self,
        name: str,
        folder: pathlib.Path,
        data_dir: arguments.Place = None,
        build: bool = True,
    ):
        self.name = name
        self.class_names = CLASS_NAMES[name]
        self._folder, self._data_dir, self._build = folder, data_dir, build

    def for_batches(self) -> source.Source:
        """Returns the set as tfds builds it from these files, for who needs TensorFlow
        anyhow; tfds also checks their checksums. Unless it may be built: then itself,
        which has the same examples in the same order."""
        from zoo import backend  # here, so that read() serves who has no backend

        if self._build and backend.HAS_TF_DATA:
            return prepared.Prepared(self.name, self._data_dir)
        return self

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, 1], "label": int32 [N]}`."""
        images = self._part(split, 0, (28, 28, 1))
        images = resize.resize_all(images, image_size)
        return {"image": images, "label": self.labels(split)}

    def labels(self, split: str) -> np.ndarray:
        """Returns int32 labels `[N]`."""
        return self._part(split, 1, ()).astype(np.int32)

    def _part(self, split, number, shape):
        """The examples of a split in one of the files of `FILES`, of a row's shape."""
        part = "test" if split == "test" else "train"
        count = _NUM_EXAMPLES[part]
        content = _content(self._folder / FILES[part][number], (count, *shape))
        return content[_order(part, count)[slice(*self._rows[split])]]


def _content(path: pathlib.Path, shape: tuple) -> np.ndarray:
    """Returns the uint8 array of `shape` that one idx file holds."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} is damaged: {error}. Received: {str(path)!r}."
        ) from None
    # Two zero bytes, 8 for uint8, the rank, then each axis as a big-endian int32;
    # an image file has no axis of channels.
    axes = np.array(shape[:3], dtype=">i4")
    header = bytes([0, 0, 8, len(axes)]) + axes.tobytes()
    if not content.startswith(header) or len(content) != len(header) + np.prod(shape):
        raise ValueError(
            f"{path} is no idx file of shape {shape[:3]}. "
            f"Received: {len(content)} bytes."
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _order(part: str, count: int) -> np.ndarray:
    """The numbers in the idx file of examples 0, 1, ... of tfds."""

    def digest(number):
        return hashlib.md5(f"{part}{number}".encode(), usedforsecurity=False).digest()

    return np.array(sorted(range(count), key=digest))
