"""How a trained model answers: rows are checked, cut into batches, and computed as one
graph."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from zoo import backend, inputs
from zoo.core import registry
from zoo.core.capabilities import Capable
from zoo.inputs import classes, pixels, suggestions
from zoo.inputs.tensors import Tensor

PLAIN = (str, int, float, np.generic, type(None))  # one value, not one an image


class Inference(Capable):
    """The part of `ImageModel` between what users call (`zoo.core.calls`) and the
    hooks (`zoo.core.capabilities`), which are functions of tensors."""

    nll_unit = "nats"  # of `nll`, an image; or "bits per dimension"

    def noise(self, seeds: Tensor) -> Tensor:
        """Returns z `[B, latent_dim]` of N(0, 1), the prior of `draw`, row by row of
        int64 `seeds` `[B]`."""
        return backend.normal_of_seeds(seeds, (self.config["latent_dim"],))

    def to_features(self, images: Tensor) -> Tensor:
        """Returns penultimate features `[B, D]` of float images."""
        return self.to_classes(images)[1]

    def checked_labels(self, labels: ArrayLike, count: int) -> np.ndarray:
        """Returns the labels that images are asked for, by number or by name, int32
        `[count]`, checked."""
        if not self.conditional:
            able = [n for n in registry.names() if registry.find(n).conditional]
            raise ValueError(
                f"{self.name!r} takes no labels: it is not conditional. "
                f"Models that are: {', '.join(able)}."
            )
        labels = inputs.to_labels(classes.numbers(labels, self.class_names))
        inputs.check_labels(labels, count, self.config["num_classes"])
        return labels.astype("int32")

    def require_options(self, method: str, options: dict[str, Any]) -> None:
        """Raises ValueError unless the tensor method `method` takes all `options`, each
        one value: a graph is compiled for it."""
        taken = self.options_of(method)
        for key, value in options.items():
            if key not in taken:
                having = f"Options: {', '.join(taken)}. " if taken else ""
                raise ValueError(
                    f"{self.name!r} has no such option"
                    f"{suggestions.nearest(key, taken)}. {having}Received: {key!r}."
                )
            if not isinstance(value, PLAIN):
                raise ValueError(
                    f"{key} is one number or text for all images. "
                    f"Received: {key} as a {type(value).__name__}."
                )

    def ready(
        self, capability: str, images: ArrayLike, field: str | None = None
    ) -> np.ndarray:
        """Returns `images` as float32, after checking that the model can.

        Args:
            field: "source" where they are sources. Default: what the model makes.
        """
        self.require(capability)
        field = field or self.makes
        images = inputs.to_array(images, field)
        inputs.check_images(images, self.shape_of_field(field), field=field)
        return pixels.to_float(images)

    def in_batches(
        self, method: str, batch_size: int, *arrays: np.ndarray | None, **options: Any
    ) -> np.ndarray:
        """Returns the NumPy result of the tensor method `method` on all rows of
        `arrays`, of which some may be None: the method gets None in their place."""
        absent = tuple(i for i, array in enumerate(arrays) if array is None)
        present = [array for array in arrays if array is not None]
        graph, parts = self.graph(method, absent, **options), []
        for start in range(0, len(present[0]), batch_size):
            rows = (backend.tensor(a[start : start + batch_size]) for a in present)
            parts.append(ops.convert_to_numpy(graph(*rows)))
        return np.concatenate(parts).astype("float32", copy=False)

    def graph(
        self, method: str, absent: tuple[int, ...] = (), **options: Any
    ) -> Callable[..., Tensor]:
        """Returns the tensor method `method`, compiled once for each choice of
        `options`; None is handed on at the places `absent` among its rows."""
        key = (method, absent, *sorted(options.items()))
        if key not in self._graphs:
            function = functools.partial(getattr(self, method), **options)
            if absent:
                function = functools.partial(_with_none, function, absent)
            self._graphs[key] = backend.compiled(function, self.variables)
        return self._graphs[key]

    @functools.cached_property
    def _graphs(self):
        return {}


def _with_none(function, places, *rows):
    """`function` of the rows and of None at `places`."""
    rows = list(rows)
    for place in places:
        rows.insert(place, None)
    return function(*rows)


def seeds_from(seed: int | None, count: int) -> np.ndarray:
    """Returns int64 `[count]`: seed, seed + 1, ...; a fresh start if `seed` is None."""
    if seed is None:
        seed = int(np.random.randint(2**31))
    inputs.check_integer("A seed", seed, 0, 2**62)  # so that no sum overflows int64
    return np.arange(int(seed), int(seed) + count, dtype="int64")
