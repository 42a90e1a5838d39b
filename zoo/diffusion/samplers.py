"""Samplers: from noise down a ladder of levels to data."""

import numbers

import keras
import numpy as np
from keras import ops


def posterior(levels):
    """Returns (w_0, w_x, beta, variance) `[steps]`: q(x_s | x_t, x_0) of each step from
    t to s is N(w_0 x_0 + w_x x_t, variance), and beta the variance of q(x_t | x_s).

    Source: Ho et al. 2020, equations 6 and 7, for any two levels.
    """
    ratio = levels.alpha[:-1] / levels.alpha[1:]
    sigma_t, sigma_s = levels.sigma[:-1], levels.sigma[1:]
    beta = np.where(levels.rises, 1.0, 1.0 - ratio**2)  # no sampler's: steps up
    w_0 = levels.alpha[1:] * beta / sigma_t**2
    w_x = ratio * sigma_s**2 / sigma_t**2
    return w_0, w_x, beta, beta * sigma_s**2 / sigma_t**2


def log_variance(variance, log_beta, log_least, v=None):
    """Returns the log variance of p(x_s | x_t): see `ddpm`."""
    if variance == "learned":
        return v * log_beta + (1.0 - v) * log_least
    return log_beta if variance == "beta" else log_least


def ddpm(
    predict,
    x,
    levels,
    noise,
    after=None,
    trajectory=False,
    part=None,
    variance="posterior",
):
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
    row = table(x.dtype, w_0, w_x, log_beta, log_least, is_random)

    def step(k, x, _):
        x_0, _, *v = predict(x, k)
        w_0, w_x, log_beta, log_least, is_random = row(k)
        std = ops.exp(0.5 * log_variance(variance, log_beta, log_least, *v))
        return w_0 * x_0 + w_x * x + is_random * std * noise(k), x_0

    return _descend(step, x, levels, noise, after, trajectory, part)


def ddim(
    predict,
    x,
    levels,
    noise=None,
    after=None,
    trajectory=False,
    part=None,
    eta=0.0,
):
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
    row = table(x.dtype, levels.alpha[1:], kept, np.sqrt(fresh))

    def step(k, x, _):
        x_0, eps, *_ = predict(x, k)
        alpha, kept, fresh = row(k)
        x = alpha * x_0 + kept * eps
        return x + fresh * noise(k) if eta else x, x_0

    return _descend(step, x, levels, noise, after, trajectory, part)


def euler(predict, x, levels, noise=None, after=None, trajectory=False, part=None):
    """Euler's method on dx = x_0 dalpha + eps dsigma: along a flow's straight path, the
    velocity eps - x_0 times the step in t. (The same as `ddim` with eta = 0.)

    Source: Lipman et al. 2022, arXiv:2210.02747, and Liu et al. 2022, arXiv:2209.03003.
    """
    row = table(x.dtype, np.diff(levels.alpha), np.diff(levels.sigma))

    def step(k, x, _):
        x_0, eps, *_ = predict(x, k)
        d_alpha, d_sigma = row(k)
        return x + d_alpha * x_0 + d_sigma * eps, x_0

    return _descend(step, x, levels, noise, after, trajectory, part)


def heun(predict, x, levels, noise=None, after=None, trajectory=False, part=None):
    """Heun's method of second order: each step by the mean slope at both its ends, two
    looks of the network; the last one, into data, by Euler's method.

    Source: Karras et al. 2022, arXiv:2206.00364, algorithm 1, with dx = x_0 dalpha +
    eps dsigma integrated over the levels themselves in place of time.
    """
    row = table(x.dtype, np.diff(levels.alpha), np.diff(levels.sigma))

    def step(k, x, _):
        x_0, eps, *_ = predict(x, k)
        d_alpha, d_sigma = row(k)
        ahead = x + d_alpha * x_0 + d_sigma * eps
        x_0_ahead, eps_ahead, *_ = predict(ahead, k + 1)
        x = x + d_alpha * (x_0 + x_0_ahead) / 2 + d_sigma * (eps + eps_ahead) / 2
        return x, x_0

    def last(k, x, _):
        x_0 = predict(x, k)[0]
        return x_0, x_0

    return _descend(step, x, levels, noise, after, trajectory, part, last)


