"""The networks that turn one image into another: a generator that takes shortcuts, and
a discriminator that judges patches.

Both normalise each image by itself, over at least nine positions: one position alone
would become 0 whatever it was. They work for any height and width from 8: sizes of
levels are rounded up, and the way up crops back to exactly these sizes.

All layers have names, for the reason that unet.py gives.

Isola et al. 2016 (pix2pix), arXiv:1611.07004, section 3.2 and appendix 6.1. Departures:
the generator goes down to 4 to 7 pixels, not to 1, and doubles its channels up to 8
times the first; instances are normalised, to which the authors' normalisation of
batches of one image comes down.
"""

import statistics

import keras
from keras import layers, ops

from zoo.networks import conv, fast
from zoo.networks.dcgan import INITIALIZER

NOISY = 3  # levels on the way up that drop features: those of the fewest pixels


def build_generator(source_shape, channels, width, dropout=0.0, name="generator"):
    """Returns the network (sources `[B, H, W, c]`, and with `dropout` standard normal
    noise `[B, n]`) -> images `[B, H, W, channels]` in [-1, 1], float32.

    Args:
        width: Channels of the first level.
        dropout: Share of features that the noise drops, in training and after it. It
            is an input, so that a row of noise decides on a row of images.
    """
    source = layers.Input(source_shape)
    sizes = conv.level_sizes(source_shape)
    widths = conv.level_widths(source_shape, width)
    skips = descend(source, widths)
    x, inputs = skips.pop(), [source]
    if dropout:
        noise = layers.Input((_noise_size(sizes[1:], widths),))
        inputs.append(noise)
        x, noise = drop(x, noise, dropout)
    for level in reversed(range(1, len(widths))):
        x = enlarge(x, widths[level - 1], sizes[level], f"up_{level}", use_bias=False)
        x = normalize(x, f"up_{level}_norm")
        if dropout and len(widths) - level < NOISY:
            x, noise = drop(x, noise, dropout)
        x = layers.Concatenate(name=f"up_{level}_joined")([x, skips.pop()])
    x = enlarge(x, channels, sizes[0], "up_0")
    x = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(inputs if dropout else source, x, name=name)


def descend(x, widths):
    """Halves `[B, H, W, C]` once a level; returns the features of all levels."""
    features = []
    for level, units in enumerate(widths):
        name = f"down_{level}"
        x = convolution(x, units, name, strides=2, padding="same", use_bias=not level)
        x = normalize(x, f"{name}_norm") if level else x
        x = layers.LeakyReLU(0.2, name=f"{name}_active")(x)
        features.append(x)
    return features


def enlarge(x, units, size, name, **options):
    """Applies a rectifier and a transposed convolution, which doubles the size of `[B,
    H, W, C]`, and cuts the result to `size` = (height, width)."""
    x = layers.ReLU(name=f"{name}_active")(x)
    options |= {"kernel_initializer": INITIALIZER, "padding": "same", "name": name}
    return conv.crop(fast.Conv2DTranspose(units, 4, strides=2, **options)(x), size)


def _noise_size(sizes, widths):
    """The numbers that decide which features of the noisy levels are dropped."""
    levels = list(zip(sizes, widths, strict=True))[-NOISY:]
    return sum(height * width * units for (height, width), units in levels)


def drop(x, noise, rate):
    """Drops a share `rate` of features `[B, h, w, C]`, those whose number in `noise`
    `[B, n]`, standard normal, is low; returns the rest of the noise, too."""
    count = x.shape[1] * x.shape[2] * x.shape[3]
    own = ops.reshape(noise[:, :count], (-1, *x.shape[1:]))
    is_kept = own >= statistics.NormalDist().inv_cdf(rate)
    return ops.where(is_kept, x / (1.0 - rate), ops.zeros_like(x)), noise[:, count:]


def patch_depth(image_shape):
    """Returns the `depth` of a discriminator that suits images of this shape: patches
    of 16 pixels below 48 pixels, of 34 below 128, else of 70."""
    side = min(image_shape[:2])
    return 1 + (side >= 48) + (side >= 128)


def build_patch_discriminator(
    image_shape, width, depth, source_shape=None, name="discriminator"
):
    """Returns the network (images `[B, H, W, C]`, or with `source_shape` sources and
    images) -> logits of "real" `[B, h, w, 1]`, float32, each of one patch.

    Args:
        width: Channels of the first level.
        depth: Convolutions that halve the size: with 1, 2 and 3 a patch has a side of
            16, 34 and 70 pixels.
    """
    shapes = [image_shape] if source_shape is None else [source_shape, image_shape]
    inputs = [layers.Input(shape) for shape in shapes]
    x = inputs[0]
    if source_shape is not None:
        x = layers.Concatenate(name="pair")(inputs)
    x = descend(x, [width * min(2**level, 8) for level in range(depth)])[-1]
    x = layers.ZeroPadding2D(1, name="wide_padding")(x)
    x = convolution(x, width * min(2**depth, 8), "wide", use_bias=False)
    x = layers.LeakyReLU(0.2, name="wide_active")(normalize(x, "wide_norm"))
    x = layers.ZeroPadding2D(1, name="score_padding")(x)
    x = convolution(x, 1, "score", dtype="float32")
    return keras.Model(inputs if source_shape else inputs[0], x, name=name)


def convolution(x, units, name, **options):
    """Applies a convolution of 4x4."""
    options |= {"kernel_initializer": INITIALIZER, "name": name}
    return fast.Conv2D(units, 4, **options)(x)


def normalize(x, name):
    """Normalises each channel of each image `[B, H, W, C]` by itself.

    Source: Ulyanov et al. 2016 (instance normalisation), arXiv:1607.08022.
    """
    return fast.GroupNormalization(x.shape[-1], epsilon=1e-5, name=name)(x)
