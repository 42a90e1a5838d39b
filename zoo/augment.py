"""Random changes that keep an image's class, as functions of given random numbers."""

from keras import ops


def shift_and_flip(images, offsets, flips):
    """Mirrors some images left to right, then moves each by whole pixels; what comes in
    from outside is black.

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
    # A one-hot row picks a pixel, one that points outside picks none: two small matrix
    # products move a whole batch, each image its own way.
    take_y = ops.cast(y[:, :, None] == rows, images.dtype)
    take_x = ops.cast(x[:, :, None] == columns, images.dtype)
    intensity = images + 1.0  # black is 0 here
    moved = ops.einsum("bij,bjkc,blk->bilc", take_y, intensity, take_x)
    return moved - 1.0


def erase(images, boxes, value=0.0):
    """Fills a rectangle of each image with `value`.

    Args:
        images: `[B, H, W, C]`.
        boxes: int `[B, 4]`: top, left, height, width in pixels; a height of 0 erases
            nothing.
    Source: Zhong et al. 2017 (random erasing), arXiv:1708.04896.
    """
    height, width = images.shape[1:3]
    rows, columns = ops.arange(height)[None], ops.arange(width)[None]
    top, left, tall, wide = (boxes[:, i, None] for i in range(4))
    inside_y = ops.logical_and(rows >= top, rows < top + tall)
    inside_x = ops.logical_and(columns >= left, columns < left + wide)
    inside = ops.logical_and(inside_y[:, :, None], inside_x[:, None, :])
    return ops.where(inside[..., None], ops.cast(value, images.dtype), images)
