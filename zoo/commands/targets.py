"""What a finished run has to reach on Fashion-MNIST: one function per recipe.

Each takes `runs`, the `Runs` of recipe_runs.py, and yields pairs (met, line): whether
the target is met, and the number in words.
"""

import time

import numpy as np
from scipy import stats

from zoo import data, metrics
from zoo.commands import reproduce
from zoo.commands.recipe_runs import DATASET
from zoo.evaluation import codes
from zoo.runs.folder import RunFolder

ADVERSARIAL = ("gan", "wgan", "wgan_gp", "cgan", "bigan", "vaegan", "vaegan_hybrid")


def classifier(runs):
    """Top-1 accuracy of the long training."""
    yield accuracy(runs, "classifier", 0.94)


def classifier_fast(runs):
    """Top-1 accuracy of the short training."""
    yield accuracy(runs, "classifier_fast", 0.93)


def accuracy(runs, name, target):
    share = metrics.accuracy(runs.load(name).predict(runs.test[0]), runs.test[1])
    return share >= target, f"{name}: accuracy {share:.2%}, target {target:.1%}"


def ae(runs):
    """Squared error beside that of PCA with as many components."""
    model, images = runs.load("ae"), runs.test[0]
    train, _ = data.arrays(DATASET, "train")
    linear = metrics.pca_errors(train, images, model.latent_dim).mean()
    error = metrics.squared_errors(images, model.reconstruct(images)).mean()
    yield (
        error <= 0.45 * linear,
        f"ae: squared error {error:.5f}, {error / linear:.3f} times PCA's {linear:.5f} "
        f"({model.latent_dim} numbers an image, pixels in [0, 1]), target 0.45",
    )


def vae(runs):
    """Importance-sampled bound of -log p(x) on one binarisation."""
    nats = runs.load("vae").nll(runs.test[0], k=runs.k, seed=runs.seed)
    bound = metrics.likelihood(nats)
    yield (
        bound.nats <= 228.7,
        f"vae: {bound.nats:.2f} nats (k={runs.k}, {len(nats)} images, standard error "
        f"{bound.standard_error:.2f}), target 228.7",
    )


def gan(runs):
    """Share of each class among samples, by the zoo's classifier."""
    samples = runs.load("gan").sample(2000, seed=runs.seed)
    classes = runs.judge.probabilities(samples).argmax(-1)
    share = metrics.class_histogram(classes, 10)
    yield (
        share.min() >= 0.03,
        f"gan: rarest class {share.min():.1%} of 2,000 samples, target 3 % "
        f"({' '.join(f'{part:.1%}' for part in share)})",
    )


def vaegan(runs):
    """Distance of reconstructions in the classifier's features, beside the VAE's."""
    images, distance = runs.test[0], {}
    features = runs.judge.features(images)
    for name in ("vaegan", "vae"):
        rebuilt = runs.judge.features(runs.load(name).reconstruct(images))
        distance[name] = np.linalg.norm(rebuilt - features, axis=-1).mean()
    yield (
        distance["vaegan"] < distance["vae"],
        f"vaegan: reconstructions {distance['vaegan']:.3f} from their images in the "
        f"classifier's features, target less than the vae's {distance['vae']:.3f}",
    )


def cgan(runs):
    """Share of samples that the classifier takes for the class that was asked for."""
    yield asked_for(runs, "cgan", 0.9)


def asked_for(runs, name, target, note=""):
    """Whether samples of all classes are of the class that was asked for."""
    samples, labels = runs.drawn(runs.path(name))
    share = metrics.accuracy(runs.judge.probabilities(samples), labels)
    real = metrics.accuracy(runs.judge.probabilities(runs.test[0]), runs.test[1])
    return (
        share >= target,
        f"{name}: {share:.1%} of 10,000 samples{note} of the class asked for, "
        f"target {target:.0%} (of real images the classifier knows {real:.1%})",
    )


def ddpm(runs):
    """Samples compared with the VAE's and the best GAN's, labels, time."""
    yield from diffusion(runs, "ddpm", "ddim")


def flow(runs):
    """Samples compared with the VAE's and the best GAN's, labels, time."""
    yield from diffusion(runs, "flow", "euler")


def diffusion(runs, name, sampler):
    """Of both: samples as the model's settings say, and 64 by `sampler`."""
    model = runs.load(name)
    way = f" by {model.sampler} in {model.steps} steps with guidance {model.guidance:g}"
    yield from against_others(runs, name)
    yield asked_for(runs, name, 0.92, way)
    yield sampling_time(model, sampler)


def against_others(runs, name):
    """Frechet distance, less than the VAE's and at most 1.5 times that of the best
    finished run with a discriminator."""
    real = metrics.Moments.of(runs.judge, runs.test[0])
    distance, _ = median_distance(runs, name, real)
    limit, _ = median_distance(runs, "vae", real)
    line = f"{name}: Frechet distance {distance:.3f}, target"
    yield distance < limit, f"{line} less than the vae's {limit:.3f}"
    best = {
        each: median_distance(runs, each, real)[0]
        for each in ADVERSARIAL
        if runs.is_finished(each)
    }
    if best:
        rival = min(best, key=best.get)
        limit = 1.5 * best[rival]
        yield distance <= limit, f"{line} 1.5 times the {rival}'s {best[rival]:.3f}"


