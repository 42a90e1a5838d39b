"""Random changes of images, as functions that are given the random numbers."""

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
