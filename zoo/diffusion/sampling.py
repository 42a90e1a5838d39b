"""Sampling of models that remove noise: a sampler's loop, compiled, under a bar."""

import functools
import math
import numbers
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo import backend, diffusion
from zoo.core.bar import Bar
from zoo.diffusion.options import Options, with_options

# {tensor method that takes all steps: the one that returns its `Descent`}
DESCENTS = {"draw": "generation", "to_target": "translation"}


class Descent(NamedTuple):
    """A sampler before its first step.

    Attributes:
        x: Where it starts, `[B, ...]`.
        steps: How many steps it takes.
        run: run(x=x, trajectory=False, part=None), as `zoo.diffusion` has them.
    """

    x: Any
    steps: int
    run: Any


class Sampling:
    """The part of `UNetModel` that goes down a ladder of noise."""

    def ladder(self, options):
        """Returns the `diffusion.Levels` of as many steps as `Options` say."""
        return self.levels(self.steps if options.steps is None else options.steps)

    def descent(self, x, levels, seeds, labels, ema, options, after=None):
        """Returns the `Descent` from `x` down `levels`, its noise that of `seeds`;
        `options` are `Options`, `after` is as in `zoo.diffusion`."""
        guidance = self.checked_guidance(options.guidance)
        run = functools.partial(
            self.sampler_of(options),
            self.predictor(levels, labels, ema, guidance),
            levels=levels,
            noise=self.noise_of(seeds),
            after=after,
        )
        return Descent(x, len(levels.t) - 1, run)

    def in_batches(self, method, batch_size, *arrays, **options):
        if method in DESCENTS and not options.get("trajectory"):
            options.pop("trajectory", None)
            return self.descend(DESCENTS[method], batch_size, *arrays, **options)
        return super().in_batches(method, batch_size, *arrays, **options)

    def descend(self, method, batch_size, *arrays, **options):
        """Returns the images at the end of the `Descent`s that the tensor method
        `method` makes of all rows of `arrays`, float32 `[N, H, W, C]` in [-1, 1].

        One graph takes the steps from one number up to another: all at once or, under
        the bar of a terminal, part by part. So the images are the same in both cases.
        """
        absent = tuple(i for i, array in enumerate(arrays) if array is None)
        arrays = [array for array in arrays if array is not None]
        begin = self.graph("begin", absent, of=method, **options)
        behind = tuple(3 + place for place in absent)  # part, x and x_0
        advance = self.graph("advance", behind, of=method, **options)
        leave = self.graph("leave")
        images, count = [], len(arrays[0])
        with Bar(f"{count:,} images", "steps") as bar:
            for start in range(0, count, batch_size):
                rows = [backend.tensor(a[start : start + batch_size]) for a in arrays]
                x, steps = begin(*rows)
                bar.total = int(steps) * -(-count // batch_size)
                x_0 = x
                for part in bar.parts(int(steps)):
                    part = backend.tensor(np.array(part, "int32"))
                    x, x_0 = advance(part, x, x_0, *rows)
                    ops.convert_to_numpy(x)  # waits, so that the bar is true
                images.append(ops.convert_to_numpy(leave(x)))
        return np.clip(np.concatenate(images), -1.0, 1.0).astype("float32")

    def begin(self, *rows, of, **options):
        """Returns the start and the number of steps of the `Descent` of method `of`."""
        start = getattr(self, of)(*rows, **options)
        return start.x, ops.convert_to_tensor(start.steps)

    def advance(self, part, x, x_0, *rows, of, **options):
        """Returns (x, x_0) after the steps from `part[0]` up to `part[1]`."""
        run = getattr(self, of)(*rows, **options).run
        return run(x=x, part=(part[0], part[1], x_0))

    def noise_of(self, seeds):
        """Returns k -> the noise `[B, ...]` of step k, each row from its seed alone."""
        return lambda k: backend.normal_of_seeds(seeds, self.noised_shape, k + 1)

    def sampler_of(self, options):
        """Returns the sampler that `Options` name, or else the settings, with those of
        its own options that they choose."""
        name = options.sampler or self.sampler
        if name not in self.samplers:
            raise ValueError(
                f"{self.name!r} samples by {', '.join(self.samplers)}. "
                f"Received: sampler={name!r}."
            )
        for key, value in options.own.items():
            takers = [
                each
                for each in self.samplers
                if key in diffusion.SAMPLERS[each].own_options
            ]
            if name not in takers:
                raise ValueError(
                    f"{key} is an option of {' and '.join(takers) or 'other models'}. "
                    f"Received: {key}={value!r} with sampler={name!r}."
                )
        return functools.partial(diffusion.SAMPLERS[name], **options.own)

    def checked_guidance(self, guidance):
        """Returns the guidance as a float, the setting's if None; a tensor `[B]` of a
        graph as it is."""
        if guidance is not None and not self.can_be_guided:
            raise ValueError(
                f"{self.name!r} was built without labels (num_classes=0): nothing can "
                f"guide it. Received: guidance={guidance}."
            )
        if backend.is_symbolic(guidance):
            return guidance
        value = self.guidance if guidance is None else guidance
        if not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
            raise ValueError(
                f"guidance is at least 0, and finite. Received: guidance={guidance!r}."
            )
        return float(value)


class Drawing:
    """The part of `Denoiser` that makes images of noise alone."""

    @with_options
    def draw(self, seeds, labels=None, ema=True, *, trajectory=False, **options):
        """Returns the images of `seeds`; with `trajectory` those of all levels, noise
        first, `[B, steps + 1, H, W, C]`; `options` as of `Options`."""
        start = self.generation(seeds, labels, ema=ema, **options)
        if not trajectory:
            return ops.clip(self.leave(start.run(x=start.x)), -1.0, 1.0)
        path = start.run(x=start.x, trajectory=True)
        return ops.swapaxes(ops.map(self.leave, path), 0, 1)  # one level at a time

    @with_options
    def generation(self, seeds, labels=None, ema=True, **options):
        """Returns the `Descent` from the noise of `seeds`."""
        if labels is None and self.conditional:
            labels = self.labels_of(seeds)
        options = Options(**options)
        x = backend.normal_of_seeds(seeds, self.noised_shape)
        return self.descent(x, self.ladder(options), seeds, labels, ema, options)

    def labels_of(self, seeds):
        """Returns a label, int32 `[B]`, drawn from each of `seeds`: each class is as
        likely to have the largest number."""
        vote = backend.normal_of_seeds(seeds, (self.num_classes,), 2**31 - 1)
        return ops.argmax(vote, axis=1)
