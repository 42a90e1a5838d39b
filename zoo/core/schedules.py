"""Learning rates as functions of the step: constant, cosine and linear, with warm-up.

One class, because Keras has no linear decay with a warm-up, and a registered one,
because it is saved with the optimizer in `.keras` files.
"""

import math
from typing import Any

import keras

from zoo.core.rates import KINDS
from zoo.inputs.tensors import Tensor


@keras.saving.register_keras_serializable("zoo")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate at a step of its optimizer.

    rate(step) = learning_rate * min(1, (step + 1) / warmup) * decay(p), where p is the
    share in [0, 1] of `steps - warmup` gone by since the warm-up and decay(p) is 1
    (constant), (1 + cos(pi p)) / 2 (cosine), 1 - p (linear) or min(1, 2 - 2 p)
    (half_linear: constant for a half, as CycleGAN has it).

    Args:
        kind: "constant", "cosine", "linear" or "half_linear".
        learning_rate: The highest rate.
        steps: Updates from the start to rate 0; without meaning for "constant".
        warmup: Updates in which the rate climbs from near 0 to `learning_rate`.
    Raises: ValueError: if `kind` is unknown, or the warm-up is longer than `steps`.
    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts;
        "half_linear": Zhu et al. 2017, arXiv:1703.10593, section 4.
    """

    def __init__(
        self, kind: str, learning_rate: float, steps: int = 1, warmup: int = 0
    ):
        if kind not in KINDS:
            raise ValueError(
                f"A schedule is one of {', '.join(KINDS)}. Received: {kind!r}."
            )
        if kind != "constant" and warmup >= steps:
            raise ValueError(
                f"The warm-up must be shorter than the {steps} steps of the {kind} "
                f"schedule. Received: warmup={warmup}."
            )
        self.kind = kind
        self.learning_rate = learning_rate
        self.steps = steps
        self.warmup = warmup

    def __call__(self, step: Tensor) -> Tensor:
        step = keras.ops.cast(step, "float32")
        rate = self.learning_rate
        if self.warmup:
            rate = rate * keras.ops.minimum(1.0, (step + 1) / self.warmup)
        if self.kind == "constant":
            return keras.ops.convert_to_tensor(rate, "float32")
        share = (step - self.warmup) / (self.steps - self.warmup)
        share = keras.ops.clip(share, 0.0, 1.0)
        if self.kind == "linear":
            return rate * (1 - share)
        if self.kind == "half_linear":
            return rate * keras.ops.minimum(1.0, 2.0 - 2.0 * share)
        return rate * 0.5 * (1 + keras.ops.cos(math.pi * share))

    def get_config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "warmup": self.warmup,
        }


def scheduled(
    optimizer: keras.optimizers.Optimizer,
    kind: str,
    learning_rate: float,
    steps: int,
    warmup: int,
) -> keras.optimizers.Optimizer:
    """Returns an unbuilt copy of `optimizer` that follows a schedule."""
    rate = learning_rate
    if kind != "constant" or warmup:
        rate = Schedule(kind, learning_rate, steps, warmup)
    return type(optimizer).from_config(optimizer.get_config() | {"learning_rate": rate})
