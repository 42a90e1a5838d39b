"""A folder of sharded TFRecords, as `experiments.prepare` writes it.

    records.json              name, image shape, class names, number of examples
    train-00000-of-00008.tfrecord, ...    validation-..., test-...
    train.npy, ...            the index: where each example's image lies, and its label

The TFRecords are ordinary ones, of `tf.train.Example`s with `image/encoded` (PNG) and
`image/class/label`, for whatever else reads such files. Here the index is read, and of
the files only the images themselves, in any order and many at once: an epoch has the
order of (seed, epoch) that it has in memory, and TensorFlow is not needed.
"""

import io
import itertools
import json
import math
import pathlib
from concurrent import futures

import numpy as np
from PIL import Image

from zoo.data import resize, source
from zoo.data.sources import prepared

FORMAT = 1
DESCRIPTION = "records.json"
PARTS = ("train", "validation", "test")  # the splits that files are written of
# One row of the index: file, first byte and number of bytes of the PNG, label (or -1).
FILE, START, SIZE, LABEL = range(4)
READERS = 16  # threads; reading waits for the disk, and decoding leaves Python


class Records(source.Source):
    """A data set that was written by `zoo.data.sources.recording.write`."""

    def __init__(self, path: str):
        self.name = f"records:{path}"
        self._root = pathlib.Path(path).expanduser()
        told = self._described(path)
        self.image_shape = tuple(told["image_shape"])
        names = told["class_names"]
        self.class_names = None if names is None else tuple(names)
        self._files = []
        self._rows = {part: self._index(part, told["files"][part]) for part in PARTS}
        both = [self._rows["train"], self._rows["validation"]]
        self._rows["train+validation"] = np.concatenate(both)
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    def read(self, split, image_size):
        """Returns uint8 images `[N, H, W, C]` and int32 labels `[N]` or None."""
        images, labels = self.lazily(split, image_size)
        return images[np.arange(len(images))], labels

    def lazily(self, split, image_size):
        """As `read`, but an image is read when its row is asked for: `Images`."""
        self.shape(image_size)  # refuses sizes that no model takes
        images = Images(self._rows[split], self._files, self.image_shape, image_size)
        return images, self.labels(split)

    def labels(self, split):
        """Returns int32 labels `[N]`, or None if there are none."""
        if self.class_names is None:
            return None
        return self._rows[split][:, LABEL].astype(np.int32)

    def is_large(self, image_size):
        """Whether the training images are too many to be held in memory."""
        pixels = math.prod(self.shape(image_size))
        return self.num_examples["train"] * pixels > prepared.STREAM_ABOVE

    def _described(self, path):
        """What records.json tells; ValueError if it is none of ours."""
        file = self._root / DESCRIPTION
        if not path or not file.is_file():
            raise FileNotFoundError(
                "records: wants a folder that experiments.prepare has written. "
                f"Received: {path!r}."
            )
        try:
            told = json.loads(file.read_text())
            names, files = told["class_names"], told["files"]
            sound = told["format"] == FORMAT and len(told["image_shape"]) == 3
            numbers = [*told["image_shape"], *(files[part] for part in PARTS)]
            sound &= all(isinstance(n, int) and 0 <= n < 2**16 for n in numbers)
            sound &= names is None or all(isinstance(name, str) for name in names)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            sound = False
        if not sound:
            raise ValueError(
                f"{DESCRIPTION} is damaged, or of another version of the zoo. "
                f"Received: {self.name!r}."
            )
        return told

    def _index(self, part, count):
        """The checked index of one part, whose files are added to all files."""
        files = [self._root / file_name(part, n, count) for n in range(count)]
        try:
            rows = np.load(self._root / f"{part}.npy", allow_pickle=False)
            sizes = np.array([file.stat().st_size for file in files], np.int64)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(
                f"The {part} part is not whole ({error}); write it again by "
                f"experiments.prepare. Received: {self.name!r}."
            ) from None
        sound = rows.dtype == np.int64 and rows.ndim == 2 and rows.shape[1] == 4
        if sound and len(rows):
            file, start, size, label = rows.T
            low, high = (-1, 0) if self.class_names is None else (0, self.num_classes)
            sound = file.min() >= 0 and file.max() < count
            sound = sound and start.min() >= 0 and size.min() > 0
            sound = sound and bool(np.all(start <= sizes[file] - size))
            sound = sound and label.min() >= low and label.max() < high
        if not sound:
            raise ValueError(
                f"The index {part}.npy does not fit its files; write them again by "
                f"experiments.prepare. Received: {self.name!r}."
            )
        rows[:, FILE] += len(self._files)
        self._files += files
        return rows

    @property
    def num_classes(self):
        return len(self.class_names)


class Images:
    """Images on disk, indexed by row numbers like an array of uint8 `[N, H, W, C]`.

    Args:
        rows: Of an index, int64 `[N, 4]`.
        files: Paths of all files.
        stored: `(H, W, C)` of the files.
        image_size: Side in pixels to resize to, or None for as stored.
    """

    def __init__(self, rows, files, stored, image_size):
        self.rows, self.files = rows, files
        self.stored, self.image_size = stored, image_size
        sides = stored[:2] if image_size is None else (image_size, image_size)
        self.shape = (len(rows), *sides, stored[2])
        self.pool = futures.ThreadPoolExecutor(READERS, "records")

    def __len__(self):
        return len(self.rows)

    def chosen(self, numbers):
        """Returns these rows alone, still on disk."""
        rows = self.rows[numbers]
        return Images(rows, self.files, self.stored, self.image_size)

    def __getitem__(self, numbers):
        rows = self.rows[numbers]
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        # A thread takes rows of one file after the other: few files are open at once.
        places = np.array_split(np.argsort(rows[:, FILE], kind="stable"), READERS)

        def fill(some):
            for file, group in itertools.groupby(some, lambda place: rows[place, FILE]):
                with open(self.files[file], "rb") as opened:
                    for place in group:
                        images[place] = self._image(opened, *rows[place, 1:3])

        list(self.pool.map(fill, places))
        return images

    def _image(self, file, start, size):
        file.seek(start)
        try:
            with Image.open(io.BytesIO(file.read(size)), formats=("PNG",)) as image:
                shape = (image.height, image.width, len(image.getbands()))
                if shape != self.stored:
                    raise ValueError(f"it is an image of shape {shape}")
                pixels = np.asarray(image).reshape(shape)
        except Exception as error:  # decoders raise anything on damaged bytes
            raise ValueError(
                f"The image at byte {start} cannot be read ({error}); write the file "
                f"again by experiments.prepare. Received: {file.name}."
            ) from None
        return resize.resize_all(pixels[None], self.image_size)[0]


def file_name(part, number, count):
    """Name of one of the `count` files of a part."""
    return f"{part}-{number:05d}-of-{count:05d}.tfrecord"
