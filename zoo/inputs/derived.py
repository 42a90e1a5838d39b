"""A PyDataset whose batches are made of another one's."""

import keras

from zoo.inputs.tensors import Batch


class Derived(keras.utils.PyDataset):
    """Batches that are made of those of a PyDataset, with its workers and its order.

    A subclass says by `__getitem__` how, and by `num_batches` how many, unless there
    are as many.

    Args:
        data: The PyDataset.
    """

    def __init__(self, data: keras.utils.PyDataset):
        super().__init__(data.workers, data.use_multiprocessing, data.max_queue_size)
        self.data = data
        self.is_ordered = getattr(data, "is_ordered", False)

    @property
    def num_batches(self) -> int | None:
        return self.data.num_batches

    def __getitem__(self, index: int) -> Batch:
        raise TypeError(f"{type(self).__name__} does not define __getitem__.")

    def on_epoch_begin(self) -> None:
        self.data.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.data.on_epoch_end()
