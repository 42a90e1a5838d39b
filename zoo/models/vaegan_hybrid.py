"""The VAE-GAN hybrid: a VAE-GAN whose generator is a network of its own.

In a VAE-GAN one network is decoder and generator, so its images have to be close to the
pixels and realistic at once. Here two networks share the work. Encoder and decoder are
a plain VAE, which shapes the latent space; a further network, the generator, maps the
same latents to images for the discriminator.

It has no paper of its own: it is a variant of Larsen et al. 2016, arXiv:1512.09300.
"""

from typing import Literal

import keras
from keras import ops

from zoo.adversarial import Augment, Regularizer
from zoo.core import losses
from zoo.core.registry import register
from zoo.inputs.tensors import Losses, Tensor
from zoo.models.vaegan import VAEGAN
from zoo.networks import conv


@register("vaegan_hybrid")
class VAEGANHybrid(VAEGAN):
    """VAE-GAN hybrid: a VAE, and a GAN's generator that draws from the same latents.

    With z from q(z|x), x_rec = G(z), x_fake = G(z_prior), and recon and gan as in the
    VAE-GAN:
        encoder, decoder: KL(q(z|x) || N(0, 1)) + alpha |x - Dec(z)|^2
        generator: gamma recon - gan
        discriminator: gan

    Args:
        latent_dim: Size of `z`.
        alpha: Weight of the VAE's squared error, which is then that of a normal
            likelihood of variance 1 / (2 alpha).
        gamma: Weight of `recon` against `gan` in the generator.
        loss: What of `gan` the generator descends: "minimax" or "non_saturating", as in
            the `vaegan`.
        width: Channels of the first level.
        hidden: Units of the dense layers.
        regularizer: What regularises the discriminator in place of batch
            normalisation: "none", "spectral", "r1" or "dragan".
        regularizer_weight: Weight of the penalty "r1" or "dragan"; 10 if None.
        augment: "none", "diff" or "ada", as in the `vaegan`; so are
        ada_target: 0.6 in the paper, and
        ada_images: 500,000 in the paper.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1].
    Reports: `kl`, `recon`, `gan`, `d_real`, `d_fake`, `gp`, `p_augment`, `real_sign` as
        the `vaegan` does, for the generator's images; `mse`: the decoder's squared
        error per pixel.
    Raises: ValueError: if a size is below 1, alpha is not positive, gamma is negative,
        a weight is given without a penalty, or ADA's target lies outside (0, 1).
    Source: Larsen et al. 2016, arXiv:1512.09300, Algorithm 1. Departures: the decoder's
        two roles are played by two networks, and the VAE measures likeness in pixels.
    """

    networks = ("encoder", "decoder", "generator", "discriminator")
    paper = "after Larsen et al. 2016, arXiv:1512.09300"

    def __init__(
        self,
        latent_dim: int = 32,
        alpha: float = 10.0,
        gamma: float = 1e-2,
        loss: Literal["minimax", "non_saturating"] = "non_saturating",
        width: int = 32,
        hidden: int = 256,
        regularizer: Regularizer = "none",
        regularizer_weight: float | None = None,
        augment: Augment = "none",
        ada_target: float = 0.6,
        ada_images: int = 500_000,
    ):
        self.alpha = alpha
        super().__init__(
            latent_dim,
            gamma,
            loss,
            width,
            hidden,
            regularizer,
            regularizer_weight,
            augment,
            ada_target,
            ada_images,
        )
        self.require_positive("alpha")

    @property
    def terms(self) -> tuple[str, ...]:
        return (*super().terms, "mse")

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        generator = conv.build_decoder(
            image_shape,
            self.latent_dim,
            self.width,
            self.hidden,
            activation="relu",
            normalization="batch",
            output_activation="tanh",
            name="generator",
        )
        return super().build_networks(image_shape) | {"generator": generator}

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        z, z_prior, kl = self.latents(images, training)
        x_vae = self.decoder(z, training=training)
        x_rec = self.generator(z, training=training)
        x_fake = self.generator(z_prior, training=training)

        vae = kl + self.alpha * ops.mean(losses.squared_error(images, x_vae))
        recon, realism, gan, terms = self.discriminate(images, x_rec, x_fake, training)
        terms |= {"kl": kl, "mse": losses.mean_squared_error(images, x_vae)}
        return {
            "encoder": vae,
            "decoder": vae,
            "generator": self.gamma * recon + realism,
            "discriminator": gan,
        }, terms

    def to_images(self, z: Tensor) -> Tensor:
        return self.generator(z, training=False)
