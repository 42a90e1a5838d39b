"""Together: VAE-GAN, hybrid and BiGAN on the same images, labels, diffusion."""

import numpy as np

from zoo import metrics
from zoo.evaluation import codes
from zoo.inputs import pixels
from zoo.pages.tour import drawing
from zoo.pages.tour.claims import Claim, Criterion, Figure, Findings
from zoo.pretrained import features as presets

NAMES = {"vae": "VAE", "gan": "GAN", "wgan": "WGAN", "cgan": "cGAN"}  # in charts
NAMES |= {"vaegan": "VAE-GAN", "vaegan_hybrid": "hybrid", "bigan": "BiGAN"}
NAMES |= {"ddpm": "DDPM"}
ENCODING = ("vae", "vaegan", "vaegan_hybrid", "bigan")  # the same images through all
STEPS = (2, 5, 10, 25, 50)  # of the diffusion model's sampler
MOST_BY_STEPS = 1000  # samples a number of steps
TAUGHT = 60  # training steps of a classifier


def side_by_side(studio, roles, numbers):
    """Returns `Findings`: the numbers, with reconstructions, samples and latent maps of
    all roles."""
    examples = studio.examples(roles[0])
    _, labels = studio.test(roles[0])
    count = len(examples)
    grid = drawing.Grid(examples, "test images", count)
    figures = [Figure("examples", grid, wide=True)]
    for role in roles:
        images = pixels.to_uint8(studio.model(role).reconstruct(examples))
        grid = drawing.Grid(images, "reconstructions", count)
        figures.append(Figure("reconstructions", grid, role, wide=True))
    for role in roles:
        grid = drawing.sheet(studio.samples(role))
        figures.append(Figure("samples", grid, role))
    for role in roles:
        chart = drawing.latent_map(studio.codes(role), labels, "latents")
        figures.append(Figure("map", chart, role))
    legend = drawing.legend(studio.class_names(roles[0]))
    return Findings(numbers, tuple(figures), "medium", legend)


def feature_error(studio, role):
    """Mean distance of reconstructions from their images in the judge's features."""
    gap = studio.features(studio.reconstructions(role)) - studio.test_features(role)
    return float(np.linalg.norm(gap, axis=-1).mean())


def vaegan(studio):
    """The VAE and the VAE-GAN: likeness in features, sharpness, distance."""
    numbers = {}
    for role in ("vae", "vaegan"):
        numbers[f"{role}.feature_error"] = feature_error(studio, role)
        sharp = studio.sharpness(role, studio.reconstructions(role))
        numbers[f"{role}.recon_sharpness"] = sharp
        numbers[f"{role}.frechet"] = studio.frechet(role)
    return side_by_side(studio, ("vae", "vaegan"), numbers)


def hybrid(studio):
    """A generator that is the decoder, and one of its own."""
    numbers = {}
    for role in ("vaegan", "vaegan_hybrid"):
        numbers[f"{role}.frechet"] = studio.frechet(role)
        numbers[f"{role}.sharpness"] = studio.sharpness(role, studio.samples(role))
    least, most = sorted(numbers[f"{r}.frechet"] for r in ("vaegan", "vaegan_hybrid"))
    numbers["hybrid_ratio"] = most / least
    return side_by_side(studio, ("vaegan", "vaegan_hybrid"), numbers)


def bigan(studio):
    """Whether the encoder that only fooled a discriminator tells classes and images."""
    model = studio.model("bigan")
    fresh = codes.untrained(model, studio.seed)
    (train, train_labels), (test, labels) = studio.train("bigan"), studio.test("bigan")
    trained, untrained = (
        metrics.neighbour_accuracy(
            each.encode(train), train_labels, each.encode(test), labels
        )
        for each in (model, fresh)
    )
    numbers = {"bigan.nearest": trained, "bigan.nearest_untrained": untrained}
    present = [role for role in ENCODING if not studio.lacking((role,))]
    for role in present:
        real = studio.test_features(role)
        rebuilt = studio.features(studio.reconstructions(role))
        own, other = (
            np.linalg.norm(each - real, axis=-1)
            for each in (rebuilt, np.roll(rebuilt, 1, axis=0))
        )
        numbers[f"{role}.own"] = float((own < other).mean())
    return side_by_side(studio, present, numbers)


def conditional(studio):
    """Samples of the class that was asked for."""
    images = studio.samples("cgan")
    count = len(studio.judge.names)
    right = studio.classes(images) == np.arange(len(images)) % count
    by_class = [right[label::count].mean() for label in range(count)]
    test, labels = studio.test("cgan")
    grid = drawing.Grid(images[: 4 * count], "samples, a class a column", count)
    return Findings(
        {
            "cgan.asked": float(right.mean()),
            "cgan.asked_least": float(min(by_class)),
            "cgan.real": float((studio.classes(test) == labels).mean()),
        },
        (Figure("asked", grid, "cgan"),),
    )


