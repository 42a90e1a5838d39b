"""How one image becomes another: what users call on a model that translates."""

import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from zoo import backend, inputs
from zoo.core.inference import Inference, seeds_from
from zoo.inputs.tensors import Tensor

APART = 2**32  # from the seed of a row's answer to that of its next answer


def places(seeds: Tensor, step: int) -> Tensor:
    """Returns where holes lie, `[B, 2]` evenly in [0, 1], each row by its seed alone.

    Args:
        step: Which of a seed's numbers are taken, as of `backend.normal_of_seeds`.
    """
    z = backend.normal_of_seeds(seeds, (2,), step)
    return 0.5 + 0.5 * ops.erf(z / math.sqrt(2.0))


def middle(images: Tensor) -> Tensor:
    """Returns the place `[B, 2]` of a hole in the middle of each of `images`."""
    zeros = ops.zeros_like(images[:, :1, 0, 0])
    return ops.concatenate([zeros, zeros], 1) + 0.5


class Translating(Inference):
    """The part of `Calls` for sources and their answers."""

    def translate(
        self,
        images: ArrayLike,
        back: bool = False,
        seed: int | None = None,
        samples: int = 1,
        *,
        labels: ArrayLike | None = None,
        ema: bool = True,
        batch_size: int = 250,
        **options: Any,
    ) -> np.ndarray:
        """Returns what sources become, float32 `[N, H, W, C]`.

        Args:
            images: Sources `[N, h, w, c]`; with `back`, images. `sources` makes some of
                images, where the model does so in training.
            back: Whether to go the other way, of a model that learned both.
            seed: Of the answers: row i uses `seed + i`.
            samples: Answers a source; more than one are `[N, samples, H, W, C]`, and
                the first of them is the one without.
            labels: Int `[N]`, of a conditional model.
        """
        self.require("translate")
        if back and not self.can("back"):
            raise ValueError(
                f"{self.name!r} has learned one way only: from sources to images. "
                f"Received: back={back!r}."
            )
        sources = self.ready("translate", images, self.makes if back else "source")
        self.require_options("to_target", options)
        labels = None if labels is None else self.checked_labels(labels, len(sources))
        options |= {"back": bool(back), "ema": bool(ema)}
        rows = (sources, labels)
        return self._answers("to_target", rows, seed, samples, batch_size, options)

    def sources(self, images: ArrayLike, seed: int | None = None) -> np.ndarray:
        """Returns the sources, float32 `[N, h, w, c]`, that the model makes of `images`
        `[N, H, W, C]` in training; where they are random, row i uses `seed + i`."""
        images = self.ready("translate", images)
        if not self.can("sources"):
            raise ValueError(
                f"{self.name!r} makes no sources: it learns from pairs of them and "
                "images. Received: images only."
            )
        return self.in_batches("to_source", 250, images, seeds_from(seed, len(images)))

    def _answers(self, hook, rows, seed, samples, batch_size, options):
        """`samples` answers of `hook` to each of `rows`, (images, labels or None)."""
        inputs.check_integer("samples", samples, 1)
        inputs.check_integer("batch_size", batch_size, 1)
        images, labels = rows
        seeds = seeds_from(seed, len(images))
        answers = []
        for number in range(samples):
            each = [images, seeds + number * APART]
            each += [] if labels is None else [labels]
            answers.append(self.in_batches(hook, batch_size, *each, **options))
        return answers[0] if samples == 1 else np.stack(answers, axis=1)
