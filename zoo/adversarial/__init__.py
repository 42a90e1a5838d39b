"""What the models with a discriminator share: how it is regularised, and the average of
the generator that samples are drawn from."""

from typing import Literal

from keras import ops

from zoo.adversarial import penalties
from zoo.adversarial.augmentation import Augment, Augmented

Regularizer = Literal["none", "spectral", "r1", "dragan"]
__all__ = ["Adversarial", "Augment", "Augmented", "Regularizer"]

WEIGHTS = {"r1": 10.0, "dragan": 10.0}  # the papers' weights, used if none is given


class Adversarial(Augmented):
    """Base of the models with a generator and a discriminator.

    A subclass has the settings `regularizer` and `regularizer_weight` as far as it
    offers them, those of `Augmented`, and `generator`, `latent_dim` and `ema_decay`.
    """

    averaged = ("generator",)

    def require_regularizer(self):
        """Raises ValueError if a weight is given without a penalty, or is negative."""
        name, weight = self.config["regularizer"], self.config["regularizer_weight"]
        if weight is None:
            return
        if name not in WEIGHTS:
            raise ValueError(
                f"regularizer_weight goes with regularizer={' or '.join(WEIGHTS)}. "
                f"Received: regularizer_weight={weight} with regularizer={name}."
            )
        self.require_at_least(regularizer_weight=0)

    @property
    def normalization(self):
        """The normalisation of the discriminator's layers. With a regulariser it is not
        that of the batch, which would tie an image's gradient to the other images."""
        return {"none": "batch", "spectral": "spectral"}.get(self.regularizer)

    @property
    def is_penalized(self):
        """Whether the discriminator's loss has a penalty, the term `gp`."""
        return self.config["regularizer"] in WEIGHTS

    @property
    def penalty_weight(self):
        """The weight of `gradient_penalty`: the setting, or the paper's if None."""
        weight = self.regularizer_weight
        return WEIGHTS[self.regularizer] if weight is None else weight

    def gradient_penalty(self, critic, images, changed):
        """Returns the penalty, a scalar, on `critic`: images -> logits `[B, 1]`.

        Args:
            images: The real ones.
            changed: Function by which the discriminator sees them, of `augmenter`. ADA
                takes the gradient by the images themselves, through it; DiffAugment by
                the changed images.
        """
        if self.augmentation == "ada":
            return self._penalty(lambda x: critic(changed(x)), images)
        return self._penalty(critic, changed(images))

    def _penalty(self, critic, images):
        if self.regularizer == "r1":
            return penalties.r1(critic, images)
        noise = self.uniform(ops.shape(images)[0], self.image_shape)
        return penalties.dragan(critic, images, noise)

    def draw(self, seeds, labels=None, ema=True):
        return self.averaged_network("generator", ema)(
            self.noise(seeds), training=False
        )

    def to_images(self, z):
        return self.averaged_network("generator")(z, training=False)
