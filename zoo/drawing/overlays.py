"""Maps laid over images, as colours."""

import numpy as np

from zoo.inputs import pixels

STRENGTH = 0.6  # of the colours; the rest is the image


def heat(images, maps):
    """Returns images under the colours of their maps, uint8 `[N, H, W, 3]`: of each map
    the smallest value is dark, the largest bright.

    Args:
        images: `[N, H, W, 1 or 3]`, float in [-1, 1] or uint8.
        maps: `[N, h, w]`, each value of a rectangle of pixels; h divides H, w divides
            W.
    """
    from matplotlib import colormaps  # takes a second to import

    images, maps = pixels.to_uint8(images), np.asarray(maps, "float64")
    low, high = (f(maps, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    scaled = (maps - low) / np.maximum(high - low, 1e-12)
    height, width = images.shape[1:3]
    for axis, size in ((1, height), (2, width)):
        scaled = np.repeat(scaled, size // maps.shape[axis], axis=axis)
    colours = 255.0 * colormaps["inferno"](scaled)[..., :3]
    mixed = STRENGTH * colours + (1.0 - STRENGTH) * images
    return mixed.round().astype("uint8")
