"""Noise schedules, and ladders of noise levels that samplers go down."""

from typing import NamedTuple

import numpy as np


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

    @property
    def rises(self):
        """Whether each step leads up, to more noise, bool `[steps]`."""
        return np.diff(self.alpha) < 0

    def below(self, steps):
        """Returns the last `steps` steps of the ladder."""
        return Levels(*(column[-steps - 1 :] for column in self))


def discrete_levels(alpha_bar, steps, spacing="trailing"):
    """Returns the `Levels` of `steps` evenly spaced timesteps of a schedule, the
    noisiest among them.

    Args:
        spacing: "trailing": the step from the last of them into data is as long as all
            others. "linspace": the least noisy one is among them, too; a bound needs
            it, but the step to it is so large for its noise that samplers of second
            order overshoot.
    Raises: ValueError: unless 1 <= steps <= T, or for another spacing.
    Source: Lin et al. 2023, arXiv:2305.08891, section 3.3 and table 2.
    """
    most = len(alpha_bar)
    if not _is_whole(steps) or not 1 <= steps <= most:
        raise ValueError(
            f"The schedule has {most} timesteps: sampling takes 1 to {most} steps. "
            f"Received: steps={steps!r}."
        )
    if spacing == "linspace":
        t = np.linspace(most - 1, 0, steps)
    elif spacing == "trailing":
        t = np.arange(steps, 0, -1) * most / steps - 1
    else:
        raise ValueError(
            f'spacing is "trailing" or "linspace". Received: spacing={spacing!r}.'
        )
    t = t.round().astype(int)
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


def resampled(levels, times, jump):
    """Returns `levels` with steps up again, so that each stretch of `jump` steps is
    gone down `times` times; the last step, into data, once.

    Between them pixels that are known and pixels that are made get used to each other.
    Source: Lugmayr et al. 2022 (RePaint), arXiv:2201.09865, section 4.2; where to turn
        as in their code, `get_schedule_jump`.
    Raises: ValueError: if `times` or `jump` is below 1.
    """
    for name, value in (("resampling", times), ("jump", jump)):
        if not _is_whole(value) or value < 1:
            raise ValueError(
                f"{name} is a whole number from 1. Received: {name}={value!r}."
            )
    last = len(levels.t) - 2  # the level before data
    turns = dict.fromkeys(range(last, jump - 1, -jump), times - 1)
    path = [0]
    while path[-1] <= last:
        here = path[-1]
        if turns.get(here):
            turns[here] -= 1
            path.append(here - jump)
        else:
            path.append(here + 1)
    return Levels(*(column[path] for column in levels))


def _is_whole(steps):
    return isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)
