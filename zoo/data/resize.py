"""Resizing, by Pillow, whose filters widen when they shrink and so do not alias."""

import numpy as np
from PIL import Image, ImageOps


def resize(image: Image.Image, size: int) -> Image.Image:
    """Returns the image `size` pixels square, bicubic.

    An image that is not square keeps its proportions and loses its longer ends.
    """
    if image.size == (size, size):
        return image
    return ImageOps.fit(image, (size, size), method=Image.Resampling.BICUBIC)


def resize_all(images: np.ndarray, size: int | None) -> np.ndarray:
    """Returns uint8 `[N, H, W, C]` as `[N, size, size, C]`; as is if size is None."""
    if size is None or images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, images.shape[-1]), dtype=np.uint8)
    for image, place in zip(images, resized, strict=True):
        # Pillow wants grey images without the axis of channels.
        small = resize(
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image), size
        )
        place[:] = np.asarray(small).reshape(place.shape)
    return resized
