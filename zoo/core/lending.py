"""Weights that one model lends another: by network, and layer by layer where they fit.

Where a model keeps the average of a network, the average is what is lent.
"""

import itertools
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from absl import logging
from keras import ops

Weights = Mapping[str, Sequence[np.ndarray]]


def variables(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """Returns {name: variables} of a model's networks, of its parts and of its states;
    averages are left out."""
    networks = {name: model.network(name).weights for name in model.members}
    return networks | {name: [state] for name, state in model.states.items()}


def weights(model: keras.Model) -> dict[str, list[np.ndarray]]:
    """Returns {name: arrays} in the order of `variables`, averages in the place of
    what they are the averages of; those of networks that are `untaught` are missing."""
    lent = {k: v for k, v in variables(model).items() if k not in model.untaught}
    taught = [name for name in model._averages if name in lent]
    lent |= {name: model.averaged_network(name).weights for name in taught}
    return {
        name: [ops.convert_to_numpy(v) for v in each] for name, each in lent.items()
    }


def take(model: keras.Model, lent: Weights) -> list[str]:
    """Gives `model` the weights of another: those of each layer whose shapes are equal.

    Args:
        lent: {name: arrays} as `weights` returns them; names may be missing.
    Returns: the names of the networks and layers that begin anew.
    Raises: ValueError: if no layer fits.
    """
    anew, count = [], 0
    for name, own in variables(model).items():
        arrays = lent.get(name, ())
        if len(arrays) != len(own):
            anew.append(name)
            continue
        for layer, pairs in _by_layer(own, arrays):
            if all(tuple(v.shape) == a.shape for v, a in pairs):
                count += 1
                for variable, array in pairs:
                    variable.assign(array)
            else:
                anew.append(f"{name}/{layer}")
    if not count:
        raise ValueError(
            f"No layer of the trained {model.name!r} fits these sizes and settings: "
            "train a new one, or choose another size."
        )
    for name in model._averages:
        model.network(f"{name}_ema").set_weights(model.network(name).get_weights())
    return anew


def _by_layer(own, arrays):
    """Yields (a layer's name, its (variable, array)s) of a network."""
    pairs = zip(own, arrays)
    for path, group in itertools.groupby(pairs, lambda pair: _layer(pair[0])):
        yield path.rpartition("/")[2], list(group)


def _layer(variable):
    return variable.path.rpartition("/")[0]


def tell(names: Sequence[str]) -> None:
    """Names in the log what `take` left as it was."""
    if names:
        logging.warning(
            "Begin anew, for no trained weights have their size: %s.", ", ".join(names)
        )


def without_optimizers(model: keras.Model) -> keras.Model:
    """Returns a model of equal weights and random state that was never compiled: its
    file is a third as large. To learn on, it takes its paper's optimizers."""
    slim = type(model)(**model.config)
    slim.build_from_config(model.get_build_config())
    slim.set_weights(model.get_weights())
    for own, state in zip(slim.seed_states(), model.seed_states()):
        own.assign(state)
    return slim
