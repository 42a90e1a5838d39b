"""The scores by what a model can do: samples, reconstructions, encodings, likelihood.

Scores that a model or a data set does not have are listed with the reason, never
dropped.
"""

from collections.abc import Callable
from typing import NamedTuple

from zoo.evaluation import codes, images
from zoo.evaluation.rulers import FEATURES, SECOND

COMPARED = (*FEATURES, "sharpness", *(f"{SECOND}{score}" for score in FEATURES))
CLASSES = ("classifier_score", "class_distance")
NEAR = ("nearest_train", "closer_to_train", "conditional_accuracy")
ERRORS = ("mse", "psnr", "ssim", *COMPARED, *CLASSES, "class_kept")
# Parts of a model's images whose scores are told apart, and of what they are.
PARTS = {"recon_": "reconstructions", "answer_": "answers", "source_": "sources"}
ACCURACIES = ("neighbour_accuracy", "probe_accuracy")
MOMENTS = ("latent_mean", "latent_variance", "latent_correlation", "latent_kl_to_prior")


def part_of(score):
    """Returns the prefix of `PARTS` that a score has, or ""."""
    return next((part for part in PARTS if score.startswith(part)), "")


def bare(score):
    """Returns the name of a score without that of its part."""
    return score.removeprefix(part_of(score))


def is_second(score):
    """Whether a score is of the features whose scores stand beside the first."""
    return bare(score).startswith(SECOND)


class Group(NamedTuple):
    """Scores that are measured together.

    Attributes:
        title: What is measured.
        needs: What the model has to be able to do, as `model.can` takes it.
        measure: Function of the `Bench` that returns {score: number}. It raises
            `NotApplicableError` for what the data set or the model's settings lack.
        scores: Names of all scores that it may return.
    """

    title: str
    needs: tuple
    measure: Callable
    scores: tuple


GROUPS = (
    Group("samples", ("sample",), images.samples, (*COMPARED, *CLASSES, *NEAR)),
    Group("captions followed", ("sample", "prompts"), images.followed, images.FOLLOWED),
    Group(
        "reconstructions",
        ("reconstruct",),
        images.reconstructions,
        (*(f"recon_{e}" for e in ERRORS), "pca_mse"),
    ),
    Group(
        "answers to sources",
        ("translate",),
        images.answers,
        (
            *(f"answer_{e}" for e in (*ERRORS, "colourfulness", "spread")),
            *(f"source_{e}" for e in (*ERRORS, "colourfulness")),
        ),
    ),
    Group(
        "classes in encodings",
        ("encode",),
        codes.encodings,
        (*ACCURACIES, *(f"{a}_untrained" for a in ACCURACIES)),
    ),
    Group(
        "train on samples, test on real",
        ("sample",),
        images.substitution,
        ("cas", "cas_real"),
    ),
    Group(
        "latents", ("encode",), codes.latents, (*MOMENTS, "latent_kl", "active_units")
    ),
    Group(
        "likelihood", ("nll",), codes.likelihood, ("nll", "nll_error", "bits_per_dim")
    ),
    Group("classification", ("classify",), codes.classification, ("accuracy",)),
)
