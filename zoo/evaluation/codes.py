"""Scores of what a model says about images: encodings, likelihood, classes."""

import inspect

import keras
import numpy as np
from keras import ops

from zoo import metrics
from zoo.evaluation.bench import NotApplicableError, lack
from zoo.inputs import pixels
from zoo.metrics.encodings import ACTIVE

FEWEST_BOUNDS = 20  # images whose bound is taken, as far as so many are asked for

# --- encodings ------------------------------------------------------------------------


def encodings(bench):
    """Classes by nearest neighbour and linear probe, also of the untrained encoder."""
    bench.need_labels()
    trained = _class_accuracies(bench, bench.model)
    plain = _class_accuracies(bench, untrained(bench.model, bench.options.seed))
    return trained | {f"{name}_untrained": value for name, value in plain.items()}


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
    """Moments of encodings and their distance to the prior; KL and active units."""
    if not bench.model.can("sample"):
        raise NotApplicableError(f"{bench.model.name!r} has no prior to compare with")
    z = bench.model.encode(bench.test, sample=True, seed=bench.options.seed)
    statistics = metrics.latent_statistics(z)
    numbers = {
        "latent_mean": statistics.mean_norm,
        "latent_variance": statistics.mean_variance,
        "latent_correlation": statistics.correlation,
        "latent_kl_to_prior": statistics.kl_to_prior,
    }
    if not bench.model.can("posterior"):
        reason = lack(bench.model, "posterior")
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
    options = {"k": bench.options.k, "seed": bench.options.seed}
    known = inspect.signature(bench.model.nll).parameters
    options = {name: value for name, value in options.items() if name in known}
    count = bench.options.nll_images
    if "k" in options and known["k"].default is None:
        # No number of samples: a ddpm's steps, all of which make its tightest bound. A
        # thousand steps take ten times as long as a hundred samples: fewer images.
        del options["k"]
        count = max(count // 10, min(count, FEWEST_BOUNDS))
    try:
        nats = bench.model.nll(bench.test[:count], **options)
    except ValueError as error:  # the model's settings leave it without a likelihood
        raise NotApplicableError(" ".join(str(error).split()).rstrip(".")) from None
    in_bits = bench.model.nll_unit == "bits per dimension"
    if in_bits:
        nats = nats / metrics.bits_per_dim(1.0, bench.model.image_shape)
    estimate = metrics.likelihood(nats)
    bench.details["nll"] = {"num_images": estimate.num_images, **options}
    numbers = {"nll": estimate.nats, "nll_error": estimate.standard_error}
    if not in_bits and "bits_per_dim" not in bench.model.terms:
        bench.skip("the likelihood is not one of 8-bit pixels", "bits_per_dim")
        return numbers
    bits = metrics.bits_per_dim(estimate.nats, bench.model.image_shape)
    return numbers | {"bits_per_dim": bits}


def classification(bench):
    """The model's own accuracy on the test images."""
    bench.need_labels()
    if bench.model.config["num_classes"] != len(bench.classes):
        raise NotApplicableError(
            f"{bench.model.name!r} tells {bench.model.config['num_classes']} classes, "
            f"{bench.subject.dataset!r} has {len(bench.classes)}"
        )
    p = bench.model.predict(bench.test, batch_size=250, verbose=0)
    return {"accuracy": metrics.accuracy(p, bench.test_labels)}
