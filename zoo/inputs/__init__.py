"""What comes in: the fields of a batch, their range, their checks."""

from typing import TYPE_CHECKING

from zoo.inputs.checks import (
    SLACK,
    check_images,
    check_integer,
    check_labels,
    to_array,
    to_labels,
    to_latents,
    to_texts,
)
from zoo.inputs.fields import Layout
from zoo.inputs.shapes import clip_shape_of, image_shape_of

if TYPE_CHECKING:
    from zoo.inputs.feeds import first_batch, look, shape_of

__all__ = ["SLACK", "Layout", "check_images", "check_integer", "check_labels"]
__all__ += ["clip_shape_of", "first_batch", "image_shape_of", "look", "shape_of"]
__all__ += ["to_array", "to_labels", "to_latents", "to_texts"]


def __getattr__(name):
    """Imports `feeds` when it is asked for: it needs Keras, which takes seconds, and
    words are checked before that."""
    if name in ("first_batch", "look", "shape_of"):
        from zoo.inputs import feeds

        return getattr(feeds, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
