"""Pixel values, picture grids and PNGs: the only place that rescales.

Inside the zoo an image is float32 `[H, W, C]` in [-1, 1], channels last; on disk and in
pictures it is uint8 in 0..255. Keras is imported for tensors alone: pictures are drawn
and names of files checked without it.
"""

import io
import math

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from zoo.inputs.tensors import Tensor


def to_float(images: Tensor) -> Tensor:
    """Returns `images` as float32 in [-1, 1]; uint8 is rescaled, floats pass through.

    Args:
        images: Tensor or array of any shape, uint8 in 0..255 or float in [-1, 1].
    """
    if isinstance(images, np.ndarray):
        floats = images.astype("float32")
        return floats / 127.5 - 1.0 if images.dtype == np.uint8 else floats
    import keras

    floats = keras.ops.cast(images, "float32")
    if keras.backend.standardize_dtype(images.dtype) == "uint8":
        return floats / 127.5 - 1.0
    return floats


def to_uint8(images: ArrayLike) -> np.ndarray:
    """Returns float images in [-1, 1] as a uint8 array, clipped and rounded."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    pixels = images + 1.0
    pixels *= 127.5  # in place, for there may be many
    np.rint(pixels, out=pixels)
    return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)


def to_uint8_tensor(images: Tensor) -> Tensor:
    """Returns a tensor of float images in [-1, 1] as one of uint8, as `to_uint8`
    does."""
    from keras import ops

    pixels = ops.round((images + 1.0) * 127.5)
    return ops.cast(ops.clip(pixels, 0, 255), "uint8")


def unit(images: Tensor) -> Tensor:
    """Returns float images in [-1, 1] as probabilities or intensities in [0, 1]."""
    return 0.5 * (images + 1.0)


def signed(intensities: Tensor) -> Tensor:
    """Returns intensities in [0, 1] as pixels in [-1, 1]."""
    return 2.0 * intensities - 1.0


def intensities(images: ArrayLike) -> np.ndarray:
    """Returns `images`, uint8 or float in [-1, 1], as float64 NumPy in [0, 1], with
    which metrics compute."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images / 255.0
    return (images.astype(np.float64) + 1.0) / 2.0


def from_intensities(values: np.ndarray) -> np.ndarray:
    """Returns intensities in [0, 1] as a uint8 array, clipped and rounded."""
    return np.clip(np.rint(values * 255.0), 0, 255).astype(np.uint8)


def grid(images: ArrayLike, columns: int | None = None, padding: int = 2) -> np.ndarray:
    """Returns one uint8 picture `[height, width, C]` of `images`, row by row, on white.

    Args:
        images: `[N, H, W, C]`, uint8 or float in [-1, 1].
        columns: Images in a row; by default the grid is about square.
        padding: White pixels between and around the images.
    """
    images = to_uint8(images)
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    picture = np.full(
        (
            rows * (height + padding) + padding,
            columns * (width + padding) + padding,
            channels,
        ),
        255,
        np.uint8,
    )
    for index, image in enumerate(images):
        top = padding + index // columns * (height + padding)
        left = padding + index % columns * (width + padding)
        picture[top : top + height, left : left + width] = image
    return picture


def ungrid(
    picture: np.ndarray, image_shape: tuple, columns: int, padding: int = 2
) -> np.ndarray:
    """Returns the images of a picture that `grid` made, uint8 `[N, H, W, C]`, at their
    own size if the picture is a whole number of times as large; N counts white places
    in the last row.

    Args:
        picture: uint8 `[height, width, C]`.
        image_shape: (H, W, C) of an image.
        columns, padding: As of `grid`.
    Raises: ValueError: if it is no such grid.
    """
    height, width, channels = image_shape
    across, down = width + padding, height + padding
    factor = max(1, picture.shape[1] // (columns * across + padding))
    small = picture[::factor, ::factor]
    rows = small.shape[0] // down
    size = (rows * down + padding, columns * across + padding, channels)
    enlarged = tuple(factor * side for side in size[:2])
    if not rows or picture.shape != (*enlarged, channels):
        raise ValueError(
            f"The picture is no grid of {columns} images of {width}x{height} a row. "
            f"Received: shape {list(picture.shape)}."
        )
    inside = small[padding:, padding:].reshape(rows, down, columns, across, channels)
    return inside[:, :height, :, :width].swapaxes(1, 2).reshape(-1, *image_shape)


def png(picture: np.ndarray) -> bytes:
    """Returns the bytes of a PNG file of a uint8 picture `[H, W, 1 or 3]`."""
    buffer = io.BytesIO()
    grey = picture.shape[-1] == 1
    Image.fromarray(picture[..., 0] if grey else picture).save(buffer, format="PNG")
    return buffer.getvalue()
