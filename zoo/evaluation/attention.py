"""Where a model looks: how much of its attention each patch of an image gets."""

import numpy as np

from zoo.inputs import pixels

CHUNK = 100  # images at a time: the attention of each takes tens of kilobytes


def received(model, images):
    """Returns {title: maps}, float64 `[N, h, w]` each, of every block and of all of
    them by rollout: the share of the attention of all patches that each patch gets, so
    that a map sums to 1.

    Args:
        model: That can attend.
        images: `[N, H, W, C]`, uint8 or float in [-1, 1].
    """
    chunks = [images[i : i + CHUNK] for i in range(0, len(images), CHUNK)]
    blocks = np.concatenate([model.attention(x).mean(axis=(2, 3)) for x in chunks])
    whole = [model.attention(x, rollout=True).mean(axis=1) for x in chunks]
    maps = {f"block {k + 1}": blocks[:, k] for k in range(blocks.shape[1])}
    maps["all blocks"] = np.concatenate(whole)
    height, width = images.shape[1:3]
    rows = round((blocks.shape[-1] * height / width) ** 0.5)  # patches are square
    return {
        title: each.astype("float64").reshape(len(images), rows, -1)
        for title, each in maps.items()
    }


def on_objects(maps, images):
    """Returns the share of the attention `maps` `[N, h, w]` that lies on pixels that
    are not black, and these pixels' share of the area: means over `images` `[N, H, W,
    C]`."""
    lit = (pixels.to_uint8(images) > 0).any(axis=-1).astype("float64")
    count, rows, columns = maps.shape
    lit = lit.reshape(count, rows, lit.shape[1] // rows, columns, -1).mean(axis=(2, 4))
    return float((maps * lit).sum(axis=(1, 2)).mean()), float(lit.mean())
