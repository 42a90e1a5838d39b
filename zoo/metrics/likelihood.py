"""Likelihoods of `model.nll`: a mean with its standard error, bits per dimension."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Likelihood:
    """-log p(x) in nats: mean over the images, and the standard error of that mean."""

    nats: float
    standard_error: float
    num_images: int


def likelihood(nats):
    """Returns the `Likelihood` of the -log p(x) `[N]` of N images.

    Raises: ValueError: if there are fewer than two, or one is not finite.
    """
    nats = np.asarray(nats, dtype=np.float64)
    if nats.ndim != 1 or len(nats) < 2 or not np.isfinite(nats).all():
        raise ValueError(
            "A likelihood is of at least two images, one finite number each. "
            f"Received: shape {list(nats.shape)}, finite: {np.isfinite(nats).all()}."
        )
    error = nats.std(ddof=1) / math.sqrt(len(nats))
    return Likelihood(float(nats.mean()), float(error), len(nats))


def bits_per_dim(nats, image_shape):
    """Returns `nats` an image as bits a pixel and channel; means something only for a
    likelihood of discrete pixels.

    Args:
        image_shape: (H, W, C).
    """
    return nats / (math.prod(image_shape) * math.log(2))
