"""Gradient accumulation: one update by the gradients of a batch's parts, taken in turn.

The memory is that of a part, the update that of the batch. Keras' optimizers have an
accumulation of their own, over training steps; between two updates of theirs the
players of a game that take turns would see each other at different times: a generator's
gradient would be the mean over several discriminators.
"""

import functools
from collections.abc import Callable, Sequence

import keras
from keras import ops

from zoo import backend
from zoo.inputs.tensors import Losses, Tensor


def gradients(
    model: keras.Model, objective: Callable[..., Losses], data: Sequence[Tensor | None]
) -> tuple[dict[str, list[Tensor]], dict[str, Tensor]]:
    """Returns ({network: gradients}, {term: scalar}) of `objective(*data)`, means over
    the rows of all parts.

    Args:
        model: Its `gradient_accumulation_steps` says how many parts there are.
        data: Arrays `[B, ...]`, or None.
    Raises: ValueError: if there are parts to make and no data to make them of.
    """
    count = model.gradient_accumulation_steps
    if count == 1:
        return backend.gradients(model, functools.partial(objective, *data))
    if not data:
        raise ValueError(
            "Gradients are accumulated over parts of the data of `update`: write "
            "self.update(self.objective, images). "
            "Received: an objective without data."
        )
    states = model.seed_states()
    start = [ops.copy(state) for state in states]
    sums, terms = {}, {}
    for part in backend.split(ops.shape(data[0])[0], count, model.rows_together):
        own = {i: part.of(x) for i, x in enumerate(data) if x is not None}
        # One after the other, or the memory would be that of the batch.
        own, seeds = backend.after(model, sums, (own, start))
        for state, seed in zip(states, seeds):
            state.assign(seed)  # so that all draw for the same batch
        with backend.computing(part):
            run = functools.partial(objective, *map(own.get, range(len(data))))
            of_part, terms_of_part = backend.gradients(model, run)
        _add(sums, of_part, part.share)
        means = {name: [ops.mean(x)] for name, x in terms_of_part.items()}
        _add(terms, means, part.share)
    return sums, {name: term for name, (term,) in terms.items()}


def _add(sums, more, share):
    """Adds `share` times {name: tensors} to `sums`; None stands for no gradient."""
    for name, tensors in more.items():
        before = sums.get(name) or [0.0] * len(tensors)
        sums[name] = [
            None if x is None else b + ops.cast(share, x.dtype) * x
            for b, x in zip(before, tensors)
        ]
