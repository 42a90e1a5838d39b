"""Clips by rule: pictures that move in straight lines and bounce off the edges."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data import arguments, drawn, examples, source
from zoo.data.sources import borrowed

NUM_TRAIN, NUM_TEST = 10_000, 2_000
SIDE = 32  # pixels of a frame, unless image_size says otherwise
SLOWEST, FASTEST = 1.0, 3.0  # pixels a frame
FREE = 3  # frames before the first bounce, so that a clip's beginning tells direction
LABELS, BOUNCES = ("class", "direction", "both"), ("exact", "random")
DIRECTIONS = (  # by the angle from the x axis, in eighths of a turn; y points down
    *("right", "down right", "down", "down left"),
    *("left", "up left", "up", "up right"),
)


class Moving(borrowed.Borrowing):
    """`moving:digits`, of 16x16 pixels, and `moving:fashion_mnist`, of 14x14, grey.

    Where an object lies after t frames is R tri((p + t v) / R) on each axis: R is how
    far it may go, tri(u) goes from 0 to 1 and back as u goes from 0 to 2. Places are
    rounded to pixels. Objects that overlap are the maximum of both.

    Source: the rule of Srivastava et al. 2015, arXiv:1502.04681 ("Moving MNIST"), with
        exact reflection; bounce="random" after Denton and Fergus 2018,
        arXiv:1802.07687.

    Args:
        which: Name of a set of grey pictures.
        data_dir, build: As for `zoo.data.open`, of that set.
        frames: T, 2 to 128.
        every: Frames of the motion from one frame of the clip to the next.
        objects: 1 or 2. The label tells of the first.
        label: "class", "direction" (in which it begins to move, of eight) or "both".
        bounce: "exact", or "random": a new velocity, away from the edge.
        subpixel: Whether objects lie between pixels, drawn bilinearly.
        drawn_from: Number that the set is drawn from, from 0.
    """

    kind = "moving"
    parts = borrowed.NAMES
    options = {
        "frames": source.Option(16, "Frames of a clip."),
        "every": source.Option(1, "Takes every k-th frame."),
        "objects": source.Option(1, "Things a picture or clip.", (1, 2)),
        "label": source.Option("class", "What labels of moving: tell.", LABELS),
        "bounce": source.Option("exact", "How objects of moving: bounce.", BOUNCES),
        "subpixel": source.Option(False, "Draws between pixels.", (False, True)),
        "drawn_from": drawn.SEED,
    }

    def __init__(
        self,
        which: str,
        data_dir: arguments.Place = None,
        build: bool = True,
        frames: int = 16,
        every: int = 1,
        objects: int = 1,
        label: str = "class",
        bounce: str = "exact",
        subpixel: bool = False,
        drawn_from: int = 0,
    ):
        super().__init__(which, data_dir, build, NUM_TRAIN, NUM_TEST)
        self._seed = drawn.checked_seed(drawn_from)
        self.check(which, {"frames": frames, "every": every})
        self._frames, self._every = int(frames), int(every)
        self._objects, self._label = objects, label
        self._bounce, self._subpixel = bounce, subpixel
        self._object_side = 16 if which == "digits" else 14
        self.image_shape = (self._frames, SIDE, SIDE, 1)
        self.class_names = {
            "class": self.base_names,
            "direction": DIRECTIONS,
            "both": tuple(f"{c} {d}" for c in self.base_names for d in DIRECTIONS),
        }[label]
        if label != "class":
            self.unmirrored = "labels tell left from right"

    @staticmethod
    def check(which: str, options: Mapping[str, Any]) -> None:
        """Raises ValueError if a number is out of bounds."""
        drawn.Drawn.check(which, options)
        least, most = examples.MIN_FRAMES, examples.MAX_FRAMES
        arguments.whole("frames", options["frames"], least, most)
        arguments.whole("every", options["every"], 1, most)

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`."""
        return {"clip": self.image_shape, "label": ()}

    def shapes(self, image_size: tuple | None) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row}`; ValueError if objects have no room."""
        least = self._object_side + FREE * int(FASTEST)
        if image_size is not None and min(image_size) < least:
            raise ValueError(
                f"A clip of {self.name} needs sides of {least} pixels or more, so that "
                f"its objects can move. Received: image_size={image_size!r}."
            )
        return super().shapes(image_size)

    def columns(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns the clips, which are drawn on demand on frames of `image_size`, and
        labels."""
        start, stop = self._rows[split]
        part = int(split == "test")
        u = drawn.uniforms(stop, self._seed, part, 10).reshape(stop, 2, 5)
        u = u[:, : self._objects]
        chosen = self.choices(split, u[..., 0])
        size = image_size or (SIDE, SIDE)
        reach = np.array(size, float) - self._object_side
        steps = self._frames * self._every

        def renewed(step):  # numbers for the velocities after a bounce at this step
            stream = 2 + 2 * step + part
            return drawn.uniforms(stop, self._seed, stream, 4).reshape(stop, 2, 2)

        renew = renewed if self._bounce == "random" else None
        places = paths(u[..., 1:], reach, steps, renew)[:, :, :: self._every]
        pictures = self._pictures(split)
        rows = np.arange(start, stop)

        def draw(numbers):
            objects = pictures[chosen[numbers]]
            return clips(objects, places[numbers], size, self._subpixel)

        column = drawn.Column(rows, (self._frames, *size, 1), draw)
        base = self.borrowed("test" if part else "train", None)["label"]
        labels = self._labels(base[chosen[:, 0]], u[:, 0, 2])
        return {"clip": column, "label": labels[start:]}

    def _labels(self, classes, turns):
        """The labels, int32, of classes and of directions, in turns of the circle."""
        directions = np.rint(turns * len(DIRECTIONS)).astype(np.int32) % len(DIRECTIONS)
        if self._label == "both":
            return classes * len(DIRECTIONS) + directions
        return classes if self._label == "class" else directions

    def _pictures(self, split):
        """The objects, uint8 `[N, h, w]`: digits doubled from 8x8, others halved."""
        part = "test" if split == "test" else "train"
        if self._object_side == 16:
            small = self.borrowed(part, (8, 8))["image"][..., 0]
            return small.repeat(2, axis=1).repeat(2, axis=2)
        images = self.borrowed(part, None)["image"]
        blocks = images.reshape(len(images), 14, 2, 14, 2)
        return ((blocks.sum(axis=(2, 4), dtype=np.uint16) + 2) // 4).astype(np.uint8)


def paths(
    u: np.ndarray, reach: np.ndarray, steps: int, renew: Any = None
) -> np.ndarray:
    """Returns the places (y, x) of objects in pixels, float64 `[N, K, steps, 2]`.

    Args:
        u: Numbers in [0, 1) for speed, direction and place, `[N, K, 4]`.
        reach: How far an object may go down and to the right, in pixels.
        steps: Number of frames.
        renew: None for exact reflection; else a function of (frame) that returns
            numbers for speed and direction after a bounce, `[N, K or more, 2]`.
    """
    v = velocities(u)
    low, high = np.maximum(0, -FREE * v), np.minimum(reach, reach - FREE * v)
    p = low + u[..., 2:] * (high - low)
    if renew is None:
        u = (p[..., None, :] + np.arange(steps)[:, None] * v[..., None, :]) / reach % 2
        return reach * np.minimum(u, 2 - u)
    places = [p]
    for step in range(1, steps):
        p = p + v
        over, under = p > reach, p < 0
        p = np.where(over, 2 * reach - p, np.abs(p))
        away = velocities(renew(step)[:, : v.shape[1]])
        away = np.where(over, -abs(away), np.where(under, abs(away), away))
        v = np.where((over | under).any(-1, keepdims=True), away, v)
        places.append(p)
    return np.stack(places, axis=2)


def velocities(u: np.ndarray) -> np.ndarray:
    """Returns velocities (down, right) in pixels a frame, `[..., 2]`, of numbers in
    [0, 1) for speed and direction, `[..., 2 or more]`."""
    speed, angle = SLOWEST + u[..., 0] * (FASTEST - SLOWEST), 2 * np.pi * u[..., 1]
    return speed[..., None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def clips(
    objects: np.ndarray, places: np.ndarray, size: tuple[int, int], subpixel: bool
) -> np.ndarray:
    """Draws objects at places as clips, uint8 `[N, T, H, W, 1]`.

    Args:
        objects: Uint8 `[N, K, h, w]`.
        places: Of their upper left corners, y and x in pixels, `[N, K, T, 2]`.
        size: (H, W).
        subpixel: Whether they lie between pixels; else places are rounded.
    """
    count, num_objects, height, width = objects.shape
    frames = places.shape[2]
    corners = (np.floor(places) if subpixel else np.rint(places)).astype(np.int64)
    share = places - corners  # of the next pixel, where they lie between two
    canvas = np.zeros((count, frames, size[0] + 1, size[1] + 1), np.uint8)
    row, frame = np.ogrid[:count, :frames]
    for k in range(num_objects):
        drawing = objects[:, k, None].repeat(frames, axis=1)
        if subpixel:
            drawing = _between(drawing, share[:, k])
        down = corners[:, k, :, 0, None, None] + np.arange(drawing.shape[2])[:, None]
        right = corners[:, k, :, 1, None, None] + np.arange(drawing.shape[3])
        where = row[..., None, None], frame[..., None, None], down, right
        canvas[where] = np.maximum(canvas[where], drawing)
    return canvas[:, :, :-1, :-1, None]


def _between(drawing, share):
    """Objects `[N, T, h, w]` moved by shares of a pixel down and right, `[N, T, 2]`;
    a pixel larger."""
    padded = np.pad(drawing, [(0, 0), (0, 0), (1, 1), (1, 1)]).astype(np.float32)
    down, right = (share[..., axis, None, None].astype(np.float32) for axis in (0, 1))
    rows = padded[..., 1:, :] * (1 - down) + padded[..., :-1, :] * down
    moved = rows[..., 1:] * (1 - right) + rows[..., :-1] * right
    return np.rint(moved).astype(np.uint8)
