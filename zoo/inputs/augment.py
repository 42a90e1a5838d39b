"""Random changes of images, as functions that are given the random numbers."""

import math
import numbers

from keras import ops

from zoo.inputs.tensors import Tensor


def shift_and_flip(
    images: Tensor, offsets: Tensor, flips: Tensor, value: float = -1.0
) -> Tensor:
    """Mirrors some images left to right, then moves each by whole pixels. Pixels that
    come in from outside get `value`, which is black by default.

    Args:
        images: `[B, H, W, C]`, float in [-1, 1].
        offsets: int `[B, 2]`, pixels down and right.
        flips: `[B]`, 1 mirrors, 0 does not.
    """
    height, width = images.shape[1:3]
    rows, columns = ops.arange(height), ops.arange(width)
    y = rows[None] - offsets[:, :1]
    x = columns[None] - offsets[:, 1:]
    x = ops.where(flips[:, None] > 0, width - 1 - x, x)
    # A one-hot row picks one pixel; a row that points outside is all zeros and picks
    # none. So two small matrix products move a whole batch, each image in its own way.
    take_y = ops.cast(y[:, :, None] == rows, images.dtype)
    take_x = ops.cast(x[:, :, None] == columns, images.dtype)
    above = images - value
    moved = ops.einsum("bij,bjkc,blk->bilc", take_y, above, take_x)
    return moved + value


def erase(images: Tensor, boxes: Tensor, value: float | Tensor = 0.0) -> Tensor:
    """Fills a rectangle of each image with `value`, or with that of other images.

    Args:
        images: `[B, H, W, C]`.
        boxes: int `[B, 4]`: top, left, height, width in pixels; a height of 0 erases
            nothing.
        value: A number, or images `[B, H, W, C]`.
    Source: Zhong et al. 2017 (random erasing), arXiv:1708.04896.
    """
    height, width = images.shape[1:3]
    rows, columns = ops.arange(height)[None], ops.arange(width)[None]
    top, left, tall, wide = (boxes[:, i, None] for i in range(4))
    inside_y = ops.logical_and(rows >= top, rows < top + tall)
    inside_x = ops.logical_and(columns >= left, columns < left + wide)
    inside = ops.logical_and(inside_y[:, :, None], inside_x[:, None, :])
    return ops.where(inside[..., None], ops.cast(value, images.dtype), images)


NUM_RANDOM = 7  # uniform numbers per image that `diff_augment` needs


def diff_augment(images: Tensor, u: Tensor) -> Tensor:
    """Changes colour and place of each image and makes a square of half its size grey,
    so that a discriminator cannot learn a small data set by heart. It is differentiable
    and has to be applied to real and generated images alike.

    Args:
        images: `[B, H, W, C]`, float in [-1, 1]; colours may leave that range.
        u: `[B, 7]`, uniform on [0, 1).
    Source: Zhao et al. 2020, arXiv:2006.10738, with all its three changes: colour
        (brightness, saturation, contrast), translation by up to an eighth, cutout.
    """
    height, width = images.shape[1:3]
    brightness, saturation, contrast = (u[:, i, None, None, None] for i in range(3))
    x = images + (brightness - 0.5)
    grey = ops.mean(x, axis=3, keepdims=True)
    x = (x - grey) * (2.0 * saturation) + grey
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    x = (x - mean) * (contrast + 0.5) + mean
    sizes = ops.convert_to_tensor([height, width], "float32")
    most = ops.floor(sizes / 8.0 + 0.5)  # rounds halves up, as the authors do
    offsets = ops.floor(u[:, 3:5] * (2.0 * most + 1.0)) - most
    x = shift_and_flip(x, ops.cast(offsets, "int32"), ops.zeros_like(u[:, 0]), 0.0)
    hole = ops.floor(sizes / 2.0 + 0.5)
    places = sizes + 1.0 - hole % 2.0  # number of places for the hole's middle
    corner = ops.floor(u[:, 5:7] * places) - ops.floor(hole / 2.0)
    boxes = ops.concatenate([corner, ops.zeros_like(corner) + hole], axis=1)
    return erase(x, ops.cast(boxes, "int32"))


# Which numbers of `ada` say whether a change is made, and which ones how.
GATES = ("flip", "quarter", "move", "scale", "before", "stretch", "after", "shift")
GATES += ("brightness", "contrast", "luma", "hue", "saturation")
UPRIGHT = ("flip", "move", "scale", "stretch", "shift")  # moves that turn nothing
CHOICES = ("flip", "quarter", "down", "right", "before", "after", "luma", "hue")
NORMALS = ("scale", "stretch", "down", "right", "brightness", "contrast", "saturation")
NUM_ADA_UNIFORM, NUM_ADA_NORMAL = len(GATES) + len(CHOICES), len(NORMALS)


