"""Pictures that stay on disk until their rows are asked for."""

import itertools
from collections.abc import Callable, Iterator
from concurrent import futures

import numpy as np

READERS = 16  # threads; reading waits for the disk, and decoding leaves Python


class Column:
    """Pictures on disk, indexed by row numbers like an array uint8 `[N, ..., H, W, C]`.

    Args:
        rows: What `read` wants to know of each picture, an array `[N, ...]`; pictures
            of neighbouring rows in it lie beside each other on disk.
        shape: Of one picture.
        read: Function of (rows) that yields the pictures of these rows, in their order.
        is_film: Whether a picture is reached through those before it.
    """

    def __init__(
        self, rows: np.ndarray, shape: tuple, read: Callable, is_film: bool = False
    ):
        self.rows, self.read, self.is_film = rows, read, is_film
        self.shape = (len(rows), *shape)
        self.pool = futures.ThreadPoolExecutor(READERS, "pictures")

    def __len__(self):
        return len(self.rows)

    def chosen(self, numbers: np.ndarray) -> "Column":
        """Returns these rows alone, still on disk."""
        return Column(self.rows[numbers], self.shape[1:], self.read, self.is_film)

    def chunks(self, size: int) -> Iterator[np.ndarray]:
        """Yields all pictures in their order, `size` of them at a time; a film is gone
        through once."""
        if self.is_film:
            pictures = iter(self.read(self.rows))
            while part := list(itertools.islice(pictures, size)):
                yield np.stack(part)
            return
        for start in range(0, len(self), size):
            yield self[np.arange(start, min(start + size, len(self)))]

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        pictures = np.empty((len(numbers), *self.shape[1:]), np.uint8)

        def fill(places):
            rows = self.rows[numbers[places]]
            for place, picture in zip(places, self.read(rows), strict=True):
                pictures[place] = picture

        # A thread takes neighbours one after the other: few files are open at once.
        parts = np.array_split(np.argsort(numbers, kind="stable"), READERS)
        list(self.pool.map(fill, [part for part in parts if len(part)]))
        return pictures
