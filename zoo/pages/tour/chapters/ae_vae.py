"""AE against VAE: latent maps, paths, samples, editing, completion, the bound."""

import numpy as np

from zoo import metrics
from zoo.core import latents
from zoo.evaluation import NotApplicableError
from zoo.inputs import pixels
from zoo.pages.tour import drawing
from zoo.pages.tour.claims import Claim, Criterion, Figure, Findings
from zoo.pages.tour.studio import NUM_EXAMPLES

MAPS = ("ae_2d", "vae_2d")
NAMES = dict(zip(MAPS, ("AE", "VAE")))  # in charts
STEPS = 9  # of a path, both ends included; its middle third is looked at
NUM_PATHS, PICTURED = 200, 4
COMPONENTS = 10  # of the mixture
EDITED = 20  # images of each class that are edited
COMPLETED, ROUNDS = 500, 10  # images, and how often each is rebuilt
BOUND_IMAGES, BOUND_KS = 200, (1, 10, 100)


def maps(studio):
    """Two-dimensional latents of both: how far from the prior, how orderly."""
    numbers, figures = {}, []
    for role in MAPS:
        (_, train_labels), (_, labels) = studio.train(role), studio.test(role)
        z_train, z = studio.codes(role, "train"), studio.codes(role)
        statistics = metrics.latent_statistics(z)
        numbers |= {
            f"{role}.to_prior": statistics.kl_to_prior / z.shape[1],
            f"{role}.from_centre": statistics.mean_norm,
            f"{role}.neighbours": metrics.neighbour_accuracy(
                z_train, train_labels, z, labels
            ),
        }
        figures.append(Figure("map", drawing.latent_map(z, labels, "latents"), role))
    legend = drawing.legend(studio.class_names(MAPS[0]))
    return Findings(numbers, tuple(figures), legend=legend)


def prior(studio):
    """Whether a VAE's latents follow its prior, and how various its samples are."""
    z = studio.model("vae").encode(studio.test("vae")[0], True, studio.seed)
    statistics, manifold = metrics.latent_statistics(z), studio.manifold("vae")
    shares = [
        metrics.class_histogram(studio.classes(x), len(studio.judge.names))
        for x in (studio.test("vae")[0], studio.samples("vae"))
    ]
    grid = drawing.sheet(studio.samples("vae"))
    return Findings(
        {
            "vae.to_prior": statistics.kl_to_prior / z.shape[1],
            "vae.variance": statistics.mean_variance,
            "vae.recall": manifold.recall,
            "vae.class_distance": metrics.histogram_distance(*shares),
        },
        (Figure("samples", grid, "vae"),),
    )


def generator(studio):
    """The autoencoder's decoder on blind and on fitted latents."""
    model = studio.model("ae")
    z = studio.codes("ae", "train")
    blind = studio.random().standard_normal((studio.num_images, z.shape[1]))
    fitted = latents.Mixture(z, COMPONENTS, studio.seed).draw(range(studio.num_images))
    decoded = {
        "blind": pixels.to_uint8(model.decode(blind.astype("float32"))),
        "fitted": pixels.to_uint8(model.decode(fitted)),
    }
    numbers = {
        f"ae.frechet_{name}": studio.frechet("ae", studio.features(images))
        for name, images in decoded.items()
    }
    numbers["ae.gain"] = numbers["ae.frechet_blind"] / numbers["ae.frechet_fitted"]
    numbers["vae.frechet"] = studio.frechet("vae")
    figures = [
        Figure(f"ae_{name}", drawing.sheet(images), "ae")
        for name, images in decoded.items()
    ]
    figures.append(Figure("samples", drawing.sheet(studio.samples("vae")), "vae"))
    return Findings(numbers, tuple(figures))


