"""Smoothing, doubling and halving by the filter [1, 3, 3, 1], along one side of images
after the other.

Along a side, each is a matrix. All backends differentiate a product with one as often
as is asked, and fast; TensorFlow neither its resizing of images nor, in good time, sums
of slices. The surroundings of an image are zeros: a constant image is darker at its
border.

Source: Karras et al. 2019 (StyleGAN2), arXiv:1912.04958, appendix B; the code beside
it, `upfirdn_2d`.
"""

import numpy as np
from keras import ops

TAPS = 0.125, 0.375, 0.375, 0.125  # [1, 3, 3, 1], of sum 1


def smooth(x, pad):
    """Returns `[B, H + 2 pad - 3, W + 2 pad - 3, C]`: `x` `[B, H, W, C]` filtered, with
    `pad` zeros around it."""
    return _along_both(x, lambda size: _smoothing(size, pad))


def double(x):
    """Returns `[B, 2 H, 2 W, C]` of `x` `[B, H, W, C]`."""
    return _along_both(x, lambda size: 2.0 * _halving(2 * size).T)


def halve(x):
    """Returns `[B, H / 2, W / 2, C]` of `x` `[B, H, W, C]` with even sides."""
    return _along_both(x, _halving)


def _smoothing(size, pad):
    """The matrix `[size + 2 pad - 3, size]` of the filter."""
    rows = size + 2 * pad - len(TAPS) + 1
    return sum(tap * np.eye(rows, size, k - pad) for k, tap in enumerate(TAPS))


def _halving(size):
    """The matrix `[size / 2, size]`: every other row of the filter's."""
    return _smoothing(size, 1)[::2]


def _along_both(x, matrix_of):
    """Returns `x` `[B, H, W, C]` with H and W multiplied by matrices, which
    `matrix_of` gives of their lengths."""
    height, width, channels = x.shape[1:]
    down, across = (
        ops.cast(ops.convert_to_tensor(matrix_of(size), "float32"), x.dtype)
        for size in (height, width)
    )
    x = ops.matmul(down, ops.reshape(x, (-1, height, width * channels)))
    x = ops.matmul(across, ops.reshape(x, (-1, width, channels)))
    return ops.reshape(x, (-1, down.shape[0], across.shape[0], channels))
