"""A folder of sharded TFRecords, as `experiments.prepare` writes it.

    records.json              fields, class names, number of examples and of files
    train-00000-of-00008.tfrecord, ...    validation-..., test-...
    train.npy, ...            the index: where an example's pictures lie, its label
    train.jsonl, ...          captions, if there are any: a list a line, for an example

The TFRecords are ordinary ones, of `tf.train.Example`s with `image/encoded` (PNG),
`image/class/label`, `source/encoded`, `caption` and `clip/encoded` (one PNG with the
frames one below the other), for whatever else reads such files. Here the index is read,
and of the files only the pictures themselves, in any order and many at once: an epoch
has the order of (seed, epoch) that it has in memory, and TensorFlow is not needed.

Domains that are not paired have files of their own: those of the second, for example,
are train-source-00000-of-00004.tfrecord and train-source.npy.
"""

import io
import itertools
import json
import math
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from zoo.data import arguments, disk, examples, resize, source
from zoo.inputs import pictures

FORMAT = 2
DESCRIPTION = "records.json"
# One row of the index: file, label (or -1), then first byte and number of bytes of the
# PNG of each picture, in the order of the fields.
FILE, LABEL, PLACES = range(3)


class Records(source.Source):
    """A data set that was written by `zoo.data.sources.recording.write`."""

    def __init__(self, path: str):
        self.name = f"records:{path}"
        self._root = pathlib.Path(path).expanduser()
        description = self._described(path)
        names = description["class_names"]
        self.class_names = None if names is None else tuple(names)
        self._fields: dict[str, examples.Shape] = {
            field: None if shape is None else tuple(shape)
            for field, shape in description["fields"].items()
        }
        self.domains = tuple(description["domains"])
        self.rules = description["rules"]
        self.unmirrored = description.get("unmirrored")  # None of an older zoo's
        self.image_shape = self._fields[examples.main(self._fields)]
        self._files, self._index, self._captions = [], {}, {}
        for first, fields in self.groups().items():
            for part in arguments.PARTS:
                self._open(part, first, fields, description)
            for rows in (self._index, self._captions):
                if ("train", first) in rows:
                    both = [rows["train", first], rows["validation", first]]
                    rows[arguments.BOTH, first] = np.concatenate(both)
        self.num_examples = {split: self._count(split) for split in arguments.SPLITS}

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`, None for captions."""
        return dict(self._fields)

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{field: array}`, as `zoo.data.examples` tells them."""
        columns = self._on_disk(split, image_size)
        for field in examples.PICTURES:
            if field in columns:
                column = columns[field]
                columns[field] = column[np.arange(len(column))]
        return columns

    def columns(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """As `read`, but pictures of a large set are read when they are asked for."""
        if self.is_large(image_size):
            return self._on_disk(split, image_size)
        return self.read(split, image_size)

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`, or None if there are none."""
        if self.class_names is None:
            return None
        first = next(iter(self.groups()))
        return self._index[split, first][:, LABEL].astype(np.int32)

    def _on_disk(self, split, image_size):
        """`{field: column}`, of which pictures are `disk.Column`s."""
        shapes = self.shapes(image_size)
        columns = {}
        for first, fields in self.groups().items():
            rows = self._index[split, first]
            for number, field in enumerate(picture_fields(fields)):
                start = PLACES + 2 * number
                places = rows[:, [FILE, start, start + 1]]
                reader = self._reader(self._fields[field], shapes[field])
                columns[field] = disk.Column(places, shapes[field], reader)
            if "caption" in fields:
                columns["caption"] = self._captions[split, first]
        return columns | self.labelled(split)

    def _reader(self, stored, shape):
        """Returns a function of places that yields the pictures there, resized."""

        def read(places):
            by_file = itertools.groupby(places, lambda place: place[0])
            for number, group in by_file:
                with open(self._files[number], "rb") as file:
                    for _, start, size in group:
                        frames = _picture(file, start, size, stored)
                        small = resize.resize_all(frames, shape[-3:-1])
                        yield small.reshape(shape)

        return read

    def _count(self, split):
        """The number of examples of a split, or `{domain: number}`."""
        counts = {first: len(self._index[split, first]) for first in self.groups()}
        return counts if self.domains else next(iter(counts.values()))

    def _described(self, path):
        """What records.json holds, as format 2; ValueError if it is none of ours."""
        file = self._root / DESCRIPTION
        if not path or not file.is_file():
            raise FileNotFoundError(
                "records: wants a folder that experiments.prepare has written. "
                f"Received: {path!r}."
            )
        try:
            description = _upgraded(json.loads(file.read_text()))
            sound = _is_sound(description)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ):
            sound = False
        if not sound:
            raise ValueError(
                f"{DESCRIPTION} is damaged, or of another version of the zoo. "
                f"Received: {self.name!r}."
            )
        return description

    def _open(self, part, first, fields, description):
        """Reads and checks the index of a part of one domain, and its captions."""
        stem = stem_of(part, first, self.domains)
        count = description["files"][stem]
        files = [self._root / file_name(stem, n, count) for n in range(count)]
        try:
            rows = np.load(self._root / f"{stem}.npy", allow_pickle=False)
            sizes = np.array([file.stat().st_size for file in files], np.int64)
            if "caption" in fields:
                lines = (
                    (self._root / f"{stem}.jsonl").read_text("utf-8").split("\n")[:-1]
                )
                texts = examples.captions(self.name, map(json.loads, lines))
                self._captions[part, first] = texts
        except (OSError, ValueError, EOFError, TypeError, RecursionError) as error:
            raise ValueError(
                f"The {stem} part is not whole ({error}); write it again by "
                f"experiments.prepare. Received: {self.name!r}."
            ) from None
        if description["format"] == 1 and rows.ndim == 2 and rows.shape[1] == 4:
            rows = rows[:, [0, 3, 1, 2]]  # once file, start, size, label
        sound = self._fits(rows, len(picture_fields(fields)), sizes, "label" in fields)
        if "caption" in fields:
            sound = sound and len(texts) == len(rows)
        if not sound:
            raise ValueError(
                f"The index {stem}.npy does not fit its files; write them again by "
                f"experiments.prepare. Received: {self.name!r}."
            )
        rows[:, FILE] += len(self._files)
        self._index[part, first] = rows
        self._files += files

    def _fits(self, rows, num_pictures, sizes, is_labelled):
        """Whether the rows of an index point into files of these sizes."""
        if rows.dtype != np.int64 or rows.shape != (len(rows), 2 + 2 * num_pictures):
            return False
        if not len(rows):
            return True
        file, label = rows[:, FILE], rows[:, LABEL]
        starts, lengths = rows[:, PLACES::2], rows[:, PLACES + 1 :: 2]
        low, high = (0, len(self.class_names or ())) if is_labelled else (-1, 0)
        return bool(
            file.min() >= 0
            and file.max() < len(sizes)
            and starts.min() >= 0
            and lengths.min() > 0
            and np.all(starts <= sizes[file][:, None] - lengths)
            and label.min() >= low
            and label.max() < high
        )


