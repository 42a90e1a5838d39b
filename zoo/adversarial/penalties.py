"""Penalties on a discriminator's gradient by its input, as functions of tensors.

Each takes a `critic`, which is a function from images `[B, H, W, C]` to scores `[B,
1]`, and returns a scalar: the mean over the batch, which can be differentiated again.
"""

from keras import ops

from zoo import backend


def wasserstein(critic, images, x_fake, weight):
    """Returns the mean of (|gradient| - 1)^2 between real and generated images, with
    one norm per image.

    Args:
        images, x_fake: `[B, H, W, C]`.
        weight: `[B, 1, 1, 1]`, uniform on [0, 1): the share of the real image.
    Source: Gulrajani et al. 2017 (WGAN-GP), arXiv:1704.00028, Algorithm 1.
    """
    x_hat = weight * images + (1.0 - weight) * x_fake
    return ops.mean(ops.square(_norms(critic, x_hat) - 1.0))


def dragan(critic, images, noise):
    """Returns the mean of (|gradient| - 1)^2 around the real images.

    Args:
        images: `[B, H, W, C]`.
        noise: `[B, H, W, C]`, uniform on [0, 1). It is multiplied by half the standard
            deviation of the batch, as in the authors' code; the paper has normal noise.
    Source: Kodali et al. 2017 (DRAGAN), arXiv:1705.07215, equation 4. Departure: the
    gradient is taken at the perturbed images; the authors' code takes it at points
    between the real and the perturbed images, x + alpha (perturbed - x), with one alpha
    per image, uniform on [0, 1). github.com/kodalinaveen3/DRAGAN.
    """
    x_hat = images + 0.5 * ops.std(images) * noise
    return ops.mean(ops.square(_norms(critic, x_hat) - 1.0))


def r1(critic, images):
    """Returns half the mean of |gradient|^2 at the real images.

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    gradient = backend.input_gradient(critic, images)
    return 0.5 * ops.mean(ops.sum(ops.square(gradient), axis=(1, 2, 3)))


def _norms(critic, images):
    """Returns the norm of the gradient at each image, `[B]`."""
    gradient = backend.input_gradient(critic, images)
    # Without the tiny number, the norm has no gradient where the critic is flat.
    return ops.sqrt(ops.sum(ops.square(gradient), axis=(1, 2, 3)) + 1e-12)
