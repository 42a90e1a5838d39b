"""Throw-away models that prove the base wide enough: a kind of example each.

`registered()` enters them into the zoo for the time of a test.
"""

import contextlib
import math

import keras
import numpy as np
import tiny
from keras import layers, ops

from zoo import backend
from zoo.core import registry
from zoo.core.model import ImageModel
from zoo.core.parts import Part
from zoo.inputs import words


def dense(name, shape, target, units=6):
    """Returns the network `[B, *shape]` -> `[B, *target]`."""
    x = inputs = layers.Input(shape)
    x = layers.Dense(units, "tanh")(layers.Flatten()(x))
    x = layers.Dense(math.prod(target), "tanh")(x)
    return keras.Model(inputs, layers.Reshape(target)(x), name=name)


def squared(a, b):
    """Returns the mean squared error of each row, `[B]`."""
    return ops.mean(ops.square(a - b), axis=tuple(range(1, len(a.shape))))


class Throwaway(ImageModel):
    """Base of the throw-away models: all networks descend one loss by Adam."""

    terms = ("error",)
    shares_loss = True
    paper = "none"

    def default_optimizers(self):
        return {name: keras.optimizers.Adam(1e-2) for name in self.networks}

    def train_step(self, data):
        fields = self.unpack(data)
        return self.track(self.update(self.objective, *fields), fields[0])

    def losses(self, error):
        return dict.fromkeys(self.networks, ops.mean(error)), {"error": error}


class Painter(Throwaway):
    """Turns a small source into an image of another size and colour."""

    networks = ("painter",)
    takes = ("source", "image")

    def __init__(self, units: int = 6):
        super().__init__()

    def build_networks(self, image_shape):
        units = self.config["units"]
        return {"painter": dense("painter", self.source_shape, image_shape, units)}

    def objective(self, source, images, training=True):
        return self.losses(squared(self.painter(source, training=training), images))

    def to_target(self, sources, seeds, back=False, labels=None, ema=True, noise=0.0):
        each = backend.normal_of_seeds(seeds, self.image_shape)
        return self.painter(sources, training=False) + noise * each

    def call(self, source, training=False):
        return self.painter(source, training=training)


class Domains(Throwaway):
    """Has two domains without pairs, and a pool of the last images that it made."""

    networks = ("there", "home")
    takes = ("source", "image")
    is_paired = False
    goes_back = True

    def __init__(self):
        super().__init__()

    def build_networks(self, image_shape):
        self.pool = self.state("pool", (6, *image_shape))
        self.count = self.state("count", (), "int32")
        there = dense("there", self.source_shape, image_shape)
        return {"there": there, "home": dense("home", image_shape, self.source_shape)}

    def objective(self, source, images, training=True):
        around = squared(self.home(self.there(source)), source)
        return self.losses(around + squared(self.there(self.home(images)), images))

    def train_step(self, data):
        source, images = self.unpack(data)
        terms = self.update(self.objective, source, images)
        targets = backend.all_rows(self.there(source, training=False))
        self.count.assign(self.count + ops.shape(targets)[0])
        self.pool.assign(ops.concatenate([targets, self.pool])[:6])
        return self.track(terms, source)

    def to_target(self, sources, seeds, back=False, labels=None, ema=True):
        return (self.home if back else self.there)(sources, training=False)

    def call(self, source, training=False):
        return self.there(source, training=training)


class Captioned(Throwaway):
    """Turns a caption into an image."""

    networks = ("drawer",)
    takes = ("image", "caption")

    def __init__(self, max_tokens: int = 8, vocabulary: tuple[str, ...] = ()):
        super().__init__()

    def build_networks(self, image_shape):
        tokens = layers.Input((self.config["max_tokens"],), dtype="int32")
        count = words.WORDS + len(self.config["vocabulary"])
        x = layers.Flatten()(layers.Embedding(count, 3)(tokens))
        x = layers.Dense(math.prod(image_shape), "tanh")(x)
        x = layers.Reshape(image_shape)(x)
        return {"drawer": keras.Model(tokens, x, name="drawer")}

    def objective(self, images, tokens, training=True):
        return self.losses(squared(self.drawer(tokens, training=training), images))

    def draw(self, seeds, labels=None, captions=None, ema=True):
        noise = backend.normal_of_seeds(seeds, self.image_shape)
        if captions is None:
            captions = ops.zeros_like(noise[:, 0, : self.config["max_tokens"], 0])
        return self.drawer(ops.cast(captions, "int32")) + 0.0 * noise

    def call(self, images, training=False):
        return images


