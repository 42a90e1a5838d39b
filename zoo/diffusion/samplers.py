"""Samplers: from noise down a ladder of levels to data. A sampler is its step.

Each of them is written as (predict, noise, levels, <own option>) -> `loop.Steps`: the
numbers of all steps, from the levels, and the step that takes them. `Sampler` makes it
a function of the signature that `zoo.diffusion` describes.
"""

import numbers

import numpy as np
from keras import ops

from zoo.diffusion.loop import Sampler, Steps


def posterior(levels):
    """Returns (w_0, w_x, beta, variance) `[steps]`: q(x_s | x_t, x_0) of each step from
    t to s is N(w_0 x_0 + w_x x_t, variance), and beta the variance of q(x_t | x_s).

    Source: Ho et al. 2020, equations 6 and 7, for any two levels.
    """
    ratio = levels.alpha[:-1] / levels.alpha[1:]
    sigma_t, sigma_s = levels.sigma[:-1], levels.sigma[1:]
    beta = np.where(levels.rises, 1.0, 1.0 - ratio**2)  # no sampler takes a step up
    w_0 = levels.alpha[1:] * beta / sigma_t**2
    w_x = ratio * sigma_s**2 / sigma_t**2
    return w_0, w_x, beta, beta * sigma_s**2 / sigma_t**2


def log_variance(variance, log_beta, log_least, v=None):
    """Returns the log variance of p(x_s | x_t): see `ddpm`."""
    if variance == "learned":
        return v * log_beta + (1.0 - v) * log_least
    return log_beta if variance == "beta" else log_least


@Sampler
def ddpm(predict, noise, levels, variance="posterior"):
    """Ancestral sampling: a draw of p(x_s | x_t) at each step, the last one its mean.

    variance: "beta", that of q(x_t | x_s), or "posterior", that of q(x_s | x_t, x_0):
        right for normal data and for a single point; or "learned": between the two,
        beta^v posterior^(1 - v), where `predict` returns (x_0, eps, v).
    Source: Ho et al. 2020, arXiv:2006.11239, algorithm 2; "learned": Nichol and
    Dhariwal 2021, arXiv:2102.09672, equation 15.
    """
    if variance not in ("beta", "posterior", "learned"):
        raise ValueError(
            'variance is "beta", "posterior" or "learned". '
            f"Received: variance={variance!r}."
        )
    w_0, w_x, beta, least = posterior(levels)
    is_random = (levels.sigma[1:] > 0).astype(float)
    log_beta, log_least = np.log(beta), np.log(np.where(is_random, least, 1.0))

    def step(k, x, _, w_0, w_x, log_beta, log_least, is_random):
        x_0, _, *v = predict(x, k)
        std = ops.exp(0.5 * log_variance(variance, log_beta, log_least, *v))
        return w_0 * x_0 + w_x * x + is_random * std * noise(k), x_0

    return Steps(step, (w_0, w_x, log_beta, log_least, is_random))


@Sampler
def ddim(predict, noise, levels, eta=0.0):
    """Implicit sampling: to x_0 and back up to the next level along the same noise.

    eta: Share of the noise that is drawn afresh; 0 draws none, 1 is `ddpm` with the
        posterior variance.
    Source: Song et al. 2020, arXiv:2010.02502, equations 12 and 16.
    """
    if not isinstance(eta, numbers.Real) or not 0 <= eta <= 1:
        raise ValueError(f"eta lies in [0, 1]. Received: eta={eta!r}.")
    *_, variance = posterior(levels) if eta else (np.zeros(len(levels.t) - 1),)
    fresh = eta**2 * variance
    kept = np.sqrt(np.maximum(levels.sigma[1:] ** 2 - fresh, 0.0))

    def step(k, x, _, alpha, kept, fresh):
        x_0, eps, *_ = predict(x, k)
        x = alpha * x_0 + kept * eps
        return x + fresh * noise(k) if eta else x, x_0

    return Steps(step, (levels.alpha[1:], kept, np.sqrt(fresh)))


@Sampler
def euler(predict, noise, levels):
    """Euler's method on dx = x_0 dalpha + eps dsigma: along a flow's straight path, the
    velocity eps - x_0 times the step in t. (The same as `ddim` with eta = 0.)

    Source: Lipman et al. 2022, arXiv:2210.02747, and Liu et al. 2022, arXiv:2209.03003.
    """

    def step(k, x, _, d_alpha, d_sigma):
        x_0, eps, *_ = predict(x, k)
        return x + d_alpha * x_0 + d_sigma * eps, x_0

    return Steps(step, (np.diff(levels.alpha), np.diff(levels.sigma)))


@Sampler
def heun(predict, noise, levels):
    """Heun's method of second order: each step goes by the mean slope at both its ends,
    for which it asks the network twice; the last one, into data, by Euler's method.

    Source: Karras et al. 2022, arXiv:2206.00364, algorithm 1, with dx = x_0 dalpha +
    eps dsigma integrated over the levels themselves in place of time.
    """

    def step(k, x, _, d_alpha, d_sigma):
        x_0, eps, *_ = predict(x, k)
        ahead = x + d_alpha * x_0 + d_sigma * eps
        x_0_ahead, eps_ahead, *_ = predict(ahead, k + 1)
        x = x + d_alpha * (x_0 + x_0_ahead) / 2 + d_sigma * (eps + eps_ahead) / 2
        return x, x_0

    def last(k, x, *_):
        x_0 = predict(x, k)[0]
        return x_0, x_0

    return Steps(step, (np.diff(levels.alpha), np.diff(levels.sigma)), last)


@Sampler
def dpmpp_2m(predict, noise, levels):
    """DPM-Solver++ of second order, multistep: it asks the network once a step, and
    takes the slope of x_0 from the step before; the first and last step are of first
    order.

    Source: Lu et al. 2022, arXiv:2211.01095, algorithm 2; the last step as in
    k-diffusion, `sample_dpmpp_2m`.
    """
    alpha_t, alpha_s = levels.alpha[:-1], levels.alpha[1:]
    w_x = levels.sigma[1:] / levels.sigma[:-1]
    w_0 = alpha_s - w_x * alpha_t  # -alpha_s (e^-h - 1)
    with np.errstate(divide="ignore"):
        h = np.diff(np.log(levels.alpha) - np.log(levels.sigma))  # of log(alpha/sigma)
    slope = np.zeros_like(h)
    slope[1:-1] = h[1:-1] / (2 * h[:-2])  # 1 / (2 r)
    slope[1:][levels.rises[:-1]] = 0.0  # after a step up it starts anew

    def step(k, x, x_0_before, w_x, w_0, slope):
        x_0 = predict(x, k)[0]
        return w_x * x + w_0 * (x_0 + slope * (x_0 - x_0_before)), x_0

    return Steps(step, (w_x, w_0, slope))


SAMPLERS = {each.__name__: each for each in (ddpm, ddim, heun, dpmpp_2m, euler)}
