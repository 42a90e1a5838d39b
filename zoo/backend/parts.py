"""The part of a batch whose gradient is being computed, if a batch is taken in parts.

Part i of N is rows i, i + N, i + 2N, ... of what this replica has of the batch, so that
the same images are in it on any number of replicas.
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

    @property
    def share(self):
        """Of the batch's rows; 0 of a part that would be empty."""
        own = (self.rows - self.index + self.count - 1) // self.count
        return ops.cast(own, "float32") / ops.cast(self.rows, "float32")

    def of(self, x):
        """Returns our rows of `x` `[rows, ...]`; the last row if we have none."""
        first = self.index
        if not isinstance(self.rows, int):
            first = ops.minimum(first, self.rows - 1)
        return x[first :: self.count]


def split(rows, count):
    """Returns the `Part`s of a batch: `count`, or one a row if `rows` is a lesser int;
    where the number is not known before the step runs, some may be empty."""
    count = min(count, rows) if isinstance(rows, int) else count
    return [Part(index, count, rows) for index in range(count)]


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
