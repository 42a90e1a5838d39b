"""Checks the shapes of what models take and make, and names in plain words what is
wrong."""

import operator
from collections.abc import Iterable

SMALLEST, LARGEST = 8, 512
SMALLEST_SOURCE = 2  # what super-resolution begins with may be tiny
FEWEST_FRAMES, MOST_FRAMES = 2, 128


def image_shape_of(
    shape: Iterable[int | None], smallest: int = SMALLEST
) -> tuple[int, ...]:
    """Returns (H, W, C) of an image or batch shape, checked.

    Raises: ValueError: unless height and width are `smallest` to 512 and channels 1 or
        3.
    """
    dims = _integers(shape, "An image", "(height, width, channels)")
    image = _known(dims[-3:])
    if len(dims) not in (3, 4) or len(image) < 3:
        raise ValueError(
            "Images need a known shape [H, W, C] or [B, H, W, C]. "
            f"Received: shape {list(dims)}."
        )
    _check_image(image, dims, smallest)
    return image


def source_shape_of(shape: Iterable[int | None]) -> tuple[int, ...]:
    """Returns (h, w, c) of a source or of a batch of them, checked as images are, but
    for sizes from 2 pixels."""
    return image_shape_of(shape, SMALLEST_SOURCE)


def clip_shape_of(shape: Iterable[int | None]) -> tuple[int, ...]:
    """Returns (T, H, W, C) of a clip or batch shape, checked.

    Raises: ValueError: unless there are 2 to 128 frames of the shape of images.
    """
    dims = _integers(shape, "A clip", "(frames, height, width, channels)")
    clip = _known(dims[-4:])
    if len(dims) not in (4, 5) or len(clip) < 4:
        raise ValueError(
            "Clips need a known shape [T, H, W, C] or [B, T, H, W, C]. "
            f"Received: shape {list(dims)}."
        )
    if not FEWEST_FRAMES <= clip[0] <= MOST_FRAMES:
        raise ValueError(
            f"Clips have {FEWEST_FRAMES} to {MOST_FRAMES} frames. "
            f"Received: {clip[0]} in shape {list(dims)}."
        )
    _check_image(clip[1:], dims)
    return clip


def _integers(shape, what, parts):
    try:
        return tuple(None if n is None else operator.index(n) for n in shape)
    except (TypeError, ValueError):  # ValueError: a TensorShape of unknown rank
        count = {"An image": "three", "A clip": "four"}[what]
        raise ValueError(
            f"{what} shape is {count} integers {parts}. Received: {shape!r}."
        ) from None


def _known(dims):
    return tuple(n for n in dims if n is not None)


def _check_image(image, dims, smallest=SMALLEST):
    if image[2] not in (1, 3):
        raise ValueError(
            "Images need 1 channel (grey) or 3 (RGB), channels last. "
            f"Received: {image[2]} channels in shape {list(dims)}."
        )
    if not all(smallest <= size <= LARGEST for size in image[:2]):
        raise ValueError(
            f"Images need a height and width of {smallest} to {LARGEST} pixels. "
            f"Received: {image[0]}x{image[1]}."
        )


BY_FIELD = {"image": image_shape_of, "source": source_shape_of, "clip": clip_shape_of}


def past_of(frames: int) -> int:
    """Returns how many frames of a clip of `frames` are shown before the others are
    foretold: 5 of 16, as is usual, and at least one."""
    return max(1, round(5 * frames / 16))