def ada(images: Tensor, p: float | Tensor, u: Tensor, normal: Tensor) -> Tensor:
    """Mirrors, turns, moves, scales and recolours each image, each change with
    probability p of its own: at p = 0 images stay as they are, to the bit.

    A generator that has to make unchanged images for its changed ones to look real
    learns them, as long as p stays below 1 (the paper: below about 0.8). Grey images
    keep their upright and are not inverted: they get no turns and no luma flips, and
    have neither hue nor saturation. The function is made of gathers and products of an
    image's pixels, so that it can be differentiated twice.

    Args:
        images: `[B, H, W, C]`, float in [-1, 1]; colours may leave that range.
        p: A number, or a scalar tensor, in [0, 1].
        u: `[B, 21]`, uniform on [0, 1).
        normal: `[B, 7]`, standard normal.
    Raises: ValueError: if p is a number outside [0, 1].
    Source: Karras et al. 2020 (ADA), arXiv:2006.06676, appendix B, the pipeline of
        blits, geometry and colours ("bgc"), with the constants of the code beside it.
        Departures: images are not enlarged for the resampling, which is bilinear; whole
        moves wrap around, so that no pixel is lost.
    """
    if isinstance(p, numbers.Real) and not 0 <= float(p) <= 1:
        raise ValueError(f"p is a probability, in [0, 1]. Received: {p!r}.")
    numbers_of = {
        "gate": dict(zip(GATES, ops.unstack(u[:, : len(GATES)], axis=1))),
        "choice": dict(zip(CHOICES, ops.unstack(u[:, len(GATES) :], axis=1))),
        "normal": dict(zip(NORMALS, ops.unstack(normal, axis=1))),
    }
    return _recoloured(_resampled(images, p, **numbers_of), p, **numbers_of)


def _resampled(images, p, gate, choice, normal):
    """Images read at other places: mirrored, turned, moved, scaled."""
    height, width, channels = images.shape[1:]
    matrix, shift = _geometry(images.shape, p, gate, choice, normal)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    y = ops.arange(height, dtype="float32")[None, :, None] - middle_y
    x = ops.arange(width, dtype="float32")[None, None, :] - middle_x
    (yy, yx), (xy, xx) = matrix
    from_y = _reflected(yy * y + yx * x + middle_y - shift[0], height)
    from_x = _reflected(xy * y + xx * x + middle_x - shift[1], width)
    blits = _blits(images.shape, p, gate, choice)
    if channels == 3:
        return _gathered(images, from_y, from_x, *blits)
    changed = _multiplied(images, from_y[:, :, :1], from_x[:, :1], *blits)
    # Some devices round in products, and what is not changed has to stay as it is.
    lowest = ops.min(ops.stack([gate[name] for name in UPRIGHT], axis=0), axis=0)
    return ops.where((lowest < p)[:, None, None, None], changed, images)


def _multiplied(images, from_y, from_x, quarters, is_flipped, moves):
    """Images that are not turned, read at places `[B, H, 1]` and `[B, 1, W]`: products
    with two small matrices, which cost next to nothing."""
    height, width = images.shape[1:3]
    y = ops.arange(height, dtype="float32")[None, None]
    x = ops.arange(width, dtype="float32")[None, :, None]
    x = ops.where(_column(is_flipped), width - 1.0 - x, x)
    # Where rows and columns lie after the blits, and their shares of a place there.
    y, x = ops.mod(y + moves[0], height), ops.mod(x + moves[1], width)
    take_y = ops.relu(1.0 - ops.abs(from_y - y))
    take_x = ops.relu(1.0 - ops.abs(from_x - x))
    return ops.einsum("bij,bjkc,bkl->bilc", take_y, images, take_x)


def _gathered(images, from_y, from_x, quarters, is_flipped, moves):
    """Images read at places `[B, H, W]`, each a mean of four pixels."""
    height, width, channels = images.shape[1:]
    pixels = ops.reshape(images, (-1, channels))
    rows = ops.arange(ops.shape(images)[0], dtype="int32")[:, None, None]

    def pixel(y, x):
        """The pixel that lies at whole places after the blits."""
        y, x = ops.mod(y - moves[0], height), ops.mod(x - moves[1], width)
        is_half, is_odd = quarters >= 2.0, ops.mod(quarters, 2.0) == 1.0
        y = ops.where(is_half, height - 1.0 - y, y)
        x = ops.where(is_half, width - 1.0 - x, x)
        if height == width:
            y, x = ops.where(is_odd, x, y), ops.where(is_odd, height - 1.0 - y, x)
        x = ops.where(_column(is_flipped), width - 1.0 - x, x)
        place = ops.cast(y * width + x, "int32")
        return ops.take(pixels, height * width * rows + place, axis=0)

    top, left = ops.floor(from_y), ops.floor(from_x)
    down, right = from_y - top, from_x - left
    total = 0.0
    for i, weight_y in enumerate((1.0 - down, down)):
        for j, weight_x in enumerate((1.0 - right, right)):
            at_y = ops.minimum(top + i, height - 1.0)
            at_x = ops.minimum(left + j, width - 1.0)
            total = total + (weight_y * weight_x)[..., None] * pixel(at_y, at_x)
    return total