def picture_fields(fields: Iterable[str]) -> list[str]:
    """Those of the fields that are pictures, in their order."""
    return [field for field in fields if field in examples.PICTURES]


def _upgraded(description):
    """A description of format 1, which knew images and labels alone, as format 2."""
    if description["format"] != 1:
        return description
    fields = {"image": description["image_shape"]}
    if description["class_names"] is not None:
        fields["label"] = []
    return description | {"fields": fields, "domains": [], "rules": None}


def _is_sound(description):
    """Whether the values of a description are of the right kinds."""
    fields, domains = description["fields"], description["domains"]
    names = description["class_names"]
    stems = [
        stem_of(part, first, domains)
        for part in arguments.PARTS
        for first in domains or [""]
    ]
    numbers = [description["files"][stem] for stem in stems]
    numbers += [side for shape in fields.values() for side in shape or ()]
    rules = description["rules"]
    if not isinstance(description.get("unmirrored"), (str, type(None))):
        return False
    if rules is not None:
        pictures.Rules(None, 3, **rules)  # TypeError if there are others
    ranks = {"image": 3, "source": 3, "clip": 4, "label": 0}
    return (
        description["format"] in (1, FORMAT)
        and all(isinstance(n, int) and 0 <= n < 2**16 for n in numbers)
        and all(
            shape is None if field == "caption" else len(shape) == ranks[field]
            for field, shape in fields.items()
        )
        and ("image" in fields or "clip" in fields)
        and all(domain in fields for domain in domains)
        and ("label" in fields) == (names is not None)
        and (names is None or all(isinstance(name, str) for name in names))
    )


def _picture(file, start, size, stored):
    """The frames of a picture in a file, uint8 `[T, H, W, C]`; T is 1 but for clips."""
    *frames, height, width, channels = stored
    count = math.prod(frames)
    file.seek(start)
    try:
        with Image.open(io.BytesIO(file.read(size)), formats=("PNG",)) as image:
            shape = (image.height, image.width, len(image.getbands()))
            if shape != (count * height, width, channels):
                raise ValueError(f"it is an image of shape {shape}")
            return np.asarray(image).reshape(count, height, width, channels)
    except Exception as error:  # decoders raise anything on damaged bytes
        raise ValueError(
            f"The image at byte {start} cannot be read ({error}); write the file "
            f"again by experiments.prepare. Received: {file.name}."
        ) from None


def stem_of(part: str, first: str, domains: Sequence[str]) -> str:
    """The beginning of the names of all files of a part of one domain."""
    return f"{part}-{first}" if first in domains[1:] else part


def file_name(stem: str, number: int, count: int) -> str:
    """Name of one of the `count` files of a part."""
    return f"{stem}-{number:05d}-of-{count:05d}.tfrecord"
