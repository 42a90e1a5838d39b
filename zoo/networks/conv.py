"""The convolutional trunk and its mirror.

The same trunk is the classifier's feature extractor, the encoder of the autoencoders
and the discriminator of the GANs; its mirror is their decoder and generator. Both work
for any height and width from 8 to 512. The trunk halves the size, rounding up, as long
as the shorter side stays at 4 or more; the mirror crops back to exactly those sizes.
"""

import math
import random

import keras
from keras import layers

from zoo.networks import fast
from zoo.networks.spectral import SpectralNormalization


def level_sizes(image_shape):
    """Returns the sizes of the levels, e.g. (28, 28, 1) -> [(28, 28), (14, 14), (7,
    7)]."""
    height, width = image_shape[:2]
    sizes = [(height, width)]
    while min(height, width) // 2 >= 4:
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return sizes


def level_widths(image_shape, width, mult=2, most=8):
    """Returns the channels of each level below the image: `width`, then each time
    `mult` times as many, but at most `most * width`, because the deep levels of large
    images would hold almost all weights otherwise."""
    levels = len(level_sizes(image_shape)) - 1
    return [width * min(mult**level, most) for level in range(levels)]


def activate(x, activation, normalization=None):
    """Normalises (`"batch"` or None) and activates (`"relu"` or `"leaky_relu"`, slope
    0.2)."""
    if normalization == "batch":
        x = fast.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    if activation == "leaky_relu":
        return layers.LeakyReLU(0.2)(x)
    return layers.Activation(activation)(x)


def trunk(
    x,
    image_shape,
    width,
    kernel_size=4,
    activation="leaky_relu",
    normalization: str | None = "batch",
    normalize_first=True,
    downsample="stride",
    kernel_initializer="glorot_uniform",
):
    """Applies the trunk: one convolution per level, which halves the size.

    Args:
        x: Images `[B, H, W, C]`, or features of that size; or a pair of images and
            values, as `fast.Conv2D` takes it.
        image_shape: (H, W, C).
        width: Channels of the first level.
        kernel_size: Size of the convolutions.
        activation: As `activate` takes it.
        normalization: "batch" (of the results), "spectral" (of the kernels) or None.
        normalize_first: Whether the first level is normalised too; that of a DCGAN's
            discriminator is not.
        downsample: "stride" (the convolution steps over every other pixel) or "pool"
            (it sees every pixel, and the largest of four neighbours is kept).
        kernel_initializer: As Keras' layers take it, by name or config: an object would
            draw the same numbers for every layer.
    Returns: Features `[B, h, w, channels]` of the last level.
    """
    for level, channels in enumerate(level_widths(image_shape, width)):
        normalized = normalization if level or normalize_first else None
        layer = fast.Conv2D(
            channels,
            kernel_size,
            strides=2 if downsample == "stride" else 1,
            padding="same",
            use_bias=normalized is None,
            kernel_initializer=kernel_initializer,
        )
        x = SpectralNormalization(layer)(x) if normalized == "spectral" else layer(x)
        if downsample == "pool":
            x = layers.MaxPooling2D(2, padding="same")(x)
        x = activate(x, activation, normalized)
    return x


