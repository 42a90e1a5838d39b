"""What every training step shares: batches that are read, terms, random numbers."""

import contextlib
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from zoo import backend, inputs
from zoo.inputs import pixels
from zoo.inputs.fields import PIXELS
from zoo.inputs.tensors import Batch, Tensor


class Stepping:
    """The part of `ImageModel` within a step: what `train_step` calls, and the steps of
    measuring and predicting."""

    __call__: Callable[..., Tensor]  # `ImageModel` has it

    # --- a batch ----------------------------------------------------------------------

    def unpack(self, data: Batch) -> tuple:
        """Returns a value for each field that the model takes: float32 images `[B, H,
        W, C]` in [-1, 1], int labels `[B]` or None, tokens `[B, L]`.

        Of a model that learns targets it is (images, targets or None): labels tell it
        nothing.
        """
        self.require_networks()
        fields = self.layout.read(data)
        if not self._is_measuring:
            step = self.optimizer.iterations + 1
            self.faults.look_at_batch(step, self.wrong_fields(fields))
        return self._ready_fields(fields)

    def wrong_fields(self, fields: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns {field: whether some value is wrong, a scalar tensor} of a batch:
        labels that are no classes, floats that are no pixels."""
        wrong, count = {}, self.config.get("num_classes")
        for name, value in fields.items():
            if name == "label" and count:
                labels = _tensor(name, value)
                wrong[name] = ops.any(ops.logical_or(labels < 0, labels >= count))
            elif name in PIXELS and _is_float(value):
                sound = ops.abs(value) <= 1.0 + inputs.SLACK  # false of NaN, too
                wrong[name] = ops.logical_not(ops.all(sound))
        return wrong

    def _ready_fields(self, fields):
        if self.learns_targets:
            images, targets = fields.get("source"), fields["image"]
            pair = (targets, None) if images is None else (images, targets)
            return tuple(x if x is None else pixels.to_float(x) for x in pair)
        ready = {name: _tensor(name, fields.get(name)) for name in self.takes}
        count = self.config.get("num_classes")
        if count and ready.get("label") is not None:
            # A wrong label is noted; some backends would end in words of their own.
            ready["label"] = ops.clip(ready["label"], 0, count - 1)
        return tuple(ready.values())

    # --- terms ------------------------------------------------------------------------

    def track(self, terms: dict[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
        """Adds a batch's `terms` to their means over the epoch, weighted by its number
        of `rows`, an array `[B, ...]` of them; returns {term: mean so far}."""
        unknown = set(terms) - set(self.terms)
        if unknown:
            raise ValueError(
                f"{self.name!r} reports {', '.join(self.terms)}. "
                f"Received: {', '.join(sorted(unknown))}."
            )
        count = ops.cast(ops.shape(rows)[0], "float32")
        for name, term in terms.items():
            self.means[name].update_state(ops.mean(term), count)
        return {name: self.means[name].result() for name in self.terms}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.means.values())

    @backend.stateless
    def test_step(self, data: Batch) -> dict[str, Tensor]:
        with self._measuring():
            fields = self.unpack(data)
            _, terms = self.objective(*fields, training=False)
        wrong = self.wrong_fields(self.layout.read(data))
        for flag in wrong.values():  # a wrong batch shows, and `evaluate` looks for it
            terms = {n: ops.where(flag, np.nan, ops.mean(x)) for n, x in terms.items()}
        return self.track(terms, fields[0])

    def _rows_measured(self):
        """Rows that all replicas have measured in this evaluation, a scalar."""
        count = next(iter(self.means.values())).count
        return count * backend.num_replicas()

    @property
    def _is_measuring(self):
        return self._seeds is self._measuring_seed

    @contextlib.contextmanager
    def _measuring(self):
        """Within, random numbers are those of measuring."""
        self._measuring_seed.draws = 0
        self.__dict__["_seeds"] = self._measuring_seed
        try:
            yield
        finally:
            self.__dict__["_seeds"] = self.seed_generator

    @backend.stateless
    def predict_step(self, data: Batch) -> Tensor:
        first = self.takes[0]
        fields = self.layout.read(data, first_only=True)
        return self(_tensor(first, fields[first]), training=False)

    # --- random numbers ---------------------------------------------------------------

    def normal(self, rows: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Standard normal `[rows, *shape]`: this replica's rows of the global draw."""
        return backend.normal(self._seeds, rows, shape)

    def uniform(self, rows: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Uniform on [0, 1) `[rows, *shape]`: this replica's rows of the global
        draw."""
        return backend.uniform(self._seeds, rows, shape)

    def integers(
        self, rows: Tensor, shape: tuple[int, ...], low: int, high: int
    ) -> Tensor:
        """Integers in [low, high) `[rows, *shape]`: our rows of the global draw."""
        return backend.integers(self._seeds, rows, shape, low, high)


def _is_float(value):
    return "float" in keras.backend.standardize_dtype(value.dtype)


def _tensor(field: str, value: Tensor) -> Tensor:
    """A field as a training step computes with it: pixels in [-1, 1], and a label a
    row, also of a column or of one-hot rows."""
    if value is None or field == "caption":
        return value
    if field != "label":
        return pixels.to_float(value)
    if len(value.shape) == 2:
        return value[:, 0] if value.shape[1] == 1 else ops.argmax(value, axis=-1)
    return value
