"""What a discriminator sees in place of the images: changed ones, so that it cannot
learn a small set by heart; and how often they are changed.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (ADA),
arXiv:2006.06676, section 3; Zhao et al. 2020 (DiffAugment), arXiv:2006.10738.
"""

from typing import Literal

from keras import ops

from zoo import backend
from zoo.core.model import ImageModel
from zoo.inputs import augment

Augment = Literal["none", "diff", "ada"]
MOST_IMAGES = 10**9  # that an int32 counts, and a batch more


class Augmented(ImageModel):
    """Base of the models whose discriminator may see changed images.

    A subclass has the settings `augment`, `ada_target` and `ada_images`, and calls
    `require_augmentation` with the others' checks. Its objective shows all images
    through `augmenter`, adds `ada_measures` to its terms, and `train_step` calls
    `adapt_p` once. `diff_augment`, where it is a setting, is the former name of "diff".
    """

    def require_augmentation(self):
        """Raises ValueError if the target or the speed of ADA is out of range."""
        target, images = self.config["ada_target"], self.config["ada_images"]
        if not 0 < target < 1:
            raise ValueError(
                f"{self.name!r} needs ada_target in (0, 1), the mean sign at which ADA "
                f"holds its discriminator. Received: {target}."
            )
        if not 1 <= images <= MOST_IMAGES:
            raise ValueError(
                f"{self.name!r} needs ada_images from 1 to {MOST_IMAGES:,}, in which p "
                f"rises from 0 to 1. Received: {images}."
            )

    def require_images(self, count):
        if self.ada_terms and count == 1:
            raise ValueError(
                "augment='ada' learns from a set of at least 2 images: one alone is "
                "always known by heart. Received: 1 image."
            )

    @property
    def augmentation(self):
        """How images are changed: "none", "diff" or "ada"."""
        if self.config["augment"] == "none" and self.config.get("diff_augment"):
            return "diff"
        return self.config["augment"]

    @property
    def ada_terms(self):
        """The names of the terms that ADA adds."""
        return ("p_augment", "real_sign") * (self.config["augment"] == "ada")

    @property
    def p_augment(self):
        """The probability of each change with ADA, a scalar in [0, 1]."""
        return ops.cast(self.ada_count, "float32") / self.config["ada_images"]

    def _build_variables(self):
        if self.ada_terms:
            # Images are counted, p times `ada_images`, because sums of small floats
            # would drift.
            self.ada_count = self.state("ada_count", (), "int32")
        super()._build_variables()

    def augmenter(self, rows, training=True):
        """Returns a function of images `[rows, H, W, C]`: what the discriminator sees
        of them. Each call of `augmenter` draws new changes."""
        if not training or self.augmentation == "none":
            return lambda images: images
        if self.augmentation == "diff":
            u = self.uniform(rows, (augment.NUM_RANDOM,))
            return lambda images: augment.diff_augment(images, u)
        u = self.uniform(rows, (augment.NUM_ADA_UNIFORM,))
        normal = self.normal(rows, (augment.NUM_ADA_NORMAL,))
        p = self.p_augment
        return lambda images: augment.ada(images, p, u, normal)

    def augmented(self, images, training=True):
        """Returns `images` as the discriminator sees them, changed only in training."""
        return self.augmenter(ops.shape(images)[0], training)(images)

    def ada_measures(self, real_logits):
        """Returns the terms of ADA by the logits of real images `[B, 1]`, none without
        it: p, and the sign of each logit, whose mean is 1 where all images are taken
        for real and 0 where half of them are."""
        if not self.ada_terms:
            return {}
        return {"p_augment": self.p_augment, "real_sign": ops.sign(real_logits)}

    def adapt_p(self, terms, images):
        """Moves p once a training step: by the images of the batch over `ada_images`,
        up if the mean sign in `terms` is above the target, down if it is below.

        Source: Karras et al. 2020, arXiv:2006.06676, section 3.1. Departures: p moves
        in each step, where the code waits for 4, and ends at 1, where that has no end.
        """
        if not self.ada_terms:
            return
        # Of all replicas, which have equally many rows.
        sign = backend.all_rows(ops.reshape(ops.mean(terms["real_sign"]), (1,)))
        direction = ops.sign(ops.mean(sign) - self.config["ada_target"])
        rows = ops.shape(images)[0] * backend.num_replicas()
        count = self.ada_count + ops.cast(direction, "int32") * rows
        self.ada_count.assign(ops.clip(count, 0, self.config["ada_images"]))
