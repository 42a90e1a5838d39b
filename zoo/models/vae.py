"""The variational autoencoder.

It is an autoencoder whose encoder answers with a distribution q(z|x) instead of a
point. The loss grows with every nat by which that distribution differs from the prior
N(0, 1). So the latent space has no holes, and the decoder turns any z that is drawn
from the prior into an image.

Kingma and Welling 2013, "Auto-Encoding Variational Bayes", arXiv:1312.6114.
"""

import math
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from zoo import inputs
from zoo.core import losses
from zoo.core.bar import Bar
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs import pixels
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import conv


@register("vae")
class VAE(ImageModel):
    """Variational autoencoder: a latent space that follows a normal distribution.

    Encoder and decoder descend one loss, the negative evidence lower bound, estimated
    by one draw of the reparametrised z = z_mean + exp(z_logvar / 2) eps:
        encoder, decoder: -log p(x|z) + beta KL(q(z|x) || N(0, 1)), beta = 1 (see
        `kl_warmup`)
    With targets, `fit(x, y)`, the likelihood is that of y: with noisy x and clean y it
    is a denoising VAE (Im et al. 2015, arXiv:1511.06406).

    Args:
        latent_dim: Size of `z`. Paper: 2 to 200.
        likelihood: p(x|z). "bernoulli": images are binarised anew at each step, and
            the probability of white is shown as the image. "gaussian": one sigma, at
            least 1/255, is learned for all pixels. "discretized_logistic": a likelihood
            of 8-bit pixels, also reported in bits per dimension. "mse": alpha times the
            summed squared error in place of -log p(x|z), which bounds nothing.
        alpha: Weight of the squared error, only with "mse" (1 if None). Paper: none.
        width: Channels of the first level.
        hidden: Units of a dense layer next to the latents, one in each network; 0
            leaves it out.
        depth: Further convolutions at each level of the decoder.
        kl_warmup: Steps over which beta rises from 0 to 1, so that fewer latents fall
            out of use before the decoder has learned to read them. Paper: none;
            Sonderby et al. 2016, arXiv:1602.02282, section 2.3.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; or (images, targets) of one shape.
    Reports: `elbo`, `kl`, `recon` (= -log p(x|z)): nats per image, mean over the epoch;
        `bits_per_dim` with "discretized_logistic"; with "mse" only `kl` and `mse` (per
        pixel).
    Raises: ValueError: if `alpha` is given without "mse" or is not positive, or a size
        is below 1.
    Source: Kingma and Welling 2013, arXiv:1312.6114, equation 10 and appendix C.
        Departures: convolutions and Adam stand in place of one hidden layer and
        Adagrad; the discretised likelihood is of Salimans et al. 2017,
        arXiv:1701.05517.
    """

    networks = ("encoder", "decoder")
    shares_loss = True
    learns_targets = True
    paper = "Kingma and Welling 2013, arXiv:1312.6114"

    def __init__(
        self,
        latent_dim: int = 32,
        likelihood: Literal[
            "bernoulli", "gaussian", "discretized_logistic", "mse"
        ] = "bernoulli",
        alpha: float | None = None,
        width: int = 32,
        hidden: int = 256,
        depth: int = 0,
        kl_warmup: int = 0,
    ):
        self.latent_dim, self.likelihood, self.alpha = latent_dim, likelihood, alpha
        self.width, self.hidden, self.depth = width, hidden, depth
        self.kl_warmup = kl_warmup
        super().__init__()
        self.require_at_least(latent_dim=1, width=1, hidden=0, depth=0, kl_warmup=0)
        if alpha is not None and likelihood != "mse":
            raise ValueError(
                'alpha weighs the squared error: it goes with likelihood="mse" only. '
                f"Received: alpha={alpha} with likelihood={likelihood!r}."
            )
        if alpha is not None and alpha <= 0:
            raise ValueError(f"alpha is a positive weight. Received: {alpha}.")

    @property
    def terms(self) -> tuple[str, ...]:
        if self.config["likelihood"] == "mse":
            return ("kl", "mse")
        bits = self.config["likelihood"] == "discretized_logistic"
        return ("elbo", "kl", "recon") + (("bits_per_dim",) if bits else ())

    @property
    def monitor(self) -> str:
        return "mse" if self.likelihood == "mse" else "elbo"

    @property
    def monitor_mode(self) -> str:
        return "min" if self.likelihood == "mse" else "max"

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        encoder = conv.build_encoder(
            image_shape, 2 * self.latent_dim, self.width, self.hidden
        )
        decoder = conv.build_decoder(
            image_shape,
            self.latent_dim,
            self.width,
            self.hidden,
            output_activation=None if self.likelihood == "bernoulli" else "tanh",
            depth=self.depth,
        )
        if self.likelihood in ("gaussian", "discretized_logistic"):
            x_rec = decoder.output
            outputs = [x_rec, LogScale(1 / 255, dtype="float32")(x_rec)]
            decoder = keras.Model(decoder.input, outputs, name="decoder")
        return {"encoder": encoder, "decoder": decoder}

    def objective(
        self, images: Tensor, targets: Tensor | None = None, training: bool = True
    ) -> Losses:
        x, y = self._observed(images, targets)
        z_mean, z_logvar = self.posterior(x, training)
        eps = self.normal(ops.shape(x)[0], (self.latent_dim,))
        z = z_mean + ops.exp(0.5 * z_logvar) * eps
        recon = ops.mean(self.reconstruction_loss(y, z, training))  # -E[log p(y|z)]
        kl = ops.mean(losses.kl_normal(z_mean, z_logvar))  # KL(q(z|x) || p(z))
        beta = losses.warmup(self.optimizer.iterations, self.kl_warmup)
        loss = recon + beta * kl
        return dict.fromkeys(self.networks, loss), self._terms(recon, kl)

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, targets = self.unpack(data)
        terms = self.update(self.objective, images, targets)
        return self.track(terms, images)

    def posterior(self, x: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Returns z_mean and z_logvar `[B, latent_dim]` of q(z|x)."""
        return ops.split(self.encoder(x, training=training), 2, axis=-1)

    def reconstruction_loss(
        self, x: Tensor, z: Tensor, training: bool = False
    ) -> Tensor:
        """Returns -log p(x|z) `[B]` in nats; with "mse", alpha times the squared
        error."""
        if self.likelihood == "bernoulli":
            logits = self.decoder(z, training=training)
            return losses.bernoulli_nll(pixels.unit(x), logits)
        if self.likelihood == "mse":
            x_rec = self.decoder(z, training=training)
            return (self.alpha or 1.0) * losses.squared_error(x, x_rec)
        x_rec, log_scale = self.decoder(z, training=training)
        if self.likelihood == "gaussian":
            return losses.gaussian_nll(x, x_rec, log_scale)
        return losses.discretized_logistic_nll(x, x_rec, log_scale)

    def _observed(self, images, targets=None):
        """Returns the x that is encoded and the y whose likelihood is taken; without
        targets, y is x. With "bernoulli" both are binarised: a pixel is drawn white
        with its intensity as the probability, by the same numbers in x and y."""
        if self.likelihood != "bernoulli":
            return images, images if targets is None else targets
        threshold = self.uniform(ops.shape(images)[0], self.image_shape)
        x, y = (
            None
            if each is None
            else pixels.signed(ops.cast(threshold < pixels.unit(each), "float32"))
            for each in (images, targets)
        )
        return x, x if targets is None else y

    def _terms(self, recon, kl):
        size = math.prod(self.image_shape)
        if self.likelihood == "mse":
            return {"kl": kl, "mse": recon / ((self.alpha or 1.0) * size)}
        terms = {"elbo": -(recon + kl), "kl": kl, "recon": recon}
        if self.likelihood == "discretized_logistic":
            terms["bits_per_dim"] = (recon + kl) / (size * math.log(2))
        return terms

    def draw(
        self, seeds: Tensor, labels: Tensor | None = None, ema: bool = True
    ) -> Tensor:
        return self.to_images(self.noise(seeds))

    def to_latent(self, images: Tensor, seeds: Tensor | None = None) -> Tensor:
        z_mean, z_logvar = self.posterior(images)
        if seeds is None:
            return z_mean
        return z_mean + ops.exp(0.5 * z_logvar) * self.noise(seeds)

    def to_images(self, z: Tensor) -> Tensor:
        outputs = self.decoder(z, training=False)
        if self.likelihood == "bernoulli":
            return pixels.signed(ops.sigmoid(outputs))
        return outputs if self.likelihood == "mse" else outputs[0]

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.to_images(self.to_latent(images))

    def nll(
        self, images: ArrayLike, k: int = 1000, seed: int = 0, batch_size: int = 50
    ) -> np.ndarray:
        """Returns an upper bound of -log p(x) `[N]` in nats, by importance sampling:
        -log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x), with z_i drawn from q(z|x).

        Args:
            images: `[N, H, W, C]`; with "bernoulli" they are binarised once, by numbers
                drawn from `seed`.
            k: Samples per image; the bound becomes tighter as it grows.
        Source: Burda et al. 2015, arXiv:1509.00519, equation 8.
        """
        x = self.ready("nll", images)
        if self.likelihood == "mse":
            raise ValueError('likelihood="mse" is no probability, so there is no nll.')
        inputs.check_integer("k", k, 1)
        inputs.check_integer("batch_size", batch_size, 1)
        inputs.check_integer("A seed", seed, 0)
        random = np.random.default_rng(seed)
        if self.likelihood == "bernoulli":
            threshold = random.random(x.shape, "float32")
            x = pixels.signed((threshold < pixels.unit(x)).astype("float32"))
        bounds = []
        with Bar("nll", "images", len(x)) as bar:
            for start in range(0, len(x), batch_size):
                part = x[start : start + batch_size]
                bounds.append(self._importance_bound(part, k, random))
                bar.update(len(part))
        return np.concatenate(bounds).astype("float32")

    def _importance_bound(self, x, k, random, chunk=50):
        log_weights = []
        for start in range(0, k, chunk):
            shape = (len(x), min(chunk, k - start), self.latent_dim)
            eps = random.standard_normal(shape, "float32")
            log_weights.append(self.in_batches("log_weights", len(x), x, eps))
        log_weights = np.concatenate(log_weights, axis=1).astype("float64")
        return math.log(k) - np.logaddexp.reduce(log_weights, axis=1)

    def log_weights(self, x: Tensor, eps: Tensor) -> Tensor:
        """Returns log p(x|z) + log p(z) - log q(z|x) `[B, k]` for z = z_mean + sigma
        eps, with `eps` `[B, k, latent_dim]`."""
        z_mean, z_logvar = (ops.expand_dims(v, 1) for v in self.posterior(x))
        z = z_mean + ops.exp(0.5 * z_logvar) * eps
        log_ratio = 0.5 * ops.sum(ops.square(eps) + z_logvar - ops.square(z), axis=-1)
        k = ops.shape(eps)[1]
        z, x = ops.reshape(z, (-1, self.latent_dim)), ops.repeat(x, k, axis=0)
        return ops.reshape(-self.reconstruction_loss(x, z), (-1, k)) + log_ratio


@keras.saving.register_keras_serializable("zoo")
class LogScale(layers.Layer):
    """One learned number for all pixels: log(floor + exp(w)), as `[B, 1, 1, 1]`."""

    def __init__(self, floor: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.floor = floor

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.w = self.add_weight(shape=(), initializer="zeros", name="w")

    def call(self, x: Tensor) -> Tensor:
        scale = self.floor + ops.exp(self.w)
        return ops.zeros_like(x[:, :1, :1, :1]) + ops.log(scale)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"floor": self.floor}
