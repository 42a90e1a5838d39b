"""What a classifier says of samples: which classes, how sure, how many."""

import numpy as np

from zoo.metrics import arrays


def classifier_score(probabilities):
    """exp of the mean KL(p(y|x) || p(y)): from 1 (one class, or no decision at all) to
    the number of classes (all of them equally often, each without doubt).

    Args:
        probabilities: `[N, classes]`, rows that add up to 1.
    Raises: ValueError: if a row is no distribution.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 4 (the inception score, here
        of any classifier and without splits).
    """
    p = _distributions(probabilities)
    return float(np.exp(_entropy(p.mean(axis=0)) - _entropy(p).mean()))


def class_histogram(labels, num_classes):
    """Share of each class among `labels` `[N]`, float64 `[num_classes]`."""
    counts = np.bincount(arrays.labels(labels, num_classes), minlength=num_classes)
    return counts / counts.sum()


def histogram_distance(one, other):
    """Total variation distance of two histograms: half of the summed differences, from
    0 (equal) to 1 (nothing in common); the share that would have to change class."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(
            "Two histograms are of the same classes. "
            f"Received: shapes {list(one.shape)} and {list(other.shape)}."
        )
    return float(np.abs(one - other).sum() / 2)


def accuracy(probabilities, labels):
    """Share of images whose most probable class is their label; of conditional samples
    and the labels that they were asked for, the conditional accuracy.

    Args:
        probabilities: `[N, classes]`.
        labels: int `[N]`.
    """
    probabilities = arrays.matrix(probabilities, "probabilities")
    labels = arrays.labels(labels, probabilities.shape[1])
    if len(labels) != len(probabilities):
        raise ValueError(
            "There is one label an image. "
            f"Received: {len(probabilities)} images and {len(labels)} labels."
        )
    return float((probabilities.argmax(axis=1) == labels).mean())


def _distributions(probabilities):
    p = arrays.matrix(probabilities, "probabilities")
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError(
            "Probabilities are at least 0 and add up to 1 in each row. "
            f"Received: a smallest value {p.min():g} and sums from "
            f"{p.sum(axis=1).min():g} to {p.sum(axis=1).max():g}."
        )
    return p / p.sum(axis=1, keepdims=True)


def _entropy(p):
    """In nats, over the last axis; 0 log 0 is 0."""
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
