"""The three networks of StyleGAN2, made of the layers of zoo/networks/style.py."""

import math

import keras
from keras import layers

from zoo.networks import style
from zoo.networks.conv import crop


def build_mapping(latent_dim, units, depth):
    """Returns the network z `[B, latent_dim]` -> w `[B, units]`, of `depth` layers."""
    inputs = layers.Input((latent_dim,))
    x = layers.UnitNormalization(dtype="float32")(inputs)
    x = layers.Rescaling(math.sqrt(latent_dim), dtype="float32")(x)
    for _ in range(depth):
        x = style.EqualizedDense(units, activate=True, dtype="float32")(x)
    return keras.Model(inputs, x, name="mapping")


def build_synthesis(image_shape, units, width, max_width):
    """Returns the network (w `[B, levels, units]`, noise `[B, N]`) -> `[B, H, W, C]`
    (float32, not bounded); the lowest level comes first in both."""
    sizes = style.level_sizes(image_shape)[::-1]
    widths = style.level_widths(len(sizes), width, max_width)[::-1]
    w = layers.Input((len(sizes), units), name="w")
    noise = layers.Input((sum(style.noise_sizes(image_shape)),), name="noise")
    taken, image = 0, None
    x = style.Constant((*sizes[0], widths[0]))(noise)
    for level, (size, channels) in enumerate(zip(sizes, widths)):
        of_level = w[:, level]
        for double in (True, False) if level else (False,):
            scale = style.EqualizedDense(x.shape[-1], bias=1.0)(of_level)
            x = style.StyledConv(channels, double=double)([x, scale])
            x = crop(x, size)
            count = math.prod(size)
            x = style.NoiseBias()([x, noise[:, taken : taken + count]])
            taken += count
        # Colours keep the strength that their style gives them.
        scale = style.EqualizedDense(channels, bias=1.0)(of_level)
        rgb = style.StyledConv(image_shape[-1], 1, demodulate=False)([x, scale])
        rgb = style.NoiseBias(activate=False, dtype="float32")(rgb)
        if image is not None:
            rgb = rgb + crop(style.Double(dtype="float32")(image), size)
        image = rgb
    return keras.Model([w, noise], image, name="synthesis")


def build_discriminator(image_shape, width, max_width):
    """Returns the network images `[B, H, W, C]` -> logits `[B, 1]` (float32)."""
    sizes = style.level_sizes(image_shape)
    widths = style.level_widths(len(sizes), width, max_width)
    inputs = layers.Input(image_shape)
    x = style.EqualizedConv(widths[0], 1)(inputs)
    for channels, following in zip(widths, widths[1:]):
        height, wide = x.shape[1:3]
        x = layers.ZeroPadding2D(((0, height % 2), (0, wide % 2)))(x)
        y = style.EqualizedConv(channels, 3)(x)
        y = style.EqualizedConv(following, 3, halve=True)(y)
        x = style.EqualizedConv(following, 1, activate=False)(style.Halve()(x))
        x = math.sqrt(0.5) * (x + y)
    x = style.EqualizedConv(widths[-1], 3)(style.MinibatchDeviation()(x))
    x = style.EqualizedDense(widths[-1], activate=True)(layers.Flatten()(x))
    logits = style.EqualizedDense(1, dtype="float32")(x)
    return keras.Model(inputs, logits, name="discriminator")
