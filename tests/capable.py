"""Throw-away models that can do one thing only: rooms must take them as they are."""

import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo import backend
from zoo.core import registry
from zoo.core.model import ImageModel


class One(ImageModel):
    """A network of one layer that learns to be zero."""

    networks = ("layer",)
    terms = ("size",)
    paper = "none"

    def __init__(self, units: int = 3):
        self.units = units
        super().__init__()

    def default_optimizers(self):
        return {"layer": keras.optimizers.SGD()}

    def objective(self, images, labels=None, training=True):
        size = keras.ops.mean(keras.ops.square(self.layer(self.flat(images))))
        return {"layer": size}, {"size": size}

    def train_step(self, data):
        images, labels = self.unpack(data)
        return self.track(self.update(self.objective, images, labels), images)

    def flat(self, images):
        return keras.ops.reshape(images, (-1, int(np.prod(self.image_shape))))

    def call(self, images, training=False):
        return self.layer(self.flat(images))


def dense(inputs, units):
    z = keras.Input((inputs,))
    return keras.Model(z, keras.layers.Dense(units, activation="tanh")(z))


class Sampler(One):
    """Can do nothing but `sample`."""

    def build_networks(self, image_shape):
        return {"layer": dense(self.units, int(np.prod(image_shape)))}

    def flat(self, images):
        return keras.ops.zeros((keras.ops.shape(images)[0], self.units))

    def draw(self, seeds, labels=None, ema=True):
        z = backend.normal_of_seeds(seeds, (self.units,))
        return keras.ops.reshape(self.layer(z), (-1, *self.image_shape))


class Encoder(One):
    """Can do nothing but `encode`."""

    def build_networks(self, image_shape):
        return {"layer": dense(int(np.prod(image_shape)), self.units)}

    def to_latent(self, images, seeds=None):
        return self.layer(self.flat(images))


ONLY = {"only_sample": Sampler, "only_encode": Encoder}


@pytest.fixture
def only(monkeypatch):
    """only(name, image_shape) -> a built model of `ONLY`, whose names are registered
    for the length of a test."""
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    for name, cls in ONLY.items():
        registry.register(name)(cls)
        monkeypatch.setitem(tiny.CONFIGS, name, {})

    def build(name, image_shape=(8, 8, 1)):
        return zoo.get(name, image_shape=image_shape)

    return build
