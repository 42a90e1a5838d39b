"""Samples of a model that removes noise by prompts: tokens in the place of labels.

What samples are led to is a caption's tokens `[B, L]`, and what they are led away from
is the empty caption or a negative one.
"""

import numpy as np
from keras import ops

from zoo import inputs
from zoo.diffusion.options import with_options
from zoo.inputs import words


class Prompted:
    """The part of a `Denoiser` that follows prompts, where `has_words`; else it
    follows labels, as all do."""

    has_words = True

    @property
    def takes_captions(self):
        return self.has_words

    def traits(self):
        traits = super().traits()
        if not self.has_words or not self.label_dropout:  # it knows no empty caption
            traits -= {"negative"}
        return traits

    @property
    def can_be_guided(self):
        return self.has_words or super().can_be_guided

    def nothing(self, rows):
        if not self.has_words:
            return super().nothing(rows)
        empty = np.full((1, self.config["max_tokens"]), words.PAD, "int32")
        empty[0, :2] = words.BEGIN, words.END
        return ops.repeat(empty, rows, axis=0)

    def sides(self, labels):
        if not self.has_words:
            return super().sides(labels)
        captions, negative = labels if isinstance(labels, tuple) else (labels, None)
        if negative is None:
            negative = self.nothing(ops.shape(captions)[0])
        return ops.cast(negative, "int32"), ops.cast(captions, "int32")

    def goal(self, labels, captions, negative):
        """Returns what `sides` takes."""
        if captions is None and negative is not None:
            captions = self.nothing(ops.shape(negative)[0])
        return labels if captions is None else (captions, negative)

    # --- tensors ----------------------------------------------------------------------

    @with_options
    def draw(
        self,
        seeds,
        labels=None,
        captions=None,
        negative=None,
        ema=True,
        *,
        trajectory=False,
        **options,
    ):
        goal = self.goal(labels, captions, negative)
        return super().draw(seeds, goal, ema, trajectory=trajectory, **options)

    @with_options
    def generation(
        self, seeds, labels=None, captions=None, negative=None, ema=True, **options
    ):
        goal = self.goal(labels, captions, negative)
        return super().generation(seeds, goal, ema, **options)

    @with_options
    def variation(
        self,
        seeds,
        images,
        labels=None,
        captions=None,
        negative=None,
        ema=True,
        strength=1.0,
        **options,
    ):
        goal = self.goal(labels, captions, negative)
        return super().variation(seeds, images, goal, ema, strength, **options)

    @with_options
    def inpainting(
        self,
        seeds,
        images,
        mask,
        labels=None,
        captions=None,
        negative=None,
        ema=True,
        resampling=1,
        jump=1,
        **options,
    ):
        goal = self.goal(labels, captions, negative)
        rows = seeds, images, mask, goal
        return super().inpainting(*rows, ema, resampling, jump, **options)

    # --- arrays -----------------------------------------------------------------------

    def inpaint(self, images, mask, *args, prompts=None, negative=None, **options):
        """Returns `images` with masked pixels made anew, as `Editing.inpaint`, by
        `prompts` and `negative` as in `sample`."""
        options["goals"] = self.checked_goals(images, prompts, negative)
        return super().inpaint(images, mask, *args, **options)

    def variations(
        self, images, strength=0.5, *args, prompts=None, negative=None, **options
    ):
        """Returns images like `images`, as `Editing.variations`; `prompts` and
        `negative` as in `sample`."""
        options["goals"] = self.checked_goals(images, prompts, negative)
        return super().variations(images, strength, *args, **options)

    def checked_goals(self, images, prompts, negative):
        """Returns the tokens `[N, L]` of prompts and negative ones, each or None."""
        count = len(inputs.to_array(images))
        texts = {"prompts": prompts, "negative": negative}
        return tuple(self.prompt_tokens(each, count, n) for n, each in texts.items())
