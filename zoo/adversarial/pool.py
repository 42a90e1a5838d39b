"""A pool of generated images: a discriminator that sees older ones, too, does not
forget what it has learned of them.

Source: Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images
through Adversarial Training", arXiv:1612.07828, section 2.3, with the rule of Zhu et
al. 2017, arXiv:1703.10593, section 4, as its authors wrote it.
"""

from keras import ops

from zoo import backend
from zoo.inputs.tensors import Tensor


def exchanged(
    pool: Tensor, count: Tensor, images: Tensor, u: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the images to judge, the new pool and how many it holds.

    While the pool has room, it takes images, and all are judged as they are. Then half
    of them take the place of random images of the pool, which are judged instead. Two
    rows of a batch that draw the same place both get its image, and the later one
    stays.

    Args:
        pool: `[P, H, W, C]`, the same on all replicas.
        count: How many it holds, a scalar.
        images: `[B, H, W, C]`, this replica's rows of the global batch.
        u: `[B, 2]` in [0, 1): whether a row is exchanged, and the place that it draws.
    """
    size = pool.shape[0]
    is_filling = count < size
    place = ops.minimum(ops.cast(u[:, 1] * size, "int32"), size - 1)
    goes = u[:, 0] < 0.5
    old = ops.take(pool, place, axis=0)
    gets_old = ops.logical_and(goes, ops.logical_not(is_filling))
    judged = ops.where(gets_old[:, None, None, None], old, images)
    # The pool is one: each replica moves it by all rows of the batch.
    images, place, goes = (
        backend.all_rows(x) for x in (images, place, ops.cast(goes, "int32"))
    )
    row = ops.arange(ops.shape(images)[0], dtype="int32")
    place = ops.where(is_filling, count + row, place)
    goes = ops.logical_or(is_filling, goes > 0)
    takes = ops.logical_and(goes[None], place[None] == ops.arange(size)[:, None])
    last = ops.max(ops.where(takes, row[None], -1), axis=1)
    new = ops.take(images, ops.maximum(last, 0), axis=0)
    pool = ops.where((last >= 0)[:, None, None, None], new, pool)
    return judged, pool, ops.minimum(count + ops.shape(images)[0], size)
