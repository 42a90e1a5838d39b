"""What a picture can be made from: its grey values, its edges, or itself with a hole.

These are functions of the picture, so every set of pictures brings its own pairs. Other
functions put back into an answer what its source has told already.
"""

from keras import ops

from zoo.inputs import augment
from zoo.inputs.tensors import Tensor

LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601, as files become grey
# Share of a step from black to white at which a slope is an edge. Fashion-MNIST becomes
# outlines and folds by it, as one would draw them; a tenth makes whole areas black, and
# a third leaves little but the outline.
EDGE = 0.25
HOLE = 0.0  # between the pixels 127 and 128, so no picture of 8 bits has it
NEAR = 0.004  # from there to these two, the nearest that a file can hold


def grey(images: Tensor) -> Tensor:
    """Returns the luma `[B, H, W, 1]` of images `[B, H, W, 1 or 3]`."""
    if images.shape[-1] == 1:
        return images
    return sum(images[..., i : i + 1] * LUMA[i] for i in range(3))


def edges(images: Tensor) -> Tensor:
    """Returns black lines on white, `[B, H, W, 1]` of -1 and 1, where the luma of
    images `[B, H, W, C]` in [-1, 1] has a slope of at least `EDGE`.

    Source: the operator of Sobel and Feldman 1968, as Duda and Hart 1973 print it,
    "Pattern Classification and Scene Analysis", page 271. Pixels at the border count as
    their own neighbours outside.
    """
    x = grey(images)
    x = ops.concatenate([x[:, :1], x, x[:, -1:]], axis=1)
    x = ops.concatenate([x[:, :, :1], x, x[:, :, -1:]], axis=2)
    right, down = x[:, :, 2:] - x[:, :, :-2], x[:, 2:] - x[:, :-2]
    right = right[:, :-2] + 2.0 * right[:, 1:-1] + right[:, 2:]
    down = down[:, :, :-2] + 2.0 * down[:, :, 1:-1] + down[:, :, 2:]
    # A step from black to white, which are 2 apart, answers with 8.
    is_edge = ops.square(right) + ops.square(down) >= (8.0 * EDGE) ** 2
    return ops.where(is_edge, -1.0, 1.0)


def with_hole(images: Tensor, u: Tensor) -> Tensor:
    """Returns images `[B, H, W, C]` with a hole, half as high and half as wide.

    Args:
        u: `[B, 2]` in [0, 1): how far down and how far right each hole lies.
    """
    height, width = images.shape[1:3]
    size = ops.convert_to_tensor([height // 2, width // 2], "float32")
    places = ops.convert_to_tensor([height - height // 2, width - width // 2]) + 1
    places = ops.cast(places, "float32")
    corner = ops.minimum(ops.floor(u * places), places - 1.0)  # u may round to 1
    boxes = ops.concatenate([corner, ops.zeros_like(corner) + size], axis=1)
    return augment.erase(images, ops.cast(boxes, "int32"), HOLE)


def striped(images: Tensor) -> Tensor:
    """Returns images `[B, H, W, C]` with every other pair of columns inverted, the
    first pair as it was; twice striped, they are what they were."""
    column = ops.arange(images.shape[2])
    return ops.where((column // 2 % 2 == 0)[:, None], images, -images)


def is_hole(source: Tensor, near: float = NEAR) -> Tensor:
    """Returns where `source` `[B, H, W, C]` has its hole, bool `[B, H, W, 1]`: the
    pixels that are mid-grey in all channels up to `near`, the rounding of a file."""
    return ops.all(ops.abs(source - HOLE) < near, axis=-1, keepdims=True)


def filled(source: Tensor, answer: Tensor) -> Tensor:
    """Returns `source` `[B, H, W, C]` with `answer` in its hole."""
    return ops.where(is_hole(source), answer, source)


def coloured(luma: Tensor, answer: Tensor) -> Tensor:
    """Returns the colours of `answer` `[B, H, W, 3]` at `luma` `[B, H, W, 1]`.

    What is left of `answer` without its own luma is added to `luma`, and is made weaker
    where the sum would leave [-1, 1]. So the luma of the result is `luma`.
    """
    colour = answer - grey(answer)
    room = ops.where(colour > 0.0, 1.0 - luma, 1.0 + luma)
    share = room / ops.maximum(ops.abs(colour), 1e-6)
    share = ops.minimum(ops.min(share, axis=-1, keepdims=True), 1.0)
    return luma + share * colour


# --- by the name of a task ------------------------------------------------------------


def source_channels(task: str, channels: int) -> int:
    """Returns the channels of the sources that a task makes of images of `channels`."""
    return channels if task == "fill" else 1


def source_of(task: str, images: Tensor, u: Tensor) -> Tensor:
    """Returns the sources of images; `u` `[B, 2]` in [0, 1) places their holes."""
    if task == "fill":
        return with_hole(images, u)
    return grey(images) if task == "colour" else edges(images)


def kept(task: str, source: Tensor, answer: Tensor) -> Tensor:
    """Returns `answer` `[B, H, W, C]` with what its source tells of it already."""
    if task == "colour":
        return coloured(source, answer)
    return filled(source, answer) if task == "fill" else answer


def require_shapes(
    name: str, task: str, source_shape: tuple[int, ...], image_shape: tuple[int, ...]
) -> None:
    """Raises ValueError unless the shapes of source and image fit each other and the
    task of the model `name`."""
    sizes = ["x".join(map(str, shape)) for shape in (source_shape, image_shape)]
    if source_shape[:2] != image_shape[:2]:
        raise ValueError(
            f"{name} makes an image as large as its source. "
            f"Received: sources of {sizes[0]} and images of {sizes[1]}."
        )
    if task == "colour" and image_shape[-1] != 3:
        raise ValueError(
            "task='colour' learns from images of three channels. "
            f"Received: images of {sizes[1]}."
        )
