"""The game: the coin toss, the trick, collapse, paths between draws, losses."""

import numpy as np
from scipy import stats

from zoo import metrics
from zoo.core import latents
from zoo.inputs import pixels
from zoo.pages.tour import drawing
from zoo.pages.tour.claims import Claim, Criterion, Figure, Findings

END = 0.75  # share of the epochs after which a game counts as ended
DRAWN = 0.01  # share of the samples from which on a class counts as drawn
STEPS, NUM_PATHS, PICTURED = 16, 50, 4  # of paths between draws of noise
NEAREST = 8


def coin_toss(studio):
    """D(x) and D(G(z)) over the epochs."""
    rows = studio.rows("gan", "d_real", "d_fake", "d_loss")
    epochs = [row["epoch"] for row in rows]
    curves = {
        label: (epochs, [row[term] for row in rows])
        for label, term in (("D(x)", "d_real"), ("D(G(z))", "d_fake"))
    }
    ended = rows[int(END * len(rows)) :]
    real, fake, loss = (
        float(np.mean([row[term] for row in ended]))
        for term in ("d_real", "d_fake", "d_loss")
    )
    chart = drawing.lines(curves, "epoch", "D", "D over the epochs", level=0.5)
    return Findings(
        {
            "gan.off_real": abs(real - 0.5),
            "gan.off_fake": abs(fake - 0.5),
            "gan.d_real": real,
            "gan.d_fake": fake,
            "gan.divergence": max(float(np.log(2) - loss / 2), 0.0),
        },
        (Figure("d", chart, "gan"),),
    )


def trick(studio):
    """How much larger the generator's gradient is with fakes labelled as real.

    By the logit, log(1 - D) has the gradient -D and -log D has -(1 - D).
    """
    rows = studio.rows("gan", "d_fake")
    fake = np.array([row["d_fake"] for row in rows])
    gain = (1 - fake) / fake
    epochs = [row["epoch"] for row in rows]
    curves = {"-log D(G(z))": (epochs, 1 - fake), "log(1 - D(G(z)))": (epochs, fake)}
    chart = drawing.lines(curves, "epoch", "|gradient|", "gradients of two losses")
    return Findings(
        {
            "gan.gradient_most": float(gain.max()),
            "gan.gradient": float(np.median(gain)),
        },
        (Figure("gradients", chart, "gan"),),
    )


def collapse(studio):
    """The classes among samples of a game set up to collapse, and of the usual one."""
    numbers, figures = {}, []
    for role in ("collapse_gan", "gan"):
        images = studio.samples(role)
        judge = studio.judge_of(studio.subject(role).dataset)
        classes = judge.extractor.probabilities(images).argmax(axis=1)
        shares = metrics.class_histogram(classes, len(judge.names))
        numbers[f"{role}.missing"] = float((shares < DRAWN).sum())
        numbers[f"{role}.rarest"] = float(shares.min())
        bars = drawing.bars(dict(enumerate(shares)), "classes", 1 / len(shares))
        figures.append(Figure("samples", drawing.sheet(images), role))
        figures.append(Figure("histogram", bars, role))
    return Findings(numbers, tuple(figures), "medium")


def between(studio):
    """Arcs between draws of noise, and how near samples lie to training images."""
    model = studio.model("gan")
    z = model.prior(2 * NUM_PATHS, seed=studio.seed)
    path = latents.spherical(z[:NUM_PATHS], z[NUM_PATHS:], STEPS)
    images = model.decode(path.reshape(-1, path.shape[-1]))
    x = pixels.intensities(images).reshape(NUM_PATHS, STEPS, -1)
    steps = np.linalg.norm(np.diff(x, axis=1), axis=-1)
    train, _ = studio.train("gan", most=60_000)
    known, samples = studio.features(train), studio.sample_features("gan")
    near = metrics.memorisation(known, studio.test_features("gan"), samples)
    _, rows = metrics.nearest(samples[:NEAREST], known)
    strip = images[: PICTURED * STEPS]
    pairs = np.concatenate([studio.samples("gan")[:NEAREST], train[rows[:, 0]]])
    return Findings(
        {
            "gan.jump": float((steps.max(axis=1) / steps.mean(axis=1)).mean()),
            "gan.closer": near.closer,
        },
        (
            Figure("noise", drawing.Grid(strip, "paths", STEPS), "gan"),
            Figure(
                "nearest",
                drawing.Grid(pairs, "nearest training images", NEAREST),
                "gan",
            ),
        ),
        "wide",
    )


