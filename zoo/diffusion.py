"""Noise schedules and samplers of diffusion models and flows, as pure functions.

Noised data is x_t = alpha_t x_0 + sigma_t eps, from data (alpha 1, sigma 0) to noise. A
sampler goes down a ladder of such levels, asking `predict` at each what of x_t is data
and what is noise. All have one signature:

    sampler(predict, x, levels, noise=None, after=None, trajectory=False, <own option>)

    predict: (x, k) -> (x_0, eps) as seen in `x` `[B, ...]` of level k.
    x: Noise `[B, ...]`, of level 0; its dtype is that of the computation.
    levels: `Levels`, noise first.
    noise: k -> standard normal `[B, ...]`, fresh at each step k; of random samplers.
    after: (k, x) -> x, applied to each x of level k that a step has made (inpainting).
    trajectory: Whether to return x of all levels `[steps + 1, B, ...]`, not the last.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

# --- schedules and levels -------------------------------------------------------------


def linear_betas(num_timesteps):
    """Returns betas `[T]`, rising linearly from 1e-4 to 0.02 at T = 1000.

    With other T they are scaled by 1000 / T, so that all of them end in noise.
    Source: Ho et al. 2020, arXiv:2006.11239, section 4; the scale is that of Nichol and
    Dhariwal 2021, arXiv:2102.09672.
    """
    scale = 1000.0 / num_timesteps
    betas = np.linspace(1e-4 * scale, 0.02 * scale, num_timesteps)
    return np.minimum(betas, 0.999)


def cosine_betas(num_timesteps, s=0.008):
    """Returns betas `[T]` of alpha_bar(t) = f(t) / f(0), f(t) = cos^2 of (t / T + s) /
    (1 + s) pi / 2; at most 0.999.

    Source: Nichol and Dhariwal 2021, arXiv:2102.09672, equation 17.
    """
    time = np.arange(num_timesteps + 1) / num_timesteps
    f = np.cos((time + s) / (1 + s) * np.pi / 2) ** 2
    return np.minimum(1 - f[1:] / f[:-1], 0.999)


SCHEDULES = {"linear": linear_betas, "cosine": cosine_betas}


def alpha_bars(betas):
    """Returns alpha_bar `[T]`, the product of 1 - beta up to t: x_t is sqrt(alpha_bar)
    x_0 + sqrt(1 - alpha_bar) eps."""
    return np.cumprod(1.0 - betas)


class Levels(NamedTuple):
    """A ladder from noise to data; float64 `[steps + 1]` each, the last level is data.

    Attributes:
        t: What the network is told of the level; of the last one nothing.
        alpha, sigma: x_t = alpha x_0 + sigma eps; 1 and 0 at the last level.
    """

    t: np.ndarray
    alpha: np.ndarray
    sigma: np.ndarray

    def below(self, steps):
        """Returns the last `steps` steps of the ladder."""
        return Levels(*(column[-steps - 1 :] for column in self))


def discrete_levels(alpha_bar, steps):
    """Returns the `Levels` of `steps` evenly spaced timesteps of a schedule, the
    noisiest among them.

    Raises: ValueError: unless 1 <= steps <= T.
    """
    most = len(alpha_bar)
    if not _is_whole(steps) or not 1 <= steps <= most:
        raise ValueError(
            f"The schedule has {most} timesteps: sampling takes 1 to {most} steps. "
            f"Received: steps={steps!r}."
        )
    t = np.linspace(most - 1, 0, steps).round().astype(int)
    kept = np.append(alpha_bar[t], 1.0)
    return Levels(np.append(t, 0.0), np.sqrt(kept), np.sqrt(1.0 - kept))


def flow_levels(steps, first=1.0):
    """Returns the `Levels` of the straight path x_t = (1 - t) x_0 + t eps, t from
    `first` to 0.

    Raises: ValueError: if steps is below 1.
    """
    if not _is_whole(steps) or steps < 1:
        raise ValueError(
            f"Sampling takes at least one step, in whole numbers. Received: {steps=}."
        )
    t = np.linspace(first, 0.0, steps + 1)
    return Levels(t, 1.0 - t, t)


def _is_whole(steps):
    return isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)


# --- what a network predicts ----------------------------------------------------------


def target(prediction, x_0, eps, alpha, sigma):
    """Returns what a network of this `prediction` should answer for x_t.

    "eps", "x0", "v" = alpha eps - sigma x_0 (Salimans and Ho 2022, arXiv:2202.00512,
    appendix D) or "velocity" = eps - x_0, the derivative of the straight path.
    """
    if prediction == "eps":
        return eps
    if prediction == "x0":
        return x_0
    return eps - x_0 if prediction == "velocity" else alpha * eps - sigma * x_0


def interpret(prediction, output, x, alpha, sigma, clip=False):
    """Returns (x_0, eps) of x_t `x`, as a network's `output` tells them.

    Args:
        clip: Whether x_0 is brought into [-1, 1], where images are; eps then follows,
            so that x_t = alpha x_0 + sigma eps still holds.
    """
    if prediction == "eps":
        x_0, eps = (x - sigma * output) / alpha, output
    elif prediction == "x0":
        x_0, eps = output, (x - alpha * output) / sigma
    elif prediction == "velocity":
        x_0, eps = x - sigma * output, x + alpha * output
    else:
        x_0, eps = alpha * x - sigma * output, sigma * x + alpha * output
    if not clip:
        return x_0, eps
    inside = ops.clip(x_0, -1.0, 1.0)
    return inside, eps + alpha / sigma * (x_0 - inside)


def min_snr_weights(prediction, alpha_bar, gamma):
    """Returns the weight `[T]` of the squared error at each timestep: min(SNR, gamma)
    in units of x_0, with SNR = alpha_bar / (1 - alpha_bar).

    Source: Hang et al. 2023, arXiv:2303.09556, section 3.4.
    """
    snr = alpha_bar / (1.0 - alpha_bar)
    per_unit = {"eps": snr, "x0": 1.0, "v": snr + 1.0}[prediction]
    return np.minimum(snr, gamma) / per_unit


# --- samplers -------------------------------------------------------------------------


def posterior(levels):
    """Returns (w_0, w_x, beta, variance) `[steps]`: q(x_s | x_t, x_0) of each step from
    t to s is N(w_0 x_0 + w_x x_t, variance), and beta the variance of q(x_t | x_s).

    Source: Ho et al. 2020, equations 6 and 7, for any two levels.
    """
    ratio = levels.alpha[:-1] / levels.alpha[1:]
    sigma_t, sigma_s = levels.sigma[:-1], levels.sigma[1:]
    beta = 1.0 - ratio**2
    w_0 = levels.alpha[1:] * beta / sigma_t**2
    w_x = ratio * sigma_s**2 / sigma_t**2
    return w_0, w_x, beta, beta * sigma_s**2 / sigma_t**2


def log_variance(variance, log_beta, log_least, v=None):
    """Returns the log variance of p(x_s | x_t): see `ddpm`."""
    if variance == "learned":
        return v * log_beta + (1.0 - v) * log_least
    return log_beta if variance == "beta" else log_least


def ddpm(predict, x, levels, noise, after=None, trajectory=False, variance="posterior"):
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

    return _descend(step, x, levels, after, trajectory)


def ddim(predict, x, levels, noise=None, after=None, trajectory=False, eta=0.0):
    """Implicit sampling: to x_0 and back up to the next level along the same noise.

    eta: Share of the noise that is drawn afresh; 0 draws none, 1 is `ddpm` with the
        posterior variance.
    Source: Song et al. 2020, arXiv:2010.02502, equations 12 and 16.
    """
    if not 0 <= eta <= 1:
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

    return _descend(step, x, levels, after, trajectory)


def euler(predict, x, levels, noise=None, after=None, trajectory=False):
    """Euler's method on dx = x_0 dalpha + eps dsigma: along a flow's straight path, the
    velocity eps - x_0 times the step in t. (The same as `ddim` with eta = 0.)

    Source: Lipman et al. 2022, arXiv:2210.02747, and Liu et al. 2022, arXiv:2209.03003.
    """
    row = table(x.dtype, np.diff(levels.alpha), np.diff(levels.sigma))

    def step(k, x, _):
        x_0, eps, *_ = predict(x, k)
        d_alpha, d_sigma = row(k)
        return x + d_alpha * x_0 + d_sigma * eps, x_0

    return _descend(step, x, levels, after, trajectory)


def heun(predict, x, levels, noise=None, after=None, trajectory=False):
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

    return _descend(step, x, levels, after, trajectory, last)


def dpmpp_2m(predict, x, levels, noise=None, after=None, trajectory=False):
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
    row = table(x.dtype, w_x, w_0, slope)

    def step(k, x, x_0_before):
        x_0 = predict(x, k)[0]
        w_x, w_0, slope = row(k)
        return w_x * x + w_0 * (x_0 + slope * (x_0 - x_0_before)), x_0

    return _descend(step, x, levels, after, trajectory)


SAMPLERS = {f.__name__: f for f in (ddpm, ddim, heun, dpmpp_2m, euler)}


def table(dtype, *columns):
    """Returns k -> the k-th number of each of `columns`, as tensors of `dtype`."""
    rows = np.stack(columns, axis=-1).astype(keras.backend.standardize_dtype(dtype))

    def row(k):
        return ops.unstack(ops.take(rows, k, axis=0), num=len(columns))

    return row


def _descend(step, x, levels, after, trajectory, last=None):
    """Takes all steps: `step`, or for the last one `last`, maps (k, x, the x_0 that the
    step before has seen) to (x, x_0)."""
    steps = len(levels.t) - 1
    looped = steps if last is None else steps - 1

    def taken(step, k, state):
        x, x_0 = step(k, *state)
        return (x if after is None else after(k + 1, x)), x_0

    def body(k, state):
        return taken(step, k, state)

    x = ops.convert_to_tensor(x)
    state = (x, ops.zeros_like(x))
    if not trajectory:
        state = ops.fori_loop(0, looped, body, state)
        return state[0] if last is None else taken(last, looped, state)[0]
    parts = [x[None]]
    if looped:
        # A scan stacks values that are shaped like its state.
        state, (path, _) = ops.scan(
            lambda state, k: (body(k, state),) * 2, state, np.arange(looped)
        )
        parts.append(path)
    if last is not None:
        parts.append(taken(last, looped, state)[0][None])
    return ops.concatenate(parts, axis=0)
