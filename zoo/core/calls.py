"""What users call on a trained model: samples, codes, translations, as arrays.

Each call checks what it is given, and answers in float32 NumPy on every backend. Row i
of an answer depends on row i of the images and on `seed + i` alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging
from numpy.typing import ArrayLike

from zoo import inputs
from zoo.core import latents
from zoo.core.frames import Frames
from zoo.core.inference import seeds_from
from zoo.inputs import memory


class Calls(Frames):
    """The part of `ImageModel` that users call."""

    # --- new images -------------------------------------------------------------------

    def sample(
        self,
        n: int | None = None,
        labels: ArrayLike | None = None,
        seed: int | None = None,
        ema: bool = True,
        batch_size: int = 250,
        *,
        prompts: Sequence[str] | None = None,
        negative: str | Sequence[str] | None = None,
        **options: Any,
    ) -> np.ndarray:
        """Returns new images, float32 `[n, H, W, C]` in [-1, 1]; of a model of clips
        `[n, T, H, W, C]`.

        Args:
            n: How many. Default: as many as there are prompts or labels.
            labels: `[n]`, one a class by number or by its name in `class_names`, of a
                conditional model; without them, label i is drawn from `seed + i`.
            seed: Image i is the image of `seed + i`, whatever the batch; fresh if None.
            ema: Whether to use the averaged network where the model has one.
            batch_size: Images computed at a time.
            prompts: `n` texts, of a model that learned from captions.
            negative: A text, or `n`, of what the images are not to show.
            **options: As the model's `draw` takes them.
        """
        self.require("sample")
        self.require_options("draw", options)
        shape = self.image_shape
        if options.get("frames") is not None:
            self._require_frames(0, options["frames"])
            shape = (options["frames"], *shape[1:])
        n = _count(n, prompts=prompts, labels=labels)
        inputs.check_integer("The number of images", n, 1)
        inputs.check_integer("batch_size", batch_size, 1)
        memory.require_samples(n, shape)
        rows = [
            seeds_from(seed, n),
            None if labels is None else self.checked_labels(labels, n),
            self.prompt_tokens(prompts, n, "prompts"),
            self.prompt_tokens(negative, n, "negative"),
        ]
        while rows[-1] is None:
            rows.pop()
        return self.in_batches("draw", batch_size, *rows, ema=bool(ema), **options)

    def prompt_tokens(
        self, texts: str | Sequence[str] | None, count: int, trait: str
    ) -> np.ndarray | None:
        """Returns the tokens `[count, L]` of texts, or None of none; tells what is cut.

        Args:
            texts: One for all images, or `count`.
            trait: "prompts" or "negative", which the model has to take.
        """
        if texts is None:
            return None
        if not self.can(trait):
            raise ValueError(
                f"{self.name!r} takes no {trait}: it has not learned from captions"
                f"{' with guidance' if trait == 'negative' else ''}. "
                f"Received: {trait}={texts!r}."
            )
        if not isinstance(texts, str) and not hasattr(texts, "__len__"):
            inputs.to_texts(texts)  # says what is wrong
        texts = [texts] * count if isinstance(texts, str) else list(texts)
        if len(texts) != count:
            raise ValueError(
                f"There is one text an image in {trait}. "
                f"Received: {len(texts)} texts for {count} images."
            )
        texts = inputs.to_texts(texts)
        for text in dict.fromkeys(texts):
            cut = self.tokenizer.cut(text)
            if cut:
                logging.warning(
                    "A text of %d characters has more than max_tokens=%d tokens; "
                    "what is cut begins with: %s",
                    *(len(text), self.tokenizer.length, cut[:60]),
                )
        return self.tokenizer.tokens(texts)

    # --- latents and features ---------------------------------------------------------

    def features(self, images: ArrayLike) -> np.ndarray:
        """Returns penultimate features, float32 `[N, D]`, of `images` `[N, H, W,
        C]`."""
        return self.in_batches("to_features", 250, self.ready("classify", images))

    def encode(
        self, images: ArrayLike, sample: bool = False, seed: int | None = None
    ) -> np.ndarray:
        """Returns latents, float32 `[N, D]`: the mean, or with `sample` a draw of
        q(z|x).

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
            seed: Of the draw; image i uses `seed + i`.
        """
        images = self.ready("encode", images)
        seeds = (seeds_from(seed, len(images)),) if sample else ()
        return self.in_batches("to_latent", 250, images, *seeds)

    def prior(self, num_latents: int, seed: int | None = None) -> np.ndarray:
        """Returns latents of the prior, float32 `[num_latents, D]`: those whose images
        `sample` of the same seed returns."""
        self.require("sample", "decode")
        inputs.check_integer("The number of latents", num_latents, 1)
        return self.in_batches("noise", 250, seeds_from(seed, num_latents))

    def decode(self, z: ArrayLike) -> np.ndarray:
        """Returns the images, float32 `[N, H, W, C]`, of latents `[N, D]`."""
        self.require("decode")
        z = inputs.to_latents(z, self.config["latent_dim"])
        return self.in_batches("to_images", 250, z)

    def reconstruct(self, images: ArrayLike) -> np.ndarray:
        """Returns what the model makes of `images` `[N, H, W, C]`, or of clips:
        decode(encode(.)), where it has latents."""
        images = self.ready("reconstruct", images)
        if self.can("decode"):
            return self.decode(self.encode(images))
        return self.in_batches("to_rebuilt", 64, images)

    def interpolate(
        self, a: ArrayLike, b: ArrayLike, steps: int = 8, path: str = "linear"
    ) -> np.ndarray:
        """Returns images on the way between the latents of `a` and `b`.

        Args:
            a, b: Images `[H, W, C]` or `[N, H, W, C]`, as `encode` takes them.
            steps: Images a line, both ends included; at least 2.
            path: "linear", or "spherical" for an arc about the origin.
        Returns: float32 `[steps, H, W, C]` or `[N, steps, H, W, C]`.
        """
        self.require("interpolate")
        inputs.check_integer("steps", steps, 2)
        if path not in latents.PATHS:
            raise ValueError(
                f"A path is {' or '.join(latents.PATHS)}. Received: path={path!r}."
            )
        a, b = inputs.to_array(a), inputs.to_array(b)
        if a.shape != b.shape or a.ndim not in (3, 4):
            raise ValueError(
                "Interpolation takes two images [H, W, C], or two batches "
                "[N, H, W, C], of one shape. "
                f"Received: {list(a.shape)} and {list(b.shape)}."
            )
        z_a, z_b = (self.encode(x if x.ndim == 4 else x[None]) for x in (a, b))
        z = latents.PATHS[path](z_a, z_b, steps)
        images = self.decode(z.reshape(-1, z.shape[-1]))
        return images.reshape(*a.shape[:-3], steps, *self.image_shape)


def _count(n, **rows):
    """Returns `n`, or the number of the first of `rows` that are given.

    Raises: ValueError: if nothing tells how many images are wanted.
    """
    for values in rows.values():
        if n is None and values is not None:
            has_rows = hasattr(values, "__len__") and not isinstance(values, str)
            return len(values) if has_rows else 1
    if n is None:
        raise ValueError(
            "The number of images is told by n, prompts or labels. Received: none."
        )
    return n
