"""NaN and infinity, found at the step and in the value where they arise."""

import time
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.inputs.fields import PLURALS
from zoo.inputs.tensors import Tensor

KINDS = ("term", "gradient", "weights")
BATCH = "batch"  # the kind of a wrong field, the cause of whatever else is wrong
RULES = {
    "label": "Labels lie in [0, num_classes).",
    "pixels": "Images are uint8, or floats in [-1, 1] without NaN.",
}
SHARE, RARELY = 0.005, 1.0  # of looking: share of the time, seconds between looks


class NotFiniteError(ValueError):
    """A training step made a value that is not finite.

    Attributes:
        step: Training steps since the start, this one included.
        causes: (kind, name) of all that is NaN or infinite; kinds are `KINDS`.
        terms: Names of the reported terms among them.
        networks: Names of the networks whose gradient or weights are.
    """

    def __init__(
        self, step: int, causes: Sequence[tuple[str, str]], advice: str | None = None
    ):
        self.step, self.causes = step, causes
        self.terms = [name for kind, name in causes if kind == "term"]
        named = [name for kind, name in causes if kind != "term"]
        self.networks = list(dict.fromkeys(named))
        parts = []
        for kind in KINDS:
            names = [name for each, name in causes if each == kind]
            if names:
                of = "" if kind == "term" else " of"
                parts.append(f"the {kind}{of} {', '.join(names)}")
        if advice is None:
            advice = (
                f"The last good checkpoint is kept; a lower {self._rate()} or "
                "--on_nan=rollback may help."
            )
        super().__init__(
            f"Training diverged at step {step}: NaN or infinite are "
            f"{' and '.join(parts)}. {advice}"
        )

    def _rate(self):
        network = f"{self.networks[0]}=" if self.networks else ""
        return f"--learning_rate={network}..."

    def after_rollbacks(self, count: int) -> "NotFiniteError":
        """Returns this fault, told after `count` rollbacks that did not help."""
        return NotFiniteError(
            self.step,
            self.causes,
            f"The last good checkpoint is kept; a lower {self._rate()} than {count} "
            "rollbacks have made may help.",
        )

    def in_script(self) -> "NotFiniteError":
        """Returns this fault as a script's own `fit` tells it."""
        of = f" of {', '.join(self.networks)}" if self.networks else ""
        advice = f"The model is spoilt; a lower learning rate{of} may help."
        return NotFiniteError(self.step, self.causes, advice)


class WrongBatchError(ValueError):
    """A training step got a batch that is none, behind the first one.

    Attributes:
        step: Training steps since the start, this one included.
        fields: Names of its wrong fields.
    """

    def __init__(self, step: int, fields: Sequence[str]):
        self.step, self.fields = step, fields
        rules = [RULES["label" if name == "label" else "pixels"] for name in fields]
        names = " and ".join(PLURALS[name] for name in fields)
        super().__init__(
            f"{' '.join(dict.fromkeys(rules))} Received: other {names} in the batch of "
            f"training step {step}."
        )


