"""Penalties on a discriminator's gradient by its input: functions of tensors.

Each takes `judge`, a function from images `[B, H, W, C]` to scores `[B, 1]`, and
returns a scalar, mean over the batch, that is itself differentiable.
"""

from keras import ops

from zoo import backend


def wasserstein(judge, images, x_fake, weight):
    """Mean of (|gradient| - 1)^2 between real and made images, a norm per image.

    Args:
        images, x_fake: `[B, H, W, C]`.
        weight: `[B, 1, 1, 1]`, uniform on [0, 1): the share of the real image.
    Source: Gulrajani et al. 2017 (WGAN-GP), arXiv:1704.00028, Algorithm 1.
    """
    x_hat = weight * images + (1.0 - weight) * x_fake
    return ops.mean(ops.square(_norms(judge, x_hat) - 1.0))


def dragan(judge, images, noise):
    """Mean of (|gradient| - 1)^2 around the real images.

    Args:
        images: `[B, H, W, C]`.
        noise: `[B, H, W, C]`, uniform on [0, 1): times half the standard deviation of
            the batch, as in the authors' code (the paper has normal noise).
    Source: Kodali et al. 2017 (DRAGAN), arXiv:1705.07215, equation 4.
    """
    x_hat = images + 0.5 * ops.std(images) * noise
    return ops.mean(ops.square(_norms(judge, x_hat) - 1.0))


def r1(judge, images):
    """Half the mean of |gradient|^2 at the real images.

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    gradient = backend.input_gradient(judge, images)
    return 0.5 * ops.mean(ops.sum(ops.square(gradient), axis=(1, 2, 3)))


def _norms(judge, images):
    """The gradient's norm of each image, `[B]`."""
    gradient = backend.input_gradient(judge, images)
    # Without the tiny number, the norm has no gradient where the judge is flat.
    return ops.sqrt(ops.sum(ops.square(gradient), axis=(1, 2, 3)) + 1e-12)
