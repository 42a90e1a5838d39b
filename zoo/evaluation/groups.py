"""The scores by what a model can do: samples, reconstructions, encodings, likelihood.

A group is a function of the `Bench` that returns {score: number} and raises
`NotApplicableError` for what the model or the data set lacks: such scores are listed
with the reason, never dropped.
"""

from zoo.evaluation import codes, images

COMPARED = ("frechet", "kernel", "kernel_spread", "kernel_error", "precision", "recall")
COMPARED += ("density", "coverage", "sharpness")
CLASSES = ("classifier_score", "class_distance")
NEAR = ("nearest_train", "closer_to_train", "conditional_accuracy")
ERRORS = ("mse", "psnr", "ssim", *COMPARED, *CLASSES, "class_kept")
ACCURACIES = ("neighbour_accuracy", "probe_accuracy")
MOMENTS = ("latent_mean", "latent_variance", "latent_correlation", "latent_kl_to_prior")

# (what happens, function of the bench, the scores that it may find)
GROUPS = (
    ("samples", images.samples, (*COMPARED, *CLASSES, *NEAR)),
    (
        "reconstructions",
        images.reconstructions,
        (*(f"recon_{e}" for e in ERRORS), "pca_mse"),
    ),
    (
        "classes in encodings",
        codes.encodings,
        (*ACCURACIES, *(f"{a}_untrained" for a in ACCURACIES)),
    ),
    ("train on samples, test on real", images.substitution, ("cas", "cas_real")),
    ("latents", codes.latents, (*MOMENTS, "latent_kl", "active_units")),
    ("likelihood", codes.likelihood, ("nll", "nll_error", "bits_per_dim")),
    ("classification", codes.classification, ("accuracy",)),
)
