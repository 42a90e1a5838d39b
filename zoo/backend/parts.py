"""The part of a batch whose gradient is being computed, if a batch is taken in parts.

Part i of N is rows i, i + N, i + 2N, ... of what this replica has of the batch, so that
the same images are in it on any number of replicas. Where rows stay together in blocks,
it is the blocks i, i + N, i + 2N, ...
"""

import contextlib
import contextvars
import dataclasses
import functools

from keras import ops

# Of this thread alone: each replica runs in one of its own.
_CURRENT = contextvars.ContextVar("part", default=None)


@dataclasses.dataclass(frozen=True)
class Part:
    """Part `index` of `count` of a batch of `rows`, an int or, in a graph, a tensor."""

    index: int
    count: int
    rows: object
    block: int = 1

    @property
    def share(self):
        """Of the batch's rows; 0 of a part that would be empty."""
        return ops.cast(self._own, "float32") / ops.cast(self.rows, "float32")

    @property
    def _own(self):
        """How many rows are ours."""
        whole, rest = self.rows // self.block, self.rows % self.block
        blocks = (whole - self.index + self.count - 1) // self.count
        if self.block == 1:
            return blocks
        is_last = ops.cast(whole % self.count == self.index, "int32")
        return self.block * blocks + rest * is_last

    def of(self, x):
        """Returns our rows of `x` `[rows, ...]`; the last row if we have none."""
        if self.block > 1:
            return self._blocks(x)
        first = self.index
        if not isinstance(self.rows, int):
            first = ops.minimum(first, self.rows - 1)
        return x[first :: self.count]

    def _blocks(self, x):
        """Our rows, where `block` consecutive ones stay together."""
        numbers = ops.arange(self.rows)
        position = numbers % self.block + self.block * (
            numbers // (self.block * self.count)
        )
        ours = (numbers // self.block) % self.count == self.index
        # Rows in the order of the batch, ours first; the others are cut off.
        order = ops.argsort(ops.where(ours, position, self.rows + numbers))
        own = self._own
        if isinstance(self.rows, int):
            return ops.take(x, order[: int(own)], axis=0)
        order = ops.where(own > 0, order, self.rows - 1)
        return ops.take(x, order[: ops.maximum(own, 1)], axis=0)


def split(rows, count, block=1):
    """Returns the `Part`s of a batch: `count`, or one a block of rows if these are
    fewer; where the number is not known before the step runs, some may be empty."""
    count = min(count, -(-rows // block)) if isinstance(rows, int) else count
    return [Part(index, count, rows, block) for index in range(count)]


def is_whole():
    """Whether no part, but a whole batch is being computed."""
    return _CURRENT.get() is None


@contextlib.contextmanager
def computing(part):
    """Within, random numbers are those of the part's rows."""
    token = _CURRENT.set(part)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def by_part(draw):
    """`draw(seed, rows, ...)` that, within `computing`, draws for the whole batch and
    returns the part's rows."""

    @functools.wraps(draw)
    def wrapped(seed, rows, *args):
        part = _CURRENT.get()
        if part is None:
            return draw(seed, rows, *args)
        return part.of(draw(seed, part.rows, *args))

    return wrapped
