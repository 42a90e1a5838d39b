"""Joins several batches into one, for models whose training step takes more than one
batch."""

import keras
import numpy as np

from zoo.inputs.derived import Derived
from zoo.inputs.tensors import Data


def grouped(
    x: Data, count: int, rows: int, batch_size: int | None = None
) -> tuple[Data, int | None]:
    """Returns (x, batch_size) with `count` batches joined into one, in their order.

    Args:
        x: What `fit` takes: a tf.data set or PyDataset of batches, or arrays.
        count: Batches per step; the last step of an epoch may get fewer.
        rows: Rows of the first batch of a set.
        batch_size: Images per batch of NumPy images. Default: 32, as in Keras.
    """
    if count == 1:
        return x, batch_size
    if hasattr(x, "element_spec"):
        return _rebatched(x, count, rows), batch_size
    if hasattr(x, "num_batches"):
        return _Groups(x, count), batch_size
    return x, count * (batch_size or 32)


def _rebatched(data, count, rows):
    import tensorflow as tf  # here is somebody's tf.data set, so it is imported already

    groups = data.rebatch(count * rows)
    batches = int(data.cardinality())
    if batches < 0:  # unknown or infinite
        return groups
    return groups.apply(tf.data.experimental.assert_cardinality(-(-batches // count)))


class _Groups(Derived):
    """Batches of a PyDataset, joined `count` at a time."""

    def __init__(self, data, count):
        super().__init__(data)
        self.count = count

    @property
    def num_batches(self):
        batches = self.data.num_batches
        return batches and -(-batches // self.count)

    def __getitem__(self, index):
        first = index * self.count
        last = min(first + self.count, self.data.num_batches or np.inf)
        batches = [self.data[number] for number in range(first, int(last))]
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)
