"""What encodings hold: classes by 1-NN and linear probe; their shape, and a prior's."""

import dataclasses
import warnings

import numpy as np

from zoo.metrics import arrays, neighbours

ACTIVE = 0.01  # variance of a unit's mean above which it counts as active


def neighbour_accuracy(train, train_labels, test, test_labels):
    """Share of test encodings `[M, D]` whose nearest training encoding, of `[N, D]`,
    has their label.

    Compare it with the encodings of an untrained encoder: those are good already.
    """
    train_labels, test_labels = np.asarray(train_labels), np.asarray(test_labels)
    _same_length(train, train_labels)
    _same_length(test, test_labels)
    _, rows = neighbours.nearest(test, train)
    return float((train_labels[rows[:, 0]] == test_labels).mean())


def linear_probe_accuracy(train, train_labels, test, test_labels, iterations=200):
    """Share of test encodings `[M, D]` that a logistic regression, fitted to training
    encodings `[N, D]` scaled to variance 1, gives their label.

    Args:
        iterations: Of the fit, at most: the last thousandth takes most of the time.
    Source: Alain and Bengio 2016, arXiv:1610.01644.
    """
    # scikit-learn takes a second to import: only who wants a probe pays for it.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    _same_length(train, train_labels)
    _same_length(test, test_labels)
    train, test = arrays.pair(train, test)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=iterations))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(train, train_labels)
    return float((probe.predict(test) == np.asarray(test_labels)).mean())


@dataclasses.dataclass(frozen=True)
class LatentStatistics:
    """Moments of latents, to be compared with those of the prior N(0, 1).

    Attributes:
        mean: `[D]`, of the prior 0.
        covariance: `[D, D]`, of the prior the identity.
        mean_norm: Length of `mean`.
        mean_variance: Mean over the dimensions.
        correlation: Largest absolute correlation of two dimensions.
        kl_to_prior: KL of the normal distribution with these moments to the prior, in
            nats; infinite if a dimension does not vary.
    """

    mean: np.ndarray
    covariance: np.ndarray
    mean_norm: float
    mean_variance: float
    correlation: float
    kl_to_prior: float


def latent_statistics(z):
    """Returns the `LatentStatistics` of latents `[N, D]`; draws of q(z|x), not its
    means, are what a prior is compared with.

    Raises: ValueError: if there are fewer than two, or one is not finite.
    """
    z = arrays.matrix(z, "latents", at_least=2)
    mean = z.mean(axis=0)
    covariance = np.atleast_2d(np.cov(z, rowvar=False))
    variance = np.diag(covariance)
    deviation = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    correlations = covariance / np.outer(deviation, deviation)
    np.fill_diagonal(correlations, 0)
    sign, log_volume = np.linalg.slogdet(covariance)
    log_volume = log_volume if sign > 0 else -np.inf
    kl = 0.5 * (variance.sum() + mean @ mean - len(mean) - log_volume)
    return LatentStatistics(
        mean=mean,
        covariance=covariance,
        mean_norm=float(np.linalg.norm(mean)),
        mean_variance=float(variance.mean()),
        correlation=float(np.abs(correlations).max()),
        kl_to_prior=float(kl),
    )


def kl_per_dimension(z_mean, z_logvar):
    """KL(N(z_mean, exp(z_logvar)) || N(0, 1)) of each dimension `[D]` in nats, mean
    over the images.

    Args:
        z_mean, z_logvar: `[N, D]`, of q(z|x).
    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix B.
    """
    z_mean, z_logvar = arrays.pair(z_mean, z_logvar)
    kl = 0.5 * (z_mean**2 + np.exp(z_logvar) - 1 - z_logvar)
    return kl.mean(axis=0)


def active_units(z_mean, threshold=ACTIVE):
    """Number of dimensions whose mean `[N, D]` depends on the image: its variance is
    above `threshold`.

    Source: Burda et al. 2015, arXiv:1509.00519, section 5.2.
    """
    z_mean = arrays.matrix(z_mean, "latents", at_least=2)
    return int((z_mean.var(axis=0, ddof=1) > threshold).sum())


def _same_length(encodings, labels):
    if len(encodings) != len(labels):
        raise ValueError(
            "There is one label an encoding. "
            f"Received: {len(encodings)} encodings and {len(labels)} labels."
        )
