"""The bidirectional GAN: a GAN that learns to read images too.

An encoder runs the generator backwards. The discriminator sees pairs: a real image with
the code that the encoder gives it, or a random code with the image that the generator
makes of it. It cannot tell them apart only if encoder and generator undo each other, so
the model learns to reconstruct although no loss compares an image with its copy.

Donahue et al. 2016, "Adversarial Feature Learning", arXiv:1605.09782, section 3.4. It
is the same game as in Dumoulin et al. 2016, "Adversarially Learned Inference" (ALI),
arXiv:1606.00704, Algorithm 1, where the encoder is stochastic.
"""

from typing import Literal

import keras
from keras import layers, ops

from zoo.adversarial import Adversarial, Augment, Regularizer
from zoo.core import losses
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import conv, dcgan


@register("bigan")
class BiGAN(Adversarial):
    """Bidirectional GAN: a discriminator of pairs (image, z) against two networks.

    All three networks move at once:
        discriminator: -log D(x, E(x)) - log(1 - D(G(z), z))
        encoder, generator: -log(1 - D(x, E(x))) - log D(G(z), z)

    Args:
        latent_dim: Size of `z`. Paper: 50 (MNIST), 200 (ImageNet).
        encoder: "deterministic" (z = E(x), BiGAN) or "stochastic" (z drawn from a
            normal distribution whose mean and variance are the outputs of E, ALI).
        width: Channels of the first level.
        hidden: Units of the dense layers that join an image with z.
        ema_decay: Decay per step of the averages of generator and encoder, which
            `sample`, `encode` and `decode` use; 0 keeps no averages. Paper: none.
        regularizer: What regularises the discriminator in place of batch
            normalisation: "none", "spectral" (normalised kernels), "r1" or "dragan"
            (penalties on its gradient by the image). Paper: none.
        regularizer_weight: Weight of the penalty "r1" or "dragan"; 10 if None.
        augment: How the images that the discriminator sees are changed, real and
            generated ones: "none", "diff" (colours, places and a hole, always) or "ada"
            (as often as keeps it from knowing its set by heart). Paper: none.
        ada_target: Mean sign of the discriminator's logit at real images that ADA
            holds. Paper: 0.6.
        ada_images: Images in which ADA raises its p from 0 to 1. Paper: 500,000.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1].
    Reports: `d_loss`: what the discriminator descends, in nats; `g_loss`: what encoder
        and generator descend, in nats; `d_real`, `d_fake`: mean probability of "real"
        that the discriminator gives to (x, E(x)) and to (G(z), z); `gp`: the penalty
        before it is weighted, with "r1" and "dragan"; `p_augment`, `real_sign`: with
        "ada", its probability and the mean sign of the logit at real images. Where the
        discriminator normalises by batch, validation takes its moving statistics, of
        real and generated images together: `val_...` are then of another function than
        the terms of training.
    Raises: ValueError: if a size is below 1, the decay lies outside [0, 1), a weight is
        given without a penalty, or ADA's target lies outside (0, 1).
    Source: Donahue et al. 2016, arXiv:1605.09782, equation 3 with the objective of
        swapped labels, and all networks moved at once, as section 3.4 says at its end
        (its first half describes steps in turn; the paper prints no algorithm);
        Dumoulin et al. 2016, arXiv:1606.00704, Algorithm 1, which moves all at once.
        Departures: the convolutions of zoo/networks/dcgan.py; z is normal, not uniform;
        the discriminator sees z in its dense layers alone, not in every layer; averages
        of the weights are kept.
    """

    networks = ("discriminator", "encoder", "generator")
    averaged = ("encoder", "generator")
    paper = "Donahue et al. 2016, arXiv:1605.09782"

    def __init__(
        self,
        latent_dim: int = 50,
        encoder: Literal["deterministic", "stochastic"] = "deterministic",
        width: int = 64,
        hidden: int = 512,
        ema_decay: float = 0.999,
        regularizer: Regularizer = "none",
        regularizer_weight: float | None = None,
        augment: Augment = "none",
        ada_target: float = 0.6,
        ada_images: int = 500_000,
    ):
        self.latent_dim, self.width, self.hidden = latent_dim, width, hidden
        self.ema_decay = ema_decay
        self.regularizer, self.regularizer_weight = regularizer, regularizer_weight
        self.augment, self.ada_target, self.ada_images = augment, ada_target, ada_images
        super().__init__()
        self.require_at_least(latent_dim=1, width=1, hidden=1)
        self.require_share("ema_decay")
        self.require_regularizer()
        self.require_augmentation()

    @property
    def terms(self) -> tuple[str, ...]:
        terms = ("d_loss", "g_loss", "d_real", "d_fake")
        return terms + ("gp",) * self.is_penalized + self.ada_terms

    @property
    def is_stochastic(self) -> bool:
        # From the config, because the attribute `encoder` is the network.
        return self.config["encoder"] == "stochastic"

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {n: keras.optimizers.Adam(2e-4, beta_1=0.5) for n in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        return {
            "discriminator": build_discriminator(
                image_shape,
                self.latent_dim,
                self.width,
                self.hidden,
                self.normalization,
            ),
            "encoder": conv.build_encoder(
                image_shape,
                self.latent_dim * (2 if self.is_stochastic else 1),
                self.width,
                normalization="batch",
                kernel_initializer=dcgan.INITIALIZER,
            ),
            "generator": dcgan.build_generator(
                image_shape, self.latent_dim, self.width
            ),
        }

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        rows = ops.shape(images)[0]
        z_prior = self.normal(rows, (self.latent_dim,))
        x_fake = self.generator(z_prior, training=training)
        z = self.encoder(images, training=training)
        if self.is_stochastic:
            z = drawn(z, self.normal(rows, (self.latent_dim,)))
        changed = self.augmenter(rows, training)
        real_logits = self.discriminator([changed(images), z], training=training)
        x_fake = self.augmented(x_fake, training)
        fake_logits = self.discriminator([x_fake, z_prior], training=training)

        d_loss = losses.bce(real_logits, True) + losses.bce(fake_logits, False)
        g_loss = losses.bce(real_logits, False) + losses.bce(fake_logits, True)
        terms = {"g_loss": g_loss}
        terms |= {
            "d_real": ops.sigmoid(real_logits),
            "d_fake": ops.sigmoid(fake_logits),
        }
        terms |= self.ada_measures(real_logits)
        if self.is_penalized:
            z = ops.stop_gradient(z)
            terms["gp"] = self.gradient_penalty(
                lambda x: self.discriminator([x, z], training=training), images, changed
            )
            d_loss = d_loss + self.penalty_weight * terms["gp"]
        moves = {"discriminator": d_loss, "encoder": g_loss, "generator": g_loss}
        return moves, terms | {"d_loss": d_loss}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, _ = self.unpack(data)
        terms = self.update(self.objective, images)
        self.adapt_p(terms, images)
        return self.track(terms, images)

    def to_latent(self, images: Tensor, seeds: Tensor | None = None) -> Tensor:
        z = self.averaged_network("encoder")(images, training=False)
        if not self.is_stochastic:
            return z
        if seeds is None:
            return z[:, : self.latent_dim]
        return drawn(z, self.noise(seeds))

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns z_mean and z_logvar `[B, latent_dim]` of a stochastic encoder."""
        outputs = self.averaged_network("encoder")(images, training=False)
        return ops.split(outputs, 2, axis=-1)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.to_images(self.to_latent(images))


def drawn(outputs: Tensor, eps: Tensor) -> Tensor:
    """Returns z `[B, D]` from z_mean and z_logvar, `outputs` `[B, 2 D]`, and noise."""
    z_mean, z_logvar = ops.split(outputs, 2, axis=-1)
    return z_mean + ops.exp(0.5 * z_logvar) * eps


def build_discriminator(
    image_shape: tuple[int, ...],
    latent_dim: int,
    width: int,
    hidden: int,
    normalization: str | None,
) -> keras.Model:
    """Returns the network of images `[B, H, W, C]` and z `[B, latent_dim]` -> logits
    `[B, 1]`: the trunk's features and a dense layer of z meet in a dense layer."""
    x, z = inputs = [layers.Input(image_shape), layers.Input((latent_dim,))]
    spectral = normalization if normalization == "spectral" else None
    features = layers.Flatten()(dcgan.trunk(x, image_shape, width, normalization))
    code = conv.dense(z, hidden, "leaky_relu", spectral)
    both = layers.Concatenate()([features, code])
    both = conv.dense(both, hidden, "leaky_relu", spectral)
    return keras.Model(inputs, dcgan.score(both, 1, spectral), name="discriminator")
