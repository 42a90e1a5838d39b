"""Editing of images by a model that removes noise: missing pixels, variations.

A given image is noised and brought down the ladder of noise again, by any sampler.
"""

import numbers

import numpy as np
from keras import ops

from zoo import backend, diffusion, inputs
from zoo.core.inference import seeds_from
from zoo.diffusion.options import Options, with_options

KNOWN = 2**30  # first step of the noise of known pixels, which no sampler comes to


class Editing:
    """The part of `Denoiser` that takes images and gives images."""

    def inpaint(
        self,
        images,
        mask,
        seed=None,
        labels=None,
        ema=True,
        batch_size=250,
        resampling=4,
        jump=5,
        goals=(),
        **options,
    ):
        """Returns `images` with masked pixels made anew, float32 `[N, H, W, C]`.

        The known pixels, noised to each level, take their place after each step. So
        that the others come to fit them, every stretch of steps is gone down several
        times.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
            mask: `[H, W]`, `[N, H, W]` or `[N, H, W, 1]`: nonzero where pixels are to
                be made, as in OpenCV and scikit-image.
            seed, ema, batch_size: As in `sample`.
            labels: Int `[N]` of a conditional model; without them, of no label.
            resampling: How often each stretch is gone down: the time it takes, in that
                of `sample`. 1 does not resample. Paper: 10.
            jump: Steps of a stretch. Paper: 10 of 250.
            goals: More rows by which images are led (`zoo.diffusion.prompted`).
            **options: `sampler`, `steps`, `guidance` and so on, as in `sample`.
        Source: Lugmayr et al. 2022 (RePaint), arXiv:2201.09865, algorithm 1.
            Departures: any sampler; its steps and these defaults.
        """
        images = self.ready("inpaint", images)
        mask = check_mask(mask, images.shape)
        options |= {"resampling": resampling, "jump": jump}
        rows = images, mask
        how = (seed, labels, ema, batch_size, options, goals)
        edited = self._edit("inpainting", rows, *how)
        return np.where(mask > 0, edited, images)  # `leave` may change what is known

    def variations(
        self,
        images,
        strength=0.5,
        seed=None,
        labels=None,
        ema=True,
        batch_size=250,
        goals=(),
        **options,
    ):
        """Returns images like `images`, float32 `[N, H, W, C]`.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
            strength: Share of the noise ladder that they climb, in (0, 1]: at 1 nothing
                of them is left.
            seed, ema, batch_size: As in `sample`.
            labels: Int `[N]` of a conditional model; without them, of no label.
            goals: As in `inpaint`.
            **options: `sampler`, `steps`, `guidance` and so on, as in `sample`.
        Source: Meng et al. 2021 (SDEdit), arXiv:2108.01073, algorithm 1.
        """
        images = self.ready("vary", images)
        if not isinstance(strength, numbers.Real) or not 0 < strength <= 1:
            raise ValueError(
                f"strength lies in (0, 1]. Received: strength={strength!r}."
            )
        options["strength"] = float(strength)
        how = (seed, labels, ema, batch_size, options, goals)
        return self._edit("variation", (images,), *how)

    def _edit(self, method, rows, seed, labels, ema, batch_size, options, goals=()):
        self.require_options(method, options)
        inputs.check_integer("batch_size", batch_size, 1)
        rows = (seeds_from(seed, len(rows[0])), *rows)
        labels = None if labels is None else self.checked_labels(labels, len(rows[0]))
        rows = [*rows, labels, *goals]
        while rows[-1] is None:
            rows.pop()
        return self.descend(method, batch_size, *rows, ema=bool(ema), **options)

    # --- tensors ----------------------------------------------------------------------

    @with_options
    def variation(self, seeds, images, labels=None, ema=True, strength=1.0, **options):
        """Returns the `Descent` from `images` noised up to a share `strength` of the
        ladder."""
        options = Options(**options)
        levels = self.ladder(options)
        levels = levels.below(max(round(strength * (len(levels.t) - 1)), 1))
        eps = backend.normal_of_seeds(seeds, self.noised_shape)
        x_0 = self.enter(images)
        x = float(levels.alpha[0]) * x_0 + float(levels.sigma[0]) * eps
        return self.descent(x, levels, seeds, labels, ema, options)

    @with_options
    def inpainting(
        self,
        seeds,
        images,
        mask,
        labels=None,
        ema=True,
        resampling=1,
        jump=1,
        **options,
    ):
        """Returns the `Descent` from noise to `images` as they are where `mask` `[B, H,
        W, 1]` is 0."""
        options = Options(**options)
        levels = diffusion.resampled(self.ladder(options), resampling, jump)
        row = diffusion.table("float32", levels.alpha, levels.sigma)
        x_0, mask = self.enter(images), shrink(mask, self.noised_shape)

        def keep_known(k, x):
            alpha, sigma = row(k)
            eps = backend.normal_of_seeds(seeds, self.noised_shape, k + KNOWN)
            return mask * x + (1.0 - mask) * (alpha * x_0 + sigma * eps)

        x = keep_known(0, backend.normal_of_seeds(seeds, self.noised_shape))
        return self.descent(x, levels, seeds, labels, ema, options, keep_known)


def check_mask(mask, shape):
    """Returns `mask` as float32 of 0 and 1 for images of `shape` `[N, H, W, C]`, of
    that shape but for C = 1.

    Raises: ValueError: if it has another shape, or holds no numbers.
    """
    try:
        array = np.asarray(mask)
    except ValueError:  # a list of unequal parts
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise ValueError(
            "A mask is an array of finite numbers, or of true and false. "
            f"Received: {type(mask).__name__} of {array.dtype}."
        )
    of_one, of_all = shape[1:-1], shape[:-1]
    if array.shape not in (of_one, of_all, (*of_all, 1)):
        raise ValueError(
            f"A mask for these images has the shape {list(of_one)} or {list(of_all)}. "
            f"Received: {list(array.shape)}."
        )
    if array.shape != (*of_all, 1):
        array = array[..., None]
    return np.broadcast_to(array != 0, (*of_all, 1)).astype("float32")


def shrink(mask, shape):
    """Returns `mask` `[B, H, W, 1]` in the sizes of what is noised, of `shape` (h, w,
    c): a place is made anew if any of its pixels is."""
    sides = [-(-of_mask // own) for of_mask, own in zip(mask.shape[1:-1], shape)]
    return mask if max(sides) == 1 else ops.max_pool(mask, sides, padding="same")
