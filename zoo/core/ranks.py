"""Tensors of any rank: images `[B, H, W, C]`, clips `[B, T, H, W, C]`, latents.

A number a row has to stand in front of its row, or broadcasting would take it for a
number a column, silently where both counts are equal.
"""

from keras import ops

from zoo.inputs.tensors import Tensor


def column(values: Tensor, like: Tensor) -> Tensor:
    """Returns `values` `[B]` as `[B, 1, ...]`, of the rank of `like` `[B, ...]`."""
    ones = (None,) * (len(like.shape) - 1)
    return ops.convert_to_tensor(values)[(slice(None), *ones)]


def row_axes(x: Tensor) -> tuple[int, ...]:
    """Returns the axes of `x` `[B, ...]` but the rows: (1, ..., rank - 1)."""
    return tuple(range(1, len(x.shape)))