class Faults:
    """The step at which each term, gradient and weight of a model ceased to be finite.

    Found within the training step, so that nothing has to be waited for. A gradient is
    looked at through the sum of its squares: one number a tensor, NaN or infinite if a
    single value is, or if an optimizer's squares overflow. Finite gradients spoil
    weights only through the learning rate, so that its product with the gradient's norm
    tells; to read all weights in each step would take some models 3 % of it. What has
    come into them otherwise shows in the terms, or at the end of the epoch.
    Of several replicas the first one tells; its weights are those of all.

    Args:
        fields: Names of the fields of its batches that are looked at.
        terms: Names of the terms that the model reports.
        networks: Names of its networks.
        optimizer: Of the model, built: the steps are variables of it that no file
            holds.

    Attributes:
        norms: The norm of each network's last gradient, a variable `[networks]`.
    """

    def __init__(
        self,
        fields: Sequence[str],
        terms: Sequence[str],
        networks: Sequence[str],
        optimizer: keras.optimizers.Optimizer,
    ):
        self.networks = list(networks)
        self.names = [(BATCH, name) for name in fields]
        self.names += [("term", name) for name in terms]
        self.names += [(kind, n) for kind in KINDS[1:] for n in networks]
        how = {"initializer": "zeros", "aggregation": "only_first_replica"}
        self.steps = optimizer.add_variable(
            (len(self.names),), dtype="int32", name="faults", **how
        )
        self.norms = optimizer.add_variable(
            (len(self.networks),), dtype="float32", name="norms", **how
        )

    def look_at_batch(self, step: Tensor, wrong: dict[str, Tensor]) -> None:
        """Notes which of {field: whether it is wrong, a scalar tensor} are, within
        training step `step`."""
        if wrong:
            numbers = {(BATCH, n): ops.where(w, np.nan, 0.0) for n, w in wrong.items()}
            self._note(step, numbers)

    def look_at_terms(self, step: Tensor, terms: dict[str, Tensor]) -> None:
        """Notes which of {term: tensor} are not finite, within training step `step`."""
        self._note(step, {("term", n): ops.mean(term) for n, term in terms.items()})

    def look_at_network(
        self,
        step: Tensor,
        name: str,
        gradients: Sequence[Tensor],
        learning_rate: Tensor,
    ) -> None:
        """Notes whether a network's gradients, a list, are not finite, or its weights
        after a move along them at this rate."""
        gradients = [g for g in gradients if g is not None]
        squares = backend.sum_of_squares(gradients) if gradients else 0.0
        index = self.networks.index(name)
        here = ops.arange(len(self.networks)) == index
        norm, norms = ops.sqrt(squares), ops.convert_to_tensor(self.norms)
        self.norms.assign(ops.where(here, norm, norms))
        numbers = {("gradient", name): squares}
        numbers[("weights", name)] = norm * learning_rate
        self._note(step, numbers)

    def look_at_weights(self, model: keras.Model) -> None:
        """Notes which networks' weights, or statistics of their batches, are not
        finite, by reading them all."""
        step = int(ops.convert_to_numpy(model.optimizer.iterations))
        weights = {n: model.network(n).weights for n in self.networks}
        sums = {n: _sum([ops.sum(w) for w in each]) for n, each in weights.items()}
        self._note(step, {("weights", name): total for name, total in sums.items()})

    def _note(self, step, numbers):
        values = [numbers.get(name, 0.0) for name in self.names]
        values = ops.stack([ops.cast(value, "float32") for value in values])
        before = ops.convert_to_tensor(self.steps)
        new = ops.logical_and(before == 0, ops.logical_not(ops.isfinite(values)))
        self.steps.assign(ops.where(new, ops.cast(step, "int32"), before))

    def copy(self) -> Tensor:
        """Returns the steps as they are after the last training step, a tensor that
        may not have been computed yet."""
        return ops.add(self.steps, 0)

    def require_none(self, steps: Tensor | None = None) -> None:
        """Raises NotFiniteError or WrongBatchError, with what came first, if there is a
        fault.

        Args:
            steps: A `copy`. Default: as they are now.
        """
        numbers = ops.convert_to_numpy(self.steps if steps is None else steps)
        if numbers.any():
            first = int(numbers[numbers > 0].min())
            causes = [name for name, step in zip(self.names, numbers) if step == first]
            fields = [name for kind, name in causes if kind == BATCH]
            if fields:
                raise WrongBatchError(first, fields)
            raise NotFiniteError(first, causes)


def _sum(numbers):
    return ops.sum(ops.stack(numbers)) if numbers else 0.0


class Finite(keras.callbacks.Callback):
    """Stops `fit` by NotFiniteError soon after a step made a value NaN or infinite, or
    by WrongBatchError after one that got a wrong batch.

    While an epoch lasts, a step is looked at when the one after it has been started: an
    accelerator never waits for it. Looks are as frequent as they may be to take `SHARE`
    of the time, and at most `RARELY` seconds apart. After an epoch's last step nothing
    is done before it has been looked at.
    """

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.before, self.next_look = None, 0.0

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        now = time.perf_counter()
        if now < self.next_look:
            return
        backend.sync(self.model)
        faults = self.model.faults
        if self.before is not None:
            faults.require_none(self.before)
        self.before = faults.copy()
        took = time.perf_counter() - now
        self.next_look = now + min(took / SHARE, RARELY)

    def on_test_begin(self, logs: dict | None = None) -> None:
        self.model.faults.require_none()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.model.faults.look_at_weights(self.model)
        self.model.faults.require_none()