def mirror(
    z,
    image_shape,
    width,
    kernel_size=4,
    activation="relu",
    normalization="batch",
    kernel_initializer="glorot_uniform",
    output_activation=None,
    depth=0,
):
    """Applies the trunk's mirror: a dense layer, then one transposed convolution of
    stride 2 per level, the last of which makes the image.

    Args:
        z: Latents `[B, latent_dim]`.
        image_shape: (H, W, C) of the result.
        width: Channels of the level below the image.
        output_activation: Activation of the image, in float32 at every precision.
        depth: Convolutions of 3x3 at each level below the image, each added to its
            input.
    Returns: `[B, H, W, C]`.
    """
    use_bias = normalization is None
    sizes = level_sizes(image_shape)
    widths = level_widths(image_shape, width)
    start = {"kernel_initializer": kernel_initializer}
    double = {"strides": 2, "padding": "same", **start}
    lowest = (*sizes[-1], widths[-1])
    x = layers.Dense(math.prod(lowest), use_bias=use_bias, **start)(z)
    x = layers.Reshape(lowest)(x)
    x = activate(x, activation, normalization)
    x = deepen(x, depth, activation, normalization, kernel_initializer)
    for size, channels in zip(sizes[-2:0:-1], widths[-2::-1]):
        enlarge = fast.Conv2DTranspose(
            channels, kernel_size, use_bias=use_bias, **double
        )
        x = activate(crop(enlarge(x), size), activation, normalization)
        x = deepen(x, depth, activation, normalization, kernel_initializer)
    x = fast.Conv2DTranspose(image_shape[-1], kernel_size, **double)(x)
    x = crop(x, image_shape[:2])
    return layers.Activation(output_activation or "linear", dtype="float32")(x)


def deepen(x, depth, activation, normalization, kernel_initializer):
    """Applies `depth` convolutions of 3x3 that keep the size of `[B, H, W, C]`, each
    added to its input (He et al. 2015, arXiv:1512.03385, with one layer per block)."""
    for _ in range(depth):
        y = layers.Conv2D(
            x.shape[-1],
            3,
            padding="same",
            use_bias=normalization is None,
            kernel_initializer=kernel_initializer,
        )(x)
        x = layers.Add()([x, activate(y, activation, normalization)])
    return x


def crop(x, size):
    """Cuts the bottom and right of `[B, H, W, C]` down to `size` = (H, W)."""
    bottom, right = x.shape[1] - size[0], x.shape[2] - size[1]
    if not bottom and not right:
        return x
    return layers.Cropping2D(((0, bottom), (0, right)))(x)


def build_encoder(
    image_shape,
    units,
    width,
    hidden=0,
    activation="leaky_relu",
    normalization=None,
    name="encoder",
    **options,
):
    """Returns the network images `[B, H, W, C]` -> `[B, units]` (float32): the trunk, a
    dense layer of `hidden` units unless 0, a dense layer.

    `options` are further arguments of `trunk`.
    """
    inputs = layers.Input(image_shape)
    x = trunk(
        inputs,
        image_shape,
        width,
        activation=activation,
        normalization=normalization,
        **options,
    )
    x = layers.Flatten()(x)
    if hidden:
        x = dense(x, hidden, activation, normalization)
    outputs = layers.Dense(units, dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)


def build_decoder(
    image_shape,
    latent_dim,
    width,
    hidden=0,
    activation="leaky_relu",
    normalization=None,
    name="decoder",
    **options,
):
    """Returns the network latents `[B, latent_dim]` -> `[B, H, W, C]` (float32): a
    dense layer of `hidden` units unless 0, the mirror.

    `options` are further arguments of `mirror`.
    """
    x = inputs = layers.Input((latent_dim,))
    if hidden:
        x = dense(x, hidden, activation, normalization)
    outputs = mirror(
        x,
        image_shape,
        width,
        activation=activation,
        normalization=normalization,
        **options,
    )
    return keras.Model(inputs, outputs, name=name)


def dropout(x, rate, **options):
    """Drops a share `rate` of features in training.

    The layer gets a seed, drawn as Keras draws one for itself. Without a seed, Keras on
    PyTorch takes masks from the generator of the process, which no model file stores.
    """
    seed = random.randint(1, 10**9) if rate else None
    return fast.Dropout(rate, seed=seed, **options)(x)


def dense(x, units, activation, normalization=None):
    """Applies a dense layer of `units`, normalised and activated as `trunk` says."""
    layer = layers.Dense(units, use_bias=normalization is None)
    x = SpectralNormalization(layer)(x) if normalization == "spectral" else layer(x)
    return activate(x, activation, normalization)
