"""Motion between two frames: where each pixel came from, and the network that guesses.

A flow `[B, H, W, 2]` tells, for each pixel of the frame to be drawn, how many pixels
down and right of it the other frame shows the same thing.
"""

import keras
import numpy as np
from keras import layers, ops

from zoo.networks import fast

MOTION = 5  # numbers a pixel: a flow to each of the two frames, and which to trust
SMALLEST = 4  # pixels of a side, of a pyramid
BLOCKS = 4  # convolutions of a level
MOST_WIDER = 2  # times the width that a coarse level has at most


def warp(images, flow):
    """Returns what `images` `[B, H, W, C]` show at each pixel moved by `flow` `[B, H,
    W, 2]`: bilinear between pixels, and beyond the border what the border shows.

    Source: Jaderberg et al. 2015, arXiv:1506.02025, equation 5.
    """
    height, width, channels = images.shape[1:]
    # In this order: with TensorFlow, Keras takes a second operand [1, H, 1] for a bias
    # of the last axis where H = W. And by no operator: JAX has none for Keras' tensors.
    rows = ops.add(np.arange(height, dtype="float32")[None, :, None], flow[..., 0])
    columns = ops.add(np.arange(width, dtype="float32")[None, None], flow[..., 1])
    flat = ops.reshape(images, (-1, height * width, channels))
    top, below, down = _neighbours(rows, height)
    left, right, across = _neighbours(columns, width)

    def at(row, column):
        place = ops.reshape(row * width + column, (-1, height * width, 1))
        pixels = ops.take_along_axis(flat, place, axis=1)
        return ops.reshape(pixels, (-1, height, width, channels))

    down, across = down[..., None], across[..., None]
    upper = (1.0 - across) * at(top, left) + across * at(top, right)
    lower = (1.0 - across) * at(below, left) + across * at(below, right)
    return (1.0 - down) * upper + down * lower


def _neighbours(places, size):
    """The pixels before and behind places along a side, int32, and how far from the
    first one to the second each place lies."""
    places = ops.clip(places, 0.0, size - 1.0)
    # At the last pixel, the one behind it would lie outside.
    first = ops.minimum(ops.floor(places), max(size - 2, 0))
    before = ops.cast(first, "int32")
    return before, ops.minimum(before + 1, size - 1), places - first


def halve(x):
    """Returns `x` `[B, H, W, C]` at half its size, rounded up: means of 2x2 pixels."""
    return ops.average_pool(x, 2, 2, padding="same")


def double(x, like):
    """Returns `x` at twice its size, each pixel as four, cropped to that of `like`."""
    x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
    return x[:, : like.shape[1], : like.shape[2]]


def pyramid(x, levels):
    """Returns `x` `[B, H, W, C]` at its size, at half of it, and so on."""
    sizes = [x]
    for _ in range(levels - 1):
        sizes.append(halve(sizes[-1]))
    return sizes


def details(x):
    """Returns what `x` `[B, H, W, C]` has at each size beyond the next smaller one, and
    what is left at the smallest, of 4 pixels or fewer: a Laplacian pyramid."""
    levels = []
    while min(x.shape[1:3]) > SMALLEST:
        smaller = halve(x)
        levels.append(x - double(smaller, x))
        x = smaller
    return [*levels, x]


def moved(first, last, motion, times):
    """Returns what the two images show at `times` `[B, 1, 1, 1]` if each of their
    pixels goes its way at an even pace: `first` moved, and `last` moved."""
    to_first, to_last = motion[..., 0:2], motion[..., 2:4]
    return warp(first, times * to_first), warp(last, (1.0 - times) * to_last)


def blend(first, last, motion, times):
    """Returns the image at `times` `[B, 1, 1, 1]` between two, `[B, H, W, C]`.

    Both are moved to that time; each pixel is taken from the one that is to be trusted,
    and more from the nearer one; at last the rest is added, of which there is none at
    the ends. So the images at 0 and 1 are the two themselves.

    Args:
        motion: `[B, H, W, 5 + C]`, as `build_network` has it.
    Source: Jiang et al. 2018 (Super SloMo), arXiv:1712.00080, equation 5.
    """
    from_first, from_last = moved(first, last, motion, times)
    trust = ops.sigmoid(motion[..., 4:5])
    a, b = (1.0 - times) * trust, times * (1.0 - trust)
    rest = 4.0 * times * (1.0 - times) * motion[..., MOTION:]
    return (a * from_first + b * from_last) / (a + b) + rest


def build_network(image_shape, width, levels, name="motion"):
    """Returns the network (first and last images `[B, H, W, C]`, times `[B]` in (0, 1))
    -> float32 `[B, H, W, 5 + C]`: a flow to the first image per unit of the time that
    has passed, one to the last per unit of the time that is left, a logit of how much
    to trust the first one, and what to add to the blend.

    The coarsest level sees far with few convolutions, and each finer one corrects what
    is left when the images have been moved by the answer so far.

    Args:
        width: Channels of the finest level; others have twice as many.
        levels: Sizes, each half of the one before.
    Source: Huang et al. 2022 (RIFE), arXiv:2011.06294, figure 3.
    """
    first, last = layers.Input(image_shape), layers.Input(image_shape)
    times = layers.Input(())
    t = ops.reshape(times, (-1, 1, 1, 1))
    motion, features = None, None
    pairs = list(zip(pyramid(first, levels), pyramid(last, levels)))
    for level, (a, b) in reversed(list(enumerate(pairs))):
        clock = t + ops.zeros_like(a[..., :1])
        seen = [a, b, clock]
        if motion is not None:
            # A pixel of this level is half of one of the level above.
            motion = double(motion, a) * np.array([2, 2, 2, 2, 1], "float32")
            seen += [*moved(a, b, motion, t), motion]
        x = layers.Concatenate(name=f"level_{level}_seen")(seen)
        units = width * min(level + 1, MOST_WIDER)
        for number in range(BLOCKS):
            name_of = f"level_{level}_{number}"
            x = _convolution(x, units, name_of)
            x = layers.LeakyReLU(0.2, name=f"{name_of}_active")(x)
        features = x
        change = _answer(x, MOTION, f"level_{level}_motion")
        motion = change if motion is None else motion + change
    rest = _answer(features, image_shape[-1], "rest")
    x = layers.Concatenate(name="answer", dtype="float32")([motion, rest])
    return keras.Model([first, last, times], x, name=name)


def _convolution(x, units, name, **options):
    return fast.Conv2D(units, 3, padding="same", name=name, **options)(x)


def _answer(x, units, name):
    """Next to nothing before training: images that stand still."""
    almost_nothing = keras.initializers.RandomNormal(stddev=1e-3)
    how = {"kernel_initializer": almost_nothing, "dtype": "float32"}
    return _convolution(x, units, name, **how)
