"""Resizing, by Pillow, whose filters widen when they shrink and so do not alias."""

import numpy as np
from PIL import Image, ImageOps


def resize(image: Image.Image, size: int | tuple[int, int]) -> Image.Image:
    """Returns the image of a size, (height, width) or the side of a square, bicubic.

    An image of other proportions keeps its own and loses its longer ends.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), method=Image.Resampling.BICUBIC)


def resize_all(images: np.ndarray, size: int | tuple[int, int] | None) -> np.ndarray:
    """Returns uint8 `[N, H, W, C]` of a size; as is if size is None."""
    if size is None:
        return images
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if images.shape[1:3] == sides:
        return images
    resized = np.empty((len(images), *sides, images.shape[-1]), dtype=np.uint8)
    for image, place in zip(images, resized, strict=True):
        # Pillow wants grey images without the axis of channels.
        small = resize(
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image), sides
        )
        place[:] = np.asarray(small).reshape(place.shape)
    return resized
