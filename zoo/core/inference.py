"""What users call on a trained model: samples, codes, reconstructions, as arrays."""

import functools
import inspect

import numpy as np
from keras import ops

from zoo import backend, inputs
from zoo.core import latents, registry
from zoo.core.capabilities import Capable
from zoo.inputs import pixels, suggestions

PLAIN = (str, int, float, np.generic, type(None))  # one value, not one an image


class Inference(Capable):
    """The part of `ImageModel` that answers questions.

    A model implements the tensor methods `draw`, `to_latent` and `to_images` as far as
    its paper has them; what users call checks, cuts into batches, compiles, converts.
    """

    nll_unit = "nats"  # of `nll`, an image; or "bits per dimension"

    def noise(self, seeds):
        """Returns z `[B, latent_dim]` of N(0, 1), the prior of `draw`, row by row of
        int64 `seeds` `[B]`."""
        return backend.normal_of_seeds(seeds, (self.config["latent_dim"],))

    def features(self, images):
        """Returns penultimate features, float32 `[N, D]`, of `images` `[N, H, W,
        C]`."""
        return self.in_batches("to_features", 250, self.ready("classify", images))

    def to_features(self, images):
        """Returns penultimate features `[B, D]` of float images."""
        return self.to_classes(images)[1]

    def sample(
        self,
        num_images,
        labels=None,
        seed=None,
        ema=True,
        batch_size=250,
        **options,
    ):
        """Returns new images, float32 `[num_images, H, W, C]` in [-1, 1].

        Args:
            num_images: How many.
            labels: Int `[num_images]`, one a class, of a conditional model; without
                them, label i is drawn from `seed + i`.
            seed: Image i is the image of `seed + i`, whatever the batch; fresh if None.
            ema: Whether to use the averaged network where the model has one.
            batch_size: Images computed at a time.
            **options: As the model's `draw` takes them.
        """
        self.require("sample")
        self.require_options("draw", options)
        inputs.check_integer("The number of images", num_images, 1)
        inputs.check_integer("batch_size", batch_size, 1)
        rows = [seeds_from(seed, num_images)]
        if labels is not None:
            rows.append(self._labels(labels, num_images))
        return self.in_batches("draw", batch_size, *rows, ema=bool(ema), **options)

    def _labels(self, labels, count):
        """Returns the labels that images are asked for, int32 `[count]`, checked."""
        if not self.conditional:
            able = [n for n in registry.names() if registry.find(n).conditional]
            raise ValueError(
                f"{self.name!r} takes no labels: it is not conditional. "
                f"Models that are: {', '.join(able)}."
            )
        labels = inputs.to_labels(labels)
        inputs.check_labels(labels, count, self.config["num_classes"])
        return labels.astype("int32")

    def require_options(self, method, options):
        """Raises ValueError unless the tensor method `method` takes all `options`, each
        one value: a graph is compiled for it."""
        taken = list(inspect.signature(getattr(self, method)).parameters)
        taken = taken[taken.index("ema") + 1 :]
        for key, value in options.items():
            if key not in taken:
                having = f"Options: {', '.join(taken)}. " if taken else ""
                raise ValueError(
                    f"{self.name!r} has no such option"
                    f"{suggestions.nearest(key, taken)}. {having}Received: {key!r}."
                )
            if not isinstance(value, PLAIN):
                raise ValueError(
                    f"{key} is one number or text for all images. "
                    f"Received: {key} as a {type(value).__name__}."
                )

    def encode(self, images, sample=False, seed=None):
        """Returns latents, float32 `[N, D]`: the mean, or with `sample` a draw of
        q(z|x).

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
            seed: Of the draw; image i uses `seed + i`.
        """
        images = self.ready("encode", images)
        seeds = (seeds_from(seed, len(images)),) if sample else ()
        return self.in_batches("to_latent", 250, images, *seeds)

    def prior(self, num_latents, seed=None):
        """Returns latents of the prior, float32 `[num_latents, D]`: those whose images
        `sample` of the same seed returns."""
        self.require("sample", "decode")
        inputs.check_integer("The number of latents", num_latents, 1)
        return self.in_batches("noise", 250, seeds_from(seed, num_latents))

    def decode(self, z):
        """Returns the images, float32 `[N, H, W, C]`, of latents `[N, D]`."""
        self.require("decode")
        z = inputs.to_latents(z, self.config["latent_dim"])
        return self.in_batches("to_images", 250, z)

    def reconstruct(self, images):
        """Returns what the model makes of `images` `[N, H, W, C]`:
        decode(encode(.))."""
        return self.decode(self.encode(self.ready("reconstruct", images)))

    def interpolate(self, a, b, steps=8, path="linear"):
        """Returns images on the way between the latents of `a` and `b`.

        Args:
            a, b: Images `[H, W, C]` or `[N, H, W, C]`, as `encode` takes them.
            steps: Images a line, both ends included; at least 2.
            path: "linear", or "spherical" for an arc about the origin.
        Returns: float32 `[steps, H, W, C]` or `[N, steps, H, W, C]`.
        """
        self.require("interpolate")
        inputs.check_integer("steps", steps, 2)
        if path not in latents.PATHS:
            raise ValueError(
                f"A path is {' or '.join(latents.PATHS)}. Received: path={path!r}."
            )
        a, b = inputs.to_array(a), inputs.to_array(b)
        if a.shape != b.shape or a.ndim not in (3, 4):
            raise ValueError(
                "Interpolation takes two images, or two batches, of one shape. "
                f"Received: {list(a.shape)} and {list(b.shape)}."
            )
        z_a, z_b = (self.encode(x if x.ndim == 4 else x[None]) for x in (a, b))
        z = latents.PATHS[path](z_a, z_b, steps)
        images = self.decode(z.reshape(-1, z.shape[-1]))
        return images.reshape(*a.shape[:-3], steps, *self.image_shape)

    def ready(self, capability, images):
        """Returns `images` as float32, after checking that the model can."""
        self.require(capability)
        images = inputs.to_array(images)
        inputs.check_images(images, self.image_shape)
        return pixels.to_float(images)

    def in_batches(self, method, batch_size, *arrays, **options):
        """Returns the NumPy result of the tensor method `method` on all rows of
        `arrays`."""
        graph, parts = self.graph(method, **options), []
        for start in range(0, len(arrays[0]), batch_size):
            rows = (backend.tensor(a[start : start + batch_size]) for a in arrays)
            parts.append(ops.convert_to_numpy(graph(*rows)))
        return np.concatenate(parts).astype("float32")

    def graph(self, method, **options):
        """Returns the tensor method `method`, compiled once for each choice of
        `options`."""
        key = (method, *sorted(options.items()))
        if key not in self._graphs:
            function = functools.partial(getattr(self, method), **options)
            self._graphs[key] = backend.compiled(function, self.variables)
        return self._graphs[key]

    @functools.cached_property
    def _graphs(self):
        return {}


def seeds_from(seed, count):
    """Returns int64 `[count]`: seed, seed + 1, ...; a fresh start if `seed` is None."""
    if seed is None:
        seed = int(np.random.randint(2**31))
    inputs.check_integer("A seed", seed, 0, 2**62)  # so that no sum overflows int64
    return np.arange(int(seed), int(seed) + count, dtype="int64")
