"""Doubling and halving by the filter [1, 3, 3, 1], in sums of slices: all backends can
differentiate them twice, which TensorFlow cannot with its resizing of images.

The surroundings of an image are zeros, so a constant image is darker at its border.

Source: Karras et al. 2019 (StyleGAN2), arXiv:1912.04958, appendix B; the code beside
it, `upfirdn_2d`.
"""

from keras import ops


def smooth(x, pad):
    """Returns `[B, H + 2 pad - 3, W + 2 pad - 3, C]`: `x` `[B, H, W, C]` filtered, with
    `pad` zeros around it."""
    x = ops.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    for _ in range(3):  # [1, 3, 3, 1] is [1, 1] three times
        x = 0.5 * (x[:, 1:] + x[:, :-1])
        x = 0.5 * (x[:, :, 1:] + x[:, :, :-1])
    return x


def double(x):
    """Returns `[B, 2 H, 2 W, C]` of `x` `[B, H, W, C]`."""
    return _double_rows(_double_rows(x, 1), 2)


def _double_rows(x, axis):
    shape = ops.shape(x)
    pads = [(0, 0)] * 4
    pads[axis] = (1, 1)
    padded = ops.pad(x, pads)
    before, after = (
        (padded[:, :-2], padded[:, 2:])
        if axis == 1
        else (padded[:, :, :-2], padded[:, :, 2:])
    )
    pair = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis + 1)
    new = [*shape[:axis], 2 * x.shape[axis], *shape[axis + 1 :]]
    return ops.reshape(pair, [-1, *new[1:]])


def halve(x):
    """Returns `[B, H / 2, W / 2, C]` of `x` `[B, H, W, C]` with even sides."""
    return smooth(x, 1)[:, ::2, ::2]
