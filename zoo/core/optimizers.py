"""One optimizer a network, behind the one that Keras knows of."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo import backend
from zoo.inputs.tensors import Tensor


class NetworkOptimizers(keras.optimizers.MultiOptimizer):
    """One optimizer a network behind Keras' single `model.optimizer`.

    Saving, callbacks and trainers see all state through it; the steps are taken by the
    inner optimizers, because networks move at different times.
    """

    def __init__(
        self,
        by_network: dict[str, keras.optimizers.Optimizer],
        owner: Callable[[keras.Variable], str],
    ):
        super().__init__(lambda variable: by_network[owner(variable)], name="networks")

    def save_own_variables(self, store: dict[str, Tensor]) -> None:
        # The inner optimizers are saved as children; Keras would write them twice.
        store["iterations"] = ops.convert_to_numpy(self.iterations)

    def load_own_variables(self, store: dict[str, Tensor]) -> None:
        self.iterations.assign(store["iterations"][()])


def by_network(
    model: keras.Model, optimizer: dict | keras.optimizers.Optimizer | str
) -> dict[str, keras.optimizers.Optimizer]:
    """Returns {network: optimizer}, each a copy named after its network.

    Args:
        model: Its `networks` name the keys, `shares_loss` allows one optimizer for all.
        optimizer: A dict by network, or one optimizer.
    Raises: ValueError: if a network has none, or the networks need one each.
    """
    by_name = optimizer
    if not isinstance(optimizer, dict):
        if len(model.networks) > 1 and not model.shares_loss:
            raise ValueError(
                "The networks descend different losses, so each needs an optimizer: "
                f"pass a dict with the keys {', '.join(model.networks)}. "
                f"Received: {optimizer!r}."
            )
        by_name = dict.fromkeys(model.networks, optimizer)
    if set(by_name) != set(model.networks):
        raise ValueError(
            f"Optimizers are needed for exactly {', '.join(model.networks)}. "
            f"Received: {', '.join(map(str, by_name)) or 'none'}."
        )
    return {name: _named_copy(by_name[name], name) for name in model.networks}


def described(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Returns what makes the optimizer again on any backend, as Keras serializes it: on
    PyTorch its class is one of the backend's, which has a public name as well."""
    config = keras.optimizers.serialize(optimizer)
    public = getattr(keras.optimizers, config["class_name"], None)
    if public is not None and isinstance(optimizer, public):
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config


# Where Keras keeps what `exclude_from_weight_decay` was called with.
_EXCLUDED = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")


def spare(optimizer: keras.optimizers.Optimizer, names: tuple[str, ...]) -> None:
    """Excludes variables whose names have one of `names` in them from weight decay,
    unless the optimizer excludes some itself. It has no state yet."""
    if names and not any(getattr(optimizer, key, None) for key in _EXCLUDED):
        optimizer.exclude_from_weight_decay(var_names=list(names))


def _named_copy(optimizer, name):
    """Returns an unbuilt copy called `name`: Keras' own names count up over a process,
    and learning-rate callbacks log `learning_rate_<name>`."""
    optimizer = _checked(optimizer, name)
    config = optimizer.get_config() | {"name": name}
    copy = type(optimizer).from_config(config)
    for key in _EXCLUDED:  # which the config does not tell
        if hasattr(optimizer, key):
            setattr(copy, key, getattr(optimizer, key))
    return backend.fused(copy)


def _checked(argument, name):
    """Returns the Keras optimizer that `argument` is or names.

    Raises: ValueError: if there is none, or its steps would not be the zoo's.
    """
    try:
        optimizer = keras.optimizers.get(argument)
    except (TypeError, ValueError):
        optimizer = None
    if optimizer is None or isinstance(optimizer, keras.optimizers.MultiOptimizer):
        raise ValueError(
            "A network needs one optimizer of keras.optimizers, or its name such as "
            f"'adam'. Received: {argument!r} for {name!r}."
        )
    schedules = keras.optimizers.schedules.LearningRateSchedule
    rate = optimizer._learning_rate
    if callable(rate) and not isinstance(rate, (keras.Variable, schedules)):
        raise ValueError(
            "A learning rate is a number or a schedule of keras.optimizers.schedules: "
            f"a function cannot be saved. Received: {rate!r} for {name!r}."
        )
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if scaled or optimizer.loss_scale_factor is not None:
        raise ValueError(
            "A loss scale would divide gradients of losses that nothing has scaled; "
            "mixed_bfloat16 needs none. "
            f"Received: {type(optimizer).__name__} with a loss scale for {name!r}."
        )
    if optimizer.gradient_accumulation_steps:
        raise ValueError(
            "An optimizer that accumulates would do so whatever the other networks do; "
            "compile(gradient_accumulation_steps=...) accumulates for all of them. "
            "Received: gradient_accumulation_steps="
            f"{optimizer.gradient_accumulation_steps} for {name!r}."
        )
    if optimizer.use_ema:
        raise ValueError(
            "use_ema overwrites the weights with their average at the end of every "
            "fit; models with the setting ema_decay keep an average beside them. "
            f"Received: use_ema=True for {name!r}."
        )
    return optimizer
