"""Looks once at the data that `fit` is given: arrays, a `tf.data` set or a
PyDataset."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator

import keras
import numpy as np
from numpy.typing import ArrayLike

from zoo.inputs import checks, forms, shapes
from zoo.inputs.derived import Derived
from zoo.inputs.fields import IMAGES, PIXELS, PLURALS, Layout
from zoo.inputs.tensors import Data, Tensor
from zoo.inputs.words import Tokenizer


@dataclasses.dataclass
class Feed:
    """Data as `fit` was given them, and what one look at them says.

    Attributes:
        x, y: The data as Keras' `fit` takes them.
        first: {field: array} of the first batch, or of all rows if `x` is arrays.
        is_arrays: Whether the data are arrays in memory, not batches.
    """

    x: Data
    y: Tensor
    first: dict[str, np.ndarray]
    is_arrays: bool

    @property
    def rows(self) -> int:
        """The number of rows of the first batch, or of all rows if `x` is arrays."""
        return len(next(iter(self.first.values())))

    @property
    def count(self) -> int | None:
        """The number of all rows; None where several batches would have to tell."""
        if self.is_arrays:
            return self.rows
        is_sized = hasattr(self.x, "cardinality")
        batches = self.x.cardinality() if is_sized else self.x.num_batches
        return self.rows if batches is not None and int(batches) == 1 else None

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{field: shape of a row} of images and clips, checked."""
        return {n: _row_shape(n, x) for n, x in self.first.items() if n in PIXELS}


def look(
    x: Data,
    y: ArrayLike | None = None,
    layout: Layout = IMAGES,
    first_only: bool = False,
) -> Feed:
    """Returns the `Feed` of what `fit`, `evaluate` and `predict` take.

    Args:
        x: Arrays, as one value, as a tuple in the order of `layout.takes` or as a dict
            by field; or a `tf.data` set or PyDataset of such batches.
        y: The second field, if `x` is the array of the first.
        layout: The model's `Layout`.
        first_only: Whether the first field is enough.
    Raises: ValueError: if the data hold other fields than the model takes, no row, or
        fields of different numbers of rows.
    """
    for value in (x, y):
        forms.refuse_pil(value)
    if is_set(x):
        if y is not None:
            raise ValueError("Labels belong into the data set when images come as one.")
        if hasattr(x, "element_spec"):
            shapes_of(x, layout, first_only)  # refuses single images
        batch = layout.read(_first_batch(x), first_only)
        return Feed(x, None, {k: np.asarray(v) for k, v in batch.items()}, False)
    arrays = _arrays(x, y, layout, first_only)
    _check_rows(arrays, layout)
    names = tuple(arrays)
    if names in (("image",), ("image", "label"), ("source", "image")):
        x, y = (*arrays.values(), None)[:2]
    else:
        x, y = arrays, None
    return Feed(x, y, arrays, True)


def is_set(x: Data) -> bool:
    """Whether `x` is a data set of batches: of `tf.data`, or a PyDataset."""
    return hasattr(x, "element_spec") or hasattr(x, "num_batches")


def _arrays(x, y, layout, first_only):
    """Returns {field: array} of data that are arrays in memory."""
    if isinstance(x, (tuple, dict)):
        batch = layout.read(x, first_only or y is not None)
        if y is not None:
            batch = layout.read((batch[layout.takes[0]], y))
    elif hasattr(x, "__array__") or layout.takes[0] == "caption":
        batch = layout.read(x if y is None else (x, y), first_only)
    else:
        fields = f"({', '.join(PLURALS[name] for name in layout.takes)})"
        raise ValueError(
            f"{PLURALS[layout.takes[0]].capitalize()} come as a NumPy array, a tuple "
            f"{fields}, a tf.data set or a keras.utils.PyDataset{_to_arrays(x, fields)}"
            f". Received: {type(x).__name__}."
        )
    return {name: _array(name, value) for name, value in batch.items()}


def _to_arrays(x, fields):
    """Which call makes arrays of a list or of what yields batches, or nothing."""
    if isinstance(x, list):
        return "; of a list: np.stack(images)"
    if isinstance(x, Iterable) and not isinstance(x, Collection):
        call = "tuple(map(np.concatenate, zip(*batches)))"  # for each field
        return f"; of batches {fields} that come to an end: {call}"
    return ""


def _array(name, value):
    if name == "caption":
        return np.array(checks.to_texts(value), object)
    if name in PIXELS:
        array = checks.to_array(value, name)
        checks.row_shape(array, name)  # before the rows of a single image are counted
        return array
    labels = checks.to_labels(value)
    if labels.ndim == 0 or labels.dtype.kind not in "iuf":
        raise forms.wrong_labels(labels)
    return labels


def _check_rows(arrays, layout):
    counts = {name: len(array) for name, array in arrays.items()}
    if layout.is_paired and len(set(counts.values())) > 1:
        names = " and ".join(PLURALS[name] for name in counts)
        numbers = ", ".join(
            f"{count} {PLURALS[name]}" for name, count in counts.items()
        )
        raise ValueError(
            f"{names.capitalize()} need the same length. Received: {numbers}."
        )


def _first_batch(x):
    if hasattr(x, "element_spec"):
        batch = next(iter(x.take(1).as_numpy_iterator()), None)
    else:
        batch = None if x.num_batches == 0 else x[0]
    if batch is None:
        raise ValueError("The data set is empty: it yields no batch.")
    return batch


def shape_of(x: Data) -> tuple[int, ...]:
    """Returns the checked shape (H, W, C) of the images of a data set; from a `tf.data`
    set no batch is taken."""
    return shapes_of(x)["image"]


