"""Precision, recall, density and coverage: quality and variety, each by itself.

A set of features is taken for the union of balls around its points, each as large as
the distance to the k-th nearest neighbour. Precision and density ask whether samples
lie among the real images; recall and coverage, whether they reach all of them.
"""

import dataclasses

import numpy as np

from zoo.metrics import arrays, neighbours


@dataclasses.dataclass(frozen=True)
class ManifoldScores:
    """Quality and variety of samples, by `RealManifold.compare`.

    Attributes:
        precision: Share of samples inside a ball of a real image.
        recall: Share of real images inside a ball of a sample.
        density: Mean number of real balls that a sample lies in, divided by k; 1 is
            expected of the real distribution itself, and more is possible.
        coverage: Share of real images with a sample in their ball; 1 - 2^-k is expected
            of the real distribution itself, if both sets are of one size.
    """

    precision: float
    recall: float
    density: float
    coverage: float


class RealManifold:
    """Real features whose balls are measured once, for any number of comparisons.

    Args:
        features: `[N, D]`.
        ball_k: The k of precision and recall. Paper: 3.
        density_k: The k of density and coverage. Paper: 5.
    Raises: ValueError: if there are no more images than neighbours, or a feature is not
        finite.
    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991 (a ball includes its border);
        Naeem et al. 2020, arXiv:2002.09797 (a ball does not).
    """

    def __init__(self, features, ball_k=3, density_k=5):
        self.features = arrays.matrix(features, "real features")
        self.ball_k, self.density_k = ball_k, density_k
        self._balls, self._dense_balls = neighbours.radii(
            self.features, (ball_k, density_k)
        )

    def compare(self, generated):
        """Returns the `ManifoldScores` of features `[M, D]`."""
        real, generated = arrays.pair(self.features, generated)
        (balls,) = neighbours.radii(generated, (self.ball_k,))
        precise = np.zeros(len(generated), dtype=bool)
        hits = recalled = covered = 0
        for rows, distances in neighbours.distance_blocks(real, generated):
            precise |= (distances <= self._balls[rows, None]).any(axis=0)
            recalled += (distances <= balls).any(axis=1).sum()
            inside = distances < self._dense_balls[rows, None]
            hits += inside.sum()
            covered += inside.any(axis=1).sum()
        return ManifoldScores(
            precision=float(precise.mean()),
            recall=float(recalled / len(real)),
            density=float(hits / (self.density_k * len(generated))),
            coverage=float(covered / len(real)),
        )


def manifold_scores(real, generated, ball_k=3, density_k=5):
    """Returns the `ManifoldScores` of `generated` `[M, D]` and `real` `[N, D]`; the
    arguments are those of `RealManifold`."""
    return RealManifold(real, ball_k, density_k).compare(generated)
