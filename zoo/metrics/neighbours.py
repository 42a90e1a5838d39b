"""Nearest neighbours among many features, a block of distances at a time.

10,000 x 10,000 distances are 800 MB; a block is 64 MB, whatever the sizes.
"""

import dataclasses

import numpy as np
from scipy import stats

from zoo.metrics import arrays

BLOCK_BYTES = 2**26


def distance_blocks(queries, references):
    """Yields (rows, squared Euclidean distances `[len(rows), M]`): `rows` slices
    `queries` `[N, D]`, `references` are `[M, D]`, both float64."""
    squares = np.einsum("nd,nd->n", references, references)
    step = max(1, BLOCK_BYTES // (8 * max(1, len(references))))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        block = queries[rows]
        distances = block @ references.T
        distances *= -2
        distances += squares
        distances += np.einsum("nd,nd->n", block, block)[:, None]
        np.maximum(distances, 0, out=distances)  # rounding may leave -1e-15
        yield rows, distances


def radii(points, ranks):
    """Squared distances to the neighbours of these ranks among the other points.

    Args:
        points: float64 `[N, D]`.
        ranks: e.g. (3, 5) for the third and the fifth nearest.
    Returns: `[len(ranks), N]`.
    Raises: ValueError: if there are too few points to have so many neighbours.
    """
    ranks = list(ranks)
    if len(points) <= max(ranks):
        raise ValueError(
            f"The neighbour of rank {max(ranks)} needs more points than that. "
            f"Received: {len(points)}."
        )
    squared = np.empty((len(ranks), len(points)))
    for rows, distances in distance_blocks(points, points):
        # A point itself comes first, at rank 0, even where it has copies.
        distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = -1
        distances.partition(ranks, axis=1)
        squared[:, rows] = distances[:, ranks].T
    return squared


def nearest(queries, references, k=1):
    """Returns the distances `[N, k]` and the rows `[N, k]` of the `k` nearest
    `references` `[M, D]` of each of the `queries` `[N, D]`, nearest first.

    Raises: ValueError: if there are fewer than `k` references, or the features differ
        in size or are not finite.
    """
    references, queries = arrays.pair(references, queries)
    if not 1 <= k <= len(references):
        raise ValueError(
            f"k is 1 to the {len(references)} references. Received: k={k}."
        )
    distances = np.empty((len(queries), k))
    indices = np.empty((len(queries), k), dtype=np.int64)
    for rows, block in distance_blocks(queries, references):
        columns = block.argmin(1)[:, None] if k == 1 else _smallest(block, k)
        indices[rows] = columns
        distances[rows] = np.sqrt(np.take_along_axis(block, columns, axis=1))
    return distances, indices


def _smallest(block, k):
    """Columns `[rows, k]` of the `k` smallest values of each row, smallest first."""
    columns = np.argpartition(block, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(block, columns, axis=1)
    order = values.argsort(axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


@dataclasses.dataclass(frozen=True)
class Memorisation:
    """How near samples lie to training images, compared with unseen real images.

    Attributes:
        distance: Median distance of a sample to its nearest training image, in units of
            the features.
        ratio: The same, divided by that of the unseen real images.
        closer: Probability that a sample lies closer to the training images than an
            unseen real image does: 1/2 for samples as new as those, 1 for copies.
    """

    distance: float
    ratio: float
    closer: float


def memorisation(train, test, generated):
    """Returns the `Memorisation` of features `generated` `[N, D]`.

    Blurred or collapsed samples lie near the training images too: look at coverage
    before you speak of copies.

    Args:
        train: Features of the training images.
        test: Features of real images that were not trained on.
    Raises: ValueError: if the features differ in size or are not finite.
    Source: Meehan et al. 2020, arXiv:2004.05675; the Mann-Whitney statistic of section
        2, as a probability and over the whole space rather than by cells.
    """
    of_test, of_generated = (
        nearest(each, train)[0][:, 0] for each in (test, generated)
    )
    statistic = stats.mannwhitneyu(of_test, of_generated).statistic
    median, unseen = np.median(of_generated), np.median(of_test)
    ratio = median / unseen if unseen else np.inf if median else 1.0
    closer = statistic / (len(of_test) * len(of_generated))
    return Memorisation(float(median), float(ratio), float(closer))
