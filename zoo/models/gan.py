"""The generative adversarial network.

Two networks play against each other: the discriminator learns to tell real images from
generated ones, and the generator learns to make images that the discriminator takes for
real. Nothing compares pixels, so nothing rewards a blurred average of several images.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661, Algorithm 1;
with the networks of Radford et al. 2015 (DCGAN), arXiv:1511.06434.
"""

from typing import Literal

import keras
from keras import layers, ops

from zoo.adversarial import Adversarial, Augment, Regularizer
from zoo.core import losses
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import conv, dcgan


@register("gan")
class GAN(Adversarial):
    """Generative adversarial network: a generator against a discriminator.

    The two move in turn, each on fresh noise; with loss="non_saturating" they descend:
        discriminator: -log D(x) - log(1 - D(G(z)))
        generator: -log D(G(z))

    Args:
        latent_dim: Size of `z`. Paper: 100 (DCGAN).
        architecture: "dcgan" (convolutions and batch normalisation) or "mlp" (dense
            layers, as in 2014).
        loss: "non_saturating", "minimax" (the generator descends log(1 - D(G(z)))),
            "least_squares" or "hinge".
        width: Channels of the first level; an "mlp" has layers of 8 times as many
            units. Paper: 128 (DCGAN at 64x64).
        ema_decay: Decay per step of the generator's average, which `sample` uses; 0
            keeps no average. Paper: none.
        regularizer: What regularises the discriminator in place of batch
            normalisation: "none", "spectral" (normalised kernels), "r1" or "dragan"
            (penalties on its gradient). Paper: none.
        regularizer_weight: Weight of the penalty "r1" or "dragan"; 10 if None.
        diff_augment: Whether augment="none" means "diff", as in earlier versions.
        augment: How the images that the discriminator sees are changed, real and
            generated ones: "none", "diff" (colours, places and a hole, always) or "ada"
            (as often as keeps it from knowing its set by heart). Paper: none.
        ada_target: Mean sign of the discriminator's logit at real images that ADA
            holds. Paper: 0.6.
        ada_images: Images in which ADA raises its p from 0 to 1. Paper: 500,000.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1].
    Reports: `d_loss`, `g_loss`: what discriminator and generator descend (in nats for
        the two losses of the paper); `d_real`, `d_fake`: mean probability of "real"
        (sigmoid of the logit) that the discriminator gives to real and to generated
        images, 1/2 when it cannot tell them apart; `gp`: the penalty before it is
        weighted, with "r1" and "dragan"; `p_augment`, `real_sign`: with "ada", its
        probability and the mean sign of the logit at real images. Where the
        discriminator normalises by batch, validation takes its moving statistics, of
        real and generated images together: `val_...` are then of another function than
        the terms of training.
    Raises: ValueError: if a size is below 1, the decay lies outside [0, 1), a weight is
        given without a penalty, or ADA's target lies outside (0, 1).
    Source: Goodfellow et al. 2014, arXiv:1406.2661, Algorithm 1 with one discriminator
        step; Radford et al. 2015, arXiv:1511.06434, sections 3 and 4. Departures: those
        of zoo/networks/dcgan.py; the noise is normal, not uniform; an average of the
        generator is kept; "mlp" has leaky rectifiers in place of maxout and dropout.
        zoo/adversarial/penalties.py and zoo/networks/spectral.py name the sources of
        the regularisers, zoo/inputs/augment.py those of `augment`.
    """

    networks = ("discriminator", "generator")
    paper = "Goodfellow et al. 2014, arXiv:1406.2661"

    def __init__(
        self,
        latent_dim: int = 100,
        architecture: Literal["dcgan", "mlp"] = "dcgan",
        loss: Literal[
            "non_saturating", "minimax", "least_squares", "hinge"
        ] = "non_saturating",
        width: int = 64,
        ema_decay: float = 0.999,
        regularizer: Regularizer = "none",
        regularizer_weight: float | None = None,
        diff_augment: bool = False,
        augment: Augment = "none",
        ada_target: float = 0.6,
        ada_images: int = 500_000,
    ):
        self.latent_dim, self.architecture = latent_dim, architecture
        self.width, self.ema_decay = width, ema_decay
        self.loss_name = loss  # `loss` is an attribute of Keras
        self.regularizer, self.regularizer_weight = regularizer, regularizer_weight
        self.diff_augment = diff_augment
        self.augment, self.ada_target, self.ada_images = augment, ada_target, ada_images
        super().__init__()
        self.require_at_least(latent_dim=1, width=1)
        self.require_share("ema_decay")
        self.require_regularizer()
        self.require_augmentation()

    @property
    def terms(self) -> tuple[str, ...]:
        terms = ("d_loss", "g_loss", "d_real", "d_fake")
        return terms + ("gp",) * self.is_penalized + self.ada_terms

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {n: keras.optimizers.Adam(2e-4, beta_1=0.5) for n in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        if self.architecture == "mlp":
            units = 8 * self.width
            return {
                "discriminator": build_mlp_discriminator(
                    image_shape, units, self.normalization
                ),
                "generator": build_mlp_generator(image_shape, self.latent_dim, units),
            }
        return {
            "discriminator": dcgan.build_discriminator(
                image_shape, self.width, self.normalization
            ),
            "generator": dcgan.build_generator(
                image_shape, self.latent_dim, self.width
            ),
        }

    def discriminator_objective(self, images: Tensor, training: bool = True) -> Losses:
        rows = ops.shape(images)[0]
        changed = self.augmenter(rows, training)
        x_fake = ops.stop_gradient(self.generate(rows, training))
        real_logits = self.discriminator(changed(images), training=training)
        x_fake = self.augmented(x_fake, training)
        fake_logits = self.discriminator(x_fake, training=training)
        loss = losses.discriminator_loss(real_logits, fake_logits, self.loss_name)
        terms = {"d_real": ops.sigmoid(real_logits), "d_fake": ops.sigmoid(fake_logits)}
        terms |= self.ada_measures(real_logits)
        if self.is_penalized:
            terms["gp"] = self.gradient_penalty(
                lambda x: self.discriminator(x, training=training), images, changed
            )
            loss = loss + self.penalty_weight * terms["gp"]
        return {"discriminator": loss}, terms | {"d_loss": loss}

    def generator_objective(self, images: Tensor, training: bool = True) -> Losses:
        rows = ops.shape(images)[0]  # as many images are generated as were given
        x_fake = self.augmented(self.generate(rows, training), training)
        fake_logits = self.discriminator(x_fake, training=training)
        loss = losses.generator_loss(fake_logits, self.loss_name)
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

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.discriminator(images, training=training)


def build_mlp_generator(
    image_shape: tuple[int, ...], latent_dim: int, units: int
) -> keras.Model:
    """Returns the dense network `[B, latent_dim]` -> `[B, H, W, C]` of "mlp"."""
    x = inputs = layers.Input((latent_dim,))
    for _ in range(2):
        x = conv.dense(x, units, "relu")
    height, width, channels = image_shape
    x = layers.Dense(height * width * channels, activation="tanh", dtype="float32")(x)
    return keras.Model(inputs, layers.Reshape(image_shape)(x), name="generator")


def build_mlp_discriminator(
    image_shape: tuple[int, ...], units: int, normalization: str | None = None
) -> keras.Model:
    """Returns the dense network `[B, H, W, C]` -> logits `[B, 1]` of "mlp". With
    `normalization` "spectral" its kernels are normalised; others change nothing."""
    inputs = layers.Input(image_shape)
    x = layers.Flatten()(inputs)
    spectral = normalization if normalization == "spectral" else None
    for _ in range(2):
        x = conv.dense(x, units, "leaky_relu", spectral)
    return keras.Model(inputs, dcgan.score(x, 1, spectral), name="discriminator")
