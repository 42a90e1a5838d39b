"""VAE against GAN: blur, sharpness, variety, alpha, neighbours, control, anomalies."""

import numpy as np

from zoo import metrics
from zoo.evaluation import NotApplicableError
from zoo.evaluation import explorer as exploration
from zoo.evaluation.bench import subset
from zoo.inputs import pixels
from zoo.pages.tour import drawing
from zoo.pages.tour.chapters.ae_vae import COMPONENTS, moved
from zoo.pages.tour.claims import Claim, Criterion, Figure, Findings

VAE, ALPHA, GAN = "shoes_vae", "shoes_vae_alpha", "shoes_gan"
LEFT_OUT = "left_out_vae"  # that was not shown every class
NAMES = {VAE: "alpha 1", ALPHA: "alpha 10"}  # in charts
EARLY = 0.25  # share of the epochs after which learning is compared
STEP, NUM_STEPS = 0.05, 500  # a latent step, in lengths of a draw; how many
PICTURED = 8  # images of a row


def alpha(studio):
    """Two VAEs that differ in the weight of the squared error."""
    numbers, figures, curves = {}, [], {}
    for role in (VAE, ALPHA):
        rows = studio.rows(role, "mse")
        curves[NAMES[role]] = (
            [row["epoch"] for row in rows],
            [row["mse"] for row in rows],
        )
        z = studio.model(role).encode(studio.test(role)[0], True, studio.seed)
        spread = metrics.latent_statistics(z).kl_to_prior / z.shape[1]
        early = rows[int(EARLY * (len(rows) - 1))]["mse"]
        numbers |= {f"{role}.mse_early": early, f"{role}.to_prior": spread}
        numbers[f"{role}.frechet"] = studio.frechet(role)
        grid = drawing.sheet(studio.samples(role))
        figures.append(Figure("samples", grid, role))
    chart = drawing.lines(curves, "epoch", "squared error", "squared error")
    return Findings(numbers, (Figure("mse", chart), *figures))


def recognisable(studio):
    """Which reconstructions keep their class; how blurred all are."""
    images, rebuilt = studio.test(VAE)[0], studio.reconstructions(VAE)
    kept = studio.classes(images) == studio.classes(rebuilt)
    changed_first = np.argsort(kept, kind="stable")[: 2 * PICTURED].reshape(2, PICTURED)
    pairs = [each[rows] for rows in changed_first for each in (images, rebuilt)]
    grid = drawing.Grid(np.concatenate(pairs), "images over reconstructions", PICTURED)
    samples = studio.samples(VAE)
    return Findings(
        {
            f"{VAE}.class_kept": float(kept.mean()),
            f"{VAE}.class_changed": float(1 - kept.mean()),
            f"{VAE}.recon_sharpness": studio.sharpness(VAE, rebuilt),
            f"{VAE}.sharpness": studio.sharpness(VAE, samples),
        },
        (
            Figure("changed", grid, VAE),
            Figure("samples", drawing.sheet(samples), VAE),
        ),
    )


def clear(studio):
    """Sharpness of samples, and whether they lie among the real images."""
    numbers = {}
    figures = [Figure("real", drawing.sheet(studio.test(GAN)[0], "test images"))]
    for role in (GAN, VAE):
        images = studio.samples(role)
        numbers[f"{role}.sharpness"] = studio.sharpness(role, images)
        numbers[f"{role}.precision"] = studio.manifold(role).precision
        figures.append(Figure("samples", drawing.sheet(images), role))
    return Findings(numbers, tuple(figures))


def diverse(studio):
    """How much of the real images' variety samples reach."""
    numbers, shares = {}, {}
    for role, name in ((VAE, "VAE"), (GAN, "GAN")):
        reached = studio.manifold(role)
        for score in ("recall", "coverage"):
            share = getattr(reached, score)
            numbers[f"{role}.{score}"] = shares[f"{name}\n{score}"] = share
    return Findings(numbers, (Figure("diverse", drawing.bars(shares, "shares")),))


def neighbours(studio):
    """How much of an image changes with a short step in latent space."""
    numbers, figures = {}, []
    for role in (VAE, GAN):
        model, random = studio.model(role), studio.random()
        z = model.prior(NUM_STEPS, seed=studio.seed)
        way = random.standard_normal(z.shape)
        length = STEP * np.sqrt(z.shape[1])  # alike for any number of latents
        way *= length / np.linalg.norm(way, axis=1, keepdims=True)
        before, after = (model.decode(x.astype("float32")) for x in (z, z + way))
        change = metrics.squared_errors(before, after).mean()
        numbers[f"{role}.change"] = float(change / pixel_spread(studio.test(role)[0]))
        pair = np.concatenate([before[:PICTURED], after[:PICTURED]])
        figures.append(
            Figure("step", drawing.Grid(pair, "before and after", PICTURED), role)
        )
    rebuilt = studio.reconstructions(VAE)
    numbers["change_ratio"] = numbers[f"{GAN}.change"] / numbers[f"{VAE}.change"]
    numbers[f"{VAE}.recon_sharpness"] = studio.sharpness(VAE, rebuilt)
    return Findings(numbers, tuple(figures))


