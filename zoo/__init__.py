"""zoo: the models that make (and tell) images, behind one front door.

import zoo
model = zoo.get("vaegan")
model.fit(zoo.data.load("fashion_mnist"))
images = model.sample(16, seed=0)
"""

import os

# TensorFlow takes oneDNN's kernels by itself only where the processor has AVX-512, but
# they are the faster ones on others too: docs/speed.md. It asks when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import zoo.models  # noqa: F401 (each file of it registers itself)
from zoo import data
from zoo.core import registry, saving, schedules
from zoo.core.describe import describe
from zoo.core.saving import load
from zoo.serving import export
from zoo.version import VERSION

__version__ = VERSION
# A file whose optimizer has a schedule is loaded by the class that registers there.
__all__ = ["data", "describe", "export", "get", "load", "names", "schedules"]

names = registry.names


def get(name, image_shape=None, weights=None, **config):
    """Returns the model called `name`, compiled with its paper's optimizers.

    Args:
        name: One of `zoo.names()`.
        image_shape: (H, W, C) builds the networks at once; otherwise the first data do.
        weights: Reserved for trained weights by name; none are shipped yet.
        **config: The model's settings; `zoo.describe(name)` lists them.
    Raises: ValueError: for an unknown name or setting, with the nearest right one.
    """
    cls = registry.find(name)
    if weights is not None:
        raise ValueError(
            "zoo.get has no trained weights yet; zoo.load reads your own files. "
            f"Received: weights={weights!r}."
        )
    model = cls(**saving.with_parts(cls, config))
    model.compile()
    if image_shape is not None:
        model.build(image_shape)
    return model
