"""The networks of R3GAN: residual blocks of three convolutions, and nothing else.

No layer is normalised. So that many blocks keep the size of what passes through them,
the last convolution of each begins at 0, and the others at a size that goes by the
number of blocks.

Source: Huang et al. 2024, arXiv:2501.05441, section 4, and the authors' code.
Departures: convolutions of all channels in place of groups, which TensorFlow cannot
compute on a CPU; wider levels at smaller sizes in place of equal ones; images are
doubled and halved by the filter [1, 3, 3, 1] in place of [1, 2, 1]; the lowest level
has 4 to 7 pixels, and sides that 2 does not divide are padded or cut.
"""

import math

import keras
from keras import layers, ops

from zoo.networks import fast, style
from zoo.networks.conv import crop

SLOPE = 0.2
GAIN = math.sqrt(2.0 / (1.0 + SLOPE**2))  # keeps the mean square through a rectifier


def build_generator(image_shape, latent_dim, width, max_width, blocks, expansion):
    """Returns the network z `[B, latent_dim]` -> `[B, H, W, C]`, float32, not bounded.

    Args:
        width, max_width: Channels at the full size, doubled from level to level down,
            and the most of a level.
        blocks: Residual blocks a level.
        expansion: By how much a block widens its channels within.
    """
    sizes = style.level_sizes(image_shape)[::-1]
    widths = style.level_widths(len(sizes), width, max_width)[::-1]
    z = layers.Input((latent_dim,))
    strength = layers.Dense(widths[0], use_bias=False, kernel_initializer=normal())(z)
    x = style.Constant((*sizes[0], widths[0]))(z) * strength[:, None, None]
    for level, (size, channels) in enumerate(zip(sizes, widths)):
        if level:
            x = crop(style.Double()(_projected(x, channels)), size)
        for _ in range(blocks):
            x = residual(x, expansion, blocks * len(sizes))
    x = _convolution(image_shape[-1], 1, dtype="float32")(x)
    return keras.Model(z, x, name="generator")


def build_discriminator(image_shape, width, max_width, blocks, expansion):
    """Returns the network images `[B, H, W, C]` -> logits `[B, 1]`, float32; for the
    arguments see `build_generator`."""
    sizes = style.level_sizes(image_shape)
    widths = style.level_widths(len(sizes), width, max_width)
    images = layers.Input(image_shape)
    x = _convolution(widths[0], 1)(images)
    for level, channels in enumerate(widths):
        if level:
            height, wide = x.shape[1:3]
            x = layers.ZeroPadding2D(((0, height % 2), (0, wide % 2)))(x)
            x = _projected(style.Halve()(x), channels)
        for _ in range(blocks):
            x = residual(x, expansion, blocks * len(sizes))
    options = {"kernel_initializer": normal(), "dtype": "float32"}
    logits = layers.Dense(1, use_bias=False, **options)(WeightedSum()(x))
    return keras.Model(images, logits, name="discriminator")


def residual(x, expansion, count):
    """Adds to x what three convolutions see in it, at first nothing.

    Args:
        count: Blocks of the whole network.
    """
    gain, units = GAIN * count**-0.25, expansion * x.shape[-1]
    y = x
    for side in (1, 3):
        y = _convolution(units, side, gain, use_bias=True)(y)
        y = layers.LeakyReLU(SLOPE)(y)
    last = {"kernel_initializer": "zeros", "use_bias": False}
    return layers.Add()([x, fast.Conv2D(x.shape[-1], 1, **last)(y)])


def normal(gain=1.0):
    """Returns a new initializer: N(0, gain^2 / inputs)."""
    return keras.initializers.VarianceScaling(
        gain**2, mode="fan_in", distribution="untruncated_normal"
    )


def _convolution(channels, side, gain=1.0, use_bias=False, **options):
    options |= {"padding": "same", "kernel_initializer": normal(gain)}
    return fast.Conv2D(channels, side, use_bias=use_bias, **options)


def _projected(x, channels):
    """`[B, H, W, channels]` of x, which stays as it is if it has so many."""
    return x if x.shape[-1] == channels else _convolution(channels, 1)(x)


@keras.saving.register_keras_serializable("zoo")
class WeightedSum(layers.Layer):
    """Sums `[B, H, W, C]` over its pixels to `[B, C]`, by weights of their own for each
    pixel and channel."""

    def build(self, input_shape):
        shape = tuple(input_shape[1:])
        deviation = 1.0 / math.sqrt(shape[0] * shape[1])
        start = keras.initializers.RandomNormal(stddev=deviation)
        self.kernel = self.add_weight(shape=shape, initializer=start, name="kernel")

    def call(self, inputs):
        return ops.sum(inputs * self.kernel, axis=(1, 2))