def informative(studio):
    """Rank correlation of losses with the distance of samples, over the epochs."""
    numbers, figures = {}, []
    for role, terms in (("gan", ("d_loss", "g_loss")), ("wgan", ("wasserstein",))):
        rows = studio.rows(role, "frechet", *terms)
        columns = {key: [row[key] for row in rows] for key in ("frechet", *terms)}
        for term in terms:
            rank = stats.spearmanr(columns[term], columns["frechet"]).statistic
            numbers[f"{role}.rank_{term}"] = float(rank)
        epochs = [row["epoch"] for row in rows]
        curves = {
            key: (epochs, np.array(values) / np.max(np.abs(values)))
            for key, values in columns.items()
        }
        chart = drawing.lines(curves, "epoch", "of its largest", "losses and distance")
        figures.append(Figure("losses", chart, role))
    numbers["gan.rank"] = max(numbers["gan.rank_d_loss"], numbers["gan.rank_g_loss"])
    return Findings(numbers, tuple(figures))


def cost(studio):
    """Seconds that an epoch takes, and how often a loss rises."""
    numbers, curves = {}, {}
    for role, term in (("vae", "elbo"), ("gan", "g_loss")):
        rows = studio.rows(role, term)
        numbers[f"{role}.seconds"] = float(np.median([r["seconds"] for r in rows[1:]]))
        loss = np.array([row[term] for row in rows]) * (-1 if term == "elbo" else 1)
        numbers[f"{role}.rises"] = float((np.diff(loss) > 0).mean())
        height = (loss - loss.min()) / np.ptp(loss)
        curves[role.upper()] = ([row["epoch"] for row in rows], height)
    numbers["cost_ratio"] = numbers["gan.seconds"] / numbers["vae.seconds"]
    chart = drawing.lines(curves, "epoch", "loss, from least to most", "two losses")
    return Findings(numbers, (Figure("rises", chart),))


CLAIMS = (
    Claim(
        "coin_toss",
        ("D1", "C5"),
        ("gan",),
        (Criterion("gan.off_real", "<=", 0.1), Criterion("gan.off_fake", "<=", 0.1)),
        coin_toss,
    ),
    Claim(
        "trick",
        ("D2",),
        ("gan",),
        (
            Criterion("gan.gradient_most", ">=", 3.0),
            Criterion("gan.gradient", ">=", 1.5),
        ),
        trick,
    ),
    Claim(
        "collapse",
        ("A3", "B4"),
        ("collapse_gan", "gan"),
        (
            Criterion("collapse_gan.missing", ">=", 1),
            Criterion("gan.missing", ">=", 1),
        ),
        collapse,
    ),
    Claim(
        "between",
        ("D3",),
        ("gan",),
        (Criterion("gan.jump", "<=", 2.0), Criterion("gan.closer", "<=", 0.6)),
        between,
    ),
    Claim(
        "told",
        ("C5", "D4"),
        ("gan", "wgan"),
        (
            Criterion("gan.rank", "<=", 0.5),
            Criterion("wgan.rank_wasserstein", ">=", 0.5),
        ),
        informative,
    ),
    Claim(
        "cost",
        ("A3", "B4", "C5"),
        ("vae", "gan"),
        (
            Criterion("cost_ratio", ">=", 1.25),
            Criterion("vae.rises", "<=", 0.1),
            Criterion("gan.rises", ">=", 0.25),
        ),
        cost,
    ),
)
