"""UNetModel and Denoiser: what models that make images by removing noise share.

A subclass says down which ladder of noise it goes, and how the answers of its network
are read. Here the network is asked, with labels and guidance.
"""

import keras
import numpy as np
from keras import ops

from zoo import backend, diffusion
from zoo.core import ranks
from zoo.core.model import ImageModel
from zoo.diffusion.editing import Editing
from zoo.diffusion.sampling import Drawing, Sampling
from zoo.networks import unet


class UNetModel(Sampling, ImageModel):
    """Base of models with one network `unet` that tells data from noise.

    A subclass implements `levels`, and sets, beside what `ImageModel` asks for, the
    attributes below. What is noised are pixels, unless it overrides `noised_shape`,
    `enter` and `leave`.

    Attributes:
        samplers: Names of the samplers that it can use.
        prediction: What its network answers, as `diffusion.interpret` takes it.
        time_scale: Times t are given to the network multiplied by it.
        outputs: How many of the noised shape it answers with, side by side as channels.
        noises_pixels: Whether what is noised lies in [-1, 1], so that guesses of it are
            clipped there.
        overshoot, num_classes, label_dropout, guidance, sampler, steps, ema_decay:
            Settings.
    """

    networks = ("unet",)
    averaged = ("unet",)
    samplers = ()
    time_scale = 1.0
    outputs = 1
    noises_pixels = True
    num_classes = 0
    label_dropout = 0.0
    guidance = 1.0

    def levels(self, steps):
        """Returns the `diffusion.Levels` of `steps` steps."""
        raise TypeError(f"{type(self).__name__} does not define levels.")

    def require_sizes(self):
        """Raises ValueError for settings of sampling or size that cannot work."""
        self.require_at_least(width=1, depth=1, patch=1, steps=1)
        self.require_share("ema_decay", "dropout")
        if not self.config["mult"] or min(self.config["mult"]) < 1:
            raise ValueError(
                f"{self.name!r} needs a multiplier of at least 1 for each level. "
                f"Received: mult={self.config['mult']}."
            )
        if not all(level >= 0 for level in self.config["attention"]):
            raise ValueError(
                f"{self.name!r} counts the levels with attention from 0. "
                f"Received: attention={self.config['attention']}."
            )

    def default_optimizers(self):
        return {"unet": keras.optimizers.Adam(2e-4)}

    # --- what is noised ---------------------------------------------------------------

    @property
    def noised_shape(self):
        """The shape of what is noised, without the rows: that of images, or of the
        latents of an autoencoder, channels last."""
        return self.image_shape

    def enter(self, images):
        """Returns what is noised of float `images`, `[B, *noised_shape]`."""
        return images

    def leave(self, x):
        """Returns the images of `x` `[B, *noised_shape]`, from which the noise has been
        taken: the inverse of `enter`, as far as there is one."""
        return x

    # --- validation -------------------------------------------------------------------

    def judged(self, training):
        """Returns the network whose loss is taken: the one that learns or, in
        validation, its average, by which samples are made."""
        return self.unet if training else self.averaged_network("unet")

    # --- the network ------------------------------------------------------------------

    def ask(self, network, x, t, labels=None, training=False):
        """Returns what `network` answers for x_t `[B, *noised_shape]` at times `[B]`;
        without labels `[B]`, for any."""
        x = ops.convert_to_tensor(x)
        inputs = [x, ops.cast(t, "float32") * self.time_scale]
        if self.can_be_guided:
            rows = ops.shape(x)[0]
            goal = self.nothing(rows) if labels is None else self.sides(labels)[1]
            inputs.append(ops.cast(goal, "int32"))
        return network(inputs, training=training)

    # What samples follow are labels `[B]`. A subclass that follows something else
    # overrides these three.

    @property
    def can_be_guided(self):
        """Whether the network is told what to make, and has learned without, too."""
        return bool(self.num_classes)

    def nothing(self, rows):
        """Returns what the network is told of `rows` images that may be anything."""
        return ops.full((rows,), self.num_classes, dtype="int32")

    def sides(self, labels):
        """Returns (what samples are led away from, what they are led to)."""
        return ops.full_like(labels, self.num_classes), labels

    def ask_guided(self, network, x, t, labels, guidance, alpha, sigma):
        """Returns null + guidance (label - null) of the answers for no label and for
        `labels`; guidance is a float, or a tensor `[B]` in a graph. `x` is alpha x_0 +
        sigma eps.

        Source: Ho and Salimans 2022, arXiv:2207.12598, equation 6, with guidance = 1 +
        w.
        """
        if labels is None:
            return self.ask(network, x, t)
        if backend.is_symbolic(guidance):
            each = ranks.column(guidance, x)
            return ops.cond(  # a guidance of 1 needs one pass in place of two
                ops.all(guidance == 1.0),
                lambda: self.ask(network, x, t, labels),
                lambda: self._guided(network, x, t, labels, each, alpha, sigma),
            )
        if guidance == 0.0:
            return self.ask(network, x, t)
        if guidance == 1.0:
            return self.ask(network, x, t, labels)
        return self._guided(network, x, t, labels, guidance, alpha, sigma)

    def _guided(self, network, x, t, labels, guidance, alpha, sigma):
        twice = [ops.concatenate([each, each]) for each in (x, t)]
        both = self.ask(network, *twice, ops.concatenate(self.sides(labels)))
        # A learned variance, behind the image's channels, is not exaggerated.
        channels = self.noised_shape[-1]
        null, label = ops.split(both[..., :channels], 2)
        if self.overshoot:  # how far a guess is beyond the bounds is no sign of a label
            null, label = (
                diffusion.saturate(self.prediction, each, x, alpha, sigma)
                for each in (null, label)
            )
        guided = null + guidance * (label - null)
        if self.outputs == 1:
            return guided
        variance = ops.split(both[..., channels:], 2)[1]
        return ops.concatenate([guided, variance], axis=-1)

    def drop_labels(self, labels, rows):
        """Returns int32 labels `[rows]` of which `label_dropout` are "none"; None of a
        model without."""
        if not self.can_be_guided:
            return None
        is_dropped = self.uniform(rows, ()) < self.label_dropout
        labels = ops.cast(labels, "int32")
        is_dropped = ops.reshape(is_dropped, (-1, *(1,) * (len(labels.shape) - 1)))
        return ops.where(is_dropped, self.nothing(rows), labels)

    def predictor(self, levels, labels=None, ema=True, guidance=1.0):
        """Returns `predict` as `zoo.diffusion` takes it."""
        network = self.averaged_network("unet", ema)
        row = diffusion.table("float32", *levels)

        def predict(x, k):
            t, alpha, sigma = row(k)
            times = ops.full(ops.shape(x)[:1], t)
            output = self.ask_guided(network, x, times, labels, guidance, alpha, sigma)
            return self.interpret(output, x, alpha, sigma)

        return predict

    def interpret(self, output, x, alpha, sigma):
        """Returns (x_0, eps) as a network's `output` tells them of x_t `x`."""
        clip = self.noises_pixels
        return diffusion.interpret(self.prediction, output, x, alpha, sigma, clip)