def paths(studio):
    """Straight paths between the same images through both latent spaces."""
    tested, labels = studio.test(MAPS[0])
    random = studio.random()
    a, b = random.integers(len(tested), size=(2, 20 * NUM_PATHS))
    rows = np.flatnonzero(labels[a] != labels[b])[:NUM_PATHS]
    a, b = a[rows], b[rows]
    numbers, strips, lines = {}, [], {}
    middle = slice(STEPS // 3, STEPS - STEPS // 3)
    for role in MAPS:
        model, z = studio.model(role), studio.codes(role)
        path = latents.linear(z[a], z[b], STEPS)
        images = pixels.to_uint8(model.decode(path.reshape(-1, path.shape[-1])))
        _, sure = studio.judge.tell(images)
        sure = sure.reshape(path.shape[:2])
        lines[NAMES[role]] = (np.linspace(0, 1, STEPS), sure.mean(axis=0))
        usual = np.median(metrics.nearest(z, z, 2)[0][:, 1])
        off = metrics.nearest(path[:, middle].reshape(-1, path.shape[-1]), z)[0]
        numbers[f"{role}.confidence"] = float(sure[:, middle].mean())
        numbers[f"{role}.sparseness"] = float(off.mean() / usual)
        strip = drawing.Grid(images[: PICTURED * STEPS], "interpolations", STEPS)
        strips.append(Figure("paths", strip, role))
    x, y = "place on the path", "classifier's confidence"
    chart = drawing.lines(lines, x, y, "confidence along the paths")
    return Findings(numbers, (*strips, Figure("confidence", chart)))


def editing(studio):
    """Mean latent of one class minus another, added to images of the other."""
    model, (images, labels) = studio.model("vae"), studio.test("vae")
    known = studio.codes("vae", "train"), studio.train("vae")[1]
    hits, own, strips = [], [], []
    for target, rows, before, after in moved(
        model, studio.codes("vae"), labels, *known
    ):
        hits.append(studio.classes(pixels.to_uint8(after)) == target)
        error = metrics.squared_errors(after, before)
        other = metrics.squared_errors(after, np.roll(before, 1, axis=0))
        own.append(error < other)
        strips += [images[rows[0]], *map(pixels.to_uint8, (before[0], after[0]))]
    picture = drawing.Grid(np.stack(strips), "edited images", 3 * 2)
    return Findings(
        {
            "vae.edited": float(np.concatenate(hits).mean()),
            "vae.edited_own": float(np.concatenate(own).mean()),
        },
        (Figure("edited", picture, "vae"),),
    )


def moved(model, z, labels, known, known_labels):
    """Yields (target, rows, before, after) for each class: the next class, which of the
    latents `z` `[N, D]` were moved towards it, their images before and after. The move
    is the mean of the `known` latents of that class minus that of their own."""
    classes = np.unique(labels)
    for source, target in zip(classes, np.roll(classes, -1)):
        if source == target:
            return  # the only class has no next one
        rows = np.flatnonzero(labels == source)[:EDITED]
        move = latents.attribute(
            known[known_labels == target], known[known_labels == source]
        )
        yield target, rows, model.decode(z[rows]), model.decode(z[rows] + move)


def completion(studio):
    """The lower half of images from the upper. An image is rebuilt again and again, and
    each time the half that is known is put back.

    Source: Rezende et al. 2014, arXiv:1401.4082, appendix F.
    """
    images, model = studio.test("vae")[0][:COMPLETED], studio.model("vae")
    x, hidden = pixels.to_float(images), np.zeros(images.shape[1:], bool)
    hidden[len(hidden) // 2 :] = True
    mean = pixels.to_float(studio.train("vae")[0]).mean(axis=0)
    blind = completed = np.where(hidden, mean, x)
    for _ in range(ROUNDS):
        completed = np.where(hidden, model.reconstruct(completed), x)
    classes, numbers = studio.classes(images), {}
    for name, each in (("vae.completed", completed), ("blind", blind)):
        kept = studio.classes(pixels.to_uint8(each)) == classes
        numbers[f"{name}_class"] = float(kept.mean())
    errors = [metrics.squared_errors(each, x).sum() for each in (completed, blind)]
    numbers["vae.completed_error"] = float(errors[0] / errors[1])
    grid = [each[:NUM_EXAMPLES] for each in (x, np.where(hidden, 0.0, x), completed)]
    picture = drawing.Grid(np.concatenate(grid), "completed images", len(grid[0]))
    return Findings(numbers, (Figure("completed", picture, "vae"),), "wide")


def bound(studio):
    """The bound that the VAE descends, and how it closes in on the likelihood."""
    model, images = studio.model("vae"), studio.test("vae")[0][:BOUND_IMAGES]
    try:
        nats = [model.nll(images, k=k, seed=studio.seed).mean() for k in BOUND_KS]
    except ValueError as error:  # these settings leave the model without a likelihood
        raise NotApplicableError(str(error).rstrip(".")) from None
    line = {"": (BOUND_KS, nats)}
    chart = drawing.lines(
        line, "samples an image", "nats an image", "bound by samples", log=True
    )
    return Findings(
        {
            "vae.elbo": float(nats[0]),
            "vae.bound": float(nats[-1]),
            "vae.gap": float((nats[0] - nats[-1]) / nats[0]),
        },
        (Figure("bound", chart, "vae"),),
    )


CLAIMS = (
    Claim(
        "maps",
        ("E2",),
        MAPS,
        (
            Criterion("vae_2d.to_prior", "<=", 0.5),
            Criterion("ae_2d.to_prior", ">=", 0.5),
            Criterion("vae_2d.neighbours", ">=", "ae_2d.neighbours"),
        ),
        maps,
    ),
    Claim(
        "prior",
        ("A2",),
        ("vae",),
        (
            Criterion("vae.to_prior", "<=", 0.1),
            Criterion("vae.class_distance", "<=", 0.2),
            Criterion("vae.recall", ">=", 0.5),
        ),
        prior,
    ),
    Claim(
        "generator",
        ("E1",),
        ("ae", "vae"),
        (
            Criterion("ae.gain", ">=", 2.0),
            Criterion("ae.frechet_fitted", "<=", "vae.frechet"),
        ),
        generator,
    ),
    Claim(
        "paths",
        ("E3",),
        MAPS,
        (
            Criterion("vae_2d.confidence", ">=", "ae_2d.confidence"),
            Criterion("vae_2d.sparseness", "<=", "ae_2d.sparseness"),
        ),
        paths,
    ),
    Claim(
        "editing",
        ("B4", "A2"),
        ("vae",),
        (Criterion("vae.edited", ">=", 0.7), Criterion("vae.edited_own", ">=", 0.7)),
        editing,
    ),
    Claim(
        "completion",
        ("A2",),
        ("vae",),
        (
            Criterion("vae.completed_error", "<=", 0.5),
            Criterion("vae.completed_class", ">=", 0.7),
            Criterion("vae.completed_class", ">=", "blind_class"),
        ),
        completion,
    ),
    Claim(
        "bound",
        ("E4",),
        ("vae",),
        (Criterion("vae.bound", "<=", "vae.elbo"), Criterion("vae.gap", "<=", 0.1)),
        bound,
    ),
)
