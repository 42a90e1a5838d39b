"""Networks of colour images, asked batch by batch, of grey images as well."""

import keras
import numpy as np

from zoo.inputs import pixels


def answers(network, images, batch_size, side=None):
    """Returns what a network says of images, an array `[N, ...]`.

    Args:
        network: Of images `[B, H, W, 3]` in [-1, 1].
        images: `[N, H, W, 1 or 3]`, uint8 or float in [-1, 1]; a grey image is taken as
            three equal channels.
        side: Pixels to resize them to, without antialiasing; None for as they are.
    """
    parts = []
    for start in range(0, len(images), batch_size):
        x = pixels.to_float(np.asarray(images[start : start + batch_size]))
        x = np.repeat(x, 3 // x.shape[-1], axis=-1)
        if side is not None:
            x = keras.ops.image.resize(x, (side, side), interpolation="bilinear")
        parts.append(keras.ops.convert_to_numpy(network(x, training=False)))
    return np.concatenate(parts)
