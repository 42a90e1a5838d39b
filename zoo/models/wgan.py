"""The Wasserstein GAN, with weight clipping or with a gradient penalty.

The discriminator becomes a critic, whose score is unbounded and Lipschitz. So the gap
between its mean scores of real and of generated images estimates the distance of the
two distributions. That number falls as the images get better, which no loss of a GAN
does.

Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, Algorithm 1; Gulrajani et al.
2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028, Algorithm 1.
"""

import math
from collections.abc import Iterator
from typing import Literal

import keras
from keras import ops

from zoo.adversarial import Adversarial, Augment, penalties
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import dcgan


@register("wgan")
class WGAN(Adversarial):
    """Wasserstein GAN: a generator against a critic that moves several times as often.

    With f the critic, and all terms means over the batch:
        critic: f(G(z)) - f(x) [+ gp_weight (|gradient of f at x_hat| - 1)^2]
        generator: -f(G(z))

    A training step is `critic_steps` steps of the critic, each on images of its own,
    and one step of the generator. So `fit` joins that many batches into one, and
    `batch_size` is the papers' m.

    Args:
        latent_dim: Size of `z`. Paper: not given; 100 as in DCGAN.
        penalty: What keeps f Lipschitz. "clip": each weight is kept in [-clip, clip]
            (Arjovsky et al., with RMSprop); "gradient": a penalty draws the gradient's
            norm to 1 between real and generated images (Gulrajani et al., with Adam and
            without batch normalisation in the critic).
        critic_steps: Steps of the critic for one of the generator. Papers: 5.
        clip: Bound of the critic's weights, only with "clip". Paper: 0.01.
        gp_weight: Weight of the penalty, only with "gradient". Paper: 10.
        width: Channels of the first level.
        ema_decay: Decay per step of the generator's average, which `sample` uses; 0
            keeps no average. Papers: none.
        augment: How the images that the critic sees are changed, real and
            generated ones: "none", "diff" (colours, places and a hole, always) or "ada"
            (as often as keeps it from knowing its set by heart). Papers: none.
        ada_target: Mean sign of the score of a real image less that of a generated one
            that ADA holds. Paper: 0.6, of a discriminator's logit.
        ada_images: Images in which ADA raises its p from 0 to 1. Paper: 500,000.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; the critic takes
        min(critic_steps, B) steps, step i on `images[i::steps]`.
    Reports: `wasserstein`: f(x) - f(G(z)), the critic's estimate of the distance (up to
        the critic's Lipschitz constant), mean over its steps; `g_loss`: what the
        generator descends; `clipped`: the share of the critic's weights at the bound,
        with "clip"; `gp`: the penalty before it is weighted, with "gradient";
        `p_augment`, `real_sign`: with "ada", its probability, and the mean sign of the
        score of a real image less that of a generated one.
    Raises: ValueError: if a size is below 1, a weight is not positive, the decay lies
        outside [0, 1), or ADA's target lies outside (0, 1).
    Source: Arjovsky et al. 2017, arXiv:1701.07875, Algorithm 1; Gulrajani et al. 2017,
        arXiv:1704.00028, Algorithm 1. Departures: those of zoo/networks/dcgan.py; with
        "gradient" the critic has no normalisation in place of layer normalisation; an
        average of the generator is kept; the critic takes equally many steps each time,
        as the algorithms say, while the code of Arjovsky et al. takes 100 for each of
        the generator's first 25 steps and for every 500th.
    """

    networks = ("critic", "generator")
    paper = "Arjovsky et al. 2017, arXiv:1701.07875"

    def __init__(
        self,
        latent_dim: int = 100,
        penalty: Literal["clip", "gradient"] = "clip",
        critic_steps: int = 5,
        clip: float = 0.01,
        gp_weight: float = 10.0,
        width: int = 64,
        ema_decay: float = 0.999,
        augment: Augment = "none",
        ada_target: float = 0.6,
        ada_images: int = 500_000,
    ):
        self.latent_dim, self.critic_steps = latent_dim, critic_steps
        self.clip, self.gp_weight = clip, gp_weight
        self.width, self.ema_decay = width, ema_decay
        self.penalty = penalty
        self.augment, self.ada_target, self.ada_images = augment, ada_target, ada_images
        super().__init__()
        self.require_at_least(latent_dim=1, critic_steps=1, width=1)
        self.require_positive("clip", "gp_weight")
        self.require_share("ema_decay")
        self.require_augmentation()

    @property
    def terms(self) -> tuple[str, ...]:
        is_clipped = self.config["penalty"] == "clip"
        terms = ("wasserstein", "g_loss", "clipped" if is_clipped else "gp")
        return terms + self.ada_terms

    @property
    def batches_per_step(self) -> int:
        return self.critic_steps

    def updates_per_step(self, network: str) -> int:
        return self.critic_steps if network == "critic" else 1

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        if self.penalty == "clip":
            # The generator's gradients are near 1e-4, and Keras adds epsilon under the
            # root, where its default of 1e-7 would shorten the steps. These values are
            # those of PyTorch, in which the authors' code is written: rho is 0.99, and
            # 1e-8 is added to the root.
            rmsprop = {"learning_rate": 5e-5, "rho": 0.99, "epsilon": 1e-16}
            return {name: keras.optimizers.RMSprop(**rmsprop) for name in self.networks}
        adam = {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9}
        return {name: keras.optimizers.Adam(**adam) for name in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        normalization = "batch" if self.penalty == "clip" else None
        critic = dcgan.build_discriminator(
            image_shape,
            self.width,
            normalization,
            use_bias=False,  # a bias cancels: the loss is a difference of scores
            name="critic",
        )
        generator = dcgan.build_generator(image_shape, self.latent_dim, self.width)
        return {"critic": critic, "generator": generator}

    def critic_objective(self, images: Tensor, training: bool = True) -> Losses:
        rows = ops.shape(images)[0]
        x_fake = ops.stop_gradient(self.generate(rows, training))
        changed = self.augmenter(rows, training)
        real = self.critic(changed(images), training=training)
        fake = self.critic(self.augmented(x_fake, training), training=training)
        wasserstein = ops.mean(real) - ops.mean(fake)
        # A score has no zero of its own: a real image is measured by a generated one.
        terms = {"wasserstein": wasserstein} | self.ada_measures(real - fake)
        if self.penalty == "clip":
            return {"critic": -wasserstein}, terms
        gp = penalties.wasserstein(
            lambda x: self.critic(changed(x), training=training),
            images,
            x_fake,
            weight=self.uniform(rows, (1, 1, 1)),
        )
        return {"critic": self.gp_weight * gp - wasserstein}, terms | {"gp": gp}

    def generator_objective(self, images: Tensor, training: bool = True) -> Losses:
        rows = ops.shape(images)[0]  # as many images are generated as were given
        x_fake = self.augmented(self.generate(rows, training), training)
        loss = -ops.mean(self.critic(x_fake, training=training))
        return {"generator": loss}, {"g_loss": loss}

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        c_losses, c_terms = self.critic_objective(images, training)
        g_losses, g_terms = self.generator_objective(images, training)
        if self.penalty == "clip":
            c_terms["clipped"] = self.clipped()
        return c_losses | g_losses, c_terms | g_terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, _ = self.unpack(data)
        steps = []  # the terms of each step of the critic
        for part in shares(images, self.critic_steps):
            steps.append(self.update(self.critic_objective, part))
            if self.penalty == "clip":
                self.clip_weights()
                steps[-1]["clipped"] = self.clipped()
        terms = {key: sum(each[key] for each in steps) / len(steps) for key in steps[0]}
        # The generator makes as many images as the critic saw in one step.
        share = images[:: self.critic_steps]
        terms |= self.update(self.generator_objective, share)
        self.adapt_p(terms, images)
        return self.track(terms, images)

    def clip_weights(self) -> None:
        """Moves each weight of the critic into [-clip, clip]."""
        for weight in self.critic.trainable_variables:
            weight.assign(ops.clip(weight, -self.clip, self.clip))

    def clipped(self) -> Tensor:
        """Returns the share of the critic's weights that lie at the bound (or beyond
        it, as they may before the first step)."""
        weights = self.critic.trainable_variables
        hits = [ops.sum(ops.cast(ops.abs(w) >= self.clip, "float32")) for w in weights]
        return sum(hits) / sum(math.prod(weight.shape) for weight in weights)

    def generate(self, rows: Tensor, training: bool = True) -> Tensor:
        """Returns `rows` new images from the prior."""
        return self.generator(self.normal(rows, (self.latent_dim,)), training=training)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.critic(images, training=training)


def shares(images: Tensor, steps: int) -> Iterator[Tensor]:
    """Yields `images[i::steps]` for each i below min(steps, B), with B = len(images).

    Where B is not known before the step runs, there are always `steps` shares, and the
    last image stands in for a share that would be empty.
    """
    rows = ops.shape(images)[0]
    if isinstance(rows, int):
        steps = min(steps, rows)
    for i in range(steps):
        yield images[i if isinstance(rows, int) else ops.minimum(i, rows - 1) :: steps]
