"""A trained model goes on with pictures of another size, or with other classes."""

from typing import Any

import keras
import numpy as np

from zoo import backend
from zoo.core import lending
from zoo.inputs import classes
from zoo.inputs.feeds import Feed
from zoo.inputs.tensors import Data


def adapt(model: keras.Model, feed: Feed, data: Data) -> None:
    """Makes `model`, which `adapts`, one of the sizes and classes of its first data.

    Layers of another size begin anew and are named in the log. The optimizers are
    those that it was compiled with, at their first step.

    Args:
        feed: The `Feed` of `data`, which `fit` was given.
    Raises: ValueError: if the model cannot be of these sizes, or no layer fits.
    """
    shape, names = feed.shapes[model.makes], getattr(data, "class_names", None)
    source = feed.shapes.get("source") if "source" in model.takes else None
    changes = _classes(model, feed, names)
    if shape != model.image_shape or source not in (None, model.source_shape):
        changes["image_shape"] = shape
    if not changes:
        lending.tell(model.untaught)
        model.adapts, model.untaught = False, ()
    else:
        shape = changes.pop("image_shape", shape)
        _become(model, _resized(model, shape, source, changes))
    model.class_names = (
        classes.names_of(data, model.config.get("num_classes")) or model.class_names
    )


def _classes(model, feed, names):
    """{"num_classes": count} if the data tell of another number than the model has:
    by the names of their classes, or by a label that is too large."""
    known, labels = model.config.get("num_classes"), feed.first.get("label")
    if known is None or labels is None:
        return {}
    count = known if names is None else len(names)
    if names is None and feed.is_arrays and labels.dtype.kind in "iu":
        count = max(known, int(np.max(labels)) + 1)
    return {} if count == known else {"num_classes": count}


def _resized(model, shape, source, changes):
    """A model of other sizes with those layers of `model` that fit."""
    lent = lending.weights(model)
    with backend.scope(model):
        other = type(model)(**model.config | changes)
        if model.compiled:
            other.compile_from_config(model.get_compile_config())
            other.steps_per_execution = model.steps_per_execution
        other.build(shape, source)
    lending.tell(lending.take(other, lent))
    return other


def _become(model: Any, other: Any) -> None:
    """Makes `model` the model `other`: whoever holds the one holds both. All that the
    constructor derives from settings is then that of the new ones."""
    object.__setattr__(model, "__dict__", other.__dict__)
