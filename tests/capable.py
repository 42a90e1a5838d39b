"""Throw-away models that can do one thing only; every room must accept them."""

import pytest
import throwaway
import tiny
from keras import ops

import zoo
from zoo import backend
from zoo.core import registry

UNITS = 3


class Sampler(throwaway.Throwaway):
    """Can only `sample`; its loss has no meaning."""

    networks = ("generator",)

    def build_networks(self, image_shape):
        return {"generator": throwaway.dense("generator", (UNITS,), image_shape)}

    def objective(self, images, labels=None, training=True):
        return self.losses(throwaway.squared(self(images), images))

    def call(self, images, training=False):
        return self.generator(
            ops.reshape(images, (ops.shape(images)[0], -1))[:, :UNITS]
        )

    def draw(self, seeds, labels=None, ema=True):
        return self.generator(backend.normal_of_seeds(seeds, (UNITS,)))


class Encoder(throwaway.Throwaway):
    """Can only `encode`; it learns to answer 0."""

    networks = ("encoder",)

    def build_networks(self, image_shape):
        return {"encoder": throwaway.dense("encoder", image_shape, (UNITS,))}

    def objective(self, images, labels=None, training=True):
        return self.losses(ops.square(self(images)))

    def call(self, images, training=False):
        return self.encoder(images)

    def to_latent(self, images, seeds=None):
        return self.encoder(images)


ONLY = {"only_sample": Sampler, "only_encode": Encoder}


@pytest.fixture
def only(monkeypatch):
    """Returns only(name, image_shape), which builds a model of `ONLY`; its names are
    registered during one test."""
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    for name, cls in ONLY.items():
        registry.register(name)(cls)
        monkeypatch.setitem(tiny.CONFIGS, name, {})

    def build(name, image_shape=(8, 8, 1)):
        return zoo.get(name, image_shape=image_shape)

    return build
