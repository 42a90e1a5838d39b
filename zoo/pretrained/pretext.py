"""Features that need no labels: of a small network that learned a pretext.

    extractor = pretext.shipped()
    extractor.features(images)  # of any size and colour

No label told it what it learned (`zoo.pretrained.lessons`): how blurred, how noisy, how
chequered an image is, how far it was turned, whether its quarters changed places, and
what the clean image looks like from afar. So its features see sharpness, noise, shape
and layout, which is what samples get wrong.
"""

import functools
import pathlib

import keras
from keras import layers

from zoo.pretrained import archive, coloured

SHIPPED = pathlib.Path(__file__).parent / "weights"
NAME = "pretext"
NEAR, FAR = (24, 48, 96), (32, 64, 96)  # channels of the levels of both branches
FAR_SIDE = 32  # pixels
SIZE = 128  # numbers that describe an image
BATCH = 250


class Pretext:
    """A taught network as a maker of features.

    Attributes:
        name: "pretext".
        sha256: Of its weights file.
        about: What its .json file tells: what it was taught on, how well, commands.
    """

    name = NAME

    def __init__(self, network, about):
        self.network, self.about, self.sha256 = network, about, about["sha256"]

    def features(self, images):
        """Returns features, float32 `[N, 128]`.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1], as large as they are; a
                grey image is taken as three equal channels.
        """
        return coloured.answers(self.network, images, BATCH)


def build():
    """Returns the network before it learns, in float32 whatever the policy is: images
    `[B, H, W, 3]` in [-1, 1] of any size -> features `[B, 128]`.

    One branch sees the pixels as they are and forgets where they stand, so it knows
    texture; the other sees the image at 32x32 and knows shape and layout.
    """
    kind = {"dtype": "float32"}
    images = layers.Input((None, None, 3), **kind)
    near = _convolutions(images, NEAR, first=1)
    near = layers.Concatenate(**kind)(
        [layers.GlobalAveragePooling2D(**kind)(level) for level in near]
    )
    far = layers.Resizing(FAR_SIDE, FAR_SIDE, antialias=True, **kind)(images)
    far = layers.Flatten(**kind)(_convolutions(far, FAR, first=2)[-1])
    x = layers.Concatenate(**kind)([near, far])
    return keras.Model(
        images, layers.Dense(SIZE, name="features", **kind)(x), name=NAME
    )


def _convolutions(x, widths, first):
    """Returns the levels of a trunk; the first one strides by `first`, the others by
    2."""
    levels = []
    # Not normalised by batch, or features would depend on what else is in it.
    kind = {"padding": "same", "activation": "relu", "dtype": "float32"}
    for number, channels in enumerate(widths):
        stride = 2 if number else first
        x = layers.Conv2D(channels, 3, stride, kernel_initializer="he_normal", **kind)(
            x
        )
        levels.append(x)
    return levels


def store(network, folder, facts):
    """Writes a taught network as pretext.npz and pretext.json.

    Args:
        folder: Where both go; it exists.
        facts: What the .json file tells beside the sha256.
    Returns: the `Pretext`, as loaded from the files.
    """
    digest, _ = archive.write(folder, NAME, network.get_weights())
    archive.describe(folder, NAME, {"name": NAME, "sha256": digest} | facts)
    return load(folder)


@functools.cache
def shipped():
    """Returns the `Pretext` that comes with the zoo; it is loaded once in a process."""
    return load(SHIPPED)


def load(folder):
    """Returns the `Pretext` that `store` wrote.

    Raises: ValueError: if a file is missing, damaged or not the one that was written.
    """
    about, weights = archive.read(folder, NAME)
    network = build()
    network.set_weights(weights)
    return Pretext(network, about)
