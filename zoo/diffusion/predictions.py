"""What a network may be asked for of noised data, and how its answer is read."""

import numpy as np
from keras import ops


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


def error(prediction, output, x_0, eps, alpha, sigma, overshoot=False):
    """Returns by how much a network's `output` for x_t misses its target.

    Args:
        overshoot: Whether a guess of x_0 beyond [-1, 1] is no error where x_0 lies at
            that very bound: all that is beyond will be clipped to it. The best guess is
            still the mean of all x_0 that x_t may come from, wherever that is inside.
    """
    missed = target(prediction, x_0, eps, alpha, sigma) - output
    if not overshoot:
        return missed
    x_t = alpha * x_0 + sigma * eps
    guess, _ = interpret(prediction, output, x_t, alpha, sigma)
    beyond = ((x_0 <= -1.0) & (guess < -1.0)) | ((x_0 >= 1.0) & (guess > 1.0))
    return ops.where(beyond, 0.0, missed)


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


def saturate(prediction, output, x, alpha, sigma):
    """Returns the network's `output` for x_t `x`, changed so that its x_0 is in
    [-1, 1]."""
    inside, eps = interpret(prediction, output, x, alpha, sigma, clip=True)
    return target(prediction, inside, eps, alpha, sigma)


def min_snr_weights(prediction, alpha_bar, gamma):
    """Returns the weight `[T]` of the squared error at each timestep: min(SNR, gamma)
    in units of x_0, with SNR = alpha_bar / (1 - alpha_bar).

    Source: Hang et al. 2023, arXiv:2303.09556, section 3.4.
    """
    snr = alpha_bar / (1.0 - alpha_bar)
    per_unit = {"eps": snr, "x0": 1.0, "v": snr + 1.0}[prediction]
    return np.minimum(snr, gamma) / per_unit
