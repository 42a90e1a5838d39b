"""The Frechet distance between two sets of features taken for normal distributions."""

import numpy as np

from zoo.metrics import arrays


class Moments:
    """Mean and covariance of features, gathered batch by batch in float64.

    Attributes:
        count: Images so far.
        mean: `[D]`, or None before the first batch.

    Source: the pairwise update of Chan et al. 1983, doi:10.1080/00031305.1983.10483115,
        which does not cancel digits as sums of squares do.
    """

    def __init__(self):
        self.count = 0
        self.mean = None
        self._scatter = None

    @classmethod
    def of(cls, extractor, images, batch_size=1000):
        """Returns the moments of `extractor.features(images)`, a batch at a time."""
        moments = cls()
        for start in range(0, len(images), batch_size):
            moments.update(extractor.features(images[start : start + batch_size]))
        return moments

    def update(self, features):
        """Adds features `[N, D]`; returns the moments themselves."""
        batch = arrays.matrix(features)
        mean = batch.mean(axis=0)
        centred = batch - mean
        if self.mean is None:
            self.count, self.mean = len(batch), mean
            self._scatter = centred.T @ centred
            return self
        arrays.same_size(len(self.mean), len(mean))
        total = self.count + len(batch)
        delta = mean - self.mean
        between = np.outer(delta, delta) * (self.count * len(batch) / total)
        self._scatter += centred.T @ centred + between
        self.mean = self.mean + delta * (len(batch) / total)
        self.count = total
        return self

    @property
    def covariance(self):
        """`[D, D]`, unbiased; ValueError if there are fewer than two images."""
        if self.count < 2:
            raise ValueError(
                f"A covariance needs at least 2 images. Received: {self.count}."
            )
        return self._scatter / (self.count - 1)


def frechet_distance(real, generated):
    """Squared Frechet distance of two sets of features, in squared feature units.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); 0 for equal moments. It is biased: the
    fewer the images, the larger, so compare only scores of one number of images.

    Args:
        real, generated: Features `[N, D]`, or their `Moments`.
    Returns: float.
    Raises: ValueError: if there are too few images for a covariance, or the features
        differ in size or are not finite.
    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6; Dowson and Landau 1982.
        Departures: the trace of (S1 S2)^(1/2) is taken from the eigenvalues of S1^(1/2)
        S2 S1^(1/2), the same number, but real and finite for singular covariances too.
    """
    one, two = (
        each if isinstance(each, Moments) else Moments().update(each)
        for each in (real, generated)
    )
    if one.mean is None or two.mean is None:
        raise ValueError("A covariance needs at least 2 images. Received: 0.")
    arrays.same_size(len(one.mean), len(two.mean))
    s1, s2 = one.covariance, two.covariance
    root = _root(s1)
    product = root @ s2 @ root
    cross = _square_roots(np.linalg.eigvalsh((product + product.T) / 2)).sum()
    shift = one.mean - two.mean
    distance = shift @ shift + np.trace(s1) + np.trace(s2) - 2 * cross
    return max(float(distance), 0.0)  # rounding may leave -1e-14 for equal sets


def frechet_error(real, features):
    """Standard error of `frechet_distance(real, features)`, as far as it comes from the
    choice of the generated images; the real ones are those of all models.

    To first order: how much each image moves the distance by its share of the mean and
    the covariance. Where the sets are equal but for chance, that is too little.

    Args:
        real: Features `[N, D]`, or their `Moments`.
        features: Of the generated images, `[M, D]`.
    Source: the derivative of the distance by the covariance S2 is 1 - T, where T is the
        optimal map of Dowson and Landau 1982, S1^(1/2) (S1^(1/2) S2 S1^(1/2))^(-1/2)
        S1^(1/2).
    """
    real = real if isinstance(real, Moments) else Moments().update(real)
    features = arrays.matrix(features, "generated features", at_least=2)
    generated = Moments().update(features)
    root = _root(real.covariance)
    values, vectors = np.linalg.eigh(root @ generated.covariance @ root)
    roots = _square_roots(values)
    inverse = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
    optimal = root @ (vectors * inverse) @ vectors.T @ root
    centred = features - generated.mean
    by_covariance = ((centred - centred @ optimal) * centred).sum(axis=1)
    shares = 2 * centred @ (generated.mean - real.mean) + by_covariance
    return float(shares.std(ddof=1) / np.sqrt(len(features)))


def _root(covariance):
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * _square_roots(values)) @ vectors.T


def _square_roots(eigenvalues):
    """Square roots of eigenvalues. Those that only rounding makes differ from 0 count
    as 0, for the root of 1e-16 is not small."""
    rounding = len(eigenvalues) * np.finfo(float).eps * np.abs(eigenvalues).max()
    return np.sqrt(np.where(eigenvalues > rounding, eigenvalues, 0))
