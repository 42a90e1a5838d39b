"""The scores by what a model can do: samples, reconstructions, encodings, likelihood.

A group is a function of the `Bench` that returns {score: number}, and what it needs of
the model. What does not apply is listed with its reason, never dropped.
"""

import inspect

import keras
import numpy as np
from keras import ops

from zoo import metrics, pixels
from zoo.metrics.encodings import ACTIVE

SAMPLED_AT_ONCE = 1000
MOST_PIXELS = 4096  # numbers an image: above, PCA would take the longest of all


class NotApplicableError(ValueError):
    """A score that a model or a data set does not have; the text tells why."""


def need(bench, *capabilities):
    """Raises NotApplicableError unless the model can do all of these."""
    for capability in capabilities:
        if capability not in bench.model.capabilities():
            raise NotApplicableError(f"{bench.model.name!r} cannot {capability}")


def need_labels(bench):
    """Raises NotApplicableError if the data set has no labels."""
    if bench.judge is None:
        raise NotApplicableError(f"{bench.subject.dataset!r} has no labels")


# --- samples --------------------------------------------------------------------------


def samples(bench):
    """Distances, manifolds, classes and sharpness of samples, as many as test images;
    of a conditional model, of the test images' labels."""
    need(bench, "sample")
    labels = bench.test_labels if _is_conditional(bench.model) else None
    made = sample(bench, len(bench.test), labels)
    features = bench.extractor.features(made)
    found = bench.compare(made, features)
    train = bench.extractor.features(bench.all_train)
    near = metrics.memorisation(train, bench.real_features, features)
    found |= {"nearest_train": near.ratio, "closer_to_train": near.closer}
    bench.details["nearest_train_distance"] = near.distance
    if labels is None:
        bench.skip(f"{bench.model.name!r} takes no labels", "conditional_accuracy")
    if bench.judge is not None:
        p = bench.probabilities(made, features)
        shares = metrics.class_histogram(p.argmax(axis=1), p.shape[1])
        bench.details["class_histogram"] = shares.tolist()
        if labels is not None:
            asked = bench.classes[labels]
            found["conditional_accuracy"] = metrics.accuracy(p, asked)
    return found


def sample(bench, count, labels=None):
    """Returns `count` samples as uint8: clipped and rounded, as a picture would be."""
    parts = []
    for start in range(0, count, SAMPLED_AT_ONCE):
        rows = slice(start, min(start + SAMPLED_AT_ONCE, count))
        options = {} if labels is None else {"labels": labels[rows]}
        seed = bench.options.seed + start
        images = bench.model.sample(rows.stop - start, seed=seed, **options)
        parts.append(pixels.to_uint8(images))
        bench.progress.step(rows.stop, count)
    return np.concatenate(parts)


def _is_conditional(model):
    """Whether samples are made of labels; then labels are an argument of `draw`."""
    return "num_classes" in model.config


# --- reconstructions ------------------------------------------------------------------


def reconstructions(bench):
    """Errors of reconstructed test images, and all that is measured of samples."""
    need(bench, "reconstruct")
    made = pixels.to_uint8(bench.model.reconstruct(bench.test))
    features = bench.extractor.features(made)
    found = metrics.reconstruction_errors(bench.test, made)
    found |= bench.compare(made, features)
    if bench.judge is None:
        bench.skip("there are no labels", "recon_class_kept")
    else:
        p = bench.probabilities(bench.test, bench.real_features)
        kept = bench.probabilities(made, features)
        found["class_kept"] = metrics.accuracy(kept, p.argmax(axis=1))
    return {f"recon_{name}": value for name, value in found.items()} | _linear(bench)


def _linear(bench):
    """The squared error of PCA with as many numbers an image as the model keeps."""
    components, size = bench.model.config["latent_dim"], bench.test[0].size
    if size > MOST_PIXELS:
        bench.skip(f"images of more than {MOST_PIXELS:,} numbers", "pca_mse")
        return {}
    if components > min(len(bench.train), size):
        bench.skip(f"fewer training images or pixels than {components}", "pca_mse")
        return {}
    return {"pca_mse": metrics.pca_errors(bench.train, bench.test, components).mean()}


# --- encodings ------------------------------------------------------------------------


def encodings(bench):
    """Classes by nearest neighbour and linear probe, beside the untrained encoder."""
    need(bench, "encode")
    need_labels(bench)
    found = _class_accuracies(bench, bench.model)
    plain = _class_accuracies(bench, untrained(bench.model, bench.options.seed))
    return found | {f"{name}_untrained": value for name, value in plain.items()}


def untrained(model, seed):
    """Returns a model of the same settings that has learned nothing."""
    keras.utils.set_random_seed(seed)
    fresh = type(model).from_config(model.get_config())
    fresh.build(model.image_shape)
    return fresh