class Denoiser(Drawing, Editing, UNetModel):
    """Base of models that make images of noise alone, perhaps by a label, and edit
    images; a subclass implements `level_at`, too."""

    @property
    def needs_labels(self):
        return bool(self.config["num_classes"])

    @property
    def conditional(self):  # of the class, which may have labels, the property is true
        return self.needs_labels

    def level_at(self, share):
        """Returns the `diffusion.Levels` of one step, down from a share of the noise
        ladder."""
        raise TypeError(f"{type(self).__name__} does not define level_at.")

    def require_settings(self):
        """Raises ValueError for settings of labels, sampling or size that cannot
        work."""
        self.require_at_least(guidance=0, num_classes=0)
        self.require_share("label_dropout")
        self.require_sizes()

    def build_networks(self, image_shape):
        keys = "width", "mult", "depth", "attention", "patch", "dropout", "num_classes"
        sizes = {key: self.config[key] for key in keys}
        network = unet.build_unet(self.noised_shape, outputs=self.outputs, **sizes)
        return {"unet": network}

    def call(self, images, training=False):
        levels, x_0 = self.level_at(0.25), self.enter(ops.cast(images, "float32"))
        eps = backend.normal_of_seeds(np.zeros(1, "int64"), self.noised_shape)
        x = float(levels.alpha[0]) * x_0 + float(levels.sigma[0]) * eps
        return self.leave(self.predictor(levels)(x, 0)[0])
