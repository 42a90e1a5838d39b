"""Batches in the order of (seed, epoch) without TensorFlow, for Keras' other backends.

They have the methods of `tf.data` that training uses, and walk through the same
epochs.
"""

from collections.abc import Callable, Iterator

import keras

from zoo.inputs.tensors import Batch


class Epochs:
    """The epoch that a data set walks through, shared by all parts of the set."""

    def __init__(self, epoch: int, num_batches: int):
        self.epoch, self.last = epoch, num_batches - 1
        self.is_done = False  # whether the last batch has been handed out

    def begin(self) -> None:
        """An iteration begins: of the next epoch, if this one is done."""
        if self.is_done:
            self.epoch += 1
            self.is_done = False


class Batches(keras.utils.PyDataset):
    """A data set of which an iteration is one epoch, and the next one the next.

    An epoch is over when its last batch has been handed out and the next iteration
    begins; one that is left before counts as not begun.

    Args:
        batch: Function of (epoch, number) that returns a batch.
        numbers: Which batches of an epoch there are, a range.
        epochs: The `Epochs`.
    """

    is_ordered = True  # `fit` shall not shuffle it

    def __init__(
        self, batch: Callable[[int, int], Batch], numbers: range, epochs: Epochs
    ):
        super().__init__()
        self.batch, self.numbers, self.epochs = batch, numbers, epochs

    @property
    def num_batches(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Batch:
        number = self.numbers[index]
        self.epochs.is_done |= number == self.epochs.last
        return self.batch(self.epochs.epoch, number)

    def __iter__(self) -> Iterator[Batch]:
        self.on_epoch_begin()
        yield from (self[index] for index in range(self.num_batches))

    def on_epoch_begin(self) -> None:
        self.epochs.begin()

    def cardinality(self) -> int:
        """Returns the number of batches."""
        return self.num_batches

    def skip(self, count: int) -> "Batches":
        """Returns the batches of an epoch but for the first `count`."""
        return Batches(self.batch, self.numbers[count:], self.epochs)

    def take(self, count: int) -> "Batches":
        """Returns the first `count` batches of an epoch."""
        return Batches(self.batch, self.numbers[:count], self.epochs)

    def repeat(self) -> "Endless":
        """Returns epoch after epoch without end, as one."""
        return Endless(self.batch, self.numbers, self.epochs)


class Endless(keras.utils.PyDataset):
    """Batches of one epoch after the other, within one iteration; as `Batches`."""

    is_ordered = True

    def __init__(
        self, batch: Callable[[int, int], Batch], numbers: range, epochs: Epochs
    ):
        super().__init__()
        self.batch, self.numbers, self.epochs = batch, numbers, epochs

    @property
    def num_batches(self) -> None:
        return None  # as Keras says "without end"

    def __getitem__(self, index: int) -> Batch:
        epochs, index = divmod(index, len(self.numbers))
        return self.batch(self.epochs.epoch + epochs, self.numbers[index])
