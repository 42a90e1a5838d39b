"""Styles of images, found by descending the difference of what they make.

Karras et al. 2019, arXiv:1912.04958, appendix D, with its schedule of the rate.
"""

import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from zoo import backend

RATE, RAMP_UP, RAMP_DOWN = 0.1, 0.05, 0.25  # the paper's; shares of all steps
MOST = 100  # images that are computed at a time


def search(
    model: keras.Model,
    start: np.ndarray,
    images: np.ndarray,
    steps: int,
    progress: Callable[[int, float], None] | None = None,
) -> np.ndarray:
    """Returns w `[N, ...]` of which `model.to_styled` makes the like of `images`.

    Args:
        start: float32 `[N, ...]`, where the search begins.
        images: float32 `[N, H, W, C]`, of which `MOST` are computed at a time.
        steps: Steps of Adam, at least 1.
        progress: Called with (step, mean squared error per pixel) after each, or None.
    Departures: each level has a style of its own; squared errors of pixels stand in
        place of features; there is no noise, in the styles or beside them.
    """
    step_of = backend.compiled(
        functools.partial(_error_and_gradient, model), model.variables
    )
    w = start.astype("float32")
    mean, square = np.zeros_like(w), np.zeros_like(w)
    for step in range(1, steps + 1):
        error, gradient = _in_parts(step_of, w, images)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        unbiased = mean / (1 - 0.9**step)
        root = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        w = (w - _rate((step - 0.5) / steps) * unbiased / root).astype("float32")
        if progress is not None:
            progress(step, float(error.mean()))
    return w


def _rate(share):
    """The rate after a share of all steps."""
    ramp = min(1.0, (1.0 - share) / RAMP_DOWN)
    ramp = 0.5 - 0.5 * np.cos(np.pi * ramp)
    return RATE * ramp * min(1.0, share / RAMP_UP)


def _in_parts(function, *arrays):
    """Returns the results of `function`, as arrays of all rows."""
    results = []
    for first in range(0, len(arrays[0]), MOST):
        rows = (backend.tensor(array[first : first + MOST]) for array in arrays)
        results.append([ops.convert_to_numpy(x) for x in function(*rows)])
    return map(np.concatenate, zip(*results))


def _error_and_gradient(model, w, images):
    def error(w):
        return ops.mean(ops.square(model.to_styled(w) - images), axis=(1, 2, 3))

    return error(w), backend.input_gradient(error, w)
