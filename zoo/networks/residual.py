"""The generator of a CycleGAN: down, residual blocks, and up again, without shortcuts
from the source to the answer.

Instances are normalised as in translation.py. Padding mirrors the image: a border of
zeros would leave a pattern around it. On the way up pixels are repeated and convolved,
which leaves no chequered pattern, as transposed convolutions do.

All layers with weights have names, for the reason that unet.py gives.

Source: Johnson et al. 2016, arXiv:1603.08155, as Zhu et al. 2017 (CycleGAN) have it,
arXiv:1703.10593, section 7.2. Departures: repeated pixels and convolutions of 3x3 in
place of transposed ones; images below 15 pixels are halved once.
"""

import keras
from keras import layers, ops

from zoo.networks import conv, fast, translation
from zoo.networks.dcgan import INITIALIZER

HALVINGS = 2


def build_generator(source_shape, channels, width, blocks, name="generator"):
    """Returns the network: sources `[B, H, W, c]` -> images `[B, H, W, channels]` in
    [-1, 1], float32.

    Args:
        width: Channels at the full size; twice as many after each halving.
        blocks: Residual blocks at the smallest size.
    """
    source = layers.Input(source_shape)
    sizes = conv.level_sizes(source_shape)[: HALVINGS + 1]
    x = _normalized(_convolution(source, width, 7, "first"), "first")
    for level in range(1, len(sizes)):
        units, key = width * 2**level, f"down_{level}"
        x = _normalized(_convolution(x, units, 3, key, strides=2), key)
    for number in range(blocks):
        x = _block(x, f"block_{number}")
    for level in reversed(range(1, len(sizes))):
        key = f"up_{level}"
        x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
        x = conv.crop(x, sizes[level - 1])
        x = _normalized(_convolution(x, width * 2 ** (level - 1), 3, key), key)
    x = _convolution(x, channels, 7, "last", use_bias=True)
    x = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(source, x, name=name)


def _block(x, name):
    """Adds to x what two convolutions see in it."""
    units = x.shape[-1]
    first, second = f"{name}_first", f"{name}_second"
    y = _normalized(_convolution(x, units, 3, first), first)
    y = translation.normalize(_convolution(y, units, 3, second), f"{second}_norm")
    return layers.Add(name=f"{name}_sum")([x, y])


def _convolution(x, units, side, name, strides=1, use_bias=False):
    """Applies a convolution of side x side to `[B, H, W, C]` with a mirrored border;
    with strides of 2 its size is halved, rounded up."""
    margin = side // 2
    x = ops.pad(x, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "reflect")
    options = {"kernel_initializer": INITIALIZER, "name": name}
    return fast.Conv2D(units, side, strides=strides, use_bias=use_bias, **options)(x)


def _normalized(x, name):
    """Normalises each channel of each image, and applies a rectifier."""
    return layers.ReLU(name=f"{name}_active")(translation.normalize(x, f"{name}_norm"))
