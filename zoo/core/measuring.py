"""Random numbers of measuring: the same in each evaluation, and without a trace in
training, whose generator stays where it is."""

from collections.abc import Callable

import keras
from keras import ops

from zoo.inputs.tensors import Tensor

KEY = 0x5EED  # the first word of every seed; training's own is drawn
APART = 2**24  # more than the rows of a data set, from a step's draw to its next


class MeasuringSeed(keras.random.SeedGenerator):
    """A generator without a state: its seeds are computed from the rows measured so
    far, and from the number of the draw within a step.

    Args:
        rows: A function without arguments: rows measured so far, a scalar tensor.
    """

    def __init__(self, rows: Callable[[], Tensor]):
        super().__init__(KEY)
        self.rows, self.draws = rows, 0

    def next(self, ordered: bool = True) -> Tensor:
        place = ops.cast(self.rows(), "int32") + self.draws * APART % 2**31
        self.draws += 1
        words = [ops.cast(KEY, self.state.dtype), ops.cast(place, self.state.dtype)]
        return ops.stack(words)
