"""Moving pictures by a recurrent network: the next frame is foretold as a vector.

An encoder makes a vector of each frame, an LSTM goes from vector to vector, and a
decoder draws the frames. What the frames so far do not tell, such as the way that a
ball takes from a wall, is a latent z a frame. In training a posterior reads z off the
frame that is to come. A learned prior says the same from the frames so far, and stands
in for it where there is no frame to come.

Denton and Fergus 2018, "Stochastic Video Generation with a Learned Prior",
arXiv:1802.07687: the model with the learned prior, SVG-LP.
"""

import math
from collections.abc import Callable

import keras
from keras import ops

from zoo import backend
from zoo.core import losses, ranks
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import conv, dcgan, recurrent

JUDGES = ("frame_discriminator", "clip_discriminator")
MAKERS = ("encoder", "inference", "learned_prior", "predictor", "decoder")
GAME = "least_squares"  # as SAVP has it


@register("rnn_vaegan")
class RNNVAEGAN(ImageModel):
    """Recurrent prediction of frames with a learned prior, and a game if wanted.

    With x_t frame t of T, h_t = Enc(x_t), and g_t the predictor's vector of
    (u_1..t-1, z_1..t), where u_t is h_t of a frame that is shown to it and g_t of one
    that is not, and x_rec = Dec(g) for z from the posterior:
        encoder, inference, learned_prior, predictor, decoder: sum over t of
        |x_t - x_rec_t|^2 / (2 sigma^2) + beta KL(q(z_t|x_1..t) || p(z_t|u_1..t-1)),
        and with the game gan_weight (1/2 (F(x_rec) - 1)^2 + 1/2 (V(x_rec) - 1)^2)
        frame_discriminator F: 1/2 (F(x_t) - 1)^2 + 1/2 F(x_rec_t)^2, mean over t
        clip_discriminator V: 1/2 (V(x) - 1)^2 + 1/2 V(x_rec)^2
    How many frames are shown is drawn for each clip of a batch, 0 to T - 1. So one
    network begins from nothing and goes on from any past, and what it reads in training
    is what it reads later: its own vectors. The vector before the first frame is 0.

    Args:
        latent_dim: Size of z_t. Paper: 10.
        vector_dim: Size of the vectors h and g. Paper: 128.
        units: Of each recurrent layer. Paper: 256.
        depth: Recurrent layers of the predictor; inference and learned_prior
            have one. Paper: 2.
        width: Channels of the first level of encoder, decoder and discriminators.
            Paper: 64.
        sigma: Standard deviation of a pixel about its mean, pixels in [-1, 1]. The
            smaller it is, the more frames weigh against the KL term. Paper: 0.9, by its
            mean over 64x64 pixels beside beta=1e-4.
        kl_warmup: Steps over which beta rises from 0 to 1. Paper: none.
        gan_weight: Weight of the game, in nats a clip; 0 leaves it out. Paper: none.
        game_from: Steps before the decoder and what leads to it take part in the game.
    Batch: clips `[B, T, H, W, C]`, float32 in [-1, 1], and labels, which tell the model
        nothing.
    Reports: `elbo`, `kl`: nats a clip; `mse`: squared error per pixel, pixels in [-1,
        1], of frames for z of the posterior; with the game `d_loss` and `g_loss`, sums
        over both discriminators; all of them means over the epoch.
    Raises: ValueError: if a size is below 1, sigma is not positive, or a weight or a
        number of steps is negative.
    Source: Denton and Fergus 2018, arXiv:1802.07687, SVG-LP. Departures: own vectors,
        not own frames, are read on, as in Franceschi et al. 2020, arXiv:2002.09219; the
        number of frames that are shown is drawn, in place of a fixed past; squares are
        summed beside a fixed sigma, so that the weight of the KL term does not depend
        on the number of pixels; no skip connections of frames; each recurrent network
        adds a linear map of its input; smaller networks. The game is that of Lee et al.
        2018 (SAVP), arXiv:1804.01523, with the branch of the posterior alone (their
        VAE-GAN), and with convolutions over space and over time in turn.
    """

    networks = (*JUDGES, *MAKERS)
    takes = ("clip", "label")
    makes = "clip"
    monitor = "elbo"
    monitor_mode = "max"
    paper = "Denton and Fergus 2018, arXiv:1802.07687"

    def __init__(
        self,
        latent_dim: int = 16,
        vector_dim: int = 128,
        units: int = 256,
        depth: int = 2,
        width: int = 32,
        sigma: float = 0.3,
        kl_warmup: int = 1000,
        gan_weight: float = 0.0,
        game_from: int = 2000,
    ):
        self.latent_dim, self.vector_dim, self.units = latent_dim, vector_dim, units
        self.depth, self.width, self.sigma = depth, width, sigma
        self.kl_warmup, self.gan_weight = kl_warmup, gan_weight
        self.game_from = game_from
        super().__init__()
        self.require_at_least(latent_dim=1, vector_dim=1, units=1, depth=1, width=1)
        self.require_at_least(kl_warmup=0, gan_weight=0, game_from=0)
        self.require_positive("sigma")

    @property
    def terms(self) -> tuple[str, ...]:
        game = ("d_loss", "g_loss") if self.config["gan_weight"] else ()
        return ("elbo", "kl", "mse", *game)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        judges = {n: keras.optimizers.Adam(2e-4, beta_1=0.5) for n in JUDGES}
        return judges | {name: keras.optimizers.Adam(1e-3) for name in MAKERS}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        frame, size, z = image_shape[1:], self.vector_dim, self.latent_dim
        return {
            "frame_discriminator": dcgan.build_discriminator(
                frame, self.width, normalization=None, name="frame_discriminator"
            ),
            "clip_discriminator": recurrent.build_clip_discriminator(
                image_shape, self.width
            ),
            "encoder": conv.build_encoder(
                frame, size, self.width, normalization="batch"
            ),
            "inference": recurrent.build_step("inference", size, self.units, 1, 2 * z),
            "learned_prior": recurrent.build_step(
                "learned_prior", size, self.units, 1, 2 * z
            ),
            "predictor": recurrent.build_step(
                "predictor", size + z, self.units, self.depth, size
            ),
            "decoder": conv.build_decoder(
                frame, size, self.width, normalization="batch"
            ),
        }

    # --- training ---------------------------------------------------------------------

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        rows, count = ops.shape(images)[0], images.shape[1]
        h = self.to_vectors(images, training)
        q_mean, q_logvar = self.inferred(h, training)
        eps = self.normal(rows, (count, self.latent_dim))
        z = q_mean + ops.exp(0.5 * q_logvar) * eps
        shown = self.integers(rows, (), 0, count)

        def read(t, g):  # u_t
            return ops.where(ranks.column(t < shown, g), h[:, t], g)

        g, p_mean, p_logvar = self.unrolled(
            ops.zeros_like(h[:, 0]), count, lambda t, *_: z[:, t], read, training
        )
        x_rec = self.to_frames(g, training)
        nll = losses.gaussian_nll(images, x_rec, math.log(self.sigma))
        recon = ops.mean(nll)  # -E[log p(x|z)]
        kl = losses.kl_normals(q_mean, q_logvar, p_mean, p_logvar)
        kl = ops.mean(ops.sum(kl, axis=1))  # over the frames
        beta = losses.warmup(self.optimizer.iterations, self.kl_warmup)
        loss = recon + beta * kl
        mse = losses.mean_squared_error(images, x_rec)
        terms = {"elbo": -(recon + kl), "kl": kl, "mse": mse}
        network_losses: dict[str, Tensor] = {}
        if self.gan_weight:
            network_losses, g_loss = self._judged(images, x_rec, training)
            terms |= {"d_loss": sum(network_losses.values()), "g_loss": g_loss}
            loss = loss + self.gan_weight * self._game() * g_loss
        return network_losses | dict.fromkeys(MAKERS, loss), terms

    def _judged(self, x, x_rec, training):
        """The losses of both discriminators, and the decoder's part in the game."""
        network_losses, g_loss = {}, 0.0
        for name, rows_of in zip(JUDGES, (self._frames_of, lambda x: x)):
            judge = self.network(name)
            real = judge(rows_of(x), training=training)
            fake = judge(rows_of(x_rec), training=training)
            network_losses[name] = losses.discriminator_loss(real, fake, GAME)
            g_loss = g_loss + losses.generator_loss(fake, GAME)
        return network_losses, g_loss

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        clips, _ = self.unpack(data)
        return self.track(self.update(self.objective, clips), clips)

    def _game(self):
        """1.0 once the game has begun, 0.0 before."""
        step = ops.cast(self.optimizer.iterations, "float32")
        return ops.cast(step >= self.game_from, "float32")

    # --- frames and vectors -----------------------------------------------------------

    def to_vectors(self, clips: Tensor, training: bool = False) -> Tensor:
        """Returns h `[B, t, vector_dim]` of frames `[B, t, H, W, C]`."""
        h = ops.tanh(self.encoder(self._frames_of(clips), training=training))
        return ops.reshape(h, (-1, clips.shape[1], self.vector_dim))

    def to_frames(self, g: Tensor, training: bool = False) -> Tensor:
        """Returns the frames `[B, t, H, W, C]` of vectors `[B, t, vector_dim]`. (They
        may leave [-1, 1]. Where most pixels are black, a tanh would soon make all of
        them so, and lose its gradient.)"""
        x = self.decoder(ops.reshape(g, (-1, self.vector_dim)), training=training)
        return ops.reshape(x, (-1, g.shape[1], *self.image_shape[1:]))

    def _frames_of(self, clips):
        """Clips `[B, t, H, W, C]` as frames `[B t, H, W, C]`."""
        return ops.reshape(clips, (-1, *self.image_shape[1:]))

    def inferred(self, h: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance `[B, t, latent_dim]` of q(z_t | x_1..t)."""
        states, params = self._start(h[:, 0], depth=1), []
        for t in range(h.shape[1]):
            each, *states = self.inference([h[:, t], *states], training=training)
            params.append(each)
        return ops.split(ops.stack(params, axis=1), 2, axis=-1)

    def unrolled(
        self,
        start: Tensor,
        count: int,
        latent: Callable[..., Tensor],
        read: Callable[..., Tensor],
        training: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns g `[B, count, vector_dim]`, and mean and log variance `[B, count,
        latent_dim]` of p(z_t | u_1..t-1).

        Args:
            start: The vector before the first frame, `[B, vector_dim]`.
            latent: (t, mean, logvar) of p -> z_t `[B, latent_dim]`; t counts from 0.
            read: (t, g_t) -> u_t `[B, vector_dim]`.
        """
        prior, predictor = self._start(start, 1), self._start(start, self.depth)
        u, vectors, params = start, [], []
        for t in range(count):
            p, *prior = self.learned_prior([u, *prior], training=training)
            z = latent(t, *ops.split(p, 2, axis=-1))
            inputs = [ops.concatenate([u, z], axis=-1), *predictor]
            g, *predictor = self.predictor(inputs, training=training)
            g = ops.tanh(g)
            u = read(t, g)
            vectors.append(g)
            params.append(p)
        mean, logvar = ops.split(ops.stack(params, axis=1), 2, axis=-1)
        return ops.stack(vectors, axis=1), mean, logvar

    def _start(self, like, depth):
        """The states of `depth` recurrent layers before the first frame, zeros."""
        zeros = ops.zeros_like(ops.repeat(like[:, :1], self.units, axis=1))
        return [zeros] * (2 * depth)

    # --- new frames -------------------------------------------------------------------

    def draw(
        self,
        seeds: Tensor,
        labels: Tensor | None = None,
        ema: bool = True,
        frames: int | None = None,
    ) -> Tensor:
        """Returns new clips. Their first frame arises as the others do: by a z of the
        prior, which is one normal distribution before there is a frame."""
        count = self.image_shape[0] if frames is None else frames
        start = ops.zeros((ops.shape(seeds)[0], self.vector_dim))
        return self._foretold(start, [], seeds, count)

    def to_future(
        self,
        past: Tensor,
        seeds: Tensor,
        frames: int,
        labels: Tensor | None = None,
        ema: bool = True,
    ) -> Tensor:
        h = self.to_vectors(past)
        z = self.inferred(h)[0]
        known = [(h[:, t], z[:, t]) for t in range(past.shape[1])]
        return self._foretold(ops.zeros_like(h[:, 0]), known, seeds, frames)

    def _foretold(self, start, past, seeds, frames):
        """The `frames` frames behind those whose (h_t, z_t) are `past`; of these z_t is
        the posterior's mean, of new ones a draw of the prior."""

        def latent(t, mean, logvar):
            if t < len(past):
                return past[t][1]
            eps = backend.normal_of_seeds(seeds, (self.latent_dim,), t)
            return mean + ops.exp(0.5 * logvar) * eps

        def read(t, g):
            return past[t][0] if t < len(past) else g

        g = self.unrolled(start, len(past) + frames, latent, read)[0]
        return ops.clip(self.to_frames(g[:, len(past) :]), -1.0, 1.0)

    def to_rebuilt(self, images: Tensor) -> Tensor:
        """Returns the clips that the means of the posterior make, from nothing else."""
        h = self.to_vectors(images)
        z = self.inferred(h)[0]
        start, count = ops.zeros_like(h[:, 0]), h.shape[1]
        g = self.unrolled(start, count, lambda t, *_: z[:, t], lambda t, g: g)[0]
        return ops.clip(self.to_frames(g), -1.0, 1.0)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.to_rebuilt(images)
