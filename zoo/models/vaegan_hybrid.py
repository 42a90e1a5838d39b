"""The VAE-GAN hybrid: a VAE-GAN whose generator is a network of its own.

In a VAE-GAN one network is decoder and generator, and has to be near the pixels and
realistic at once. Here the two are parted: encoder and decoder are a plain VAE, which
shapes the latent space, and a generator beside the decoder maps the same latents to
images that the discriminator judges.

No paper: a variant that articles describe beside Larsen et al. 2016, arXiv:1512.09300.
"""

from typing import Literal

import keras
from keras import ops

from zoo.adversarial import Regularizer
from zoo.core import losses
from zoo.core.registry import register
from zoo.inputs.tensors import Losses, Tensor
from zoo.models.vaegan import VAEGAN
from zoo.networks import conv


@register("vaegan_hybrid")
class VAEGANHybrid(VAEGAN):
    """VAE-GAN hybrid: a VAE, and a GAN's generator that draws from the same latents.

    With z from q(z|x), x_rec = G(z), x_fake = G(z_prior), and recon, gan as of the
    VAE-GAN:
        encoder, decoder: KL(q(z|x) || N(0, 1)) + alpha |x - Dec(z)|^2
        generator: gamma recon - gan
        discriminator: gan

    Args:
        latent_dim: Size of `z`.
        alpha: Weight of the VAE's squared error, that of a normal likelihood of
            variance 1 / (2 alpha).
        gamma: Weight of likeness against realism in the generator.
        loss: What of `gan` the generator descends: "minimax" or "non_saturating", as of
            the VAE-GAN.
        width: Channels of the first level.
        hidden: Units of the dense layers.
        regularizer: Of the discriminator, in place of its batch normalisation: "none",
            "spectral", "r1" or "dragan".
        regularizer_weight: Of "r1" or "dragan"; 10 if None.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1].
    Reports: `kl`, `recon`, `gan`, `d_real`, `d_fake`, `gp` as the VAE-GAN does, of the
        generator's images; `mse`: the decoder's squared error per pixel.
    Raises: ValueError: if a size is below 1, alpha not positive, gamma negative, or a
        weight is given that nothing takes.
    Source: Larsen et al. 2016, arXiv:1512.09300, Algorithm 1. Departures: the decoder's
        two roles are two networks, and the VAE measures likeness in pixels.
    """

    networks = ("encoder", "decoder", "generator", "discriminator")
    paper = "after Larsen et al. 2016, arXiv:1512.09300"

    def __init__(
        self,
        latent_dim: int = 128,
        alpha: float = 10.0,
        gamma: float = 1e-2,
        loss: Literal["minimax", "non_saturating"] = "minimax",
        width: int = 32,
        hidden: int = 256,
        regularizer: Regularizer = "none",
        regularizer_weight: float | None = None,
    ):
        self.alpha = alpha
        super().__init__(
            latent_dim, gamma, loss, width, hidden, regularizer, regularizer_weight
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
        recon, realism, gan, terms = self.judge(images, x_rec, x_fake, training)
        terms |= {"kl": kl, "mse": losses.mean_squared_error(images, x_vae)}
        return {
            "encoder": vae,
            "decoder": vae,
            "generator": self.gamma * recon + realism,
            "discriminator": gan,
        }, terms

    def to_images(self, z: Tensor) -> Tensor:
        return self.generator(z, training=False)
