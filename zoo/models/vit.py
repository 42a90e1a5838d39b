"""The vision transformer: a classifier that reads an image as a sentence of patches.

A convolution knows that neighbours belong together; a transformer has to learn it, and
for that it needs more pictures. In return every patch can look at every other one in
each layer, and where it looked can be shown: `attention`.

Dosovitskiy et al. 2020, "An image is worth 16x16 words", arXiv:2010.11929, in the
simpler form of Beyer et al. 2022, "Better plain ViT baselines for ImageNet-1k",
arXiv:2205.01580: fixed positions, and the mean of all tokens in place of one of its
own. From Hassani et al. 2021 (CCT), arXiv:2104.05704, it has the stem of convolutions,
and from Touvron et al. 2020 (DeiT), arXiv:2012.12877, the learning from a teacher.
"""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from zoo import backend
from zoo.core import losses
from zoo.core.parts import Part
from zoo.core.registry import register
from zoo.inputs import augment
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.models.classifier import Classifier
from zoo.networks import conv, transformer, unet


@register("vit")
class ViT(Classifier):
    """Vision transformer: patches of an image to the probabilities of its classes.

    With N patches x_p, their linear function E and the sines and cosines of their
    places P, z = E x_p + P goes through L blocks:
        z <- z + MSA(LN z), z <- z + MLP(LN z)
        MSA: softmax(Q K^T / sqrt(d)) V in each head, with Q, K, V linear in LN z
        p(label | x) = softmax(W mean(LN z))
    One network descends the cross-entropy of the labels; with a teacher, of which
    y_t is the likeliest label and p_t the probabilities:
        classifier: -log p(label | x)
        hard: -(1 - alpha) log p(label | x) - alpha log p(y_t | x)
        soft: -(1 - alpha) log p(label | x) + alpha T^2 KL(p_t^(1/T) || p^(1/T))

    Args:
        num_classes: Number of classes.
        patch: Side of the squares of pixels that become tokens; it divides height and
            width. Paper: 16 of 224 pixels.
        stem: "patch" (a linear function of the pixels) or "conv" (convolutions of 3x3,
            each halved; patch is then a power of 2).
        width: Numbers a token has, a multiple of 4 and of `heads`. Paper: 384 (S).
        depth: Blocks. Paper: 12.
        heads: Of the attention of each block. Paper: 6 (S).
        mlp_ratio: Units of the dense layer in a block, as a multiple of the width.
            Paper: 4.
        dropout: Share of features dropped in training, before the last layer.
        drop_path: Share of images for which a branch of the last block is left out in
            training; of the blocks before, less, down to 0 of the first. DeiT: 0.1.
        label_smoothing: Share of the target that is spread over all classes.
        shift: Most pixels by which an image is moved in training, along each axis and
            in both directions.
        flip: Whether half of the images are mirrored left to right in training.
        erasing: Probability that a rectangle of 2 to 20 % of an image is made grey in
            training.
        cutmix: Probability that a rectangle of an image is another one's in training;
            the target is shared out by area.
        teacher: A trained model that can classify, or None.
        distillation: What is learned from the teacher: "hard" or "soft".
        alpha: Weight of the teacher against the labels. DeiT: 0.5 hard, 0.1 soft.
        temperature: T of "soft". DeiT: 3.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and int labels `[B]`.
    Reports: `loss`: what is descended, in nats per image; in evaluation the plain
        cross-entropy; `accuracy`: share of images whose most probable class is right
        (of two that were mixed, that of the one that was cut into); both are means over
        the epoch.
    Raises: ValueError: if a size is below 1 or a share lies outside [0, 1); when it is
        built, if the patch does not divide the image, the heads do not share out the
        width, or the teacher knows other classes.
    Source: Dosovitskiy et al. 2020, arXiv:2010.11929, equations 1 to 4; Beyer et al.
        2022, arXiv:2205.01580; Hassani et al. 2021, arXiv:2104.05704; Touvron et al.
        2020, arXiv:2012.12877, equations 2 and 3. CutMix: Yun et al. 2019,
        arXiv:1905.04899. Departures: Q, K and V have no biases; the last layer starts
        near 0, not at 0; AdamW's weight decay is that of DeiT; the teacher is imitated
        by the one head, without a distillation token; CCT's pooling by a learned
        sequence is the mean of the tokens.
    """

    undecayed = ("bias", "gamma", "beta")
    paper = "Dosovitskiy et al. 2020, arXiv:2010.11929"

    def __init__(
        self,
        num_classes: int = 10,
        patch: int = 4,
        stem: Literal["patch", "conv"] = "patch",
        width: int = 128,
        depth: int = 6,
        heads: int = 4,
        mlp_ratio: int = 2,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        label_smoothing: float = 0.0,
        shift: int = 0,
        flip: bool = False,
        erasing: float = 0.0,
        cutmix: float = 0.0,
        teacher: Part | None = None,
        distillation: Literal["hard", "soft"] = "hard",
        alpha: float = 0.5,
        temperature: float = 3.0,
    ):
        self.patch, self.stem, self.depth = patch, stem, depth
        self.heads, self.mlp_ratio, self.drop_path = heads, mlp_ratio, drop_path
        self.cutmix, self.distillation = cutmix, distillation
        self.alpha, self.temperature = alpha, temperature
        changes = (label_smoothing, shift, flip, erasing)
        super().__init__(num_classes, width, dropout, *changes)
        self.require_at_least(patch=1, width=8, depth=1, heads=1, mlp_ratio=1)
        self.require_share("drop_path", "cutmix", "alpha")
        self.require_positive("temperature")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rule = keras.optimizers.AdamW(1e-3, weight_decay=0.05, global_clipnorm=1.0)
        return {"classifier": rule}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        self._require_sizes(image_shape)
        inputs = layers.Input(image_shape)
        if self.stem == "conv":
            halvings = self.patch.bit_length() - 1
            grid = transformer.embed_convolved(inputs, halvings, self.width)
        else:
            grid = transformer.embed_patches(inputs, self.patch, self.width)
        x, attention = transformer.to_tokens(grid), []
        for layer in range(self.depth):
            rate = self.drop_path * layer / max(self.depth - 1, 1)
            hidden = self.mlp_ratio * self.width
            name = f"block_{layer}"
            x, weights = transformer.block(x, self.heads, hidden, rate, name)
            attention.append(weights)
        x = transformer.normalize(x, "last_norm")
        features = layers.GlobalAveragePooling1D(dtype="float32", name="mean")(x)
        x = conv.dropout(features, self.dropout, name="dropout")
        small = {"dtype": "float32", "kernel_initializer": unet.SMALL}
        logits = layers.Dense(self.num_classes, name="last", **small)(x)
        outputs = [features, logits, *attention]
        return {"classifier": keras.Model(inputs, outputs, name="classifier")}

    # --- training ---------------------------------------------------------------------

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, labels = self.unpack(data)
        batch = self.mixed(images, labels) if self.cutmix else (images, labels)
        return self.track(self.update(self.objective, *batch), images)

    def objective(
        self,
        images: Tensor,
        labels: Tensor = None,
        targets: Tensor | None = None,
        training: bool = True,
    ) -> Losses:
        if not training:
            return super().objective(images, labels, training=False)
        x = self.augment(images)
        logits = self.classifier(x, training=True)[1]
        targets = labels if targets is None else targets
        loss = losses.cross_entropy(logits, targets, self.label_smoothing)
        if self.teacher is not None:
            imitation = self.imitation(logits, x)
            loss = (1.0 - self.alpha) * loss + self.alpha * imitation
        return self.scored(loss, logits, labels)

    def imitation(self, logits: Tensor, images: Tensor) -> Tensor:
        """Returns how far `logits` are from what the teacher says of `images`, nats."""
        p = ops.stop_gradient(self.teacher.to_classes(images)[0])
        if self.distillation == "hard":
            return losses.cross_entropy(logits, ops.argmax(p, axis=-1))
        return losses.distillation(logits, p, self.temperature)

    def mixed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the images, of which `cutmix` have a rectangle of another one of the
        global batch, their labels, and the targets `[B, K]`.

        Source: Yun et al. 2019 (CutMix), arXiv:1905.04899, algorithm 1, drawn for each
            image on its own.
        """
        rows, (height, width, _) = ops.shape(images)[0], self.image_shape
        all_images, all_labels = backend.all_rows(images), backend.all_rows(labels)
        u = self.uniform(rows, (5,))
        count = ops.shape(all_images)[0]
        partner = ops.cast(u[:, 0] * ops.cast(count, "float32"), "int32")
        partner = ops.minimum(partner, count - 1)
        sizes = ops.convert_to_tensor([height, width], "float32")
        # The share that is cut out is uniform on [0, 1), as Beta(1, 1) is.
        cut = ops.where(u[:, 1] < self.cutmix, u[:, 2], 0.0)
        half = 0.5 * sizes * ops.sqrt(cut)[:, None]
        middle = u[:, 3:5] * sizes
        start = ops.floor(ops.maximum(middle - half, 0.0))
        extent = ops.floor(ops.minimum(middle + half, sizes)) - start
        boxes = ops.cast(ops.concatenate([start, extent], axis=1), "int32")
        others = ops.take(all_images, partner, axis=0)
        images = augment.erase(images, boxes, others)
        area = ops.prod(extent, axis=1, keepdims=True) / (height * width)
        own = ops.one_hot(labels, self.num_classes)
        other = ops.one_hot(ops.take(all_labels, partner, axis=0), self.num_classes)
        return images, labels, (1.0 - area) * own + area * other

    # --- answers ----------------------------------------------------------------------

    def attention(self, images: ArrayLike, rollout: bool = False) -> np.ndarray:
        """Returns where each patch of `images` `[N, H, W, C]` looked, float32 `[N,
        layers, heads, T, T]` of T patches, line by line; rows sum to 1.

        Args:
            rollout: Whether to follow it through all layers (Abnar and Zuidema 2020,
                arXiv:2005.00928), which gives `[N, T, T]`.
        """
        images = self.ready("attend", images)
        return self.in_batches("to_rollout" if rollout else "to_attention", 100, images)

    def to_attention(self, images: Tensor) -> Tensor:
        """Returns the attention `[B, layers, heads, T, T]` of float images."""
        return ops.stack(self.classifier(images, training=False)[2:], axis=1)

    def to_rollout(self, images: Tensor) -> Tensor:
        """Returns the rollout of the attention, `[B, T, T]`, of float images."""
        return transformer.rollout(self.to_attention(images))

    # --- checks -----------------------------------------------------------------------

    def _require_sizes(self, image_shape):
        """Raises ValueError if the settings do not fit each other or the images."""
        height, width, _ = image_shape
        able = [n for n in range(2, 33) if height % n == 0 == width % n]
        if height % self.patch or width % self.patch:
            raise ValueError(
                f"{self.name!r} needs a patch that divides height and width, of "
                f"{height}x{width} pixels {', '.join(map(str, able)) or 1}. "
                f"Received: patch={self.patch}."
            )
        if self.stem == "conv" and self.patch & (self.patch - 1):
            raise ValueError(
                "Convolutions halve the image, so a patch of stem='conv' is a power of "
                f"2. Received: patch={self.patch}."
            )
        if self.stem == "conv" and self.patch == 1:
            raise ValueError(
                "stem='conv' halves the image at least once: its patch is 2 or more. "
                "Received: patch=1."
            )
        if self.width % self.heads or self.width % 4:
            raise ValueError(
                f"{self.name!r} needs a width that is a multiple of 4 and of heads. "
                f"Received: width={self.width}, heads={self.heads}."
            )
        if self.teacher is not None:
            self._require_teacher()

    def _require_teacher(self):
        self.teacher.require("classify")
        count = self.teacher.config["num_classes"]
        if count != self.num_classes:
            raise ValueError(
                f"A teacher knows the {self.num_classes} classes that are to be "
                f"learned. Received: {self.teacher.name!r} of {count} classes."
            )