def _column(x):
    """A number a row `[B]` beside places `[B, H, W]`."""
    return x[:, None, None]


def _geometry(shape, p, gate, choice, normal):
    """(matrix, shift) by which places of the result lead to places of the image; each
    entry is `[B, 1, 1]`."""

    def chosen(name, value, rest):
        return _column(ops.where(gate[name] < p, value, rest))

    scale = chosen("scale", ops.exp2(-0.2 * normal["scale"]), 1.0)
    stretch = chosen("stretch", ops.exp2(-0.2 * normal["stretch"]), 1.0)
    shift = [
        chosen("shift", 0.125 * side * normal[name], 0.0)
        for name, side in zip(("down", "right"), shape[1:3])
    ]
    one, none = ops.ones_like(scale), ops.zeros_like(scale)
    if shape[3] == 1:
        return ((scale / stretch, none), (none, scale * stretch)), shift
    turns = []
    p_turn = 1.0 - ops.sqrt(1.0 - p * one[:, 0, 0])  # p that one of both is made
    for name in ("before", "after"):
        angle = math.pi * (2.0 * choice[name] - 1.0)
        angle = _column(ops.where(gate[name] < p_turn, angle, 0.0))
        turns.append((ops.cos(angle), ops.sin(angle)))
    (c, s), (d, t) = turns
    a, b = scale / stretch, scale * stretch
    # The product of a turn, the two scales, and the other turn.
    matrix = (
        (c * a * d - s * b * t, -c * a * t - s * b * d),
        (s * a * d + c * b * t, -s * a * t + c * b * d),
    )
    return matrix, shift


def _reflected(place, side):
    """Places of a line of `side` pixels, mirrored at its ends."""
    period = 2.0 * (side - 1)
    place = ops.mod(place, period)
    return ops.minimum(place, period - place)


def _blits(shape, p, gate, choice):
    """(quarter turns, whether it is mirrored, (rows down, columns right)) of each
    image, made in this order: `[B, 1, 1]`, `[B]`, `[B, 1, 1]`."""
    _, height, width, channels = shape
    quarters = ops.floor(4.0 * choice["quarter"])
    if height != width:
        quarters = 2.0 * ops.floor(2.0 * choice["quarter"])
    is_turned = ops.logical_and(gate["quarter"] < p, channels == 3)
    quarters = _column(ops.where(is_turned, quarters, 0.0))
    is_flipped = ops.logical_and(gate["flip"] < p, choice["flip"] < 0.5)
    moves = []
    for name, side in (("down", height), ("right", width)):
        most = side // 8
        whole = ops.floor(choice[name] * (2 * most + 1)) - most
        moves.append(_column(ops.where(gate["move"] < p, whole, 0.0)))
    return quarters, is_flipped, moves


def _recoloured(images, p, gate, choice, normal):
    """Images with other colours: each is a matrix times a pixel, and a sum."""

    def chosen(name, value, rest):
        return ops.where(gate[name] < p, value, rest)[:, None, None, None]

    contrast = chosen("contrast", ops.exp2(0.5 * normal["contrast"]), 1.0)
    brightness = chosen("brightness", 0.2 * normal["brightness"], 0.0)
    x = contrast * (images + brightness)
    if images.shape[3] == 1:
        return x
    # Along the grey axis, and across it in two directions.
    is_negative = ops.logical_and(gate["luma"] < p, choice["luma"] < 0.5)
    sign = ops.where(is_negative, -1.0, 1.0)[:, None, None, None]
    angle = chosen("hue", math.pi * (2.0 * choice["hue"] - 1.0), 0.0)
    saturation = chosen("saturation", ops.exp2(normal["saturation"]), 1.0)
    grey = ops.mean(x, axis=3, keepdims=True)
    colour = x - grey
    turned = ops.roll(colour, 1, axis=3) - ops.roll(colour, -1, axis=3)
    across = ops.cos(angle) * colour + ops.sin(angle) / math.sqrt(3.0) * turned
    changed = sign * grey + saturation * across
    is_same = (gate["luma"] >= p) & (gate["hue"] >= p) & (gate["saturation"] >= p)
    return ops.where(is_same[:, None, None, None], x, changed)
