"""The conditional GAN: a label says what it draws.

Generator and discriminator are both given the label, so a sample of any class can be
asked for. The discriminator learns of the label in one of three ways: as further planes
of the image, by a projection, or not at all, and then it has to name the class itself.

Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", arXiv:1411.1784,
equation 2.
"""

from typing import Literal

import keras
from keras import layers, ops

from zoo import backend
from zoo.adversarial import Adversarial, Augment, Regularizer
from zoo.core import losses
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import dcgan


@register("cgan")
class CGAN(Adversarial):
    """Conditional GAN: a generator and a discriminator that are told the class y.

    The two move in turn, each on fresh noise and with the labels of the batch:
        discriminator: -log D(x, y) - log(1 - D(G(z, y), y)) [+ class_loss]
        generator: -log D(G(z, y), y) [+ class_loss]
    where class_loss = -log p(y|x) - log p(y|G(z, y)) is added with
    conditioning="auxiliary"; the generator descends its second part alone.

    Args:
        num_classes: Number of classes.
        latent_dim: Size of `z`. Paper: 100.
        conditioning: How the discriminator knows y. "concat": y comes as planes beside
            the image's channels (Mirza and Osindero); "projection": the features' inner
            product with a vector per class is added to the logit (Miyato and Koyama);
            "auxiliary": it does not know y, and a second output has to name the class
            (Odena et al.).
        loss: "non_saturating", "minimax", "least_squares" or "hinge", as in the `gan`.
        width: Channels of the first level.
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
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and int labels `[B]`.
    Reports: `d_loss`, `g_loss`: what discriminator and generator descend; `d_real`,
        `d_fake`: mean probability of "real" that the discriminator gives to real and to
        generated images; `class_loss`: nats per image, of real and generated images,
        with "auxiliary"; `gp`: the penalty before it is weighted, with "r1" and
        "dragan"; `p_augment`, `real_sign`: with "ada", its probability and the mean
        sign of the logit at real images. Where the discriminator normalises by batch,
        validation takes its moving statistics, of real and generated images together:
        `val_...` are then of another function than the terms of training.
    Raises: ValueError: if a size is below 1, the decay lies outside [0, 1), a weight is
        given without a penalty, or ADA's target lies outside (0, 1).
    Source: Mirza and Osindero 2014, arXiv:1411.1784, equation 2; Miyato and Koyama
        2018, arXiv:1802.05637, equation 5; Odena et al. 2016, arXiv:1610.09585, section
        3. Departures: the convolutions of zoo/networks/dcgan.py stand in place of dense
        maxout layers, and there is no dropout; the generator takes y beside z with
        every conditioning (Miyato and Koyama: in its batch normalisation); the
        projection takes the flattened features, not their sum over the image.
    """

    networks = ("discriminator", "generator")
    needs_labels = True
    conditional = True
    paper = "Mirza and Osindero 2014, arXiv:1411.1784"

    def __init__(
        self,
        num_classes: int = 10,
        latent_dim: int = 100,
        conditioning: Literal["concat", "projection", "auxiliary"] = "concat",
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
        self.num_classes, self.latent_dim = num_classes, latent_dim
        self.conditioning = conditioning
        self.width, self.ema_decay = width, ema_decay
        self.loss_name = loss  # `loss` is an attribute of Keras
        self.regularizer, self.regularizer_weight = regularizer, regularizer_weight
        self.diff_augment = diff_augment
        self.augment, self.ada_target, self.ada_images = augment, ada_target, ada_images
        super().__init__()
        self.require_at_least(num_classes=2, latent_dim=1, width=1)
        self.require_share("ema_decay")
        self.require_regularizer()
        self.require_augmentation()

    @property
    def terms(self) -> tuple[str, ...]:
        is_auxiliary = self.config["conditioning"] == "auxiliary"
        terms = ("d_loss", "g_loss", "d_real", "d_fake")
        return (
            terms
            + ("class_loss",) * is_auxiliary
            + ("gp",) * self.is_penalized
            + self.ada_terms
        )

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {n: keras.optimizers.Adam(2e-4, beta_1=0.5) for n in self.networks}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        build = {
            "concat": build_concat,
            "projection": build_projection,
            "auxiliary": build_auxiliary,
        }[self.conditioning]
        units = self.latent_dim + self.num_classes
        return {
            "discriminator": build(
                image_shape, self.num_classes, self.width, self.normalization
            ),
            "generator": dcgan.build_generator(image_shape, units, self.width),
        }

    def discriminate(
        self, images: Tensor, labels: Tensor, training: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Returns the discriminator's logits `[B, 1]` of "real" and, with "auxiliary",
        those of the classes `[B, K]`, else None."""
        if self.conditioning == "auxiliary":
            return self.discriminator(images, training=training)
        y = ops.one_hot(labels, self.num_classes)
        return self.discriminator([images, y], training=training), None

    def discriminator_objective(
        self, images: Tensor, labels: Tensor, training: bool = True
    ) -> Losses:
        changed = self.augmenter(ops.shape(images)[0], training)
        x_fake = ops.stop_gradient(self.generate(labels, training))
        real_logits, real_classes = self.discriminate(changed(images), labels, training)
        fake_logits, fake_classes = self.discriminate(
            self.augmented(x_fake, training), labels, training
        )
        loss = losses.discriminator_loss(real_logits, fake_logits, self.loss_name)
        terms = {"d_real": ops.sigmoid(real_logits), "d_fake": ops.sigmoid(fake_logits)}
        terms |= self.ada_measures(real_logits)
        if self.conditioning == "auxiliary":
            terms["class_loss"] = losses.cross_entropy(real_classes, labels)
            terms["class_loss"] += losses.cross_entropy(fake_classes, labels)
            loss = loss + terms["class_loss"]
        if self.is_penalized:
            terms["gp"] = self.gradient_penalty(
                lambda x: self.discriminate(x, labels, training)[0], images, changed
            )
            loss = loss + self.penalty_weight * terms["gp"]
        return {"discriminator": loss}, terms | {"d_loss": loss}

    def generator_objective(self, labels: Tensor, training: bool = True) -> Losses:
        x_fake = self.augmented(self.generate(labels, training), training)
        fake_logits, fake_classes = self.discriminate(x_fake, labels, training)
        loss = losses.generator_loss(fake_logits, self.loss_name)
        if self.conditioning == "auxiliary":
            loss = loss + losses.cross_entropy(fake_classes, labels)
        return {"generator": loss}, {"g_loss": loss}

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        d_losses, d_terms = self.discriminator_objective(images, labels, training)
        g_losses, g_terms = self.generator_objective(labels, training)
        return d_losses | g_losses, d_terms | g_terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, labels = self.unpack(data)
        terms = self.update(self.discriminator_objective, images, labels)
        terms |= self.update(self.generator_objective, labels)
        self.adapt_p(terms, images)
        return self.track(terms, images)

    def generate(self, labels: Tensor, training: bool = True) -> Tensor:
        """Returns a new image of each of `labels` `[B]`."""
        z = self.normal(ops.shape(labels)[0], (self.latent_dim,))
        return self.generator(self.with_label(z, labels), training=training)

    def with_label(self, z: Tensor, labels: Tensor) -> Tensor:
        """Returns `z` `[B, latent_dim]` with the label appended as a one-hot row."""
        return ops.concatenate([z, ops.one_hot(labels, self.num_classes)], axis=1)

    def draw(
        self, seeds: Tensor, labels: Tensor | None = None, ema: bool = True
    ) -> Tensor:
        noise = backend.normal_of_seeds(seeds, (self.latent_dim + self.num_classes,))
        z, vote = noise[:, : self.latent_dim], noise[:, self.latent_dim :]
        if labels is None:  # each class is equally likely to have the largest number
            labels = ops.argmax(vote, axis=1)
        generator = self.averaged_network("generator", ema)
        return generator(self.with_label(z, labels), training=False)

    # The base refuses, and so does this model: its generator needs a label besides z.
    to_images = ImageModel.to_images

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        if self.conditioning == "auxiliary":
            return self.discriminator(images, training=training)[0]
        logits = [
            self.discriminate(
                images, ops.zeros_like(images[:, 0, 0, 0], "int32") + y, False
            )
            for y in range(self.num_classes)
        ]
        return sum(logit for logit, _ in logits) / self.num_classes


def build_concat(
    image_shape: tuple[int, ...],
    num_classes: int,
    width: int,
    normalization: str | None,
) -> keras.Model:
    """Returns the network of images `[B, H, W, C]` and one-hot labels `[B, K]`, which
    become planes beside the image's channels, -> logits `[B, 1]`."""
    network = dcgan.build_discriminator(
        image_shape, width, normalization, planes=num_classes
    )
    # The network stands inside another one, because there saved files have its weights.
    return keras.Model(network.inputs, network(network.inputs), name="discriminator")


def build_projection(
    image_shape: tuple[int, ...],
    num_classes: int,
    width: int,
    normalization: str | None,
) -> keras.Model:
    """Returns the network of images `[B, H, W, C]` and one-hot labels `[B, K]` ->
    logits `[B, 1]`: those of the image, plus its features times the label's vector."""
    x, y = inputs = [layers.Input(image_shape), layers.Input((num_classes,))]
    features = dcgan.trunk(x, image_shape, width, normalization)
    features = layers.Flatten()(features)
    by_class = dcgan.score(features, num_classes, normalization)
    chosen = layers.Dot(axes=1, dtype="float32")([by_class, y])
    logits = layers.Add(dtype="float32")(
        [dcgan.score(features, 1, normalization), chosen]
    )
    return keras.Model(inputs, logits, name="discriminator")


def build_auxiliary(
    image_shape: tuple[int, ...],
    num_classes: int,
    width: int,
    normalization: str | None,
) -> keras.Model:
    """Returns the network images `[B, H, W, C]` -> logits of "real" `[B, 1]`, logits of
    the classes `[B, K]`."""
    return dcgan.build_discriminator(
        image_shape, width, normalization, outputs=(1, num_classes)
    )
