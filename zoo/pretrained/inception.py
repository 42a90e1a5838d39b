"""InceptionV3 on ImageNet as a maker of features, where its weights can be had."""

import hashlib
import os
import pathlib

import keras
import numpy as np

from zoo.data.sources import building
from zoo.pretrained import coloured

SIDE = 299  # pixels that the network was trained on
BATCH = 50
FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
ORIGIN = "https://storage.googleapis.com"


class Inception:
    """The 2,048 pooled features of keras.applications' InceptionV3.

    Its weights are not those of the network in published scores: never compare these
    numbers with a paper's. On two cores it computes a few features a second.

    Attributes:
        name: "inception_v3".
        sha256: Of its weights.

    Raises: ValueError: if the weights are neither on this machine nor to be downloaded.
    Source: Szegedy et al. 2015, arXiv:1512.00567.
    """

    name = "inception_v3"

    def __init__(self):
        self.network = _network()
        digest = hashlib.sha256()
        for array in self.network.get_weights():
            digest.update(np.ascontiguousarray(array).tobytes())
        self.sha256 = digest.hexdigest()

    def features(self, images):
        """Returns features, float32 `[N, 2048]`.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1]; they are resized to
                299x299 without antialiasing, and grey becomes three channels.
        """
        return coloured.answers(self.network, images, BATCH, SIDE)


def _network():
    folder = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    path = folder / "models" / FILE
    reason = "no network"
    try:
        if path.is_file() or building.reachable(ORIGIN):
            return keras.applications.InceptionV3(
                include_top=False, weights="imagenet", pooling="avg"
            )
    except Exception as error:  # Keras raises this very class if a download fails
        reason = " ".join(str(error).split()).rstrip(".")
    raise ValueError(
        f"InceptionV3's weights are neither in {path} nor to be downloaded ({reason}): "
        "put them there, or take --features=classifier. Received: features='inception'."
    )
