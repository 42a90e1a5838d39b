"""Tells whether a picture shows what its caption says, thing by thing.

What differs from the background falls into pieces. Each piece has a colour, the nearest
of the palette; a shape, that of the six whose drawing of equal area and centre is most
like it; and a radius. Blur keeps area and centre, and both sides of a comparison are
smoothed, so that a picture need be neither sharp nor clean.
"""

import dataclasses
import functools
import itertools

import numpy as np

from zoo.data.scenes import strokes, words

SMALL_BELOW = 0.155  # radius as a share of the shorter side: halfway from small to big
_CONTRAST = 0.22  # distance from the background in RGB of 0..1; a real thing has 0.48
_LEAST_AREA = 0.004  # share of the picture: half of the smallest star
_MOST_ERROR = 0.35  # squared error per pixel of a shape; what is larger is no shape
_MOST_STRANGE = 0.25  # distance in RGB of 0..1 from the palette; beyond is no colour
_MIXTURE = (0.6, 1.05)  # shares of its colour that the core of a thing may have
_MOST_PIECES = 6  # that are looked at, the largest first
_RIM = 5  # pixels around a piece that belong to its outline


@dataclasses.dataclass(frozen=True)
class Piece:
    """What is seen at a place of a picture, its centre in pixels; colour and shape are
    None if they are like none of the words."""

    colour: str | None
    shape: str | None
    size: str
    x: float
    y: float


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How far a picture shows what its caption says.

    Attributes:
        count: Whether there are as many things as the caption tells of.
        things: For each thing of the caption, which of its words are true.
        side: Whether the relation is true; None if the caption tells none.
        seen: The pieces that the picture shows, from the largest.
    """

    count: bool
    things: tuple[dict[str, bool], ...]
    side: bool | None
    seen: tuple[Piece, ...]

    @property
    def passed(self) -> bool:
        """Whether all is true."""
        return all(share == 1 for share in self.scores().values())

    def scores(self) -> dict[str, float]:
        """Returns the share that is right, 0 to 1, of count, colour, shape, size and,
        where the caption tells one, side."""
        shares = {"count": float(self.count)}
        for word in ("colour", "shape", "size"):
            shares[word] = float(np.mean([thing[word] for thing in self.things]))
        return shares if self.side is None else shares | {"side": float(self.side)}


def check(image: np.ndarray, caption: str) -> Verdict:
    """Returns the `Verdict` on a picture and a caption.

    Args:
        image: `[H, W, 3]`, uint8 0..255 or float in [-1, 1], from 32 pixels a side.
        caption: As `words.Scene.captions` writes them, or like them.

    Raises: ValueError: if it is no such picture, or no such caption.
    """
    scene = words.parse(caption)
    pieces = look(image)
    wanted = len(scene.things)
    most, things, side = -1.0, (), None
    for places in itertools.permutations([*pieces, *[None] * wanted], wanted):
        each = tuple(map(_likeness, scene.things, places))
        beside = None if scene.side is None else _is_beside(places, scene.side)
        right = sum(sum(thing.values()) for thing in each) + bool(beside) / 2
        if right > most:
            most, things, side = right, each, beside
    return Verdict(len(pieces) == wanted, things, side, pieces)


def _likeness(thing, piece):
    """Which words of a thing are true of a piece, or of nothing at all."""
    names = ("colour", "shape", "size")
    return {n: bool(piece) and getattr(thing, n) == getattr(piece, n) for n in names}


def _is_beside(places, side):
    """Whether the first of two pieces is on this side of the other, more than on any
    other side."""
    first, second = places
    if first is None or second is None:
        return False
    x, y = first.x - second.x, first.y - second.y
    along, across = (x, y) if side in ("left", "right") else (y, x)
    return abs(along) > abs(across) and (along < 0) == (side in ("left", "above"))


def look(image: np.ndarray) -> tuple[Piece, ...]:
    """Returns what a picture shows, from the largest piece; image as for `check`."""
    from scipy import ndimage  # takes a part of a second: for who checks

    picture = _unit(image)
    smooth = _smoothed(picture)
    inner = np.zeros(smooth.shape[:2], bool)
    inner[2:-2, 2:-2] = True
    background = np.median(smooth[~inner], axis=0)
    distance = np.linalg.norm(smooth - background, axis=-1)
    numbers, count = ndimage.label(distance > _CONTRAST)
    areas = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(numbers)
    pieces = []
    for index in np.argsort(-areas, kind="stable")[:_MOST_PIECES]:
        if areas[index] < _LEAST_AREA * numbers.size:
            break
        box = _wider(boxes[index], numbers.shape)
        mask = numbers[box] == index + 1
        core = mask & (distance[box] >= np.median(distance[box][mask]))
        step = np.median(smooth[box][core], axis=0) - background
        near = ndimage.binary_dilation(mask, iterations=2)
        near &= mask | (numbers[box] == 0)
        share = (picture[box] - background) @ step / max(step @ step, 1e-12) * near
        shape, radius, x, y = _outline(share)
        size = words.SIZES[0 if radius < SMALL_BELOW * min(numbers.shape) else 1]
        x, y = x + box[1].start, y + box[0].start
        pieces.append(Piece(_named(step, background), shape, size, x, y))
    return tuple(pieces)


def _wider(box, shape):
    """A box of slices with a rim around it, as wide as a blurred outline may be."""
    return tuple(
        slice(max(0, side.start - _RIM), min(end, side.stop + _RIM))
        for side, end in zip(box, shape)
    )


def _named(step, background):
    """The colour of the palette that a piece has, that is `step` from the background;
    None if it is like none.

    Blur mixes the colour of what is small with the background: so each colour is
    compared in the mixture that is nearest.
    """
    steps = np.array(list(words.COLOURS.values())) / 255 - background
    squares = np.maximum(np.square(steps).sum(1), 1e-6)
    shares = (steps @ step / squares).clip(*_MIXTURE)[:, None]
    errors = np.linalg.norm(shares * steps - step, axis=1)
    nearest = int(np.argmin(errors))
    return list(words.COLOURS)[nearest] if errors[nearest] <= _MOST_STRANGE else None


def _outline(share):
    """The shape of a piece or None, its radius and its centre (x, y) in pixels, by how
    much of each pixel it covers, `[H, W]`."""
    total = share.sum()
    down, right = np.indices(share.shape) + 0.5
    if not total > 0:  # of noise, more is unlike the piece than like it
        return None, 0.0, float(right.mean()), float(down.mean())
    x, y = float((share * right).sum() / total), float((share * down).sum() / total)
    errors, radii = {}, {}
    for shape in words.SHAPES:
        area, left, up = _measures(shape)
        radii[shape] = radius = np.sqrt(total / area)
        place = np.array([[x - left * radius, y - up * radius, radius]])
        drawn = strokes.coverage(shape, place, share.shape)[0]
        errors[shape] = np.square(_smoothed(share - drawn)).sum() / total
    nearest = min(errors, key=errors.__getitem__)
    shape = nearest if errors[nearest] <= _MOST_ERROR else None
    return shape, radii[nearest], x, y


@functools.cache
def _measures(shape):
    """Area and centre (x, y) of a shape of radius 1 around (0, 0)."""
    drawn = strokes.coverage(shape, np.array([[128.0, 128, 120]]), (256, 256))[0]
    down, right = (np.indices(drawn.shape) + 0.5 - 128) / 120
    total = float(drawn.sum())
    left, up = (drawn * right).sum() / total, (drawn * down).sum() / total
    return total / 120**2, float(left), float(up)


def _smoothed(values):
    """Values `[H, W, ...]`, each the mean of its neighbours by 1, 2, 1 each way."""
    for _ in range(2):
        wide = np.concatenate([values[:1], values, values[-1:]])
        mean = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
        values = mean.swapaxes(0, 1)
    return values


def _unit(image):
    """An image as float32 in [0, 1]; ValueError if it is none."""
    image = np.asarray(image)
    is_float = np.issubdtype(image.dtype, np.floating)
    if image.ndim != 3 or image.shape[-1] != 3 or min(image.shape[:2]) < 32:
        problem = f"shape {image.shape}"
    elif not is_float and image.dtype != np.uint8:
        problem = f"dtype {image.dtype}"
    elif is_float and not np.all(abs(image) <= 1.01):
        problem = "values outside [-1, 1]"
    else:
        picture = image.astype(np.float32)
        return (picture + 1) / 2 if is_float else picture / 255
    raise ValueError(
        "A picture of a scene is [H, W, 3] from 32 pixels a side, uint8 or float in "
        f"[-1, 1]. Received: {problem}."
    )
