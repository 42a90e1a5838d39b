"""The network that makes an image several times as large: residual blocks at the small
size, and pixel shuffles up to the large one.

The blocks have no normalisation, as in EDSR: it would take from an image the contrast
that its small version tells (Lim et al. 2017, arXiv:1707.02921, section 3.1). A shuffle
turns r^2 features of a pixel into r x r pixels (Shi et al. 2016, arXiv:1609.05158).

All layers have names, for the reason that unet.py gives.
"""

import keras
from keras import layers, ops

from zoo.networks import fast, unet

DOUBLING = 2


def build_upscaler(source_shape, channels, width, blocks, scale, name="generator"):
    """Returns the network: small images `[B, h, w, c]` -> what is to be added to their
    enlargement, `[B, scale h, scale w, channels]`, float32: next to nothing before
    training.

    Args:
        width: Channels of all convolutions.
        blocks: Residual blocks.
        scale: A power of two.
    """
    source = layers.Input(source_shape)
    x = first = _convolution(source, width, "first")
    for number in range(blocks):
        x = _block(x, width, f"block_{number}")
    x = layers.Add(name="joined")([_convolution(x, width, "last"), first])
    for level in range(scale.bit_length() - 1):
        x = _convolution(x, width * DOUBLING**2, f"up_{level}")
        x = layers.ReLU(name=f"up_{level}_active")(unet.unfold(x, DOUBLING))
    almost_nothing = keras.initializers.RandomNormal(stddev=1e-3)
    how = {"kernel_initializer": almost_nothing, "dtype": "float32"}
    x = _convolution(x, channels, "difference", use_bias=False, **how)
    return keras.Model(source, x, name=name)


def margin(blocks):
    """Returns how many pixels around one of a small image the network sees, at most:
    one for each convolution, of which all but those of the large sizes count whole."""
    return 2 * blocks + 2 + 2


def _block(x, width, name):
    """Adds to x what two convolutions see in it."""
    y = layers.ReLU(name=f"{name}_active")(_convolution(x, width, f"{name}_first"))
    return layers.Add(name=f"{name}_sum")([x, _convolution(y, width, f"{name}_second")])


def _convolution(x, units, name, **options):
    return fast.Conv2D(units, 3, padding="same", name=name, **options)(x)


def source_shape(image_shape, scale):
    """Returns the shape (h, w, C) of the small versions of images (H, W, C).

    Raises: ValueError: unless `scale` divides height and width.
    """
    height, width, channels = image_shape
    if height % scale or width % scale:
        raise ValueError(
            f"Images have a height and a width that scale={scale} divides. "
            f"Received: images of {height}x{width}x{channels}."
        )
    return height // scale, width // scale, channels


def consistent(source, images, scale):
    """Returns large images whose small version is `source`: what this tells otherwise
    is added to each square of pixels."""
    return images + enlarge(source - block_mean(images, scale), scale)


def block_mean(images, scale):
    """Returns the mean of each square of scale x scale pixels, `[B, H / scale, W /
    scale, C]`, of images `[B, H, W, C]` whose sizes it divides."""
    height, width, channels = images.shape[1:]
    shape = (-1, height // scale, scale, width // scale, scale, channels)
    return ops.mean(ops.reshape(images, shape), axis=(2, 4))


def enlarge(images, scale):
    """Returns images `[B, h, w, C]` with each pixel as a square, `[B, scale h, scale w,
    C]`."""
    height, width, channels = images.shape[1:]
    x = ops.reshape(images, (-1, height, 1, width, 1, channels))
    x = ops.broadcast_to(x, (ops.shape(x)[0], height, scale, width, scale, channels))
    return ops.reshape(x, (-1, height * scale, width * scale, channels))
