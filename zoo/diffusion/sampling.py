"""Sampling of models that remove noise: a sampler's loop, compiled, under a bar."""

import functools
import math
import numbers
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo import backend, diffusion
from zoo.core.bar import Bar

OWN_OPTIONS = {"ddpm": ("variance",), "ddim": ("eta",)}


class Descent(NamedTuple):
    """A sampler before its first step.

    Attributes:
        x: Where it starts, `[B, H, W, C]`.
        steps: How many steps it takes.
        run: run(x=x, trajectory=False, part=None), as `zoo.diffusion` has them.
    """

    x: Any
    steps: int
    run: Any


class Sampling:
    """The part of `Denoiser` that makes images."""

    def draw(
        self,
        seeds,
        labels=None,
        ema=True,
        sampler=None,
        steps=None,
        guidance=None,
        eta=None,
        variance=None,
        trajectory=False,
    ):
        """Returns the images of `seeds`; with `trajectory` x_t of all levels, noise
        first, `[B, steps + 1, H, W, C]`. An option of None is the setting."""
        options = {"sampler": sampler, "steps": steps, "guidance": guidance}
        options |= {"eta": eta, "variance": variance}
        start = self.generation(seeds, labels, ema, **options)
        if trajectory:
            return ops.swapaxes(start.run(x=start.x, trajectory=True), 0, 1)
        return ops.clip(start.run(x=start.x), -1.0, 1.0)

    def generation(self, seeds, labels=None, ema=True, steps=None, **options):
        """Returns the `Descent` from the noise of `seeds`; options as of `draw`."""
        if labels is None and self.conditional:
            labels = self.labels_of(seeds)
        x = backend.normal_of_seeds(seeds, self.image_shape)
        return self.descent(x, self.ladder(steps), seeds, labels, ema, **options)

    def ladder(self, steps):
        """Returns the `diffusion.Levels` of `steps` steps, of the setting if None."""
        return self.levels(self.steps if steps is None else steps)

    def descent(
        self,
        x,
        levels,
        seeds,
        labels=None,
        ema=True,
        sampler=None,
        guidance=None,
        eta=None,
        variance=None,
        after=None,
    ):
        """Returns the `Descent` from `x` down `levels`, its noise that of `seeds`;
        `after` as in `zoo.diffusion`."""
        sampler = self.sampler_of(sampler, eta=eta, variance=variance)
        guidance = self.checked_guidance(guidance)
        run = functools.partial(
            sampler,
            self.predictor(levels, labels, ema, guidance),
            levels=levels,
            noise=self.noise_of(seeds),
            after=after,
        )
        return Descent(x, len(levels.t) - 1, run)

    def in_batches(self, method, batch_size, *arrays, **options):
        if method == "draw" and not options.get("trajectory"):
            options.pop("trajectory", None)
            return self.descend("generation", batch_size, *arrays, **options)
        return super().in_batches(method, batch_size, *arrays, **options)

    def descend(self, method, batch_size, *arrays, **options):
        """Returns the images at the end of the `Descent`s that the tensor method
        `method` makes of all rows of `arrays`, float32 `[N, H, W, C]` in [-1, 1].

        One graph takes the steps from one number up to another: all at once or, under
        the bar of a terminal, part by part. So the images are the same in both cases.
        """
        begin = self.graph("begin", of=method, **options)
        advance = self.graph("advance", of=method, **options)
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
                    made = ops.convert_to_numpy(x)  # waits, so that the bar is true
                images.append(made)
        return np.clip(np.concatenate(images), -1.0, 1.0).astype("float32")

    def begin(self, *rows, of, **options):
        """Returns the start and the number of steps of the `Descent` of method `of`."""
        start = getattr(self, of)(*rows, **options)
        return start.x, ops.convert_to_tensor(start.steps)

    def advance(self, part, x, x_0, *rows, of, **options):
        """Returns (x, x_0) after the steps from `part[0]` up to `part[1]`."""
        run = getattr(self, of)(*rows, **options).run
        return run(x=x, part=(part[0], part[1], x_0))

    def labels_of(self, seeds):
        """Returns a label, int32 `[B]`, drawn from each of `seeds`: each class is as
        likely to have the largest number."""
        vote = backend.normal_of_seeds(seeds, (self.num_classes,), 2**31 - 1)
        return ops.argmax(vote, axis=1)

    def noise_of(self, seeds):
        """Returns k -> the noise `[B, H, W, C]` of step k, a row of its seed alone."""
        return lambda k: backend.normal_of_seeds(seeds, self.image_shape, k + 1)

    def sampler_of(self, name, **own):
        """Returns the sampler `name` (of the settings if None) with those of its own
        options `own` that are not None."""
        name = name or self.sampler
        if name not in self.samplers:
            raise ValueError(
                f"{self.name!r} samples by {', '.join(self.samplers)}. "
                f"Received: sampler={name!r}."
            )
        given = {key: value for key, value in own.items() if value is not None}
        for key, value in given.items():
            if key not in OWN_OPTIONS.get(name, ()):
                takers = [n for n in self.samplers if key in OWN_OPTIONS.get(n, ())]
                raise ValueError(
                    f"{key} is an option of {' and '.join(takers) or 'other models'}. "
                    f"Received: {key}={value!r} with sampler={name!r}."
                )
        return functools.partial(diffusion.SAMPLERS[name], **given)

    def checked_guidance(self, guidance):
        """Returns the guidance as a float, the setting's if None; a tensor `[B]` of a
        graph as it is."""
        if guidance is not None and not self.num_classes:
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