class Clips(Throwaway):
    """Predicts each frame from the one before. It learns from batches of any number of
    clips, all as long as the first ones."""

    networks = ("mover",)
    takes = ("clip", "label")
    makes = "clip"

    def __init__(self, num_classes: int = 4):
        super().__init__()

    def build_networks(self, image_shape):
        return {"mover": dense("mover", image_shape[1:], image_shape[1:])}

    def objective(self, clips, labels=None, training=True):
        return self.losses(squared(self.following(clips[:, :-1]), clips[:, 1:]))

    def following(self, frames):
        """Returns the frame that follows each of `frames` `[B, t, H, W, C]`."""
        flat = ops.reshape(frames, (-1, *self.image_shape[1:]))
        return ops.reshape(self.mover(flat), ops.shape(frames))

    def to_future(self, past, seeds, frames, labels=None, ema=True):
        last, future = past[:, -1:], []
        for _ in range(frames):
            last = self.following(last)
            future.append(last)
        return ops.concatenate(future, axis=1)

    def to_between(self, first, last, times, ema=True):
        return ops.stack([(1 - t) * first + t * last for t in times], axis=1)

    def call(self, clips, training=False):
        return self.following(clips)


class Latents(Throwaway):
    """Generates codes of a trained autoencoder, which is a part of it."""

    networks = ("generator",)

    def __init__(self, autoencoder: Part):
        super().__init__()

    def build_networks(self, image_shape):
        shape = (self.autoencoder.config["latent_dim"],)
        return {"generator": dense("generator", shape, shape)}

    def objective(self, images, labels=None, training=True):
        z = self.autoencoder.to_latent(images)
        noise = self.normal(ops.shape(z)[0], z.shape[1:])
        return self.losses(squared(self.generator(noise), z))

    def draw(self, seeds, labels=None, ema=True):
        noise = backend.normal_of_seeds(seeds, self.generator.input_shape[1:])
        return self.autoencoder.to_images(self.generator(noise))

    def call(self, images, training=False):
        return self.autoencoder(images)


MODELS = {
    "painter": Painter,
    "domains": Domains,
    "captioned": Captioned,
    "clips": Clips,
    "latents": Latents,
}


@contextlib.contextmanager
def registered():
    """Within this context, the zoo knows the throw-away models by name."""
    for name, cls in MODELS.items():
        registry.register(name)(cls)
    try:
        yield
    finally:
        for name in MODELS:
            registry._CLASSES.pop(name)


CAPTIONS = ["a red circle", "a blue square", "ein Käse", "丸い花", "a red square"]


def settings(name):
    """Returns the settings of the throw-away model `name`."""
    return {"autoencoder": tiny.model("ae")} if name == "latents" else {}


def fields(name, count=12):
    """Returns the arrays {field: `[count, ...]`} that the model `name` learns from."""
    images = tiny.images(count)
    if name in ("painter", "domains"):
        return {"source": tiny.images(count, (10, 8, 3), seed=1), "image": images}
    if name == "captioned":
        captions = np.array([CAPTIONS[i % 5] for i in range(count)], object)
        return {"image": images, "caption": captions}
    if name == "clips":
        clips = tiny.images(count, (4, 8, 8, 1))
        return {"clip": clips, "label": tiny.labels(count)}
    return {"image": images, "label": tiny.labels(count)}


def model(name, **shapes):
    """Returns the throw-away model `name`, compiled, the same each time."""
    keras.utils.set_random_seed(1)
    instance = MODELS[name](**settings(name))
    instance.compile()
    return instance
