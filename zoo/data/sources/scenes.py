"""Captioned pictures by rule: a shape, or two beside each other, on plain ground."""

from typing import Any

import numpy as np

from zoo.data import arguments, drawn, source
from zoo.data.scenes import strokes, words
from zoo.inputs import suggestions

NUM_TRAIN, NUM_TEST = 10_000, 2_000
SIDE = 64  # pixels, unless image_size says otherwise
# Lengths are shares of the shorter side.
RADII = ((0.10, 0.13), (0.18, 0.21))  # of small and big things
MARGIN, GAP = 0.03, 0.07  # to the edge, and between two things
RIM = 4  # pixels around a thing, in which its smooth edges end
TILT = 0.5  # the most that two things are apart across, as a share of along
GROUNDS = ((255, 255, 255), (226, 226, 226), (250, 240, 215), (40, 40, 48))
SHADE = 10  # levels by which a colour may differ from its palette
# Colour c never comes with shape (c + HELD_OUT) % 6 in training: six of 36 pairs, in
# which each word occurs once.
HELD_OUT = 2
_STREAMS = {"train": 0, "test": 1, "held_out": 2}
_COLOURS, _SHAPES = len(words.COLOURS), len(words.SHAPES)


class Scenes(drawn.Drawn):
    """`scenes`, or `scenes:held_out`, whose test set holds only pairs of colour and
    shape that training never shows together.

    Args:
        which: Empty or "held_out".
        data_dir, build: Not used: there are no files.
        objects: 1 or 2 things a picture; None for one or two. Of one, its shape is the
            label.
        drawn_from: Number that the set is drawn from, from 0.
    """

    parts = ("", "held_out")
    options = {
        "objects": source.Option(None, "Things a picture or clip.", (None, 1, 2)),
        "drawn_from": drawn.SEED,
    }
    image_shape = (SIDE, SIDE, 3)
    unmirrored = "captions tell left from right"

    def __init__(
        self,
        which: str = "",
        data_dir: arguments.Place = None,
        build: bool = True,
        objects: int | None = None,
        drawn_from: int = 0,
    ):
        self.require(which, data_dir)
        super().__init__(NUM_TRAIN, NUM_TEST)
        self.name = f"scenes:{which}" if which else "scenes"
        self._which, self._objects = which, objects
        self.class_names = words.SHAPES if objects == 1 else None
        self._seed = drawn.checked_seed(drawn_from)

    @staticmethod
    def require(which: str, data_dir: arguments.Place = None) -> None:
        """Raises ValueError if what stands behind the name means nothing."""
        if which not in Scenes.parts:
            near = suggestions.nearest(f"scenes:{which}", ("scenes", "scenes:held_out"))
            raise ValueError(
                f"scenes are 'scenes' or 'scenes:held_out'{near}, whose test set holds "
                "colours and shapes that training never shows together. "
                f"Received: 'scenes:{which}'."
            )

    def fields(self) -> dict[str, Any]:
        """Returns `{field: shape of a row as stored}`, None for captions."""
        return super().fields() | {"caption": None}

    def columns(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns the pictures, which are drawn at `image_size`, and their captions."""
        start, stop = self._rows[split]
        stream = split if split == "test" else "train"
        if split == "test" and self._which:
            stream = self._which
        scenes = plans(stop, self._seed, stream, self._objects)[start:stop]
        size = image_size or (SIDE, SIDE)
        images = drawn.Column(scenes, (*size, 3), lambda rows: pictures(rows, size))
        columns = {"image": images, "caption": [captions(scene) for scene in scenes]}
        if self.class_names is not None:
            columns["label"] = scenes[:, THINGS + SHAPE].astype(np.int32)
        return columns


# A row of numbers is a scene: its ground and side (-1 for none), then for each of two
# things size (-1 if there is none), colour, shape, shade (3 levels), x, y, radius.
GROUND, TURN, THINGS = 0, 1, 2
SIZE, COLOUR, SHAPE, SHADES, PLACE, WIDTH = 0, 1, 2, 3, 6, 9


def plans(count: int, seed: int, stream: str, objects: int | None) -> np.ndarray:
    """Returns `count` scenes as numbers, float64 `[N, 20]`; row i is a function of
    (seed, stream, i) and `objects`.

    Args:
        count: How many.
        seed: Number that the set is drawn from.
        stream: "train", "test" or "held_out".
        objects: 1, 2, or None for one or two.
    """
    u = drawn.uniforms(count, seed, _STREAMS[stream], 24)
    scenes = np.empty((count, THINGS + 2 * WIDTH))
    scenes[:, GROUND] = np.floor(u[:, 0] * len(GROUNDS))
    both = u[:, 1] < 0.5 if objects is None else np.full(count, objects == 2)
    scenes[:, TURN] = np.where(both, np.floor(u[:, 2] * len(words.RELATIONS)), -1)
    a, b = scenes[:, THINGS:].reshape(count, 2, WIDTH).transpose(1, 0, 2)
    pairs = _pairs(u[:, 3:5], stream)
    for thing, pair, v in ((a, pairs[0], u[:, 5:9]), (b, pairs[1], u[:, 9:13])):
        thing[:, COLOUR], thing[:, SHAPE] = np.divmod(pair, _SHAPES)
        thing[:, SIZE] = np.floor(v[:, 0] * len(RADII))
        thing[:, SHADES : SHADES + 3] = np.rint((2 * v[:, 1:] - 1) * SHADE)
    for thing, v in ((a, u[:, 13]), (b, u[:, 14])):
        low, high = np.array(RADII)[thing[:, SIZE].astype(int)].T
        thing[:, PLACE + 2] = low + v * (high - low)
    _place(a, b, scenes[:, TURN].astype(int), both, u[:, 15:19])
    b[~both, SIZE] = -1
    return scenes


def _pairs(u, stream):
    """Two different pairs of colour and shape a row, as colour * 6 + shape."""
    every = np.arange(_COLOURS * _SHAPES)
    held_out = (every // _SHAPES + HELD_OUT) % _SHAPES == every % _SHAPES
    pool = every[held_out if stream == "held_out" else ~held_out]
    first = np.floor(u[:, 0] * len(pool)).astype(int)
    step = 1 + np.floor(u[:, 1] * (len(pool) - 1)).astype(int)
    return pool[first], pool[(first + step) % len(pool)]


def _place(a, b, turn, both, u):
    """Sets where the things are: one anywhere, two beside each other, as shares of the
    sides; the first is left, right, above or below by `turn`."""
    ra, rb = a[:, PLACE + 2], b[:, PLACE + 2]
    slack = 1 - 2 * (MARGIN + ra + rb) - GAP
    near, far = np.sort(u[:, :2] * slack[:, None]).T
    first, second = turn % 2 == 0, np.where(turn % 2 == 0, 1, -1)
    begin = np.where(first, ra, rb)  # radius of the thing that is left, or above
    low = MARGIN + begin + near
    high = low + ra + rb + GAP + far - near
    along = np.where(first, (low, high), (high, low))
    reach = TILT * second * (along[1] - along[0])
    across_a = MARGIN + ra + u[:, 2] * (1 - 2 * (MARGIN + ra))
    least = np.maximum(MARGIN + rb, across_a - reach)
    most = np.minimum(1 - MARGIN - rb, across_a + reach)
    across_b = least + u[:, 3] * (most - least)
    alone = MARGIN + ra + u[:, 0] * (1 - 2 * (MARGIN + ra))
    upright = turn >= 2
    for thing, place, across in ((a, along[0], across_a), (b, along[1], across_b)):
        place = np.where(both, place, alone)
        thing[:, PLACE] = np.where(upright, across, place)
        thing[:, PLACE + 1] = np.where(upright, place, across)


def captions(scene: np.ndarray) -> tuple[str, ...]:
    """Returns what a scene shows, in several phrasings."""
    colours = tuple(words.COLOURS)
    things = [
        words.Thing(
            words.SIZES[int(t[SIZE])],
            colours[int(t[COLOUR])],
            words.SHAPES[int(t[SHAPE])],
        )
        for t in scene[THINGS:].reshape(2, WIDTH)
        if t[SIZE] >= 0
    ]
    turn = int(scene[TURN])
    side = words.RELATIONS[turn] if turn >= 0 else None
    return words.Scene(tuple(things), side).captions()


def pictures(scenes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Draws scenes at a size, (H, W), as uint8 `[N, H, W, 3]`."""
    images = np.array(GROUNDS, np.float32)[scenes[:, GROUND].astype(int)][:, None, None]
    images = np.repeat(np.repeat(images, size[0], 1), size[1], 2)
    for first in (THINGS, THINGS + WIDTH):
        things = scenes[:, first : first + WIDTH]
        for number, shape in enumerate(words.SHAPES):
            is_such = (things[:, SIZE] >= 0) & (things[:, SHAPE] == number)
            rows = np.flatnonzero(is_such)
            if len(rows):
                _draw(images, rows, shape, things[rows])
    return np.rint(images).astype(np.uint8)


def _draw(images, rows, shape, things):
    """Draws a thing of this shape into each of the rows of images, within a window that
    holds it. The window is as large for all: a picture depends on no other."""
    size = images.shape[1:3]
    scale = np.array([size[1], size[0], min(size)])
    places = things[:, PLACE : PLACE + 3] * scale
    side = int(np.ceil(2 * RADII[-1][1] * min(size))) + 2 * RIM
    window = min(side, size[0]), min(side, size[1])
    most = np.array([size[1] - window[1], size[0] - window[0]])
    corners = np.floor(places[:, :2] - places[:, 2:]).astype(int) - RIM + 1
    corners = np.clip(corners, 0, most)
    places[:, :2] -= corners
    share = strokes.coverage(shape, places, window)[..., None]
    palette = np.array(list(words.COLOURS.values()))[things[:, COLOUR].astype(int)]
    colours = np.clip(palette + things[:, SHADES : SHADES + 3], 0, 255)
    colours = colours.astype(np.float32)
    # One by one: NumPy's indexing by arrays would take ten times as long.
    for row, (x, y), shares, colour in zip(rows, corners, share, colours):
        part = images[row, y : y + window[0], x : x + window[1]]
        part += shares * (colour - part)
