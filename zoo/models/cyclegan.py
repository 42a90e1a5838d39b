"""CycleGAN: pictures of one kind become pictures of another, without any pair.

Nobody can say what a zebra would look like as this horse, so no pair tells the answer.
Two generators learn both ways at once. Each has a discriminator that knows the kind of
its answers, and the way there and back has to end where it began.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", arXiv:1703.10593, equations 1 to 3.
"""

from typing import Literal

import keras
from keras import ops

from zoo import backend
from zoo.adversarial import pool as pools
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs import tasks
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import residual, translation


@register("cyclegan")
class CycleGAN(ImageModel):
    """CycleGAN: two generators go from sources to images and back.

    All four networks move in each step. With sources x, images y, generators G (there)
    and F (back), their discriminators D and E, they descend
        generator, back_generator: (D(G(x)) - 1)^2 + (E(F(y)) - 1)^2
            + cycle_weight (|F(G(x)) - x| + |G(F(y)) - y|)
            + identity_weight (|G(y) - y| + |F(x) - x|)
        discriminator, back_discriminator: 1/2 ((D(y) - 1)^2 + D(G(x))^2), E alike
    all of them means over pixels or patches. D and E see generated images of a pool,
    half of which are of earlier steps.

    Args:
        task: What becomes what. "negative": the negative of a picture becomes the
            picture, "stripes": one with every other pair of columns inverted does;
            both are made of the images, never compared with them, and show whether a
            map that is known is learned. "domains": sources of the data set become
            like its images.
        cycle_weight: Weight of the way there and back. Paper: 10.
        identity_weight: Weight by which images are to stay as they are on the way to
            images; without it, colours may turn. None is 5 with "domains", else 0: a
            known map has to turn them. Paper: 5 where colours matter. Domains with
            other numbers of channels have none.
        pool: Generated images that are kept of each kind; 0: the discriminators see
            those of the step. Paper: 50.
        width: Channels of the first level of all networks. Paper: 64.
        blocks: Residual blocks of each generator. Paper: 6 at 128x128 pixels.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and labels, which tell the model
        nothing; with "domains" (sources `[B, H, W, c]`, images `[B, H, W, C]`), whose
        rows do not belong together.
    Reports: `g_loss`, `d_loss`: what generators and discriminators descend; `cycle`,
        `identity`: differences per pixel, means of both ways, pixels in [-1, 1];
        `d_real`, `d_fake`: mean score that both discriminators give to patches of real
        images, to be 1, and of generated ones, to be 0. A low `cycle` is no proof: a
        generator can hide its source in its answer.
    Raises: ValueError: if a weight or the pool is negative, a size below 1, or, once
        the shapes are known, if sources and images are not equally large.
    Source: Zhu et al. 2017, arXiv:1703.10593, sections 3, 4 and 7. Departures: those of
        zoo/networks/residual.py; batches are larger than the paper's 1; pictures are
        neither enlarged nor cropped nor flipped; a patch has 16 pixels below 48 pixels,
        34 below 128, else the paper's 70.
    """

    networks = ("generator", "back_generator", "discriminator", "back_discriminator")
    terms = ("g_loss", "d_loss", "cycle", "identity", "d_real", "d_fake")
    goes_back = True
    paper = "Zhu et al. 2017, arXiv:1703.10593"

    def __init__(
        self,
        task: Literal["negative", "stripes", "domains"] = "negative",
        cycle_weight: float = 10.0,
        identity_weight: float | None = None,
        pool: int = 50,
        width: int = 16,
        blocks: int = 3,
    ):
        self.task, self.width, self.blocks = task, width, blocks
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        super().__init__()
        self.require_at_least(cycle_weight=0, pool=0)
        if identity_weight is not None:
            self.require_at_least(identity_weight=0)
        else:
            self.identity_weight = 5.0 if task == "domains" else 0.0
        self.require_at_least(width=1, blocks=1)

    @property
    def takes(self) -> tuple[str, ...]:
        has_domains = self.config["task"] == "domains"
        return ("source", "image") if has_domains else ("image", "label")

    @property
    def is_paired(self) -> bool:
        return self.config["task"] != "domains"

    @property
    def makes_sources(self) -> bool:
        return self.config["task"] != "domains"

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {n: keras.optimizers.Adam(2e-4, beta_1=0.5) for n in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        if self.makes_sources:
            self.source_shape = image_shape
        shapes = (self.source_shape, image_shape)
        tasks.require_shapes("cyclegan", self.task, *shapes)
        self._make_pools(shapes)
        networks, depth = {}, translation.patch_depth(image_shape)
        for prefix, source, target in (("", *shapes), ("back_", *reversed(shapes))):
            name = f"{prefix}generator"
            size = (target[-1], self.width, self.blocks)
            networks[name] = residual.build_generator(source, *size, name=name)
            name = f"{prefix}discriminator"
            networks[name] = translation.build_patch_discriminator(
                target, self.width, depth, name=name
            )
        return networks

    def _make_pools(self, shapes):
        """Makes the pools of generated images and of generated sources, if any."""
        size = self.config["pool"]
        if size:
            self.source_pool = self.state("source_pool", (size, *shapes[0]))
            self.image_pool = self.state("image_pool", (size, *shapes[1]))
            self.source_count = self.state("source_count", (), "int32")
            self.image_count = self.state("image_count", (), "int32")

    # --- training ---------------------------------------------------------------------

    def pair(self, first: Tensor, second: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns sources and images of a batch's fields, the first of which are images
        if the model makes their sources."""
        return (self.source_of(first), first) if self.makes_sources else (first, second)

    def generator_objective(
        self, x: Tensor, y: Tensor, training: bool = True
    ) -> Losses:
        there, back = self.generator, self.back_generator
        y_fake, x_fake = there(x, training=training), back(y, training=training)
        judgement = _squares(self.discriminator(y_fake, training=training), 1.0)
        judgement += _squares(self.back_discriminator(x_fake, training=training), 1.0)
        cycle = _difference(back(y_fake, training=training), x)
        cycle += _difference(there(x_fake, training=training), y)
        identity = ops.zeros_like(cycle)
        if self.identity_weight and x.shape[-1] == y.shape[-1]:
            identity = _difference(there(y, training=training), y)
            identity += _difference(back(x, training=training), x)
        loss = judgement + self.cycle_weight * cycle + self.identity_weight * identity
        terms = {"g_loss": loss, "cycle": 0.5 * cycle, "identity": 0.5 * identity}
        return {"generator": loss, "back_generator": loss}, terms

    def discriminator_objective(
        self,
        x: Tensor,
        y: Tensor,
        x_fake: Tensor,
        y_fake: Tensor,
        training: bool = True,
    ) -> Losses:
        network_losses, scores = {}, {"d_real": 0.0, "d_fake": 0.0}
        kinds = {"discriminator": (y, y_fake), "back_discriminator": (x, x_fake)}
        for name, (real, fake) in kinds.items():
            judge = self.network(name)
            of_real = judge(real, training=training)
            of_fake = judge(fake, training=training)
            loss = 0.5 * (_squares(of_real, 1.0) + _squares(of_fake, 0.0))
            network_losses[name] = loss
            scores["d_real"] += 0.5 * ops.mean(of_real)
            scores["d_fake"] += 0.5 * ops.mean(of_fake)
        return network_losses, {"d_loss": sum(network_losses.values())} | scores

    def objective(
        self, first: Tensor, second: Tensor | None = None, training: bool = True
    ) -> Losses:
        x, y = self.pair(first, second)
        g_losses, g_terms = self.generator_objective(x, y, training)
        fakes = self.fakes(x, y, training)
        d_losses, d_terms = self.discriminator_objective(x, y, *fakes, training)
        return g_losses | d_losses, g_terms | d_terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        x, y = self.pair(*self.unpack(data))
        with backend.no_gradients():  # of the generators as they are before they move
            fakes = self.fakes(x, y)
        terms = self.update(self.generator_objective, x, y)
        with backend.no_gradients():
            fakes = self.of_pools(*fakes)
        terms |= self.update(self.discriminator_objective, x, y, *fakes)
        return self.track(terms, y)

    def fakes(
        self, x: Tensor, y: Tensor, training: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Returns generated sources and generated images, without gradients."""
        x_fake = self.back_generator(y, training=training)
        y_fake = self.generator(x, training=training)
        return ops.stop_gradient(x_fake), ops.stop_gradient(y_fake)

    def of_pools(self, x_fake: Tensor, y_fake: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what the discriminators see of generated sources and images, half of
        it of earlier steps; moves the pools."""
        if not self.config["pool"]:
            return x_fake, y_fake
        judged = []
        for fake, pool, count in (
            (x_fake, self.source_pool, self.source_count),
            (y_fake, self.image_pool, self.image_count),
        ):
            u = self.uniform(ops.shape(fake)[0], (2,))
            held = ops.convert_to_tensor(count)
            older = ops.convert_to_tensor(pool)
            images, now, held = pools.exchanged(older, held, fake, u)
            pool.assign(now)
            count.assign(held)
            judged.append(images)
        return judged[0], judged[1]

    # --- sources and answers ----------------------------------------------------------

    def source_of(self, images: Tensor) -> Tensor:
        """Returns the sources of images by the known map of the task."""
        return -images if self.task == "negative" else tasks.striped(images)

    def to_source(self, images: Tensor, seeds: Tensor) -> Tensor:
        return self.source_of(images)

    def to_target(
        self,
        sources: Tensor,
        seeds: Tensor,
        back: bool = False,
        labels: Tensor | None = None,
        ema: bool = True,
    ) -> Tensor:
        network = self.back_generator if back else self.generator
        return network(sources, training=False)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns the answers to sources, or to what it makes of images."""
        source = self.source_of(images) if self.makes_sources else images
        return self.generator(source, training=training)


def _squares(scores, wanted):
    """Mean squared distance of scores from the one that is wanted."""
    return ops.mean(ops.square(scores - wanted))


def _difference(x, y):
    """Mean difference per pixel."""
    return ops.mean(ops.abs(x - y))