def dpmpp_2m(predict, x, levels, noise=None, after=None, trajectory=False, part=None):
    """DPM-Solver++ of second order, multistep: one look a step, the slope of x_0 from
    the step before; the first and last step are of first order.

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
    slope[1:][levels.rises[:-1]] = 0.0  # a new start after each step up
    row = table(x.dtype, w_x, w_0, slope)

    def step(k, x, x_0_before):
        x_0 = predict(x, k)[0]
        w_x, w_0, slope = row(k)
        return w_x * x + w_0 * (x_0 + slope * (x_0 - x_0_before)), x_0

    return _descend(step, x, levels, noise, after, trajectory, part)


SAMPLERS = {f.__name__: f for f in (ddpm, ddim, heun, dpmpp_2m, euler)}


def table(dtype, *columns):
    """Returns k -> the k-th number of each of `columns`, as tensors of `dtype`."""
    rows = np.stack(columns, axis=-1).astype(keras.backend.standardize_dtype(dtype))

    def row(k):
        return ops.unstack(ops.take(rows, k, axis=0), num=len(columns))

    return row


def _descend(step, x, levels, noise, after, trajectory, part, last=None):
    """Takes all steps, or those of `part`: `step`, or for the last one `last`, maps (k,
    x, the x_0 that the step before has seen) to (x, x_0). Steps up are the same for all
    samplers."""
    steps = len(levels.t) - 1
    looped = steps if last is None else steps - 1
    x = ops.convert_to_tensor(x)
    either = _up_or(step, levels, noise, x.dtype) if levels.rises.any() else step

    def taken(step, k, state):
        x, x_0 = step(k, *state)
        return (x if after is None else after(k + 1, x)), x_0

    def body(k, state):
        return taken(either, k, state)

    if trajectory:
        return _path(body, taken, x, steps, last)
    first, end, x_0 = part or (0, steps, ops.zeros_like(x))
    state = ops.fori_loop(first, ops.minimum(end, looped), body, (x, x_0))
    if last is not None:
        is_last = (first <= looped) & (end > looped)
        state = ops.cond(is_last, lambda: taken(last, looped, state), lambda: state)
    return state if part else state[0]


def _path(body, taken, x, steps, last):
    """Returns x of all levels `[steps + 1, B, ...]`."""
    parts, state = [x[None]], (x, ops.zeros_like(x))
    looped = steps if last is None else steps - 1
    if looped:
        # A scan stacks values that are shaped like its state.
        state, (path, _) = ops.scan(
            lambda state, k: (body(k, state),) * 2, state, np.arange(looped)
        )
        parts.append(path)
    if last is not None:
        parts.append(taken(last, looped, state)[0][None])
    return ops.concatenate(parts, axis=0)


def _up_or(step, levels, noise, dtype):
    """Returns `step`, but that it noises x where the ladder leads up: a draw of q(x_s |
    x_t) of the noisier level s."""
    rises, ratio = levels.rises, np.zeros(len(levels.rises))
    np.divide(levels.alpha[1:], levels.alpha[:-1], where=rises, out=ratio)
    variance = levels.sigma[1:] ** 2 - (ratio * levels.sigma[:-1]) ** 2
    row = table(dtype, rises, ratio, np.sqrt(np.where(rises, variance, 0.0)))

    def either(k, x, x_0):
        rises, ratio, std = row(k)
        return ops.cond(
            rises > 0,
            lambda: (ratio * x + std * noise(k), x_0),
            lambda: step(k, x, x_0),
        )

    return either
