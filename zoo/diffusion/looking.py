"""Which pixels looked at which word while a picture came into being."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from zoo import backend, inputs
from zoo.core.inference import seeds_from
from zoo.inputs import pixels
from zoo.inputs.tensors import Tensor
from zoo.networks import conv, text

SHARES = (0.3, 0.5, 0.7)  # of the ladder of noise, where shapes are decided


class Looking:
    """The part of a `Denoiser` that tells where its network looks at words."""

    def words(
        self,
        prompts: str | Sequence[str],
        seed: int | None = None,
        images: ArrayLike | None = None,
        *,
        ema: bool = True,
        batch_size: int = 50,
    ) -> np.ndarray:
        """Returns maps, float32 `[N, L, h, w]`: the share of each place's attention
        that went to each of the L tokens; `tokenizer.spans` tells whose they are.

        They are of the pictures that `sample` makes of these prompts and this seed; h
        and w are the places that the network sees. All layers that look at words, all
        their heads and three levels of noise have the same weight.

        Args:
            images: These pictures, float32 `[N, H, W, C]`, where they are drawn
                already.
        Raises: ValueError: if the model reads no captions.
        Source: Tang et al. 2022 (DAAM), arXiv:2210.04885, section 3.1; without their
            sum over all steps.
        """
        self.require_networks()
        texts = [prompts] if isinstance(prompts, str) else prompts
        count = len(texts) if hasattr(texts, "__len__") else 1
        tokens = self.prompt_tokens(texts, count, "prompts")
        inputs.check_integer("batch_size", batch_size, 1)
        if images is None:
            how = {"seed": seed, "ema": ema, "batch_size": batch_size}
            images = self.sample(prompts=texts, **how)
        rows = (images, seeds_from(seed, len(images)), tokens)
        return self.in_batches("to_words", batch_size, *rows, ema=bool(ema))

    def to_words(
        self, images: Tensor, seeds: Tensor, tokens: Tensor, ema: bool = True
    ) -> Tensor:
        """Returns the maps `[B, L, h, w]` of float images `[B, H, W, C]` and their
        int32 tokens `[B, L]`."""
        x_0 = self.enter(pixels.to_float(images))
        network = text.shares_of(self.averaged_network("unet", ema))
        eps = backend.normal_of_seeds(seeds, self.noised_shape)
        maps = []
        for share in SHARES:
            t, alpha, sigma = (float(column[0]) for column in self.level_at(share))
            times = ops.full(ops.shape(x_0)[:1], t)
            x_t = alpha * x_0 + sigma * eps
            shares = self.ask(network, x_t, times, (tokens, None))
            maps += [self._grid(each) for each in keras.tree.flatten(shares)]
        return sum(maps) / len(maps)

    def _grid(self, shares):
        """Shares `[B, heads, places, L]` as maps `[B, L, h, w]` of the finest grid."""
        height, width = (-(-side // self._patch) for side in self.noised_shape[:2])
        sizes = conv.level_sizes((height, width))
        rows, columns = next(s for s in sizes if s[0] * s[1] == shares.shape[2])
        maps = ops.transpose(ops.mean(shares, axis=1), (0, 2, 1))
        maps = ops.reshape(maps, (-1, shares.shape[3], rows, columns))
        maps = ops.repeat(maps, -(-height // rows), axis=2)
        maps = ops.repeat(maps, -(-width // columns), axis=3)
        return maps[:, :, :height, :width]

    @property
    def _patch(self):
        return self.config["patch"] if self.noises_pixels else 1
