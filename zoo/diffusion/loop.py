"""The loop that all samplers share: down a ladder of levels, one step after another.

Steps up, trajectories, and a ladder that is gone down in parts are the same for all of
them, and stand here.
"""

import functools
import inspect
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops


class Steps(NamedTuple):
    """What a sampler does at each level of a ladder.

    Attributes:
        step: (k, x, x_0_before, *numbers) -> (x, x_0): from x of level k to x of level
            k + 1, and the x_0 that it has seen; `x_0_before` is what the step before
            has seen.
        columns: The `numbers`, a NumPy array `[steps]` each.
        last: Of the form of `step`, in its place for the last one, into data; None
            where that is a step like all others.
    """

    step: Any
    columns: tuple
    last: Any = None


class Sampler:
    """A sampler, as `zoo.diffusion` describes it, of the steps that it takes.

    Args:
        steps: (predict, noise, levels, <own option>) -> `Steps`. It gives the sampler
            its name and its docstring.
    """

    def __init__(self, steps):
        self.steps = steps
        functools.update_wrapper(self, steps)
        del self.__wrapped__  # its arguments are not those of the sampler

    @property
    def own_options(self):
        """Names of the options that this sampler has and others have not."""
        return tuple(inspect.signature(self.steps).parameters)[3:]

    def __call__(
        self,
        predict,
        x,
        levels,
        noise=None,
        after=None,
        trajectory=False,
        part=None,
        **own,
    ):
        steps = self.steps(predict, noise, levels, **own)
        if levels.rises.any():
            steps = _or_up(steps, levels, noise)
        x = ops.convert_to_tensor(x)
        return descend(steps, x, after, trajectory, part)


def descend(steps, x, after=None, trajectory=False, part=None):
    """Takes all `Steps` from `x`, or those of `part`, as `zoo.diffusion` has them."""
    row, count = table(x.dtype, *steps.columns), len(steps.columns[0])
    looped = count if steps.last is None else count - 1

    def move(step, k, state):
        x, x_0 = step(k, *state, *row(k))
        return (x if after is None else after(k + 1, x)), x_0

    each = functools.partial(move, steps.step)
    last = functools.partial(move, steps.last, looped) if steps.last else None
    if trajectory:
        return _path(each, looped, last, x)
    first, end, x_0 = part or (0, count, ops.zeros_like(x))
    state = ops.fori_loop(first, ops.minimum(end, looped), each, (x, x_0))
    if last is not None:
        is_last = (first <= looped) & (end > looped)
        state = ops.cond(is_last, lambda: last(state), lambda: state)
    return state if part else state[0]


def _path(each, looped, last, x):
    """Returns x of all levels `[steps + 1, B, ...]`: of the start, of `looped` steps
    `each`, and of the step `last` if there is one."""
    levels, state = [x[None]], (x, ops.zeros_like(x))
    if looped:
        # A scan stacks values that are shaped like its state.
        state, (path, _) = ops.scan(
            lambda state, k: (each(k, state),) * 2, state, np.arange(looped)
        )
        levels.append(path)
    if last is not None:
        levels.append(last(state)[0][None])
    return ops.concatenate(levels, axis=0)


def _or_up(steps, levels, noise):
    """Returns the `Steps`, but that they noise x where the ladder leads up: a draw of
    q(x_s | x_t) of the noisier level s."""
    rises, ratio = levels.rises, np.zeros(len(levels.rises))
    np.divide(levels.alpha[1:], levels.alpha[:-1], where=rises, out=ratio)
    variance = levels.sigma[1:] ** 2 - (ratio * levels.sigma[:-1]) ** 2
    columns = rises, ratio, np.sqrt(np.where(rises, variance, 0.0))

    def step(k, x, x_0_before, rises, ratio, std, *numbers):
        return ops.cond(
            rises > 0,
            lambda: (ratio * x + std * noise(k), x_0_before),
            lambda: steps.step(k, x, x_0_before, *numbers),
        )

    def last(k, x, x_0_before, rises, ratio, std, *numbers):
        return steps.last(k, x, x_0_before, *numbers)

    columns += steps.columns
    return Steps(step, columns, last if steps.last else None)


def table(dtype, *columns):
    """Returns k -> the k-th number of each of `columns`, as tensors of `dtype`."""
    rows = np.stack(columns, axis=-1).astype(keras.backend.standardize_dtype(dtype))

    def row(k):
        return ops.unstack(ops.take(rows, k, axis=0), num=len(columns))

    return row
