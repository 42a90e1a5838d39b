"""What models take: the fields of a batch, their range, and their checks.

`feeds` and `grouping` need Keras. They are not imported here, so that a verb can check
its flags before Keras is loaded.
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
from zoo.inputs.shapes import clip_shape_of, image_shape_of, source_shape_of

__all__ = ["SLACK", "Layout", "check_images", "check_integer", "check_labels"]
__all__ += ["clip_shape_of", "image_shape_of", "source_shape_of"]
__all__ += ["to_array", "to_labels", "to_latents", "to_texts"]
