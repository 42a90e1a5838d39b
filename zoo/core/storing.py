"""What a model's files hold: its settings, its shapes, its variables."""

import os
from collections.abc import Iterable
from typing import Any, Self

import keras
from keras import ops

from zoo.core import saving
from zoo.files import atomic
from zoo.inputs import classes
from zoo.inputs.tensors import Tensor


class Storing:
    """The part of `ImageModel` that is written into files and read from them."""

    # --- settings ---------------------------------------------------------------------

    def require_at_least(self, **least: float) -> None:
        """Raises ValueError unless each named setting is at least the number given."""
        for key, bound in least.items():
            if self.config[key] < bound:
                raise ValueError(
                    f"{self.name!r} needs {key} of at least {bound}. "
                    f"Received: {self.config[key]}."
                )

    def require_positive(self, *keys: str) -> None:
        """Raises ValueError unless each named setting is above 0."""
        for key in keys:
            if not self.config[key] > 0:
                raise ValueError(
                    f"{self.name!r} needs {key} above 0. Received: {self.config[key]}."
                )

    def require_share(self, *keys: str) -> None:
        """Raises ValueError unless each named setting lies in [0, 1)."""
        for key in keys:
            if not 0 <= self.config[key] < 1:
                raise ValueError(
                    f"{self.name!r} needs {key} in [0, 1). "
                    f"Received: {self.config[key]}."
                )

    def get_config(self) -> dict[str, Any]:
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in self.config.items()
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        if not self.built:
            return None
        config: dict[str, Any] = {"image_shape": list(self.image_shape)}
        if self.source_shape is not None:
            config["source_shape"] = list(self.source_shape)
        frozen = {
            name: [n for n, layer in self._numbered_layers(name) if not layer.trainable]
            for name in self.networks
        }
        if any(frozen.values()):
            config["frozen"] = frozen
        if self.class_names is not None:
            config["class_names"] = list(self.class_names)
        return config

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.build(config["image_shape"], config.get("source_shape"))
        self.class_names = config.get("class_names")
        for name, frozen in config.get("frozen", {}).items():
            for number, layer in self._numbered_layers(name):
                layer.trainable = number not in frozen  # and of what is inside, next

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """What labels are called, in their order, or None; files keep it. `fit` learns
        it from a data set that knows it, unless it was set before."""
        return self.__dict__.get("_class_names")

    @class_names.setter
    def class_names(self, names: Iterable[str] | None) -> None:
        count = self.config.get("num_classes")
        checked = None if names is None else classes.checked_names(names, count)
        self.__dict__["_class_names"] = checked

    def _numbered_layers(self, network):
        """(number, layer) of a network and all layers within, outer ones first: names
        that Keras gives count up over a process."""
        return enumerate(self.network(network)._flatten_layers())

    # --- Keras' own exports -----------------------------------------------------------

    def _post_build(self):
        super()._post_build()
        # Keras took the shape of one image for that of a batch, and exports only what
        # was called before: a deferred build. The networks here are there already.
        shape = self.shape_of_field(self.takes[0])
        self._build_shapes_dict = {"input_shape": (None, *shape)}
        self._called = True

    @property
    def input_dtype(self) -> str:
        """Of images, whatever type the networks compute in."""
        return "float32"

    # --- variables --------------------------------------------------------------------

    def state(
        self, name: str, shape: tuple[int, ...], dtype: str = "float32"
    ) -> keras.Variable:
        """Returns a new variable of zeros that checkpoints keep and no optimizer moves:
        an image pool, a running mean. Called in `build_networks`; `train_step` alone
        assigns to it, the same value on all replicas (`backend.all_rows`)."""
        self.states[name] = self.add_weight(
            shape=shape,
            dtype=dtype,
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )
        return self.states[name]

    def save(self, filepath: str | os.PathLike, overwrite: bool = True) -> None:
        """Writes a `.keras` file: config, weights, optimizer and random state. It
        appears under its name only when complete."""
        self.require_networks()
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                f"A model is saved as a .keras file. Received: {str(filepath)!r}."
            )
        if not overwrite and os.path.exists(filepath):
            raise FileExistsError(
                "There is such a file already; overwrite=True replaces it. "
                f"Received: {filepath}."
            )
        with atomic.replaced(filepath) as temporary:
            saving.write(self, temporary)

    def save_own_variables(self, store: dict[str, Tensor]) -> None:
        for index, state in enumerate(self.seed_states()):
            store[f"seed_{index}"] = ops.convert_to_numpy(state)
        for name, state in self.states.items():
            store[f"state_{name}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store: dict[str, Tensor]) -> None:
        for index, state in enumerate(self.seed_states()):
            state.assign(store[f"seed_{index}"][()])
        for name, state in self.states.items():
            state.assign(store[f"state_{name}"][()])

    def seed_states(self) -> list[keras.Variable]:
        """The states of all seed generators (ours, dropout's): Keras saves none."""
        weights = {id(variable) for variable in self.weights}
        return [v for v in self.variables if id(v) not in weights]
