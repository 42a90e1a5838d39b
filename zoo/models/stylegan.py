"""StyleGAN2: a generator whose levels are styled one by one.

A mapping network turns noise z into a style w, and a synthesis network makes an image
of it, level by level from coarse to fine. Each level can take the style of another
image: the shape of one, the details of the other.

Karras et al. 2019, "Analyzing and Improving the Image Quality of StyleGAN",
arXiv:1912.04958, sections 2 and 3.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from zoo import backend, inputs
from zoo.adversarial import Augment, Augmented, penalties
from zoo.core import averages, losses, projection, ranks
from zoo.core.inference import seeds_from
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import style, stylegan

W_DECAY = 0.995  # of the mean style, the paper's


@register("stylegan")
class StyleGAN(Augmented):
    """StyleGAN2: styles of a mapping network, one a level of the synthesis network.

    With w = mapping(z), G(z) = synthesis(w, noise) and D the discriminator's
    probability, they descend
        discriminator: -log D(x) - log(1 - D(G(z))) + r1_weight/2 |gradient of D's
            logit at x|^2, the last term in each `r1_every`-th step, that many times
        mapping, synthesis: -log D(G(z))

    A share `mixing` of the generated images takes the style of a second z from a random
    level on.

    Args:
        latent_dim: Size of `z` and of `w`. Paper: 512.
        mapping_depth: Layers of the mapping. Paper: 8; ADA: 2 for small images.
        width: Channels at the size of the image, doubled from level to level down.
        max_width: Most channels of a level. Paper: 512.
        r1_weight: Weight of the penalty. Paper: 10; the heuristic of ADA is 0.0002 H W
            / batch size.
        r1_every: Steps from one penalty to the next. Paper: 16.
        mixing: Share of images with two styles. Paper: 0.9.
        ema_decay: Decay per step of the averages of mapping and synthesis, which
            `sample` uses; 0 keeps none. Paper: half-life of 10,000 images.
        augment: How the images that the discriminator sees are changed, real and
            generated ones: "none", "diff" or "ada", as in the `gan`. Paper: none.
        ada_target: Mean sign of the logit at real images that ADA holds. Paper: 0.6.
        ada_images: Images in which ADA raises its p from 0 to 1. Paper: 500,000.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and labels, which tell the model
        nothing.
    Reports: `d_loss`, `g_loss`: what discriminator and generator descend, the former
        without its penalty, in nats; `d_real`, `d_fake`: mean probability of "real"
        that real and generated images get; `gp`: the penalty before it is weighted,
        mean over steps, where those without count 0 and those with it `r1_every` times;
        `p_augment`, `real_sign`: with "ada", its probability and the mean sign.
    Raises: ValueError: if a size is below 1, a weight negative, a share outside [0, 1),
        or ADA's target outside (0, 1).
    Source: Karras et al. 2019, arXiv:1912.04958; Karras et al. 2018, arXiv:1812.04948;
        Karras et al. 2020 (ADA), arXiv:2006.06676, and the code beside it. Departures:
        no path length regularisation, as ADA for small images; the layers of a level
        share a style; each image has a level of its own where the second style begins;
        the deviation of a minibatch is that of 4 consecutive rows, so that replicas
        and parts of a multiple of 4 rows have that of the whole batch; sides that 2
        does not divide are padded or cut; the rate of the mapping, a hundredth of the
        others', is its optimizer's; the mean style is that of the averaged mapping; R1
        shares the step of the loss, so that Adam needs no correction for more steps;
        widths and `r1_weight` are those of small images.
    """

    networks = ("discriminator", "mapping", "synthesis")
    averaged = ("mapping", "synthesis")
    rows_together = style.GROUP
    paper = "Karras et al. 2019, arXiv:1912.04958"

    def __init__(
        self,
        latent_dim: int = 64,
        mapping_depth: int = 2,
        width: int = 24,
        max_width: int = 64,
        r1_weight: float = 0.05,
        r1_every: int = 16,
        mixing: float = 0.9,
        ema_decay: float = 0.998,
        augment: Augment = "none",
        ada_target: float = 0.6,
        ada_images: int = 500_000,
    ):
        self.latent_dim, self.mapping_depth = latent_dim, mapping_depth
        self.width, self.max_width = width, max_width
        self.r1_weight, self.r1_every = r1_weight, r1_every
        self.mixing, self.ema_decay = mixing, ema_decay
        self.augment, self.ada_target, self.ada_images = augment, ada_target, ada_images
        super().__init__()
        self.require_at_least(
            latent_dim=1, mapping_depth=1, width=1, max_width=1, r1_weight=0, r1_every=1
        )
        self.require_share("mixing", "ema_decay")
        self.require_augmentation()

    @property
    def terms(self) -> tuple[str, ...]:
        return ("d_loss", "g_loss", "d_real", "d_fake", "gp") + self.ada_terms

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate = 2.5e-3
        rates = {"discriminator": rate, "mapping": 0.01 * rate, "synthesis": rate}
        adam = {"beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8}
        return {
            network: keras.optimizers.Adam(rate, **adam)
            for network, rate in rates.items()
        }

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        self.levels = len(style.level_sizes(image_shape))
        self.noise_sizes = style.noise_sizes(image_shape)
        self.w_mean = self.state("w_mean", (self.latent_dim,))
        units, widths = self.latent_dim, (self.width, self.max_width)
        return {
            "discriminator": stylegan.build_discriminator(image_shape, *widths),
            "mapping": stylegan.build_mapping(units, units, self.mapping_depth),
            "synthesis": stylegan.build_synthesis(image_shape, units, *widths),
        }

    # --- training ---------------------------------------------------------------------

    def discriminator_objective(self, images: Tensor, training: bool = True) -> Losses:
        rows = ops.shape(images)[0]
        changed = self.augmenter(rows, training)
        x_fake = ops.stop_gradient(self.generate(rows, training))
        real_logits = self.discriminator(changed(images), training=training)
        x_fake = self.augmented(x_fake, training)
        fake_logits = self.discriminator(x_fake, training=training)
        loss = losses.discriminator_loss(real_logits, fake_logits)
        gp = self.lazy_penalty(images, changed, training)
        terms = {"d_real": ops.sigmoid(real_logits), "d_fake": ops.sigmoid(fake_logits)}
        terms |= {"d_loss": loss, "gp": gp} | self.ada_measures(real_logits)
        return {"discriminator": loss + self.r1_weight * gp}, terms

    def lazy_penalty(
        self, images: Tensor, changed: Callable, training: bool = True
    ) -> Tensor:
        """Returns R1 by `images`, which the discriminator sees `changed`: a scalar,
        `r1_every` times in one of so many steps and else 0; in measuring, R1 itself."""

        def penalty():
            return penalties.r1(
                lambda x: self.discriminator(changed(x), training=training), images
            )

        if not training or self.r1_every == 1:
            return penalty()
        is_turn = self.optimizer.iterations % self.r1_every == 0
        return self.r1_every * ops.cond(is_turn, penalty, lambda: ops.zeros(()))

    def generator_objective(self, images: Tensor, training: bool = True) -> Losses:
        x_fake = self.generate(ops.shape(images)[0], training)
        x_fake = self.augmented(x_fake, training)
        fake_logits = self.discriminator(x_fake, training=training)
        loss = losses.generator_loss(fake_logits)
        return {"mapping": loss, "synthesis": loss}, {"g_loss": loss}

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        d_losses, d_terms = self.discriminator_objective(images, training)
        g_losses, g_terms = self.generator_objective(images, training)
        return d_losses | g_losses, d_terms | g_terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, _ = self.unpack(data)
        terms = self.update(self.discriminator_objective, images)
        terms |= self.update(self.generator_objective, images)
        self._move_w_mean(ops.shape(images)[0])
        self.adapt_p(terms, images)
        return self.track(terms, images)

    def _move_w_mean(self, rows):
        """Moves the mean style towards that of as many new z as there are rows."""
        z = self.normal(rows, (self.latent_dim,))
        w = backend.all_rows(self.averaged_network("mapping")(z, training=False))
        rate = 1.0 - averages.decay(W_DECAY, self.optimizer.iterations)
        mean = ops.mean(ops.stop_gradient(w), axis=0)
        self.w_mean.assign(self.w_mean + rate * (mean - self.w_mean))

    def generate(self, rows: Tensor, training: bool = True) -> Tensor:
        """Returns `rows` new images, some of them of two styles."""
        noise = self.normal(rows, (sum(self.noise_sizes),))
        w = self.new_styles(rows, training)
        return self.synthesis([w, noise], training=training)

    def new_styles(self, rows: Tensor, training: bool = True) -> Tensor:
        """Returns w `[rows, levels, D]` of new z; a share `mixing` of the rows changes
        to that of another z at a level from 1 on."""
        w, w_other = (
            self.mapping(self.normal(rows, (self.latent_dim,)), training=training)
            for _ in range(2)
        )
        u = self.uniform(rows, (2,))
        return style.mixed(w, w_other, u, self.mixing, self.levels)

    # --- images -----------------------------------------------------------------------

    def draw(
        self,
        seeds: Tensor,
        labels: Tensor | None = None,
        ema: bool = True,
        truncation: float | Tensor = 1.0,
    ) -> Tensor:
        w = self.styles(seeds, ema, truncation)
        return self._images(w, self.noise_of(seeds), ema)

    def styles(
        self, seeds: Tensor, ema: bool = True, truncation: float | Tensor = 1.0
    ) -> Tensor:
        """Returns w `[B, levels, D]` of seeds `[B]`, drawn to the mean style: 1 leaves
        them, 0 takes the mean. `truncation` is a number, or `[B]`."""
        w = self.averaged_network("mapping", ema)(self.noise(seeds), training=False)
        if not ops.is_tensor(truncation):
            style.require_truncation(truncation)
            truncation = ops.full_like(w[:, 0], float(truncation))
        share = ranks.column(truncation, w)
        w = share * w + (1.0 - share) * self.w_mean
        return ops.repeat(w[:, None], self.levels, axis=1)

    def noise_of(self, seeds: Tensor) -> Tensor:
        """Returns the noise `[B, N]` of all levels of seeds `[B]`."""
        return backend.normal_of_seeds(seeds, (sum(self.noise_sizes),), step=1)

    def to_images(self, z: Tensor) -> Tensor:
        return self.to_styled(self.to_styles(z))

    def to_styled(self, w: Tensor) -> Tensor:
        """Returns the images `[B, H, W, C]` of w `[B, levels, D]`, without noise."""
        rows = ops.zeros_like(w[:, 0, :1])
        return self._images(w, ops.repeat(rows, sum(self.noise_sizes), axis=1))

    def _images(self, w, noise, ema=True):
        network = self.averaged_network("synthesis", ema)
        return ops.clip(network([w, noise], training=False), -1.0, 1.0)

    def to_mixed(
        self, coarse: Tensor, fine: Tensor, level: int, truncation: float = 1.0
    ) -> Tensor:
        """Returns images `[B, H, W, C]` whose first `level` levels are those of seeds
        `coarse` `[B]`, the others those of `fine`."""
        w = [self.styles(seeds, truncation=truncation) for seeds in (coarse, fine)]
        noise = [self.noise_of(seeds) for seeds in (coarse, fine)]
        place = sum(self.noise_sizes[:level])
        return self._images(
            ops.concatenate([w[0][:, :level], w[1][:, level:]], axis=1),
            ops.concatenate([noise[0][:, :place], noise[1][:, place:]], axis=1),
        )

    def mix(
        self,
        coarse_seeds: ArrayLike,
        fine_seeds: ArrayLike,
        level: int,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Returns images of two styles, float32 `[N, H, W, C]`.

        Args:
            coarse_seeds, fine_seeds: int `[N]`, as `sample` takes one.
            level: How many levels, from the lowest, are those of the coarse seed: 0 is
                the image of the fine seed, `model.levels` that of the coarse one.
            truncation: In [0, 1], as of `sample`.
        """
        self.require("mix")
        inputs.check_integer("level", level, 0, self.levels)
        style.require_truncation(truncation)
        seeds = [
            np.concatenate([seeds_from(seed, 1) for seed in np.ravel(each).tolist()])
            for each in (coarse_seeds, fine_seeds)
        ]
        style.require_pairs(*seeds)
        options = {"level": int(level), "truncation": float(truncation)}
        return self.in_batches("to_mixed", 250, *seeds, **options)

    def project(
        self,
        images: ArrayLike,
        steps: int = 300,
        progress: Callable[[int, float], None] | None = None,
    ) -> np.ndarray:
        images = self.ready("project", images)
        inputs.check_integer("steps", steps, 1)
        w = np.tile(np.array(ops.convert_to_numpy(self.w_mean)), (self.levels, 1))
        w = np.repeat(w[None], len(images), axis=0)
        return projection.search(self, w, images, steps, progress)

    def to_w(self, z: ArrayLike) -> np.ndarray:
        """Returns the styles, float32 `[N, levels, D]`, of latents `[N, D]`."""
        self.require_networks()
        return self.in_batches("to_styles", 250, inputs.to_latents(z, self.latent_dim))

    def to_styles(self, z: Tensor) -> Tensor:
        """Returns w `[B, levels, D]` of latents `[B, D]`, one for all levels."""
        w = self.averaged_network("mapping")(z, training=False)
        return ops.repeat(w[:, None], self.levels, axis=1)

    def synthesize(self, w: ArrayLike) -> np.ndarray:
        """Returns the images, float32 `[N, H, W, C]`, of styles `[N, levels, D]` such
        as `to_w` and `project` give, without noise."""
        self.require("project")
        w = style.checked_styles(w, self.levels, self.latent_dim)
        return self.in_batches("to_styled", 250, w)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.discriminator(images, training=training)