def _class_accuracies(bench, model):
    train, test = model.encode(bench.train), model.encode(bench.test)
    sets = (train, bench.train_labels, test, bench.test_labels)
    return {
        "neighbour_accuracy": metrics.neighbour_accuracy(*sets),
        "probe_accuracy": metrics.linear_probe_accuracy(*sets),
    }


def latents(bench):
    """Moments of encodings beside the prior; KL and active units."""
    need(bench, "encode")
    if "sample" not in bench.model.capabilities():
        raise NotApplicableError(f"{bench.model.name!r} has no prior to compare with")
    z = bench.model.encode(bench.test, sample=True, seed=bench.options.seed)
    found = metrics.latent_statistics(z)
    numbers = {
        "latent_mean": found.mean_norm,
        "latent_variance": found.mean_variance,
        "latent_correlation": found.correlation,
        "latent_kl_to_prior": found.kl_to_prior,
    }
    if not hasattr(bench.model, "posterior"):
        reason = f"{bench.model.name!r} has no distribution q(z|x)"
        bench.skip(reason, "latent_kl", "active_units")
        return numbers
    z_mean, z_logvar = posterior(bench.model, bench.test)
    kl = metrics.kl_per_dimension(z_mean, z_logvar)
    bench.details["kl_per_dimension"] = kl.tolist()
    bench.details["active_above"] = ACTIVE
    active = metrics.active_units(z_mean)
    return numbers | {"latent_kl": float(kl.sum()), "active_units": active}


def posterior(model, images, batch_size=1000):
    """Returns z_mean and z_logvar `[N, D]` of q(z|x)."""
    parts = []
    for start in range(0, len(images), batch_size):
        x = ops.convert_to_tensor(pixels.to_float(images[start : start + batch_size]))
        parts.append([ops.convert_to_numpy(part) for part in model.posterior(x)])
    return tuple(np.concatenate(each) for each in zip(*parts))


# --- likelihood and classification ----------------------------------------------------


def likelihood(bench):
    """-log p(x) of the first test images by the model's own `nll`."""
    need(bench, "nll")
    options = {"k": bench.options.k, "seed": bench.options.seed}
    known = inspect.signature(bench.model.nll).parameters
    options = {name: value for name, value in options.items() if name in known}
    try:
        nats = bench.model.nll(bench.test[: bench.options.nll_images], **options)
    except ValueError as error:  # the model's settings leave it without a likelihood
        raise NotApplicableError(" ".join(str(error).split()).rstrip(".")) from None
    in_bits = bench.model.nll_unit == "bits per dimension"
    if in_bits:
        nats = nats / metrics.bits_per_dim(1.0, bench.model.image_shape)
    found = metrics.likelihood(nats)
    bench.details["nll"] = {"num_images": found.num_images, **options}
    numbers = {"nll": found.nats, "nll_error": found.standard_error}
    if not in_bits and "bits_per_dim" not in bench.model.terms:
        bench.skip("the likelihood is not one of 8-bit pixels", "bits_per_dim")
        return numbers
    bits = metrics.bits_per_dim(found.nats, bench.model.image_shape)
    return numbers | {"bits_per_dim": bits}


def classification(bench):
    """The model's own accuracy on the test images."""
    need(bench, "classify")
    need_labels(bench)
    if bench.model.config["num_classes"] != len(bench.classes):
        raise NotApplicableError(
            f"{bench.model.name!r} tells {bench.model.config['num_classes']} classes, "
            f"{bench.subject.dataset!r} has {len(bench.classes)}"
        )
    p = bench.model.predict(bench.test, batch_size=250, verbose=0)
    return {"accuracy": metrics.accuracy(p, bench.test_labels)}


COMPARED = ("frechet", "kernel", "kernel_spread", "kernel_error", "precision", "recall")
COMPARED += ("density", "coverage", "sharpness")
CLASSES = ("classifier_score", "class_distance")
NEAR = ("nearest_train", "closer_to_train", "conditional_accuracy")
ERRORS = ("mse", "psnr", "ssim", *COMPARED, *CLASSES, "class_kept")
ACCURACIES = ("neighbour_accuracy", "probe_accuracy")
MOMENTS = ("latent_mean", "latent_variance", "latent_correlation", "latent_kl_to_prior")

# (what happens, function of the bench, the scores that it may find)
GROUPS = (
    ("samples", samples, (*COMPARED, *CLASSES, *NEAR)),
    ("reconstructions", reconstructions, (*(f"recon_{e}" for e in ERRORS), "pca_mse")),
    (
        "classes in encodings",
        encodings,
        (*ACCURACIES, *(f"{a}_untrained" for a in ACCURACIES)),
    ),
    ("latents", latents, (*MOMENTS, "latent_kl", "active_units")),
    ("likelihood", likelihood, ("nll", "nll_error", "bits_per_dim")),
    ("classification", classification, ("accuracy",)),
)
