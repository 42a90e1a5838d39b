"""The autoencoder.

An encoder squeezes an image into a short code, and a decoder restores the image from
that code. The two learn to keep in the code what matters most for the restoration.
Nothing orders the codes: a code between those of two images need not decode to an image
that makes sense.

Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural
Networks", Science 313, doi:10.1126/science.1127647.
"""

import keras

from zoo.core import losses
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import conv


@register("ae")
class AE(ImageModel):
    """Autoencoder: an image through a bottleneck and back.

    Encoder and decoder descend one loss, the squared error of each pixel:
        encoder, decoder: mean (x - decoder(encoder(x)))^2
    With targets, `fit(x, y)`, it learns to turn x into y: with noisy x and clean y it
    is a denoising autoencoder (Vincent et al. 2008).

    Args:
        latent_dim: Size of the code `z`. Paper: 30 for MNIST.
        width: Channels of the first level.
        hidden: Units of a dense layer next to the code, one in each network; 0 leaves
            it out.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; or (images, targets) of one shape.
    Reports: `mse`: squared error per pixel, mean over the epoch. Pixels lie in [-1, 1];
        of the same pixels in [0, 1] the error would be a quarter.
    Raises: ValueError: if a size is below 1.
    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647. Departures:
        convolutions stand in place of dense layers and squared error in place of
        cross-entropy; Adam trains all layers at once, without pretraining them one by
        one.
    """

    networks = ("encoder", "decoder")
    terms = ("mse",)
    shares_loss = True
    learns_targets = True
    monitor = "mse"
    paper = "Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647"

    def __init__(self, latent_dim: int = 32, width: int = 32, hidden: int = 0):
        self.latent_dim, self.width, self.hidden = latent_dim, width, hidden
        super().__init__()
        self.require_at_least(latent_dim=1, width=1, hidden=0)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        networks = {
            "width": self.width,
            "hidden": self.hidden,
            "normalization": "batch",
        }
        return {
            "encoder": conv.build_encoder(image_shape, self.latent_dim, **networks),
            "decoder": conv.build_decoder(
                image_shape, self.latent_dim, output_activation="tanh", **networks
            ),
        }

    def objective(
        self, images: Tensor, targets: Tensor | None = None, training: bool = True
    ) -> Losses:
        z = self.encoder(images, training=training)
        x_rec = self.decoder(z, training=training)
        mse = losses.mean_squared_error(images if targets is None else targets, x_rec)
        return dict.fromkeys(self.networks, mse), {"mse": mse}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, targets = self.unpack(data)
        terms = self.update(self.objective, images, targets)
        return self.track(terms, images)

    def to_latent(self, images: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.encoder(images, training=False)

    def to_images(self, z: Tensor) -> Tensor:
        return self.decoder(z, training=False)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.to_images(self.to_latent(images))
