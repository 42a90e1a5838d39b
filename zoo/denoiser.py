"""Denoiser: what models that make images by removing noise share.

A subclass says which ladder of noise it descends and how to read its network; here the
network is asked (with labels and guidance), and the loop of a sampler is run for new
images, for missing pixels and for variations of given images.
"""

import functools

import keras
import numpy as np
from keras import ops

from zoo import backend, diffusion
from zoo.inference import seeds_from
from zoo.model import ImageModel
from zoo.networks import unet

OWN_OPTIONS = {"ddpm": ("variance",), "ddim": ("eta",)}


class Denoiser(ImageModel):
    """Base of models with one network `unet` that tells data from noise.

    A subclass implements `levels` and sets, beside what `ImageModel` asks for:

    Attributes:
        samplers: Names of the samplers that it can use.
        prediction: What its network answers, as `diffusion.interpret` takes it.
        time_scale: Times t are given to the network multiplied by it.
        num_classes, label_dropout, guidance, sampler, steps, ema_decay: Settings.
    """

    networks = ("unet",)
    averaged = ("unet",)
    samplers = ()
    time_scale = 1.0
    outputs = 1  # images that the network answers with

    @property
    def needs_labels(self):
        return bool(self.config["num_classes"])

    @property
    def conditional(self):  # of the class, which may have labels, the property is true
        return self.needs_labels

    def levels(self, steps):
        """Returns the `diffusion.Levels` of `steps` steps."""
        raise TypeError(f"{type(self).__name__} does not define levels.")

    def level_at(self, share):
        """Returns the `diffusion.Levels` of one step, down from a share of the noise
        ladder."""
        raise TypeError(f"{type(self).__name__} does not define level_at.")

    def require_settings(self):
        """Raises ValueError for settings of sampling or size that cannot work."""
        least = {"num_classes": 0, "width": 1, "depth": 1, "patch": 1, "steps": 1}
        self.require_at_least(guidance=0, **least)
        self.require_share("ema_decay", "dropout", "label_dropout")
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

    def build_networks(self, image_shape):
        keys = "width", "mult", "depth", "attention", "patch", "dropout", "num_classes"
        sizes = {key: self.config[key] for key in keys}
        network = unet.build_unet(image_shape, outputs=self.outputs, **sizes)
        return {"unet": network}

    # --- the network ------------------------------------------------------------------

    def ask(self, network, x, t, labels=None, training=False):
        """Returns what `network` answers for x_t `[B, H, W, C]` at times `[B]`; without
        labels `[B]`, for any."""
        x = ops.convert_to_tensor(x)
        inputs = [x, ops.cast(t, "float32") * self.time_scale]
        if self.num_classes:
            none = ops.full(ops.shape(x)[:1], self.num_classes, dtype="int32")
            inputs.append(none if labels is None else ops.cast(labels, "int32"))
        return network(inputs, training=training)

    def ask_guided(self, network, x, t, labels, guidance):
        """Returns null + guidance (label - null) of the answers for no label and for
        `labels`.

        Source: Ho and Salimans 2022, arXiv:2207.12598, equation 6, with guidance = 1 +
        w.
        """
        if labels is None or guidance == 0.0:
            return self.ask(network, x, t)
        if guidance == 1.0:
            return self.ask(network, x, t, labels)
        none = ops.full_like(labels, self.num_classes)
        twice = [ops.concatenate([each, each]) for each in (x, t)]
        both = self.ask(network, *twice, ops.concatenate([none, labels]))
        null, label = ops.split(both, 2)
        guided = null + guidance * (label - null)
        if self.outputs == 1:
            return guided
        # A learned variance, behind the image's channels, is not exaggerated.
        channels = self.image_shape[-1]
        return ops.concatenate([guided[..., :channels], label[..., channels:]], axis=-1)

    def drop_labels(self, labels, rows):
        """Returns int32 labels `[rows]` of which `label_dropout` are "none"; None of a
        model without."""
        if not self.num_classes:
            return None
        is_dropped = self.uniform(rows, ()) < self.label_dropout
        return ops.where(is_dropped, self.num_classes, ops.cast(labels, "int32"))

    def predictor(self, levels, labels=None, ema=True, guidance=1.0):
        """Returns `predict` as `zoo.diffusion` takes it."""
        network = self.averaged_network("unet", ema)
        row = diffusion.table("float32", *levels)

        def predict(x, k):
            t, alpha, sigma = row(k)
            times = ops.full(ops.shape(x)[:1], t)
            output = self.ask_guided(network, x, times, labels, guidance)
            return self.interpret(output, x, alpha, sigma)

        return predict

    def interpret(self, output, x, alpha, sigma):
        """Returns (x_0, eps) as a network's `output` tells them of x_t `x`."""
        return diffusion.interpret(self.prediction, output, x, alpha, sigma, clip=True)

    def call(self, images, training=False):
        levels, x_0 = self.level_at(0.25), ops.cast(images, "float32")
        eps = backend.normal_of_seeds(np.zeros(1, "int64"), self.image_shape)
        x = float(levels.alpha[0]) * x_0 + float(levels.sigma[0]) * eps
        return self.predictor(levels)(x, 0)[0]

    # --- sampling ---------------------------------------------------------------------

    def draw(
        self,
        seeds,
        labels=None,
        ema=True,
        sampler=None,
        steps=None,
        guidance=None,
        eta=None,
        variance=None,
        trajectory=False,
    ):
        """Returns the images of `seeds`; with `trajectory` x_t of all levels, noise
        first, `[B, steps + 1, H, W, C]`. An option of None is the setting."""
        if labels is None and self.conditional:
            labels = self.labels_of(seeds)
        levels = self.levels(self.steps if steps is None else steps)
        x = backend.normal_of_seeds(seeds, self.image_shape)
        descend = self.sampler_of(sampler, eta=eta, variance=variance)
        predict = self.predictor(levels, labels, ema, self.checked_guidance(guidance))
        noise = self.noise_of(seeds)
        if trajectory:
            path = descend(predict, x, levels, noise, trajectory=True)
            return ops.swapaxes(path, 0, 1)
        return ops.clip(descend(predict, x, levels, noise), -1.0, 1.0)

    def restore(
        self,
        seeds,
        images,
        mask,
        labels=None,
        ema=True,
        strength=1.0,
        sampler=None,
        steps=None,
        guidance=None,
        eta=None,
        variance=None,
    ):
        """Returns `images` noised up to a share `strength` of the ladder and brought
        down again, where `mask` `[B, H, W, 1]` is 1; elsewhere they stay."""
        levels = self.levels(self.steps if steps is None else steps)
        levels = levels.below(max(round(strength * (len(levels.t) - 1)), 1))
        descend = self.sampler_of(sampler, eta=eta, variance=variance)
        predict = self.predictor(levels, labels, ema, self.checked_guidance(guidance))
        eps = backend.normal_of_seeds(seeds, self.image_shape)
        row = diffusion.table("float32", levels.alpha, levels.sigma)

        def noised(k):
            alpha, sigma = row(k)
            return alpha * images + sigma * eps

        def keep_known(k, x):
            return mask * x + (1.0 - mask) * noised(k)

        noise = self.noise_of(seeds)
        x = descend(predict, noised(0), levels, noise, after=keep_known)
        return ops.clip(x, -1.0, 1.0)

    def labels_of(self, seeds):
        """Returns a label, int32 `[B]`, drawn from each of `seeds`: each class is as
        likely to have the largest number."""
        vote = backend.normal_of_seeds(seeds, (self.num_classes,), 2**31 - 1)
        return ops.argmax(vote, axis=1)

    def noise_of(self, seeds):
        """Returns k -> the noise `[B, H, W, C]` of step k, a row of its seed alone."""
        return lambda k: backend.normal_of_seeds(seeds, self.image_shape, k + 1)

    def sampler_of(self, name, **own):
        """Returns the sampler `name` (of the settings if None) with those of its own
        options `own` that are not None."""
        name = name or self.sampler
        if name not in self.samplers:
            raise ValueError(
                f"{self.name!r} samples by {', '.join(self.samplers)}. "
                f"Received: sampler={name!r}."
            )
        given = {key: value for key, value in own.items() if value is not None}
        for key, value in given.items():
            if key not in OWN_OPTIONS.get(name, ()):
                takers = [n for n in self.samplers if key in OWN_OPTIONS.get(n, ())]
                raise ValueError(
                    f"{key} is an option of {' and '.join(takers) or 'other models'}. "
                    f"Received: {key}={value!r} with sampler={name!r}."
                )
        return functools.partial(diffusion.SAMPLERS[name], **given)

    def checked_guidance(self, guidance):
        """Returns the guidance as a float, the setting's if None."""
        if guidance is not None and not self.num_classes:
            raise ValueError(
                f"{self.name!r} was built without labels (num_classes=0): nothing can "
                f"guide it. Received: guidance={guidance}."
            )
        value = self.guidance if guidance is None else guidance
        if value < 0:
            raise ValueError(f"guidance is at least 0. Received: {guidance}.")
        return float(value)

    # --- images in, images out --------------------------------------------------------

    def inpaint(
        self,
        images,
        mask,
        seed=None,
        labels=None,
        ema=True,
        batch_size=250,
        **options,
    ):
        """Returns `images` with masked pixels made anew, float32 `[N, H, W, C]`.

        The known pixels, noised to each level, take their place after each step.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
            mask: `[H, W]`, `[N, H, W]` or `[N, H, W, 1]`: nonzero where pixels are to
                be made, as in OpenCV and scikit-image.
            seed, ema, batch_size: As in `sample`.
            labels: Int `[N]` of a conditional model; without them, of no label.
            **options: `sampler`, `steps`, `guidance` and so on, as in `sample`.
        Source: Lugmayr et al. 2022 (RePaint), arXiv:2201.09865, algorithm 1.
            Departures: no resampling; the known pixels are noised by one noise all the
            way.
        """
        images = self.ready("inpaint", images)
        mask = check_mask(mask, images.shape)
        rows = images, mask
        return self._restore(rows, seed, labels, ema, batch_size, options)

    def variations(
        self,
        images,
        strength=0.5,
        seed=None,
        labels=None,
        ema=True,
        batch_size=250,
        **options,
    ):
        """Returns images like `images`, float32 `[N, H, W, C]`.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
            strength: Share of the noise ladder that they climb, in (0, 1]: at 1 nothing
                of them is left.
            seed, ema, batch_size: As in `sample`.
            labels: Int `[N]` of a conditional model; without them, of no label.
            **options: `sampler`, `steps`, `guidance` and so on, as in `sample`.
        Source: Meng et al. 2021 (SDEdit), arXiv:2108.01073, algorithm 1.
        """
        images = self.ready("vary", images)
        if not 0 < strength <= 1:
            raise ValueError(f"strength lies in (0, 1]. Received: {strength!r}.")
        rows = images, np.ones((len(images), 1, 1, 1), "float32")
        options["strength"] = float(strength)
        return self._restore(rows, seed, labels, ema, batch_size, options)

    def _restore(self, rows, seed, labels, ema, batch_size, options):
        self.require_options("restore", options)
        seeds = seeds_from(seed, len(rows[0]))
        rows = (seeds, *rows)
        rows += () if labels is None else (self._labels(labels, len(seeds)),)
        return self.in_batches("restore", batch_size, *rows, ema=bool(ema), **options)


def check_mask(mask, shape):
    """Returns `mask` as float32 `[N, H, W, 1]` of 0 and 1 for images of `shape`.

    Raises: ValueError: if it has another shape.
    """
    given = np.asarray(mask)
    mask = given[None] if given.ndim == 2 else given
    mask = mask[..., None] if mask.ndim == 3 else mask
    count = shape[0] if given.ndim == 2 else len(mask)
    if (count, *mask.shape[1:]) != (*shape[:3], 1):
        raise ValueError(
            f"A mask for these images has the shape {list(shape[1:3])} or "
            f"{list(shape[:3])}. Received: {list(given.shape)}."
        )
    return np.broadcast_to(mask != 0, (*shape[:3], 1)).astype("float32")
