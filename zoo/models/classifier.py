"""The convolutional classifier.

It goes the other way than the models that make images: from an image to features, and
from these to a label. The zoo measures images by the features of its last layer but
one, and its convolutions are the trunk that the other models use.

LeCun et al. 1998, "Gradient-based learning applied to document recognition",
doi:10.1109/5.726791; with the batch normalisation of Ioffe and Szegedy 2015,
arXiv:1502.03167, and the mean pooling of Lin et al. 2013, arXiv:1312.4400.
"""

import keras
from keras import layers, ops

from zoo.core import losses
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs import augment
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import conv


@register("classifier")
class Classifier(ImageModel):
    """Convolutional classifier: an image to the probabilities of its classes.

    One network descends the cross-entropy of the labels:
        classifier: -log p(label | x)

    Args:
        num_classes: Number of classes.
        width: Channels of the first level. The convolution before it has half as many,
            each further level has twice as many as the one before.
        dropout: Share of features dropped in training, before the last layer.
        label_smoothing: Share of the target that is spread over all classes.
        shift: Most pixels by which an image is moved in training, along each axis and
            in both directions.
        flip: Whether half of the images are mirrored left to right in training.
        erasing: Probability that a rectangle of 2 to 20 % of an image is made grey in
            training.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and int labels `[B]`.
    Reports: `loss`: cross-entropy in nats per image; `accuracy`: share of images whose
        most probable class is right; both are means over the epoch.
    Raises: ValueError: if a size is below 1 or a share lies outside [0, 1).
    Source: LeCun et al. 1998, doi:10.1109/5.726791; Lin et al. 2013, arXiv:1312.4400.
        Departures: the convolutions are 3x3 with batch normalisation, pooling takes the
        maximum, and AdamW trains. Erasing follows Zhong et al. 2017, arXiv:1708.04896,
        but fills with grey in place of random values.
    """

    networks = ("classifier",)
    terms = ("loss", "accuracy")
    shares_loss = True
    needs_labels = True
    monitor = "accuracy"
    monitor_mode = "max"
    paper = "LeCun et al. 1998, doi:10.1109/5.726791"

    def __init__(
        self,
        num_classes: int = 10,
        width: int = 48,
        dropout: float = 0.0,
        label_smoothing: float = 0.0,
        shift: int = 0,
        flip: bool = False,
        erasing: float = 0.0,
    ):
        self.num_classes, self.width, self.dropout = num_classes, width, dropout
        self.label_smoothing, self.shift = label_smoothing, shift
        self.flip, self.erasing = flip, erasing
        super().__init__()
        self.require_at_least(num_classes=2, width=2, shift=0)
        self.require_share("dropout", "label_smoothing", "erasing")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"classifier": keras.optimizers.AdamW(2e-3, weight_decay=0.05)}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        inputs = layers.Input(image_shape)
        options = {"padding": "same", "use_bias": False}
        x = layers.Conv2D(self.width // 2, 3, **options)(inputs)
        x = conv.activate(x, "relu", "batch")
        x = conv.trunk(
            x,
            image_shape,
            self.width,
            kernel_size=3,
            activation="relu",
            downsample="pool",
        )
        x = layers.Conv2D(2 * x.shape[-1], 3, **options)(x)
        x = conv.activate(x, "relu", "batch")
        features = layers.GlobalAveragePooling2D(dtype="float32")(x)
        x = conv.dropout(features, self.dropout)
        logits = layers.Dense(self.num_classes, dtype="float32")(x)
        outputs = [features, logits]
        return {"classifier": keras.Model(inputs, outputs, name="classifier")}

    def objective(
        self, images: Tensor, labels: Tensor = None, training: bool = True
    ) -> Losses:
        x = self.augment(images) if training else images
        _, logits = self.classifier(x, training=training)[:2]
        smoothing = self.label_smoothing if training else 0.0
        loss = losses.cross_entropy(logits, labels, smoothing)
        return self.scored(loss, logits, labels)

    def scored(self, loss: Tensor, logits: Tensor, labels: Tensor) -> Losses:
        """Returns the loss of the network, and beside it the accuracy of `logits`."""
        hits = ops.cast(ops.argmax(logits, axis=-1), labels.dtype) == labels
        terms = {"loss": loss, "accuracy": ops.cast(hits, "float32")}
        return {"classifier": loss}, terms

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, labels = self.unpack(data)
        terms = self.update(self.objective, images, labels)
        return self.track(terms, images)

    def augment(self, images: Tensor) -> Tensor:
        """Returns `images` mirrored, shifted and erased as the settings say."""
        rows, (height, width, _) = ops.shape(images)[0], self.image_shape
        if self.shift or self.flip:
            offsets = self.integers(rows, (2,), -self.shift, self.shift + 1)
            flips = self.integers(rows, (), 0, 2) if self.flip else ops.zeros((rows,))
            images = augment.shift_and_flip(images, offsets, flips)
        if self.erasing:
            u = self.uniform(rows, (5,))
            area = (0.02 + 0.18 * u[:, 0]) * height * width
            aspect = ops.exp((2.0 * u[:, 1] - 1.0) * 1.2)  # 0.3 to 3.3
            tall, wide = ops.sqrt(area * aspect), ops.sqrt(area / aspect)
            tall = ops.where(u[:, 4] < self.erasing, ops.minimum(tall, height), 0.0)
            wide = ops.minimum(wide, width)
            box = [u[:, 2] * (height - tall), u[:, 3] * (width - wide), tall, wide]
            images = augment.erase(images, ops.cast(ops.stack(box, axis=-1), "int32"))
        return images

    def to_classes(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = self.classifier(images, training=False)[:2]
        return ops.softmax(logits, axis=-1), features

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return ops.softmax(self.classifier(images, training=training)[1], axis=-1)
