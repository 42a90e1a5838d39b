"""Pix2pix: one picture becomes another.

A generator turns a source, such as a drawing, into an image. It learns from pairs, by
the difference of each pixel. Of all images that a source could become, pixels alone
would teach it the blurred mean. So a discriminator looks at source and image together,
patch by patch, and tells real pairs from those with a generated image.

Isola et al. 2016, "Image-to-Image Translation with Conditional Adversarial Networks",
arXiv:1611.07004, equations 3 and 4.
"""

from typing import Literal

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.core import losses, translating
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs import tasks
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import translation

DEPTHS = {"16": 1, "34": 2, "70": 3}  # levels of the discriminator, by the patch's side
PLACE = 1  # step of a seed's numbers that place its hole; 0 are those of its noise


@register("pix2pix")
class Pix2Pix(ImageModel):
    """Pix2pix: a generator draws the image of a source, and a discriminator sees both.

    The two move in turn. With a source x, its image y, the generated image G(x, z)
    whose noise z is dropout, and D(x, y) in each patch, they descend
        discriminator: 1/2 (-log D(x, y) - log(1 - D(x, G(x, z))))
        generator: -gan_weight log D(x, G(x, z)) + l1_weight |y - G(x, z)|
    all of them means over patches or pixels. Most tasks make x from y, so that they
    need no pairs.

    Args:
        task: What becomes what. "edges": drawn edges become the image, "colour": a grey
            image gets its colours, "fill": a mid-grey hole is filled, "pairs": sources
            of the data set become its images.
        l1_weight: Weight of the pixels' difference in the generator.
        gan_weight: Weight of the discriminator's judgement in the generator; 0 leaves
            the pixels' difference alone. Paper: 1.
        width: Channels of the first level of both networks. Paper: 64.
        dropout: Share of features dropped in the deepest three levels on the way up, in
            training and after it; 0 makes one source one answer.
        receptive_field: Side of the discriminator's patches in pixels, or "auto": 16 of
            images below 48 pixels, 34 below 128, else 70. Paper: 70 of 256 pixels.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and labels, which tell the model
        nothing; with "pairs" (sources `[B, H, W, c]`, images `[B, H, W, C]`).
    Reports: `d_loss`, `g_loss`: what discriminator and generator descend, `g_loss`
        mostly 100 times `l1`; `l1`: difference per pixel, pixels in [-1, 1]; `d_real`,
        `d_fake`: mean probability of "real" that the discriminator gives to the patches
        of real and of generated images.
    Raises: ValueError: if a weight is negative, the width below 1, the share outside
        [0, 1), or, once the shapes are known, if they do not fit the task.
    Source: Isola et al. 2016, arXiv:1611.07004, equations 3 and 4, sections 3.2 and
        3.3. Departures: those of zoo/networks/translation.py; batches are larger than
        the paper's 1 to 10, and neither enlarged nor cropped; the dropout of an answer
        is drawn from its seed. "colour" keeps the luma of its source, of which the
        paper predicts the other channels of Lab; "fill" keeps all pixels around the
        hole, a rectangle of half the height and width; "edges" are those of Sobel's
        operator above a threshold, not those of a trained detector.
    """

    networks = ("discriminator", "generator")
    terms = ("d_loss", "g_loss", "l1", "d_real", "d_fake")
    monitor = "l1"
    paper = "Isola et al. 2016, arXiv:1611.07004"

    def __init__(
        self,
        task: Literal["edges", "colour", "fill", "pairs"] = "edges",
        l1_weight: float = 100.0,
        gan_weight: float = 1.0,
        width: int = 24,
        dropout: float = 0.5,
        receptive_field: Literal["auto", "16", "34", "70"] = "auto",
    ):
        self.task, self.receptive_field = task, receptive_field
        self.l1_weight, self.gan_weight = l1_weight, gan_weight
        self.width, self.dropout = width, dropout
        super().__init__()
        self.require_at_least(l1_weight=0, gan_weight=0, width=1)
        self.require_share("dropout")

    @property
    def takes(self) -> tuple[str, ...]:
        is_paired = self.config["task"] == "pairs"
        return ("source", "image") if is_paired else ("image", "label")

    @property
    def makes_sources(self) -> bool:
        return self.config["task"] != "pairs"

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {n: keras.optimizers.Adam(2e-4, beta_1=0.5) for n in self.networks}

    # --- networks ---------------------------------------------------------------------

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        if self.makes_sources:
            channels = tasks.source_channels(self.task, image_shape[-1])
            self.source_shape = (*image_shape[:2], channels)
        tasks.require_shapes("pix2pix", self.task, self.source_shape, image_shape)
        return {
            "discriminator": translation.build_patch_discriminator(
                image_shape, self.width, self._depth(image_shape), self.source_shape
            ),
            "generator": translation.build_generator(
                self.source_shape, image_shape[-1], self.width, self.dropout
            ),
        }

    def _depth(self, image_shape):
        """Returns how often the discriminator halves images of this shape."""
        side = min(image_shape[:2])
        if self.receptive_field == "auto":
            return translation.patch_depth(image_shape)
        if int(self.receptive_field) > max(side, 16):
            raise ValueError(
                f"A patch is no larger than the image, whose shorter side is {side} "
                f"pixels. Received: receptive_field={self.receptive_field!r}."
            )
        return DEPTHS[self.receptive_field]

    # --- training ---------------------------------------------------------------------

    def pair(self, first: Tensor, second: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns sources and images of a batch's fields, the first of which are images
        if the model makes their sources."""
        if not self.makes_sources:
            return first, second
        return tasks.source_of(
            self.task, first, self.uniform(ops.shape(first)[0], (2,))
        ), first

    def discriminator_objective(
        self, first: Tensor, second: Tensor | None = None, training: bool = True
    ) -> Losses:
        source, images = self.pair(first, second)
        x_fake = ops.stop_gradient(self.generate(source, training))
        real_logits = self.discriminator([source, images], training=training)
        fake_logits = self.discriminator([source, x_fake], training=training)
        loss = 0.5 * losses.discriminator_loss(real_logits, fake_logits)
        terms = {"d_loss": loss}
        terms |= {"d_real": ops.mean(ops.sigmoid(real_logits), axis=(1, 2, 3))}
        terms |= {"d_fake": ops.mean(ops.sigmoid(fake_logits), axis=(1, 2, 3))}
        return {"discriminator": loss}, terms

    def generator_objective(
        self, first: Tensor, second: Tensor | None = None, training: bool = True
    ) -> Losses:
        source, images = self.pair(first, second)
        x_fake = self.generate(source, training)
        fake_logits = self.discriminator([source, x_fake], training=training)
        l1 = ops.mean(ops.abs(images - x_fake))
        loss = self.gan_weight * losses.generator_loss(fake_logits)
        loss = loss + self.l1_weight * l1
        return {"generator": loss}, {"g_loss": loss, "l1": l1}

    def objective(
        self, first: Tensor, second: Tensor | None = None, training: bool = True
    ) -> Losses:
        d_losses, d_terms = self.discriminator_objective(first, second, training)
        g_losses, g_terms = self.generator_objective(first, second, training)
        return d_losses | g_losses, d_terms | g_terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        fields = self.unpack(data)
        terms = self.update(self.discriminator_objective, *fields)
        terms |= self.update(self.generator_objective, *fields)
        return self.track(terms, fields[0])

    def generate(self, source: Tensor, training: bool = True) -> Tensor:
        """Returns the images of sources, with fresh noise."""
        noise = None
        if self.dropout:
            noise = self.normal(ops.shape(source)[0], self.noise_shape)
        return self.answer(source, noise, training)

    # --- sources and answers ----------------------------------------------------------

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The shape of a row of the generator's noise."""
        return tuple(self.generator.inputs[1].shape[1:])

    def answer(
        self, source: Tensor, noise: Tensor | None, training: bool = False
    ) -> Tensor:
        """Returns the images `[B, H, W, C]` of sources; what these tell is kept."""
        inputs = [source, noise] if self.dropout else source
        images = self.generator(inputs, training=training)
        return tasks.kept(self.task, source, images)

    def to_source(self, images: Tensor, seeds: Tensor) -> Tensor:
        return tasks.source_of(self.task, images, translating.places(seeds, PLACE))

    def to_target(
        self,
        sources: Tensor,
        seeds: Tensor,
        back: bool = False,
        labels: Tensor | None = None,
        ema: bool = True,
    ) -> Tensor:
        noise = None
        if self.dropout:
            noise = backend.normal_of_seeds(seeds, self.noise_shape)
        return self.answer(sources, noise)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns the answers to sources, or to what it makes of images, by the noise
        of seed 0."""
        zeros = ops.zeros_like(images[:, :1, 0, 0])
        if self.makes_sources:
            images = tasks.source_of(self.task, images, translating.middle(images))
        if not self.dropout:
            return self.answer(images, None)
        noise = backend.normal_of_seeds(np.zeros(1, "int64"), self.noise_shape)
        return self.answer(images, zeros + noise)