def pixel_spread(images):
    """Mean variance of a pixel over images."""
    return pixels.intensities(images).var(axis=0).mean()


def control(studio):
    """Draws of the prior, moved from one class towards the next; the classifier says
    which their images are of."""
    numbers, figures = {}, []
    for role in ("vae", "gan"):
        model = studio.model(role)
        z = model.prior(studio.num_images, seed=studio.seed)  # of `samples`
        labels = studio.classes(studio.samples(role))
        hits, strips = [], []
        for target, _, before, after in moved(model, z, labels, z, labels):
            hits.append(studio.classes(pixels.to_uint8(after)) == target)
            strips += [before[0], after[0]]
        # Samples that are all of one class cannot be moved to another.
        numbers[f"{role}.controlled"] = np.concatenate(hits).mean() if hits else 0.0
        if strips:
            grid = drawing.Grid(np.stack(strips), "before and after", 4)
            figures.append(Figure("controlled", grid, role))
    return Findings(numbers, tuple(figures))


def anomaly(studio):
    """Images of classes that a VAE never saw, by reconstruction and by latent."""
    space = exploration.Explorer(studio.folders[LEFT_OUT], studio.seed, judged=False)
    try:
        images, _, strange = space.with_left_out()
    except ValueError as error:
        raise NotApplicableError(str(error).rstrip(".")) from None
    images, strange = subset(images, strange, studio.num_images, studio.random())
    rebuilt, scores = space.strangeness(images, COMPONENTS)
    numbers, curves, strips = {}, {}, []
    for name, score in scores.items():
        detection = metrics.detection(score[~strange], score[strange])
        numbers[f"{LEFT_OUT}.auc_{name}"] = detection.auc
        numbers[f"{LEFT_OUT}.found_{name}"] = detection.detected
        curves[name] = (detection.alarms, detection.hits)
    chart = drawing.lines(curves, "false alarms", "found", "anomalies found")
    for rows in (np.flatnonzero(each)[:PICTURED] for each in (~strange, strange)):
        strips += [images[rows], pixels.to_uint8(rebuilt[rows])]
    grid = drawing.Grid(np.concatenate(strips), "images over reconstructions", PICTURED)
    return Findings(
        numbers,
        (Figure("strange", grid, LEFT_OUT, wide=True), Figure("detection", chart)),
    )


CLAIMS = (
    Claim(
        "alpha",
        ("C1",),
        (VAE, ALPHA),
        (
            Criterion(f"{ALPHA}.mse_early", "<=", f"{VAE}.mse_early"),
            Criterion(f"{ALPHA}.to_prior", ">=", f"{VAE}.to_prior"),
            Criterion(f"{ALPHA}.frechet", ">=", f"{VAE}.frechet"),
        ),
        alpha,
    ),
    Claim(
        "recognisable",
        ("C2", "B4"),
        (VAE,),
        (
            Criterion(f"{VAE}.class_kept", ">=", 0.7),
            Criterion(f"{VAE}.class_changed", ">=", 0.02),
            Criterion(f"{VAE}.recon_sharpness", "<=", 0.8),
            Criterion(f"{VAE}.sharpness", "<=", 0.8),
        ),
        recognisable,
    ),
    Claim(
        "clear",
        ("C3", "A3", "B4"),
        (VAE, GAN),
        (
            Criterion(f"{GAN}.sharpness", ">=", 0.8),
            Criterion(f"{GAN}.sharpness", ">=", f"{VAE}.sharpness"),
            Criterion(f"{GAN}.precision", ">=", f"{VAE}.precision"),
        ),
        clear,
    ),
    Claim(
        "diverse",
        ("A2", "A3"),
        (VAE, GAN),
        (
            Criterion(f"{VAE}.recall", ">=", f"{GAN}.recall"),
            Criterion(f"{VAE}.coverage", ">=", f"{GAN}.coverage"),
        ),
        diverse,
    ),
    Claim(
        "neighbours",
        ("C4",),
        (VAE, GAN),
        (
            Criterion("change_ratio", ">=", 1.5),
            Criterion(f"{VAE}.recon_sharpness", "<=", 0.8),
        ),
        neighbours,
    ),
    Claim(
        "control",
        ("B4",),
        ("vae", "gan"),
        (
            Criterion("gan.controlled", "<=", 0.5),
            Criterion("gan.controlled", "<=", "vae.controlled"),
        ),
        control,
    ),
    Claim(
        "anomaly",
        ("A2", "D4"),
        (LEFT_OUT,),
        (
            Criterion(f"{LEFT_OUT}.auc_reconstruction", ">=", 0.8),
            Criterion(f"{LEFT_OUT}.auc_latent", ">=", 0.8),
        ),
        anomaly,
    ),
)
