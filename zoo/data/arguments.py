"""Checks the arguments of the data room before anything is read, and refuses wrong ones
in a sentence each."""

import numbers
import os
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from zoo.inputs import suggestions

PARTS = ("train", "validation", "test")  # each row of a set is in one of them
BOTH = "train+validation"
SPLITS = ("train", "validation", BOTH, "test")
MIN_SIZE, MAX_SIZE = 8, 512  # pixels: the sizes that every model of the zoo accepts

# What users write: the side of a square or (height, width); numbers or names of
# classes, or one of them; a folder. None is what `zoo.data.open` says.
Size: TypeAlias = int | Sequence[int] | None
Classes: TypeAlias = str | int | Iterable[str | int] | None
Place: TypeAlias = str | os.PathLike | None


def whole(name: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Returns `value` as int; ValueError unless it is whole and within the bounds."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        number = int(value)
        if minimum <= number and (maximum is None or number <= maximum):
            return number
    bound = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
    raise ValueError(
        f"{name} must be a whole number, {bound}. Received: {name}={value!r}."
    )


def split(value: str) -> str:
    """Returns the name of a split; ValueError names them."""
    if value in SPLITS:
        return value
    raise ValueError(
        f"Unknown split{suggestions.nearest(value, SPLITS)}; splits are "
        f"{', '.join(SPLITS)}. Received: split={value!r}."
    )


def image_size(value: Size) -> tuple[int, int] | None:
    """Returns (height, width) in pixels, or None for "as stored"; ValueError if of no
    use. One number is the side of a square."""
    if value is None:
        return None
    sides = value if isinstance(value, (tuple, list)) else (value, value)
    if len(sides) != 2:
        raise ValueError(
            "image_size is the side of a square, or (height, width). "
            f"Received: image_size={value!r}."
        )
    height, width = (whole("image_size", each, MIN_SIZE, MAX_SIZE) for each in sides)
    return height, width


def parsed_size(text: str | None) -> int | list[int] | None:
    """Returns what --image_size means: None, the side of a square in pixels, or, of
    "WIDTHxHEIGHT", [height, width]; ValueError if it is of no use."""
    if text is None:
        return None
    sides = text.split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(
            "--image_size takes a side in pixels, e.g. 64, or WIDTHxHEIGHT, e.g. "
            f"64x96. Received: image_size={text!r}."
        )
    width, height = int(sides[0]), int(sides[-1])
    size = width if width == height else [height, width]
    image_size(size)
    return size


def options(kind: str, declared: dict, chosen: dict | None) -> dict:
    """Returns `{name: value}` of all options that a source declares.

    Args:
        kind: What the options are of, for the message.
        declared: `{name: zoo.data.source.Option}`.
        chosen: The options that were given, or None.

    Raises: ValueError: names the nearest option, or the choices of one.
    """
    values = {name: option.default for name, option in declared.items()}
    for name, value in (chosen or {}).items():
        if name not in declared:
            listed = f"are {', '.join(declared)}" if declared else "are none"
            raise ValueError(
                f"Unknown option{suggestions.nearest(name, declared)}; the options of "
                f"{kind} {listed}. Received: {name}={value!r}."
            )
        choices = declared[name].choices
        if choices and value not in choices:
            raise ValueError(
                f"{name} is one of {', '.join(map(str, choices))}"
                f"{suggestions.nearest(value, choices)}. Received: {name}={value!r}."
            )
        values[name] = value
    return values


def image_shape(name: str, shape: tuple) -> tuple:
    """Returns `(H, W, C)` if the zoo's models can take it, else raises ValueError."""
    if shape[-1] not in (1, 3):
        raise ValueError(
            "Images must have 1 channel (grey) or 3 (RGB), channels last. "
            f"Received: images of shape {tuple(shape)} from {name!r}."
        )
    if None in shape:
        raise ValueError(
            f"The images of {name!r} differ in size: give one with image_size "
            f"(--image_size=64). Received: image_size=None."
        )
    if not all(MIN_SIZE <= side <= MAX_SIZE for side in shape[:2]):
        raise ValueError(
            f"Image sides must be {MIN_SIZE} to {MAX_SIZE} pixels: resize with "
            f"image_size (--image_size=64). Received: {shape[0]}x{shape[1]} images "
            f"from {name!r}."
        )
    return tuple(shape)


def batch_size(value: int, num_examples: int, training: bool) -> int:
    """Returns the batch size; ValueError below 1, or above a training set's size.

    Outside training a batch larger than the split is simply the whole split, so that
    one batch size serves the training set and its much smaller validation set.
    """
    whole("batch_size", value, 1)
    if training and value > num_examples:
        raise ValueError(
            f"batch_size must be at most the {num_examples} examples of the data set. "
            f"Received: batch_size={value}."
        )
    return int(value)