def shapes_of(
    x: Data, layout: Layout = IMAGES, first_only: bool = False
) -> dict[str, tuple[int, ...]]:
    """Returns {field: shape of a row}, checked, of the images and clips of the data set
    `x`; from a `tf.data` set no batch is taken."""
    if not hasattr(x, "element_spec"):
        batch = layout.read(_first_batch(x), first_only)
    else:
        batch = layout.read(x.element_spec, first_only)
        for name in batch.keys() & set(PIXELS):
            _check_spec(name, batch[name])
    return {name: _row_shape(name, batch[name]) for name in PIXELS if name in batch}


def _row_shape(name, value):
    return shapes.BY_FIELD[name](value.shape)


def _check_spec(name, spec):
    rank, what = (4, "clips") if name == "clip" else (3, "images")
    if spec.shape.rank == rank and spec.shape[-1] in (1, 3):
        raise ValueError(
            f"The tf.data set yields single {what}; call .batch(128) on it first. "
            f"Received: elements of shape {spec.shape.as_list()}."
        )
    if spec.shape.rank != rank + 1:
        axes = "[B, T, H, W, C]" if name == "clip" else "[B, H, W, C]"
        way = "images[..., None] adds the channel of grey ones. "
        raise ValueError(
            f"{way if spec.shape.rank == rank else ''}Batches of {what} have the shape "
            f"{axes}. "
            f"Received: elements of shape {spec.shape}."
        )


# --- batches of another form ----------------------------------------------------------


class Domains(keras.utils.PyDataset):
    """Batches of fields of which each has its own number of rows and its own order.

    An epoch goes once through the largest field. The smaller ones start again within
    it, each time in another order.

    Args:
        arrays: {field: array `[N, ...]`}.
        batch_size: Rows per batch; the last batch may have fewer.
        shuffle: Whether rows are shuffled, in an order that epoch and field decide.
    """

    is_ordered = True

    def __init__(
        self, arrays: dict[str, np.ndarray], batch_size: int, shuffle: bool = True
    ):
        super().__init__()
        self.arrays, self.batch_size, self.shuffle = arrays, batch_size, shuffle
        self.count = max(map(len, arrays.values()))
        self.epoch = 0

    @property
    def num_batches(self) -> int:
        return -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        start = index * self.batch_size
        places = np.arange(start, min(start + self.batch_size, self.count))
        return {
            name: array[self._rows(number, len(array), places)]
            for number, (name, array) in enumerate(self.arrays.items())
        }

    def _rows(self, number, count, places):
        rows, rounds = places % count, places // count
        if not self.shuffle:
            return rows
        for each in np.unique(rounds):
            draw = np.random.default_rng((self.epoch, number, int(each)))
            rows[rounds == each] = draw.permutation(count)[rows[rounds == each]]
        return rows

    def on_epoch_end(self) -> None:
        self.epoch += 1


class Tokenized(Derived):
    """Batches of a PyDataset, with their captions as tokens.

    Args:
        data: The PyDataset.
        layout: The model's `Layout`.
        tokenizer: A `words.Tokenizer`.
    """

    def __init__(self, data: Data, layout: Layout, tokenizer: Tokenizer):
        super().__init__(data)
        self.layout, self.tokenizer = layout, tokenizer

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return tokenized(self.layout.read(self.data[index]), self.tokenizer)


def tokenized(batch: dict[str, Tensor], tokenizer: Tokenizer) -> dict[str, Tensor]:
    """Returns the batch {field: array} with tokens in the place of captions."""
    texts = checks.to_texts(batch["caption"])
    return batch | {"caption": tokenizer.tokens(texts)}


def tokenized_set(data: Data, layout: Layout, tokenizer: Tokenizer) -> Data:
    """Returns the `tf.data` set or PyDataset `data` with tokens in the place of
    captions, as dicts by field: no text reaches a training step."""
    if not hasattr(data, "element_spec"):
        return Tokenized(data, layout, tokenizer)
    import tensorflow as tf  # here is somebody's tf.data set, so it is imported already

    def tokens(captions):
        return tokenizer.tokens(checks.to_texts(captions))

    def replace(*parts):
        batch = dict(layout.read(parts if parts[1:] else parts[0]))
        ids = tf.numpy_function(tokens, [batch["caption"]], tf.int32)
        batch["caption"] = tf.ensure_shape(ids, (None, tokenizer.length))
        return batch

    return data.map(replace)


def texts_of(data: Data, layout: Layout) -> Iterator[str]:
    """Yields the captions of all batches of a data set, going through it once."""
    for batch in _batches(data):
        yield from checks.to_texts(layout.read(batch)["caption"])


def require_sound(data: Data, layout: Layout, num_classes: int | None) -> None:
    """Raises ValueError, with the number of the batch, if a batch of a data set holds
    wrong images or labels. It is called after NaN appeared, to find the cause."""
    for number, batch in enumerate(_batches(data), 1):
        for name, value in layout.read(batch).items():
            try:
                if name in PIXELS:
                    checks.check_images(np.asarray(value), field=name)
                elif name == "label" and num_classes:
                    checks.check_labels(value, len(value), num_classes)
            except ValueError as error:
                raise ValueError(f"Batch {number}: {error}") from None


def _batches(data):
    """Yields the batches of a data set, going through it once."""
    if hasattr(data, "as_numpy_iterator"):
        yield from data.as_numpy_iterator()
    elif hasattr(data, "num_batches"):
        yield from (data[index] for index in range(data.num_batches or 0))
