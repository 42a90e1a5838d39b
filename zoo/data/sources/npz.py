"""A NumPy .npz file as a data set."""

import contextlib
import hashlib
import pathlib
import zipfile
import zlib
from typing import Any

import numpy as np

from zoo.data import resize, source
from zoo.inputs import memory

MAX_BYTES = 8 * 2**30  # unpacked; more is taken for a decompression bomb
MAX_CLASSES = 2**16


class Npz(source.Source):
    """Keys `x_train`, `y_train`, `x_test`, `y_test`, or `images` and `labels`.

    Labels may be missing; so may `x_test`, and then the last tenth of `x_train` is the
    test set. `images` is split by the hashes of its images (`source.by_content`).

    Images are `[N, H, W]` or `[N, H, W, C]` of whole numbers 0..255, or floats in
    [-1, 1]. Floats without a value below -0.01 are refused, since [0, 1] cannot be told
    from dark or bright images in [-1, 1]. Nothing is ever unpickled.
    """

    def __init__(self, path: str):
        self.name = f"npz:{path}"
        content = _content(pathlib.Path(path).expanduser(), self.name)
        if "x_train" in content:
            self._parts = self._ready_made(content)
        elif "images" in content:
            self._parts = self._cut(content)
        else:
            raise ValueError(
                "npz: wants the keys x_train, y_train, x_test, y_test, or images, "
                f"labels. Received: keys {sorted(content)} in {self.name!r}."
            )
        self.image_shape = self._parts["train"][0][0].shape[1:]
        labels = [self.labels(split) for split in self._parts]
        self.class_names = None
        labels = [part for part in labels if part is not None]
        if labels:
            count = max(part.max(initial=-1) for part in labels) + 1
            self.class_names = tuple(str(label) for label in range(count))
        self.num_examples = {
            split: len(np.arange(len(pair[0]))[rows])
            for split, (pair, rows) in self._parts.items()
        }

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, C], "label": int32 [N]}`."""
        (images, _), rows = self._parts[split]
        columns = {"image": resize.resize_all(images[rows], image_size)}
        return columns | self.labelled(split)

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`, or None if there are none."""
        (_, labels), rows = self._parts[split]
        return None if labels is None else labels[rows]

    def _ready_made(self, content):
        """Returns `{split: ((images, labels), rows)}` of a file with ready splits."""
        train = self._pair(content, "x_train", "y_train")
        test = train
        if "x_test" in content:
            test = self._pair(content, "x_test", "y_test")
        same = test[0].shape[1:] == train[0].shape[1:]
        if not same or (train[1] is None) != (test[1] is None):
            raise ValueError(
                "x_train and x_test must agree in image shape and in having labels. "
                f"Received: {train[0].shape} and {test[0].shape} in {self.name!r}."
            )
        num_test = None if test is train else len(test[0])
        cuts = source.ranges(len(train[0]), num_test)
        parts = {split: (train, slice(*cuts[split])) for split in cuts}
        parts["test"] = (test, slice(*cuts["test"]))
        return parts

    def _cut(self, content):
        """Returns `{split: ((images, labels), rows)}` of a file without splits."""
        pair = self._pair(content, "images", "labels")
        digests = [hashlib.sha256(image.tobytes()).digest() for image in pair[0]]
        cuts = source.by_content(digests)
        return {split: (pair, rows) for split, rows in cuts.items()}

    def _pair(self, content, image_key, label_key):
        """Returns checked uint8 images `[N, H, W, C]` and int32 labels or None."""
        images = _images(content[image_key], f"{image_key} in {self.name!r}")
        if label_key not in content:
            return images, None
        where = f"{label_key} in {self.name!r}"
        return images, _labels(content[label_key], len(images), where)


def _content(path: pathlib.Path, name: str) -> dict[str, Any]:
    """Returns the arrays of interest in an .npz file."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file. Received: {name!r}.")
    wanted = ("x_train", "y_train", "x_test", "y_test", "images", "labels")
    with _named(name):
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_BYTES:
            raise ValueError(f"it unpacks to {size} bytes, more than {MAX_BYTES}")
    # What is unpacked, and the split that is then read of it.
    memory.require(2 * size, name, "save them as files, for folder:PATH")
    with _named(name), np.load(path, allow_pickle=False) as file:
        return {key: file[key] if key in wanted else None for key in file.files}


@contextlib.contextmanager
def _named(name):
    """Names the data set in what the readers of its file raise."""
    try:
        yield
    except (
        *(OSError, ValueError, EOFError, KeyError, MemoryError, NotImplementedError),
        *(zipfile.BadZipFile, zlib.error, SyntaxError),
    ) as error:
        raise ValueError(
            f"The .npz file cannot be read: {error}. Received: {name!r}."
        ) from None


def _images(images: np.ndarray, where: str) -> np.ndarray:
    """Returns images as uint8 `[N, H, W, C]`; ValueError if there is any doubt."""
    received = f"Received: {where} of shape {images.shape} and dtype {images.dtype}."
    if images.ndim in (3, 4) and not images.size:
        raise ValueError(f"The file holds no images. {received}")
    if images.ndim not in (3, 4):
        raise ValueError(f"Images must be [N, H, W] or [N, H, W, C]. {received}")
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise ValueError(f"Images must be numbers, best uint8 0..255. {received}")
    low, high = images.min(), images.max()
    values = f"values from {low} to {high}. {received}"
    if images.dtype.kind in "iu":
        if low < 0 or high > 255:
            raise ValueError(f"Whole-numbered images must lie in 0..255, not {values}")
        return images.astype(np.uint8)
    # NaN fails every comparison, so it ends here too.
    if not (low >= -1 and high <= 1):
        raise ValueError(f"Float images must be finite and in [-1, 1], not {values}")
    if low >= -0.01:
        raise ValueError(
            "Float images must be in [-1, 1]; if these are in [0, 1], save them as "
            f"np.uint8(np.round(images * 255)). They hold {values}"
        )
    return np.rint((images.astype(np.float32) + 1) * 127.5).astype(np.uint8)


def _labels(labels: np.ndarray, count: int, where: str) -> np.ndarray:
    """Returns labels as int32 `[N]`; ValueError unless there is one an image."""
    received = f"Received: {where} of shape {labels.shape} and dtype {labels.dtype}."
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise ValueError(
            f"Labels must be whole numbers, one for each of {count} images. {received}"
        )
    if labels.min() < 0 or labels.max() >= MAX_CLASSES:
        raise ValueError(
            f"Labels must lie in 0..{MAX_CLASSES - 1}, not in {labels.min()}.."
            f"{labels.max()}. {received}"
        )
    return labels.astype(np.int32)
