"""Ladders of corruptions: what a score is when images get worse step by step.

Beside a model's score they tell how far it is: "as far as a blur of one pixel".
"""

import numpy as np
from scipy import ndimage

from zoo.inputs import pixels
from zoo.metrics import arrays

BLURS = (0.5, 1.0, 2.0)  # pixels: standard deviation of the normal curve
NOISES = (0.05, 0.1, 0.2)  # standard deviation, of pixels in [0, 1]


def blur(images, sigma):
    """Returns images `[N, H, W, C]` blurred by a normal curve of `sigma` pixels, as
    uint8."""
    x = pixels.intensities(arrays.images(images))
    return pixels.from_intensities(ndimage.gaussian_filter(x, sigma, axes=(1, 2)))


def noise(images, sigma, seed=0):
    """Returns images `[N, H, W, C]` with normal noise of deviation `sigma` (of pixels
    in [0, 1]) on each pixel, clipped, as uint8."""
    x = pixels.intensities(arrays.images(images))
    random = np.random.default_rng(seed)
    return pixels.from_intensities(x + sigma * random.standard_normal(x.shape))


def ladder(images, seed=0):
    """Yields (name, corrupted images): each blur, then each noise, from weak to
    strong."""
    for sigma in BLURS:
        yield f"blur {sigma:g}", blur(images, sigma)
    for sigma in NOISES:
        yield f"noise {sigma:g}", noise(images, sigma, seed)
