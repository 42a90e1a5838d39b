"""Draws shapes with smooth edges: how much of each pixel a shape covers.

Each shape is a function of (x, y), arrays in units of its radius, to the distance from
its outline, below 0 inside. All fit into the square [-1, 1] x [-1, 1]; y points down.
"""

from collections.abc import Callable

import numpy as np

from zoo.data.scenes.words import SHAPES

_FIFTH = 2 * np.pi / 5


def _circle(x, y):
    return np.sqrt(x * x + y * y) - 1


def _square(x, y):
    return np.maximum(abs(x), abs(y)) - 0.9


def _triangle(x, y):
    """Upright, its top at (0, -1) and its base from (-1, 0.8) to (1, 0.8)."""
    slope = np.sqrt(1.8**2 + 1)
    return np.maximum((1.8 * abs(x) - y - 1) / slope, y - 0.8)


def _star(x, y):
    """A pentagram: its points lie on the inner side of four of its five lines."""
    angles = _FIFTH * (np.arange(5) + 0.5) + np.pi / 2
    distances = [np.cos(a) * x + np.sin(a) * y - np.cos(_FIFTH) for a in angles]
    largest = second = np.full_like(distances[0], -np.inf)
    for each in distances:
        second = np.maximum(second, np.minimum(largest, each))
        largest = np.maximum(largest, each)
    return second


def _heart(x, y):
    """A square that stands on a corner, and a half circle on each upper side."""
    side = 2 / (1 + np.sqrt(0.5))  # so that it is 2 wide
    y = y + 0.5 - side * np.sqrt(0.125)
    square = (abs(x) + abs(y)) * np.sqrt(0.5) - side / 2
    middle = side * np.sqrt(0.125)
    circle = np.sqrt((abs(x) - middle) ** 2 + (y + middle) ** 2) - side / 2
    return np.minimum(square, circle)


def _cross(x, y):
    x, y = abs(x), abs(y)
    return np.maximum(np.maximum(x, y) - 1, np.minimum(x, y) - 0.35)


OUTLINES: dict[str, Callable] = dict(
    zip(SHAPES, (_circle, _square, _triangle, _star, _heart, _cross))
)


def coverage(shape: str, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the share of each pixel that a shape covers, float32 `[N, H, W]`.

    Args:
        shape: One of `words.SHAPES`.
        places: Centre x and y and radius in pixels, `[N, 3]`.
        size: (H, W).
    """
    x, y, radius = np.asarray(places, np.float32).T[:, :, None, None]
    down = np.arange(size[0], dtype=np.float32)[:, None] + np.float32(0.5)
    right = np.arange(size[1], dtype=np.float32) + np.float32(0.5)
    distance = OUTLINES[shape]((right - x) / radius, (down - y) / radius)
    return np.clip(0.5 - distance * radius, 0, 1).astype(np.float32)
