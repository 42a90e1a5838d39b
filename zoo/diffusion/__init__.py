"""Noise schedules and samplers of diffusion models and flows, as pure functions.

Noised data is x_t = alpha_t x_0 + sigma_t eps, from data (alpha 1, sigma 0) to noise. A
sampler goes down a ladder of such levels, asking `predict` at each what of x_t is data
and what is noise. All have one signature:

    sampler(predict, x, levels, noise=None, after=None, trajectory=False, part=None,
            <own option>)

    predict: (x, k) -> (x_0, eps) as seen in `x` `[B, ...]` of level k.
    x: Noise `[B, ...]`, of level 0; its dtype is that of the computation.
    levels: `Levels`, noise first. Steps up (`resampled`) noise x again.
    noise: k -> standard normal `[B, ...]`, fresh at each step k; of random samplers and
        of steps up.
    after: (k, x) -> x, applied to each x of level k that a step has made (inpainting).
    trajectory: Whether to return x of all levels `[steps + 1, B, ...]`, not the last.
    part: (first, end, x_0), to take no other steps than those from `first` up to `end`,
        which may be tensors: `x` is then of level `first`, x_0 what the step before has
        seen (at first anything), and the answer (x, x_0).
"""

from zoo.diffusion.levels import (
    SCHEDULES,
    Levels,
    alpha_bars,
    cosine_betas,
    discrete_levels,
    flow_levels,
    linear_betas,
    resampled,
)
from zoo.diffusion.loop import table
from zoo.diffusion.predictions import (
    error,
    interpret,
    min_snr_weights,
    saturate,
    target,
)
from zoo.diffusion.samplers import (
    SAMPLERS,
    ddim,
    ddpm,
    dpmpp_2m,
    euler,
    heun,
    log_variance,
    posterior,
)

__all__ = [
    "SAMPLERS",
    "SCHEDULES",
    "Levels",
    "alpha_bars",
    "cosine_betas",
    "ddim",
    "ddpm",
    "discrete_levels",
    "dpmpp_2m",
    "error",
    "euler",
    "flow_levels",
    "heun",
    "interpret",
    "linear_betas",
    "log_variance",
    "min_snr_weights",
    "posterior",
    "resampled",
    "saturate",
    "table",
    "target",
]
