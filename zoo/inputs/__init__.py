"""What comes in: the fields of a batch, their range, their checks.

`feeds` and `grouping`, which need Keras, are modules that are imported on their own:
words are checked before that.
"""

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

__all__ = ["SLACK", "Layout", "check_images", "check_integer", "check_labels"]
__all__ += ["clip_shape_of", "image_shape_of"]
__all__ += ["to_array", "to_labels", "to_latents", "to_texts"]
