"""SRGAN: a small picture becomes a large one.

Pixels alone teach the mean of all large pictures that a small one could be of, which is
smooth. So a discriminator, which sees large pictures patch by patch, tells real ones
from those that were made, and the generator learns to invent what cannot be known.

Ledig et al. 2016, "Photo-Realistic Single Image Super-Resolution Using a Generative
Adversarial Network", arXiv:1609.04802, equations 2 and 6.
"""

from typing import Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from zoo import inputs
from zoo.core import losses, tiling
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs import pixels
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import translation, upscaling

MOST_DEPTH = 2  # patches of 34 pixels: what is invented is small


@register("srgan")
class SRGAN(ImageModel):
    """SRGAN: a generator enlarges small images, and a discriminator judges them.

    The two move in turn. With an image y, its small version x (the means of blocks of
    scale x scale pixels) and the enlarged G(x), they descend
        discriminator: 1/2 (-log D(y) - log(1 - D(G(x))))
        generator: l1_weight |y - G(x)| - gan_weight log D(G(x))
    all of them means over pixels or patches. For the first `game_from` steps the
    generator learns by pixels alone.

    Args:
        scale: How many times as high and as wide an image becomes: 2 or 4. Paper: 4.
        l1_weight: Weight of the pixels' difference.
        gan_weight: Weight of the discriminator's judgement; 0 leaves the pixels'
            difference alone, and the discriminator as it is. Paper: 1e-3 beside squared
            errors of features.
        game_from: Steps by pixels alone, before the game. Paper: 1e6.
        consistent: Whether the small version of an answer is its source exactly: what
            differs is added to each block.
        blocks: Residual blocks. Paper: 16.
        width: Channels of the generator and of the first level of the discriminator.
            Paper: 64.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], whose sizes the scale divides, and
        labels, which tell the model nothing.
    Reports: `g_loss`: what the generator descends; `l1`: difference per pixel, pixels
        in [-1, 1]; with a `gan_weight`, `d_loss` and `d_real`, `d_fake`: mean
        probability of "real" that real and enlarged patches get.
    Raises: ValueError: if the scale is another, a weight is negative, a size below 1,
        or, once the shape is known, if the scale does not divide it.
    Source: Ledig et al. 2016, arXiv:1609.04802, equations 2 and 6 and figure 4; Lim et
        al. 2017 (EDSR), arXiv:1707.02921, section 3. Departures: absolute differences
        of pixels as in EDSR stand in place of squared ones of VGG's features; blocks
        without normalisation; the generator adds to its enlarged source, and begins
        with next to nothing; the discriminator judges patches, as in Isola et al. 2016,
        arXiv:1611.07004, section 3.4; small images are means of blocks, which all
        backends compute alike, in place of bicubic ones. Being consistent is of Bahat
        and Michaeli 2020, arXiv:1911.12191.
    """

    networks = ("discriminator", "generator")
    makes_sources = True
    enlarges = True
    paper = "Ledig et al. 2016, arXiv:1609.04802"

    def __init__(
        self,
        scale: Literal[2, 4] = 4,
        l1_weight: float = 1.0,
        gan_weight: float = 0.02,
        game_from: int = 2000,
        consistent: bool = True,
        blocks: int = 6,
        width: int = 32,
    ):
        self.scale, self.consistent = scale, consistent
        self.l1_weight, self.gan_weight = l1_weight, gan_weight
        self.game_from, self.blocks, self.width = game_from, blocks, width
        super().__init__()
        self.require_at_least(l1_weight=0, gan_weight=0, game_from=0, blocks=1, width=1)

    @property
    def terms(self) -> tuple[str, ...]:
        game = ("d_loss", "d_real", "d_fake") if self.config["gan_weight"] else ()
        return ("g_loss", "l1", *game)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {
            "discriminator": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "generator": keras.optimizers.Adam(1e-3),
        }

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        self.source_shape = upscaling.source_shape(image_shape, self.scale)
        depth = min(translation.patch_depth(image_shape), MOST_DEPTH)
        return {
            "discriminator": translation.build_patch_discriminator(
                image_shape, self.width, depth
            ),
            "generator": upscaling.build_upscaler(
                self.source_shape,
                image_shape[-1],
                self.width,
                self.blocks,
                self.scale,
            ),
        }

    # --- training ---------------------------------------------------------------------

    def discriminator_objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        x_fake = ops.stop_gradient(self.enlarged(self.small(images), training))
        real_logits = self.discriminator(images, training=training)
        fake_logits = self.discriminator(x_fake, training=training)
        loss = 0.5 * losses.discriminator_loss(real_logits, fake_logits)
        terms = {"d_loss": loss}
        terms |= {"d_real": ops.mean(ops.sigmoid(real_logits), axis=(1, 2, 3))}
        terms |= {"d_fake": ops.mean(ops.sigmoid(fake_logits), axis=(1, 2, 3))}
        return {"discriminator": loss}, terms

    def generator_objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        x_fake = self.enlarged(self.small(images), training)
        l1 = ops.mean(ops.abs(images - x_fake))
        loss = self.l1_weight * l1
        if self.gan_weight:
            fake_logits = self.discriminator(x_fake, training=training)
            judgement = losses.generator_loss(fake_logits)
            loss = loss + self.gan_weight * self._game() * judgement
        return {"generator": loss}, {"g_loss": loss, "l1": l1}

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        network_losses, terms = self.generator_objective(images, labels, training)
        if not self.gan_weight:
            return network_losses, terms
        d_losses, d_terms = self.discriminator_objective(images, labels, training)
        return d_losses | network_losses, d_terms | terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, _ = self.unpack(data)
        terms = {}
        if self.gan_weight:
            terms = self.update(self.discriminator_objective, images)
        terms |= self.update(self.generator_objective, images)
        return self.track(terms, images)

    def _game(self):
        """1.0 once the game has begun, 0.0 before."""
        step = ops.cast(self.optimizer.iterations, "float32")
        return ops.cast(step >= self.game_from, "float32")

    # --- sources and answers ----------------------------------------------------------

    def small(self, images: Tensor) -> Tensor:
        """Returns the small versions `[B, h, w, C]` of images."""
        return upscaling.block_mean(images, self.scale)

    def enlarged(self, source: Tensor, training: bool = False) -> Tensor:
        """Returns the large images `[B, H, W, C]` of small ones; in training they may
        leave [-1, 1]."""
        return self._completed(source, self.generator(source, training=training))

    def _completed(self, source, difference):
        """Returns the enlarged source with what the generator adds."""
        x = upscaling.enlarge(source, self.scale) + difference
        return upscaling.consistent(source, x, self.scale) if self.consistent else x

    def to_source(self, images: Tensor, seeds: Tensor) -> Tensor:
        return self.small(images)

    def to_target(
        self,
        sources: Tensor,
        seeds: Tensor,
        back: bool = False,
        labels: Tensor | None = None,
        ema: bool = True,
    ) -> Tensor:
        return ops.clip(self.enlarged(sources), -1.0, 1.0)

    def upscale(self, images: ArrayLike, tile: int = 96) -> np.ndarray:
        """Returns images of any size, enlarged: float32 `[N, scale h, scale w, C]`.

        Args:
            images: `[N, h, w, C]`, uint8 or float in [-1, 1].
            tile: Side of the parts, in pixels, in which large ones are enlarged; the
                result does not depend on it.
        """
        self.require("translate")
        images = inputs.to_array(images, "source")
        channels = self.source_shape[-1]
        if images.ndim != 4 or images.shape[-1] != channels:
            raise ValueError(
                f"This model enlarges images [N, h, w, {channels}]. "
                f"Received: shape {list(images.shape)}."
            )
        inputs.check_integer("tile", tile, 1)
        # A network of the tiles' size, which sees as much around a pixel at any size.
        shape = (*(min(side, tile) for side in images.shape[1:3]), channels)
        size = (self.width, self.blocks, self.scale)
        network = upscaling.build_upscaler(shape, channels, *size)
        network.set_weights(self.generator.get_weights())

        def upscaled(source):
            inputs.check_images(source, field="source")
            source = ops.convert_to_tensor(pixels.to_float(source))
            return ops.convert_to_numpy(self._completed(source, network(source)))

        margin = upscaling.margin(self.blocks)
        answers = [
            tiling.tiled(upscaled, images[n : n + 1], tile, margin, self.scale)
            for n in range(len(images))
        ]
        return np.clip(np.concatenate(answers), -1.0, 1.0)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns what it makes of the small versions of images."""
        return ops.clip(self.enlarged(self.small(images)), -1.0, 1.0)
