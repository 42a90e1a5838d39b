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

import importlib
import pathlib
from typing import TYPE_CHECKING

from zoo.core import registration, registry
from zoo.core.describe import describe
from zoo.core.registry import names
from zoo.version import VERSION

if TYPE_CHECKING:  # for editors: what `__getattr__` hands out
    from zoo import data, metrics
    from zoo.core import latents, schedules
    from zoo.core.saving import load
    from zoo.drawing.showing import show
    from zoo.pretrained.presets import presets
    from zoo.runs import strategies
    from zoo.serving import export

__version__ = VERSION
__all__ = [
    "data",
    "describe",
    "export",
    "get",
    "latents",
    "load",
    "metrics",
    "names",
    "presets",
    "schedules",
    "show",
    "strategies",
]

_FOLDER = pathlib.Path(__file__).parent
# Keras and its backend take seconds to import, so what needs them is imported when it
# is asked for: the rooms, and these, each from its module.
_ROOMS = {file.parent.name for file in _FOLDER.glob("*/__init__.py")}
_MODULES = {
    "export": "zoo.serving",
    "latents": "zoo.core.latents",
    "load": "zoo.core.saving",
    "presets": "zoo.pretrained.presets",
    "schedules": "zoo.core.schedules",
    "show": "zoo.drawing.showing",
    "strategies": "zoo.runs.strategies",
}

registry.announce(
    {
        file.stem: f"zoo.models.{file.stem}"
        for file in _FOLDER.glob("models/*.py")
        if not file.stem.startswith("_")
    }
)
registration.announce()


def get(name, image_shape=None, weights=None, **config):
    """Returns the model called `name`, compiled with its paper's optimizers.

    Args:
        name: One of `zoo.names()`.
        image_shape: (H, W, C) builds the networks at once; otherwise the first data do.
        weights: Name of trained weights, such as "fashion_mnist": `zoo.presets()` lists
            them. What the model is trained on next may be of another size: layers
            that do not fit begin anew and are named in the log.
        **config: The model's settings; `zoo.describe(name)` lists them.
    Raises: ValueError: for an unknown name or setting, with the nearest right one.
    """
    registry.require(name)
    if weights is not None:
        from zoo.pretrained import presets

        return presets.get(name, weights, image_shape, config)
    from zoo.core import saving  # slow: a name that is wrong need not wait for it

    model = registry.find(name)(**saving.with_parts(registry.find(name), config))
    model.compile()
    if image_shape is not None:
        model.build(image_shape)
    return model


def __getattr__(name):
    """Imports a room, or what else the front door hands out, when it is asked for."""
    if name in _ROOMS:
        return importlib.import_module(f"zoo.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    module = importlib.import_module(_MODULES[name])
    globals()[name] = getattr(module, name, module)
    return globals()[name]


def __dir__():
    return sorted(globals().keys() | _ROOMS | _MODULES.keys())
