"""The fields of a data set: what a row of each is, and which of them a batch holds.

image    uint8 `[N, H, W, C]`, C 1 or 3
label    int32 `[N]`, from 0
source   uint8 `[N, h, w, c]`, the image that `image` is made from, of its own size
caption  texts that describe a row: objects `[N]`, each a tuple of one text or more
clip     uint8 `[N, T, H, W, C]`, T frames
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data import arguments
from zoo.inputs import suggestions

NAMES = ("image", "label", "source", "caption", "clip")
PICTURES = ("image", "source", "clip")  # uint8 pixels, which can be mirrored
MIN_FRAMES, MAX_FRAMES = 2, 128  # of a clip

Shape = Any  # of a row, a tuple; None for captions
Shapes = Mapping[str, Shape]


def main(names: Iterable[str]) -> str:
    """Returns the field that a model of the set makes: image, or else clip."""
    return "image" if "image" in names else "clip"


def checked_shape(name: str, field: str, shape: Shape) -> Shape:
    """Returns the shape of a field's row; ValueError if no model can take it."""
    if field not in PICTURES:
        return shape
    if field != "clip":
        return arguments.image_shape(name, shape)
    frames, *image = shape
    if not (isinstance(frames, int) and MIN_FRAMES <= frames <= MAX_FRAMES):
        raise ValueError(
            f"A clip has {MIN_FRAMES} to {MAX_FRAMES} frames. "
            f"Received: clips of {frames} from {name!r}."
        )
    return frames, *arguments.image_shape(name, tuple(image))


def chosen(
    name: str, shapes: Shapes, fields: Sequence[str] | None, labels: bool
) -> tuple[str, ...]:
    """Returns the names of the fields that a batch shall hold, in their order.

    Args:
        name: Of the data set.
        shapes: The fields that it has.
        fields: Names in the order wanted, as a model's `takes`, or None for the image
            (or clip) and the label. A label that the set lacks is left out.
        labels: False to leave out the label.

    Raises: ValueError: if the set lacks another field, or none is left.
    """
    if isinstance(fields, str):
        fields = (fields,)
    wanted = (main(shapes), "label") if fields is None else tuple(fields)
    for field in wanted:
        if field not in NAMES:
            raise ValueError(
                f"Unknown field{suggestions.nearest(field, NAMES)}; fields are "
                f"{', '.join(NAMES)}. Received: fields={fields!r}."
            )
        if field not in shapes and field != "label":
            raise ValueError(
                f"{name!r} has no {field}; its fields are {', '.join(shapes)}. "
                f"Received: fields={fields!r}."
            )
    wanted = tuple(f for f in wanted if f in shapes and (labels or f != "label"))
    if not wanted or len(set(wanted)) < len(wanted):
        raise ValueError(
            "fields must be different and at least one; those of "
            f"{name!r} are {', '.join(shapes)}. Received: fields={fields!r}."
        )
    return wanted


def paired(name: str, columns: Mapping, domains: tuple[str, ...]) -> dict:
    """Returns the columns of a split, captions as tuples of texts.

    Args:
        name: Of the data set.
        columns: `{field: array}`.
        domains: The fields that have a number of rows of their own.

    Raises: ValueError: if fields that belong together differ in their number of rows.
    """
    counts = {f: len(column) for f, column in columns.items() if f not in domains[1:]}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{count} of {field}" for field, count in counts.items())
        raise ValueError(
            f"The fields of a set agree in their number of rows. Received: {listed} "
            f"from {name!r}."
        )
    columns = dict(columns)
    if "caption" in columns:
        columns["caption"] = captions(name, columns["caption"])
    return columns


def captions(name: str, rows: Iterable) -> np.ndarray:
    """Returns captions as objects `[N]`, each a tuple of one text or more.

    Args:
        name: Of the data set.
        rows: A text a row, or a list of texts a row.

    Raises: ValueError: if a row has no text, or what is no text.
    """
    texts = [(row,) if isinstance(row, str) else tuple(row) for row in rows]
    for number, row in enumerate(texts):
        if not row or not all(map(_is_text, row)):
            raise ValueError(
                "Each row needs one caption or more, of text that UTF-8 can hold. "
                f"Received: {row!r} in row {number} of {name!r}."
            )
    column = np.empty(len(texts), dtype=object)
    column[:] = texts
    return column


def _is_text(value) -> bool:
    """Whether a value is text; half a surrogate pair, for one, is none."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def mirrored(values: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Returns images or clips, `[B, ..., W, C]`, the `turned` ones left to right."""
    values[turned] = values[turned][..., ::-1, :]
    return values
