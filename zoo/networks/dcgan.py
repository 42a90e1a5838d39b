"""The networks of the adversarial models: the trunk is the discriminator, its mirror
the generator.

Radford et al. 2015 (DCGAN), arXiv:1511.06434, sections 3 and 4. Departures: kernels are
4x4, not 5x5, so that their size divides by the stride; the networks are as deep as the
image allows.
"""

import keras
from keras import layers

from zoo.networks import conv
from zoo.networks.spectral import SpectralNormalization

# DCGAN, section 4, draws all weights from this distribution; here the dense layers on
# top of the trunk keep the initializer of Keras. This is a config, from which Keras
# makes an initializer for each layer: one object would draw the same numbers in all.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


def build_generator(image_shape, units, width, name="generator"):
    """Returns the network `[B, units]` -> images `[B, H, W, C]` in [-1, 1]."""
    return conv.build_decoder(
        image_shape,
        units,
        width,
        activation="relu",
        normalization="batch",
        kernel_initializer=INITIALIZER,
        output_activation="tanh",
        name=name,
    )


def build_discriminator(
    image_shape,
    width,
    normalization: str | None = "batch",
    outputs=(1,),
    use_bias=True,
    planes=0,
    name="discriminator",
):
    """Returns the network images `[B, H, W, C]`, and with `planes` also values `[B,
    planes]` -> float32 logits `[B, units]`.

    Args:
        image_shape: (H, W, C) of the images.
        width: Channels of the first level.
        normalization: "batch", "spectral" (which normalises the kernel of every layer)
            or None.
        outputs: Units of each dense layer on top of the trunk; the network returns one
            tensor, or a list if there are several.
        use_bias: Whether the dense layers on top have a bias.
        planes: Number of values that the first level sees as further channels, each the
            same at every pixel.
    """
    inputs = layers.Input(image_shape)
    if planes:
        inputs = [inputs, layers.Input((planes,))]
    x = layers.Flatten()(trunk(inputs, image_shape, width, normalization))
    heads = [score(x, units, normalization, use_bias) for units in outputs]
    outputs = heads if len(heads) > 1 else heads[0]
    return keras.Model(inputs, outputs, name=name)


def trunk(x, image_shape, width, normalization: str | None = "batch"):
    """Applies the discriminator's convolutions to its inputs; see
    `build_discriminator`."""
    return conv.trunk(
        x,
        image_shape,
        width,
        normalization=normalization,
        normalize_first=normalization == "spectral",
        kernel_initializer=INITIALIZER,
    )


def score(x, units, normalization=None, use_bias=True):
    """Applies the last dense layer, in float32 at every precision."""
    if normalization == "spectral":
        dense = layers.Dense(units, use_bias=False, dtype="float32")
        return SpectralNormalization(dense, dtype="float32")(x)
    return layers.Dense(units, use_bias=use_bias, dtype="float32")(x)
