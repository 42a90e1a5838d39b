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
    strips = []
    for top, *rows in _windows(images.shape[1], size, margin):
        strip = []
        for left, *columns in _windows(images.shape[2], size, margin):
            values = function(images[:, top : top + size, left : left + size])
            upper, lower = (scale * (row - top) for row in rows)
            first, last = (scale * (column - left) for column in columns)
            strip.append(values[:, upper:lower, first:last])
        strips.append(np.concatenate(strip, axis=2))
    return np.concatenate(strips, axis=1)


def _windows(length: int, size: int, margin: int) -> Iterator[tuple[int, int, int]]:
    """Yields (corner, start, stop) for each window of `size` pixels along `length`:
    where it begins, and which pixels of the picture it is right about."""
    start = 0
    while start < length:
        corner = max(0, min(start - margin, length - size))
        stop = length if corner + size >= length else corner + size - margin
        yield corner, start, stop
        start = stop
