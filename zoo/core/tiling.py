"""Pictures larger than a network takes at once, a tile at a time.

A tile is cut with a margin as wide as the network sees around a pixel, so that the
tiles' middles, side by side, are what the network would make of the whole picture.
"""

from collections.abc import Callable, Iterator

import numpy as np


def tiled(
    function: Callable, images: np.ndarray, size: int, margin: int, scale: int = 1
) -> np.ndarray:
    """Returns `function` of images, made of its values of tiles.

    Args:
        function: Of images `[N, h, w, C]` of one size; returns `[N, scale h, scale w,
            D]`, a pixel of which depends on those `margin` away, not on farther ones.
        images: `[N, H, W, C]`.
        size: Side of the tiles, in pixels of `images`; smaller images are one tile.
        margin: Pixels around a tile's middle.
    Raises: ValueError: if the margins leave a tile no middle.
    """
    if size <= 2 * margin:
        raise ValueError(
            f"A tile is wider than twice the {margin} pixels that the network sees "
            f"around each. Received: tile={size}."
        )
    whole = None
    for top, upper, lower in _windows(images.shape[1], size, margin):
        for left, first, last in _windows(images.shape[2], size, margin):
            tile = images[:, top : top + size, left : left + size]
            values = function(tile)
            if whole is None:
                shape = (scale * images.shape[1], scale * images.shape[2])
                whole = np.empty((len(images), *shape, values.shape[-1]), values.dtype)
            middle = [
                slice(scale * (start - corner), scale * (stop - corner))
                for start, stop, corner in ((upper, lower, top), (first, last, left))
            ]
            rows, columns = (
                slice(scale * upper, scale * lower),
                slice(scale * first, scale * last),
            )
            whole[:, rows, columns] = values[:, middle[0], middle[1]]
    return whole


def _windows(length: int, size: int, margin: int) -> Iterator[tuple[int, int, int]]:
    """Yields (corner, start, stop) for each window of `size` pixels along `length`:
    where it begins, and which pixels of the picture it is right about."""
    start = 0
    while start < length:
        corner = max(0, min(start - margin, length - size))
        stop = length if corner + size >= length else corner + size - margin
        yield corner, start, stop
        start = stop
