"""Room for a model: its variables are refused before memory is taken that is not there.

A setting such as hidden=1000000000000 would otherwise end the process, or the machine.
"""

import contextlib
import math
from collections.abc import Iterator

import keras

from zoo.inputs import memory

SMALL = 2**26  # bytes of a variable for which the system is not asked


@contextlib.contextmanager
def required(name: str) -> Iterator[None]:
    """Within, each new variable of Keras has to fit into the memory that is free.

    Args:
        name: The model's name.
    Raises: ValueError: of the first that does not, with both sizes.
    """
    variable, own = keras.Variable, keras.Variable.__init__

    def begin(self, initializer, shape=None, dtype=None, **options):
        if shape is not None:
            kind = keras.backend.standardize_dtype(dtype or keras.config.floatx())
            _require(name, tuple(map(int, shape)), kind)
        own(self, initializer, shape, dtype, **options)

    variable.__init__ = begin
    try:
        yield
    except MemoryError as error:  # NumPy's, which says how much was wanted
        raise ValueError(
            f"The networks do not fit into memory ({error}), and "
            f"{memory.free() / 2**30:,.1f} GiB are free: choose smaller settings. "
            f"Received: {name!r}."
        ) from None
    finally:
        variable.__init__ = own


def _require(name, shape, dtype):
    # It is drawn first and kept then, so for a moment it is there twice.
    size = 2 * math.prod(shape) * (2 if dtype.endswith("16") else 4)
    if size > SMALL:
        what = f"A variable of shape {shape} takes, while it is drawn,"
        memory.require(size, name, "choose smaller settings", what)
