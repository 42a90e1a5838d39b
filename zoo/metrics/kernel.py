"""The kernel distance: an unbiased comparison of features that assumes no shape."""

import dataclasses

import numpy as np

from zoo.metrics import arrays

FEWEST = 20  # images of a set


@dataclasses.dataclass(frozen=True)
class KernelDistance:
    """A kernel distance with two kinds of spread.

    Attributes:
        value: Mean over the subsets; may be negative, as an unbiased estimate of 0 is.
        spread: Standard deviation over the subsets, as papers print it. The subsets
            overlap, so it is not the error of the mean.
        standard_error: Of `value`, by the choice of all images and of the subsets.
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
        Gretton et al. 2012, lemma 6; its variance is that of a U-statistic, Hoeffding
        1948, equation 5.13, as in Sutherland et al. 2017, arXiv:1611.04488, section 2.
        Departures: the standard error.
    """
    real, generated = arrays.pair(real, generated, at_least=FEWEST)
    size = min(subset_size, len(real) // 2, len(generated) // 2)
    random = np.random.default_rng(seed)

    def subset(features):
        return features[random.choice(len(features), size, replace=False)]

    values, variances = [], []
    for _ in range(subsets):
        terms = _terms(subset(real), subset(generated))
        values.append(_mean(terms))
        variances.append(_variances(_paired(terms)))
    spread = float(np.std(values))
    of_one, of_two = np.mean(variances, axis=0)
    n = 2 / (1 / len(real) + 1 / len(generated))
    variance = (4 * (n - 2) * max(of_one, 0) + 2 * of_two) / (n * (n - 1))
    error = np.sqrt(max(variance, 0) + spread**2 / subsets)
    return KernelDistance(float(np.mean(values)), spread, float(error), size)


def squared_mmd(x, y):
    """Unbiased squared maximum mean discrepancy of `x` `[N, D]` and `y` `[M, D]` under
    the kernel (x.y / D + 1)^3."""
    return _mean(_terms(x, y))


def _terms(x, y):
    """The kernel within `x`, within `y` and between both."""
    return _kernel(x, x), _kernel(y, y), _kernel(x, y)


def _mean(terms):
    within_x, within_y, between = terms
    n, m = between.shape
    same_x = (within_x.sum() - np.trace(within_x)) / (n * (n - 1))
    same_y = (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
    return float(same_x + same_y - 2 * between.mean())


def _paired(terms):
    """The statistic of two pairs (x_i, y_i) and (x_j, y_j), `[N, N]` with zeros for i =
    j, whose mean is the discrepancy."""
    within_x, within_y, between = terms
    h = within_x + within_y - between - between.T
    np.fill_diagonal(h, 0)
    return h


def _variances(h):
    """Unbiased variances of a statistic `h` `[N, N]` of two pairs: of its mean over the
    second pair, and of itself."""
    n = len(h)
    rows, squares = h.sum(axis=1), np.square(h).sum()
    of_three = np.square(rows).sum() - squares  # sum of h_ij h_ik
    of_four = rows.sum() ** 2 - 4 * of_three - 2 * squares  # of h_ij h_kl
    mean = of_four / (n * (n - 1) * (n - 2) * (n - 3))  # of h, squared
    return of_three / (n * (n - 1) * (n - 2)) - mean, squares / (n * (n - 1)) - mean


def _kernel(x, y):
    base = x @ y.T
    base /= x.shape[1]
    base += 1
    cube = base * base  # ten times as fast as base**3
    cube *= base
    return cube
