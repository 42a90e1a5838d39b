"""Resizing of arrays, by the filter that picture files are resized with."""

import numpy as np
from PIL import Image

from zoo.inputs import pictures


def resize_all(images: np.ndarray, size: int | tuple[int, int] | None) -> np.ndarray:
    """Returns uint8 `[N, H, W, C]` of a size, (height, width) or the side of a square;
    as is if size is None. Images of other proportions lose their longer ends."""
    if size is None:
        return images
    height, width = (size, size) if isinstance(size, int) else size
    sides = height, width
    if images.shape[1:3] == sides:
        return images
    resized = np.empty((len(images), *sides, images.shape[-1]), dtype=np.uint8)
    for image, place in zip(images, resized, strict=True):
        # Pillow wants grey images without the axis of channels.
        grey = image.shape[-1] == 1
        picture = Image.fromarray(image.squeeze(-1) if grey else image)
        place[:] = np.asarray(pictures.fitted(picture, sides)).reshape(place.shape)
    return resized