def augmentation(studio):
    """A classifier taught by real images, and by samples beside them."""
    count = len(studio.judge.names)
    real, samples = studio.train("cgan"), studio.samples("cgan")
    generated = samples, np.arange(len(samples)) % count
    both = [np.concatenate(pair) for pair in zip(real, generated)]
    test, labels = studio.test("cgan")
    numbers = {}
    for name, images in (("real", real), ("both", both)):
        student = presets.taught(*images, count, TAUGHT)
        classes = student.predict(test, batch_size=250, verbose=0).argmax(axis=1)
        numbers[f"taught_{name}"] = float((classes == labels).mean())
    bars = {"real": numbers["taught_real"], "real and made": numbers["taught_both"]}
    chart = drawing.bars(bars, "accuracy by training images", label="accuracy")
    return Findings(numbers, (Figure("taught", chart, "cgan"),))


def average(studio):
    """How much the images of one class differ, beside real ones'."""
    images, _ = studio.test("vae")
    usual = spread(images, studio.classes(images))
    numbers, figures = {}, []
    for role in ("vae", "gan"):
        samples = studio.samples(role)
        numbers[f"{role}.spread"] = spread(samples, studio.classes(samples)) / usual
        figures.append(Figure("samples", drawing.sheet(samples), role))
    means = [images[studio.classes(images) == k] for k in range(10)]
    means = [each.mean(axis=0) for each in means if len(each)]
    grid = drawing.Grid(np.stack(means).astype("uint8"), "means of classes", 5)
    return Findings(numbers, (Figure("means", grid), *figures))


def spread(images, classes):
    """Variance of the pixels about the mean image of their class."""
    x = pixels.intensities(images)
    within = [
        ((x[classes == k] - x[classes == k].mean(axis=0)) ** 2).sum()
        for k in np.unique(classes)
    ]
    return float(sum(within) / x.size)


def diffusion(studio):
    """DDPM beside the others; its quality against the number of steps."""
    present = [role for role in NAMES if not studio.lacking((role,))]
    numbers = {f"{role}.frechet": studio.frechet(role) for role in present}
    count = min(studio.num_images, MOST_BY_STEPS)
    distances = []
    for steps in STEPS:
        features = studio.features(studio.drawn("ddpm", count, steps=steps))
        distances.append(studio.frechet("ddpm", features))
    numbers["ddpm.steps_gain"] = distances[0] / distances[-1]
    numbers["ddpm.sharpness"] = studio.sharpness("ddpm", studio.samples("ddpm"))
    bars = {NAMES[role]: numbers[f"{role}.frechet"] for role in present}
    line = {"": (STEPS, distances)}
    steps = drawing.lines(line, "steps", "Frechet distance", "distance", log=True)
    return Findings(
        numbers,
        (
            Figure("samples", drawing.sheet(studio.samples("ddpm")), "ddpm"),
            Figure("steps", steps, "ddpm"),
            Figure(
                "distances", drawing.bars(bars, "distances", label="Frechet distance")
            ),
        ),
    )


CLAIMS = (
    Claim(
        "vaegan",
        ("A4",),
        ("vae", "vaegan"),
        (
            Criterion("vaegan.feature_error", "<=", "vae.feature_error"),
            Criterion("vaegan.recon_sharpness", ">=", "vae.recon_sharpness"),
            Criterion("vaegan.frechet", "<=", "vae.frechet"),
        ),
        vaegan,
    ),
    Claim(
        "hybrid",
        ("A4",),
        ("vaegan", "vaegan_hybrid"),
        (Criterion("hybrid_ratio", "<=", 1.25),),
        hybrid,
    ),
    Claim(
        "bigan",
        ("A4",),
        ("bigan",),
        (
            Criterion("bigan.nearest", ">=", "bigan.nearest_untrained"),
            Criterion("bigan.own", ">=", 0.85),
        ),
        bigan,
    ),
    Claim(
        "conditional",
        ("D4", "B2"),
        ("cgan",),
        (Criterion("cgan.asked", ">=", 0.9), Criterion("cgan.asked_least", ">=", 0.7)),
        conditional,
    ),
    Claim(
        "augmentation",
        ("D4",),
        ("cgan",),
        (Criterion("taught_both", ">=", "taught_real"),),
        augmentation,
    ),
    Claim(
        "average",
        ("B5",),
        ("vae", "gan"),
        (Criterion("vae.spread", "<=", 0.8), Criterion("gan.spread", "<=", 0.8)),
        average,
    ),
    Claim(
        "diffusion",
        ("B5", "E4"),
        ("ddpm", "vae", "gan"),
        (
            Criterion("ddpm.frechet", "<=", "vae.frechet"),
            Criterion("ddpm.frechet", "<=", "gan.frechet"),
            Criterion("ddpm.steps_gain", ">=", 1.5),
        ),
        diffusion,
    ),
)
