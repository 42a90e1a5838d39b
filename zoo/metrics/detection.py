"""How well a score tells anomalies from normal images."""

import dataclasses

import numpy as np

ALLOWED = 0.05  # share of false alarms at which `Detection.detected` is measured


@dataclasses.dataclass(frozen=True)
class Detection:
    """A score as a detector of anomalies.

    Attributes:
        auc: Probability that an anomaly scores above a normal image, ties counting
            half: 1/2 is chance, 1 perfect; the area under the curve.
        detected: Share of the anomalies above the threshold that a share `ALLOWED` of
            the normal images passes.
        alarms, hits: `[T]`, the receiver operating characteristic: shares of normal and
            of anomalous images at or above a threshold that falls.
    """

    auc: float
    detected: float
    alarms: np.ndarray
    hits: np.ndarray


def detection(normal, anomalous):
    """Returns the `Detection` by scores `[N]` of normal and `[M]` of anomalous images,
    higher meaning stranger.

    Raises: ValueError: if one of them is empty or not finite.
    """
    # scikit-learn takes a second to import: only who wants a curve pays for it.
    from sklearn import metrics

    normal, anomalous = np.asarray(normal, float), np.asarray(anomalous, float)
    scores = np.concatenate([normal, anomalous])
    if not len(normal) or not len(anomalous) or not np.isfinite(scores).all():
        raise ValueError(
            "Detection compares finite scores of normal and of anomalous images. "
            f"Received: {len(normal)} and {len(anomalous)} scores."
        )
    is_anomaly = np.arange(len(scores)) >= len(normal)
    alarms, hits, _ = metrics.roc_curve(is_anomaly, scores, drop_intermediate=False)
    share = float(hits[alarms <= ALLOWED].max())
    return Detection(float(metrics.auc(alarms, hits)), share, alarms, hits)
