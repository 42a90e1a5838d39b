"""R3GAN: a GAN whose loss is sound, and therefore needs no tricks.

The discriminator does not say whether an image is real, but which of two is more real.
So it cannot win by pushing all generated images away, wherever they are, and a
generator does not lose a part of the data for good. Penalties on its gradient, at real
and at generated images, make the game converge.

Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern Baseline GAN",
arXiv:2501.05441.
"""

import math

import keras
from keras import ops

from zoo.adversarial import Adversarial, Augment, penalties
from zoo.core import losses
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import r3gan


@register("r3gan")
class R3GAN(Adversarial):
    """R3GAN: a discriminator of pairs, with penalties at real and generated images.

    The two move in turn, each on fresh noise, with f the discriminator's logit:
        discriminator: -log sigmoid(f(x) - f(G(z))) + gamma/2 (R1 + R2)
        generator: -log sigmoid(f(G(z)) - f(x))
    where R1 and R2 are the means of |gradient of f|^2 at x and at G(z).

    Args:
        latent_dim: Size of `z`. Paper: 64.
        width: Channels at the size of the image, doubled from level to level down.
        max_width: Most channels of a level. Paper: 768 at all levels.
        blocks: Residual blocks a level. Paper: 2.
        expansion: By how much a block widens its channels within. Paper: 2, in groups.
        gamma: Weight of the penalties at the first step. Paper: 0.05 (CIFAR-10, batches
            of 512) to 150 (256x256).
        gamma_end: Weight at the end. Paper: a tenth of the first.
        gamma_steps: Steps from the first weight to the last, along half a cosine; 0
            keeps the first. Paper: 20 million images.
        ema_decay: Decay per step of the generator's average, which `sample` uses; 0
            keeps no average. Paper: half-life of 0.5 to 5 million images.
        augment: How the images that the discriminator sees are changed, real and
            generated ones: "none", "diff" or "ada", as in the `gan`. Paper: the changes
            of ADA, with a probability that rises to 0.3 or 0.55.
        ada_target: Mean sign of the logit of a real image less that of a generated one
            that ADA holds. Paper of ADA: 0.6, of a logit.
        ada_images: Images in which ADA raises its p from 0 to 1. Paper of ADA: 500,000.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and labels, which tell the model
        nothing.
    Reports: `d_loss`, `g_loss`: what discriminator and generator descend, the former
        without its penalties, in nats, log 2 when no image of a pair seems more real;
        `d_pair`: mean probability that the real image of a pair is the more real one;
        `r1`, `r2`: half the mean squared norm of the gradient at real and at generated
        images; `p_augment`, `real_sign`: with "ada", its probability, and the mean sign
        of f(x) - f(G(z)).
    Raises: ValueError: if a size is below 1, a weight or a number of steps is negative,
        the decay lies outside [0, 1), or ADA's target lies outside (0, 1).
    Source: Huang et al. 2024, arXiv:2501.05441, sections 2 to 4, and the authors' code;
        the loss of Jolicoeur-Martineau 2018, arXiv:1807.00734. Departures: those of
        zoo/networks/r3gan.py; widths, weights and a rate of 1e-3 are those of small
        images and minutes (paper: from 2e-4 to 5e-5), and the rate is constant unless a
        run has a schedule; `beta_2` stays at 0.99 (paper: from 0.9); the average's
        decay grows in the first steps alone; augmentation is off by default; images
        are clipped to [-1, 1] in sampling.
    """

    networks = ("discriminator", "generator")
    paper = "Huang et al. 2024, arXiv:2501.05441"

    def __init__(
        self,
        latent_dim: int = 64,
        width: int = 16,
        max_width: int = 128,
        blocks: int = 1,
        expansion: int = 1,
        gamma: float = 1.0,
        gamma_end: float = 0.1,
        gamma_steps: int = 5000,
        ema_decay: float = 0.998,
        augment: Augment = "none",
        ada_target: float = 0.6,
        ada_images: int = 500_000,
    ):
        self.latent_dim, self.blocks, self.expansion = latent_dim, blocks, expansion
        self.width, self.max_width = width, max_width
        self.gamma, self.gamma_end, self.gamma_steps = gamma, gamma_end, gamma_steps
        self.ema_decay = ema_decay
        self.augment, self.ada_target, self.ada_images = augment, ada_target, ada_images
        super().__init__()
        self.require_at_least(latent_dim=1, width=1, max_width=1, blocks=1, expansion=1)
        self.require_at_least(gamma=0, gamma_end=0, gamma_steps=0)
        self.require_share("ema_decay")
        self.require_augmentation()

    @property
    def terms(self) -> tuple[str, ...]:
        return ("d_loss", "g_loss", "d_pair", "r1", "r2") + self.ada_terms

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        adam = {"beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8}
        return {n: keras.optimizers.Adam(1e-3, **adam) for n in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        sizes = (self.width, self.max_width, self.blocks, self.expansion)
        return {
            "discriminator": r3gan.build_discriminator(image_shape, *sizes),
            "generator": r3gan.build_generator(image_shape, self.latent_dim, *sizes),
        }

    def penalty_of_step(self) -> Tensor | float:
        """Returns gamma of the step that is to come."""
        if not self.gamma_steps:
            return self.gamma
        steps = ops.cast(self.optimizer.iterations, "float32") / self.gamma_steps
        share = 0.5 + 0.5 * ops.cos(math.pi * ops.minimum(steps, 1.0))
        return share * self.gamma + (1.0 - share) * self.gamma_end

    def discriminator_objective(self, images: Tensor, training: bool = True) -> Losses:
        rows = ops.shape(images)[0]
        x_fake = ops.stop_gradient(self.generate(rows, training))
        changes = [self.augmenter(rows, training) for _ in range(2)]

        def logit(x, changed):
            return self.discriminator(changed(x), training=training)

        kinds = list(zip((images, x_fake), changes))
        real, fake = (logit(x, changed) for x, changed in kinds)
        r1, r2 = (
            penalties.r1(lambda x, changed=changed: logit(x, changed), x)
            for x, changed in kinds
        )
        loss = losses.relativistic(real, fake)
        terms = {"d_loss": loss, "d_pair": ops.sigmoid(real - fake), "r1": r1, "r2": r2}
        loss = loss + self.penalty_of_step() * (r1 + r2)
        return {"discriminator": loss}, terms | self.ada_measures(real - fake)

    def generator_objective(self, images: Tensor, training: bool = True) -> Losses:
        x_fake = self.generate(ops.shape(images)[0], training)
        real, fake = (
            self.discriminator(self.augmented(x, training), training=training)
            for x in (images, x_fake)
        )
        loss = losses.relativistic(fake, real)
        return {"generator": loss}, {"g_loss": loss}

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
        self.adapt_p(terms, images)
        return self.track(terms, images)

    def generate(self, rows: Tensor, training: bool = True) -> Tensor:
        """Returns `rows` new images from the prior."""
        return self.generator(self.normal(rows, (self.latent_dim,)), training=training)

    def draw(
        self, seeds: Tensor, labels: Tensor | None = None, ema: bool = True
    ) -> Tensor:
        x = self.averaged_network("generator", ema)(self.noise(seeds), training=False)
        return ops.clip(x, -1.0, 1.0)

    def to_images(self, z: Tensor) -> Tensor:
        x = self.averaged_network("generator")(z, training=False)
        return ops.clip(x, -1.0, 1.0)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.discriminator(images, training=training)
