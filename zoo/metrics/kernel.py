"""The kernel distance: an unbiased comparison of features that assumes no shape."""

import dataclasses

import numpy as np

from zoo.metrics import checks

BLOCKS = 10  # disjoint parts from which the standard error comes


@dataclasses.dataclass(frozen=True)
class KernelDistance:
    """A kernel distance with two kinds of spread.

    Attributes:
        value: Mean over the subsets; may be negative, as an unbiased estimate of 0 is.
        spread: Standard deviation over the subsets, as papers print it. The subsets
            overlap, so it tells nothing of the error of the mean.
        standard_error: Of an estimate of this many images, from disjoint blocks.
        subset_size: Images a subset.
    """

    value: float
    spread: float
    standard_error: float
    subset_size: int


def kernel_distance(real, generated, subsets=100, subset_size=1000, seed=0):
    """Returns the `KernelDistance` of two sets of features `[N, D]`: the squared
    maximum mean discrepancy under the kernel (x.y / D + 1)^3, unbiased.

    Args:
        subsets: How many random subsets of both sets are compared.
        subset_size: Images a subset; at most half of the smaller set is taken, or the
            subsets would hardly differ.
        seed: Of the subsets.
    Raises: ValueError: if a set has fewer than 20 images, or the features differ in
        size or are not finite.
    Source: Binkowski et al. 2018, arXiv:1801.01401, section 4; the estimator is of
        Gretton et al. 2012, lemma 6. Departures: the standard error.
    """
    real, generated = checks.pair(real, generated, at_least=2 * BLOCKS)
    size = min(subset_size, len(real) // 2, len(generated) // 2)
    random = np.random.default_rng(seed)

    def subset(features):
        return features[random.choice(len(features), size, replace=False)]

    values = [squared_mmd(subset(real), subset(generated)) for _ in range(subsets)]
    parts = zip(*(_blocks(each, random) for each in (real, generated)))
    errors = [squared_mmd(*part) for part in parts]
    return KernelDistance(
        float(np.mean(values)),
        float(np.std(values)),
        float(np.std(errors, ddof=1) / np.sqrt(BLOCKS)),
        size,
    )


def squared_mmd(x, y):
    """Unbiased squared maximum mean discrepancy of `x` `[N, D]` and `y` `[M, D]` under
    the kernel (x.y / D + 1)^3."""
    n, m = len(x), len(y)
    within_x, within_y = _kernel(x, x), _kernel(y, y)
    same_x = (within_x.sum() - np.trace(within_x)) / (n * (n - 1))
    same_y = (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
    return float(same_x + same_y - 2 * _kernel(x, y).mean())


def _kernel(x, y):
    base = x @ y.T
    base /= x.shape[1]
    base += 1
    cube = base * base  # ten times as fast as base**3
    cube *= base
    return cube


def _blocks(features, random):
    """`BLOCKS` disjoint parts of almost one size, at random."""
    return np.array_split(features[random.permutation(len(features))], BLOCKS)
