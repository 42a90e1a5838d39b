"""The variational bound of a diffusion model: how many nats it takes to tell an image.

-log p(x_0) is at most the sum of what the noisiest level still tells of x_0, of the
divergence of each p(x_s | x_t) from q(x_s | x_t, x_0), and of -log p(x_0 | x_1) of the
8-bit pixels.

Ho et al. 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, equation
5.
"""

import math

import numpy as np
from keras import ops

from zoo import diffusion
from zoo.core import losses, ranks


def variational_bound(predict, x_0, levels, noise, variance="beta"):
    """Returns a bound of -log P(x_0) `[B]`, in nats, with one draw of noise a level.

    Args:
        predict: (x, k) -> (x_0, eps), or (x_0, eps, v), as `diffusion.ddpm` takes it.
        x_0: Pixels of 8 bits `[B, ...]` in [-1, 1].
        levels: `Levels`; fewer steps than the schedule has make a looser bound.
        noise: k -> standard normal `[B, ...]`.
        variance: That of p(x_s | x_t), as `diffusion.ddpm` takes it.
    Source: Ho et al. 2020, equations 5, 7, 8 and 13.
    """
    steps, x_0 = len(levels.t) - 1, ops.convert_to_tensor(x_0)
    is_last = np.arange(steps) == steps - 1
    columns = levels.alpha[:-1], levels.sigma[:-1], *step_columns(levels, variance)
    row = diffusion.table(x_0.dtype, *columns, is_last)

    def add(k, total):
        alpha, sigma, w_0, log_beta, log_least, is_last = row(k)
        x_0_hat, _, *v = predict(alpha * x_0 + sigma * noise(k), k)
        logvar = diffusion.log_variance(variance, log_beta, log_least, *v)
        return total + step_nats(x_0, x_0_hat, logvar, w_0, log_least, is_last)

    alpha, variance_T = float(levels.alpha[0]), float(levels.sigma[0] ** 2)
    prior = (alpha * x_0) ** 2 + variance_T - 1.0 - math.log(variance_T)
    return ops.fori_loop(0, steps, add, 0.5 * per_image(prior))


def step_nats(x_0, x_0_hat, logvar, w_0, log_least, is_last):
    """Returns the bound's term of a step `[B]`, in nats: KL(q(x_s | x_t, x_0) || p(x_s
    | x_t)), and where `is_last` is 1 in its place -log p(x_0 | x_1).

    Args:
        x_0_hat, logvar: What the network makes of x_t; p(x_s | x_t) has this variance.
        w_0, log_least: Of the step, as `step_columns` tells them.
    """
    divergence = per_image(kl(w_0 * (x_0 - x_0_hat), log_least, logvar))
    pixels = losses.discretized_gaussian_nll(x_0, x_0_hat, 0.5 * logvar)
    return ops.where(is_last > 0, ops.cast(pixels, divergence.dtype), divergence)


def step_columns(levels, variance):
    """Returns (w_0, log beta, log posterior variance) of each step, as `diffusion.
    posterior` names them.

    The posterior of the last step is a point: as in the code of Ho et al., its variance
    is taken to be that of the step before. Theirs takes it in the place of the last
    beta, too, where beta is the `variance` of p(x_s | x_t) ("fixedlarge"): it tells
    pixels better. A learned one lies between the two as they are.

    Source: github.com/hojonathanho/diffusion, diffusion_utils_2.py; "learned":
    github.com/openai/improved-diffusion, gaussian_diffusion.py.
    """
    w_0, _, beta, least = diffusion.posterior(levels)
    least[-1] = least[-2] if len(least) > 1 else beta[-1]
    if variance == "beta":
        beta[-1] = least[-1]
    return w_0, np.log(beta), np.log(least)


def kl(difference, logvar_q, logvar_p):
    """KL(q || p) of normal distributions whose means are `difference` apart, in nats,
    elementwise."""
    ratio = ops.exp(logvar_q - logvar_p)
    square = ops.square(difference) * ops.exp(-logvar_p)
    return 0.5 * (logvar_p - logvar_q + ratio + square - 1.0)


def per_image(x):
    """Sums `[B, ...]` over everything but the batch."""
    x = ops.convert_to_tensor(x)
    return ops.sum(x, axis=ranks.row_axes(x))
