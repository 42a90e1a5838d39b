"""What sets made by rule share: numbers by (seed, index), and pictures on demand."""

import abc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoo.data import arguments, examples, source

CHUNK = 128  # examples that are drawn at a time, so that memory is bounded
MAX_SEED = 2**63 - 1

SEED = source.Option(0, "Number that a set made by rule is drawn from.")


def checked_seed(value: int) -> int:
    """Returns the number that a set is drawn from; ValueError if it is of no use."""
    return arguments.whole("drawn_from", value, 0, MAX_SEED)


def uniforms(count: int, seed: int, stream: int, columns: int = 1) -> np.ndarray:
    """Returns numbers in [0, 1), float64 `[count, columns]`; row i is a function of
    (seed, stream, i) alone.

    Only raw Philox words are used, which NumPy promises never to change.
    """
    key = np.array([seed, stream], np.uint64)
    words = np.random.Philox(key=key).random_raw(count * columns)
    return (words >> np.uint64(11)).reshape(count, columns) * 2.0**-53


class Column:
    """Pictures that are drawn when their rows are asked for, indexed by row numbers
    like an array uint8 `[N, ..., H, W, C]`.

    Args:
        rows: What `draw` wants to know of each picture, an array `[N, ...]`.
        shape: Of one picture.
        draw: Function of (rows) that returns their pictures.
    """

    def __init__(self, rows: np.ndarray, shape: tuple, draw: Callable):
        self.rows, self.draw = rows, draw
        self.shape = (len(rows), *shape)

    def __len__(self):
        return len(self.rows)

    def chosen(self, numbers: np.ndarray) -> "Column":
        """Returns these rows alone, not drawn yet."""
        return Column(self.rows[numbers], self.shape[1:], self.draw)

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        pictures = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for start in range(0, len(numbers), CHUNK):
            part = slice(start, start + CHUNK)
            pictures[part] = self.draw(self.rows[numbers[part]])
        return pictures


class Drawn(source.Source):
    """A set whose example i is a function of (seed, i), drawn when it is asked for.

    A subclass says in `columns` what the fields of a split are. The first `cut` rows of
    training are train, the last tenth is validation; test rows are counted from 0.

    Args:
        num_train, num_test: Examples of train and validation together, and of test.
    """

    def __init__(self, num_train: int, num_test: int):
        self._rows = source.ranges(num_train, num_test)
        self.num_examples = {s: stop - start for s, (start, stop) in self._rows.items()}

    @staticmethod
    def check(which: str, options: Mapping[str, Any]) -> None:
        """Raises ValueError if drawn_from is no such number."""
        checked_seed(options.get("drawn_from", SEED.default))

    @abc.abstractmethod
    def columns(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns `{field: column}`; pictures are a `Column`."""

    def read(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns `{field: array}`, with all pictures drawn."""
        columns = self.columns(split, image_size)
        for field in examples.PICTURES:
            if field in columns:
                columns[field] = columns[field][np.arange(len(columns[field]))]
        return columns

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`, or None, without drawing a picture."""
        return self.columns(split, None).get("label")
