"""How a model is compiled: an optimizer a network, behind the one that Keras knows."""

import functools
from typing import Any

import keras

from zoo import inputs
from zoo.core import faults, optimizers

PRECISIONS = ("float32", "mixed_bfloat16")


class Compiling:
    """The part of `ImageModel` that owns optimizers."""

    gradient_accumulation_steps = 1
    undecayed: tuple[str, ...]  # `ImageModel` has it
    _learned: tuple[keras.Variable, ...]  # `build` tells it, of all networks

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """{network: optimizer}."""
        return self.__dict__.get("_by_network", {})

    @property
    def joined_batches(self) -> int:
        """Batches that `fit` joins into one training step."""
        return self.batches_per_step * self.gradient_accumulation_steps

    def compile(
        self,
        optimizer: dict | keras.optimizers.Optimizer | str | None = None,
        gradient_accumulation_steps: int = 1,
        **kwargs: Any,
    ) -> None:
        """Compiles with {network: optimizer}; without one, with the paper's.

        Args:
            optimizer: A dict by network, or one optimizer where all networks share one
                loss. Each network gets a copy of its own, `optimizers[network]`: what
                is to change later, such as a learning rate, changes there. Variables
                that a copy excludes from weight decay are not told to files, as in
                Keras.
            gradient_accumulation_steps: Batches to one update: the memory is that of
                one, the update that of all joined, but that batch normalisation takes
                the statistics of each. Random numbers, schedules, averages and
                iterations are those of the joined batch.
            **kwargs: `jit_compile`, `run_eagerly`, `steps_per_execution`, as in Keras.
        """
        _check_options(kwargs)
        if self.dtype_policy.name not in PRECISIONS:
            raise ValueError(
                f"A model computes in {' or '.join(PRECISIONS)}. (mixed_float16 would "
                "scale one loss of several, and weights of half types lose small steps."
                f") Received: the policy {self.dtype_policy.name}."
            )
        inputs.check_integer(
            "gradient_accumulation_steps", gradient_accumulation_steps, 1
        )
        # Kept out of Keras' tracking: the container already owns the optimizers.
        self.__dict__["_by_network"] = optimizers.by_network(
            self, self.default_optimizers() if optimizer is None else optimizer
        )
        container = optimizers.NetworkOptimizers(self.optimizers, self._owner_of)
        super().compile(optimizer=container, **kwargs)
        # Keras resolves "auto" for this machine, and a file may go to another.
        self.__dict__["_asked_jit"] = kwargs.get("jit_compile", "auto")
        self.gradient_accumulation_steps = gradient_accumulation_steps
        if self.built:
            self.build_optimizers()

    def build_optimizers(self) -> None:
        """Makes the state of all optimizers, once there are networks: of what is frozen
        too, so that it can learn again and each file holds the same variables."""
        for optimizer in self.optimizers.values():
            optimizers.spare(optimizer, self.undecayed)
        self.optimizer.build(list(self._learned))
        fields = dict.fromkeys([*self.takes, *(["source"] * self.learns_targets)])
        watched = (list(fields), self.terms, self.networks, self.optimizer)
        self.__dict__["faults"] = faults.Faults(*watched)

    @functools.cached_property
    def _owners(self):
        return {
            id(variable): name
            for name in self.networks
            for variable in self.network(name).variables
        }

    def _owner_of(self, variable):
        return self._owners[id(variable)]

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled:
            return None
        return {
            "optimizer": {
                name: optimizers.described(o) for name, o in self.optimizers.items()
            },
            "jit_compile": self._asked_jit,
            "run_eagerly": self.run_eagerly,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        config = dict(config)
        config.pop("steps_per_execution", None)  # what suits a process, not a model
        deserialize = keras.optimizers.deserialize
        optimizer = {k: deserialize(v) for k, v in config.pop("optimizer").items()}
        self.compile(optimizer, **config)


def _check_options(options):
    """Raises ValueError if a loss or a metric is among Keras' options."""
    for key in ("loss", "metrics", "weighted_metrics", "loss_weights"):
        if options.get(key) is not None:
            raise ValueError(
                "A zoo model brings its own losses and terms; compile takes an "
                f"optimizer. Received: {key}={options[key]!r}."
            )
