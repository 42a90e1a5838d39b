"""Scores of images and encodings, one protocol for every family of models.

Metrics work on features, images and arrays, and know no model's name. An object with
`features(images)` makes the features. Sums are of float64, and what would not fit into
memory comes in blocks. A score has a meaning only together with its `Protocol`, and
next to the same score of real images (the floor) and of corrupted ones (the ladder).

    real = extractor.features(images)
    generated = extractor.features(model.sample(10_000))
    metrics.frechet_distance(real, generated)
    metrics.manifold_scores(real, generated).coverage
"""

from zoo.metrics.corruptions import blur, ladder, noise
from zoo.metrics.detection import Detection, detection
from zoo.metrics.diversity import (
    accuracy,
    class_histogram,
    classifier_score,
    histogram_distance,
)
from zoo.metrics.encodings import (
    active_units,
    kl_per_dimension,
    latent_statistics,
    linear_probe_accuracy,
    neighbour_accuracy,
)
from zoo.metrics.frechet import Moments, frechet_distance, frechet_error
from zoo.metrics.kernel import kernel_distance
from zoo.metrics.likelihood import bits_per_dim, likelihood
from zoo.metrics.manifold import RealManifold, manifold_scores
from zoo.metrics.neighbours import memorisation, nearest
from zoo.metrics.protocol import Protocol
from zoo.metrics.reconstruction import (
    colourfulness,
    gradient_energy,
    pca_errors,
    psnr,
    reconstruction_errors,
    squared_errors,
    ssim,
)
from zoo.metrics.video import (
    Draws,
    best_of,
    constant_velocity,
    copied,
    cross_fade,
    mean_image,
    psnr_by_horizon,
    speeds,
    ssim_by_horizon,
)

__all__ = [
    "Detection",
    "Draws",
    "Moments",
    "Protocol",
    "RealManifold",
    "accuracy",
    "active_units",
    "best_of",
    "bits_per_dim",
    "blur",
    "class_histogram",
    "classifier_score",
    "colourfulness",
    "constant_velocity",
    "copied",
    "cross_fade",
    "detection",
    "frechet_distance",
    "frechet_error",
    "gradient_energy",
    "histogram_distance",
    "kernel_distance",
    "kl_per_dimension",
    "ladder",
    "latent_statistics",
    "likelihood",
    "linear_probe_accuracy",
    "manifold_scores",
    "mean_image",
    "memorisation",
    "nearest",
    "neighbour_accuracy",
    "noise",
    "pca_errors",
    "psnr",
    "psnr_by_horizon",
    "reconstruction_errors",
    "speeds",
    "squared_errors",
    "ssim",
    "ssim_by_horizon",
]