def sampling_time(model, sampler):
    """Returns the seconds that 64 images take at 50 steps, once the loop is
    compiled."""
    model.sample(64, seed=0, sampler=sampler, steps=50)
    began = time.perf_counter()
    model.sample(64, seed=0, sampler=sampler, steps=50)
    seconds = time.perf_counter() - began
    return (
        seconds <= 10,
        f"{model.name}: 64 images at 50 steps of {sampler} in {seconds:.1f} s, "
        "target 10 s",
    )


def wgan(runs):
    """Whether the critic's estimate tells how good an epoch's samples are: its rank
    correlation with their Frechet distance, beside that of a GAN's losses."""
    critic = {name: rank(runs, name, "wasserstein") for name in ("wgan", "wgan_gp")}
    game = {term: rank(runs, "gan", term) for term in ("d_loss", "g_loss")}
    words = ", ".join(f"{term} {value:+.2f}" for term, value in game.items())
    for name, value in critic.items():
        yield (
            value > max(game.values()),
            f"{name}: rank correlation of the critic's estimate with the Frechet "
            f"distance over the epochs {value:+.2f}, target more than the gan's losses "
            f"({words})",
        )


def rank(runs, name, term):
    """Returns Spearman's correlation of a term with `frechet` over the epochs of a
    run."""
    rows = RunFolder(runs.path(name)).rows()
    if not rows or "frechet" not in rows[0]:
        raise ValueError(
            "The run has no Frechet distance an epoch: train it with --frechet=2000. "
            f"Received: {runs.path(name)}."
        )
    columns = [[row[key] for row in rows] for key in (term, "frechet")]
    return float(stats.spearmanr(*columns).statistic)


def bigan(runs):
    """What the codes know of the classes, and whether reconstructions are of their
    images, beside the untrained model and the autoencoder."""
    model = runs.load("bigan")
    untrained = codes.untrained(model, runs.seed)
    near, near_untrained = (nearest_accuracy(runs, m) for m in (model, untrained))
    yield (
        near > near_untrained,
        f"bigan: 1-nearest-neighbour accuracy of codes {near:.1%}, target more than "
        f"untrained, {near_untrained:.1%}",
    )
    own, of_ae, of_untrained = (
        own_share(runs, m) for m in (model, runs.load("ae"), untrained)
    )
    yield (
        own >= 0.85,
        f"bigan: {own:.1%} of images are closer to their own reconstruction than to "
        f"another's, target 85 % (ae {of_ae:.1%}, untrained {of_untrained:.1%})",
    )


def nearest_accuracy(runs, model):
    """Returns the 1-NN accuracy of the test images' codes among those of training
    images."""
    images, labels = data.arrays(DATASET, "train")
    codes = model.encode(images), labels, model.encode(runs.test[0]), runs.test[1]
    return metrics.neighbour_accuracy(*codes)


def own_share(runs, model):
    """Returns the share of images that are closer to their own reconstruction than to
    that of a random other image, in the classifier's features."""
    images = runs.test[0]
    real = runs.judge.features(images)
    rebuilt = runs.judge.features(model.reconstruct(images))
    shift = np.random.default_rng(runs.seed).integers(1, len(real), len(real))
    others = rebuilt[(np.arange(len(real)) + shift) % len(real)]
    distance = [np.linalg.norm(each - real, axis=-1) for each in (rebuilt, others)]
    return (distance[0] < distance[1]).mean()


def frechet(runs):
    """Frechet distance of 10,000 samples of each adversarial model, the best first,
    beside the VAE's.

    Of several runs of a recipe, those of other seeds, the median counts.
    """
    real = metrics.Moments.of(runs.judge, runs.test[0])
    train = metrics.Moments.of(runs.judge, data.arrays(DATASET, "train")[0][:10_000])
    floor = metrics.frechet_distance(real, train)
    limit, _ = median_distance(runs, "vae", real)
    finished = [name for name in ADVERSARIAL if runs.is_finished(name)]
    medians = {name: median_distance(runs, name, real) for name in finished}
    for name in sorted(medians, key=medians.get):
        distance, count = medians[name]
        yield (
            distance < limit,
            f"{name}: Frechet distance {distance:.3f} ({count} seeds), target less "
            f"than the vae's {limit:.3f} (real training images {floor:.3f}; features "
            f"of {runs.judge.name}, sha256 {runs.judge.sha256[:16]})",
        )


def median_distance(runs, name, real):
    """Returns the median over a recipe's runs, and their number."""
    paths = reproduce.folders(runs.folder, f"{name}-{DATASET}")
    distances = []
    for each in paths:
        moments = metrics.Moments.of(runs.judge, runs.drawn(each)[0])
        distances.append(metrics.frechet_distance(real, moments))
    return float(np.median(distances)), len(paths)


MEASURES = {
    measure.__name__: measure
    for measure in (
        classifier,
        classifier_fast,
        ae,
        vae,
        gan,
        vaegan,
        wgan,
        cgan,
        bigan,
        ddpm,
        flow,
        frechet,
    )
}
