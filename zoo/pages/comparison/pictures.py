"""The pictures of a comparison: the same images and seeds for every model."""

import dataclasses

import numpy as np

from zoo import data, pages
from zoo.drawing import figures
from zoo.evaluation import NotApplicableError, need
from zoo.inputs import pixels

NUM_SAMPLES = 36
NUM_EXAMPLES = 10  # test images to reconstruct; neighbours are the pairs to interpolate
NUM_PAIRS = 4
STEPS = 8  # of an interpolation, both ends included
NUM_MAPPED = 2000
# matplotlib's tab10; with more classes, colours repeat.
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")
COLOURS += ("#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


@dataclasses.dataclass(frozen=True)
class Shown:
    """The test images of the page.

    Attributes:
        images: uint8 `[N, H, W, C]`; `labels`: int32 `[N]` or None.
        examples: Some of them, the classes in turn.
        class_names: Names of the labels, or None.
        seed: Sample i is the image of `seed + i`.
    """

    images: np.ndarray
    labels: np.ndarray | None
    examples: np.ndarray
    class_names: tuple | None
    seed: int

    @classmethod
    def of(cls, subject, seed):
        """The test images of a `Subject`."""
        images, labels = data.arrays(subject.dataset, "test", **subject.where)
        examples = images[classes_in_turn(labels, len(images))[:NUM_EXAMPLES]]
        return cls(images, labels, examples, subject.info.class_names, seed)


def classes_in_turn(labels, count):
    """Returns the row numbers `[count]`: the first of each class, the second, ..."""
    if labels is None:
        return np.arange(count)
    turn = np.zeros(count, int)
    for label in np.unique(labels):
        rows = labels == label
        turn[rows] = np.arange(rows.sum())
    return np.lexsort((labels, turn))


def side_by_side(entries, columns, seed=0):
    """Returns what a picture of all models shows, a row each.

    Args:
        entries: `Entry`s of one data set; they need not be measured.
        columns: Images in a row.
        seed: Sample i is the image of `seed + i`.
    Returns: {label: uint8 `[columns, H, W, C]`}: test images, the classes in turn; what
        each model with an encoder makes of them; new images, of conditional models
        the classes in turn.
    Raises: ValueError: if the test images are fewer; or `NotApplicableError` if a model
        makes images that are not finite.
    """
    subject = entries[0].subject
    images, labels = data.arrays(subject.dataset, "test", **subject.where)
    if not 1 <= columns <= len(images):
        raise ValueError(
            f"A row has 1 to {len(images)} images, as many as there are test images. "
            f"Received: columns={columns}."
        )
    real = images[classes_in_turn(labels, len(images))[:columns]]
    rows = {"test images": real}
    for entry in entries:
        if "reconstruct" in entry.model.capabilities():
            made = entry.model.reconstruct(real)
            rows[f"{entry.label}, rebuilt"] = pixels.to_uint8(_finite(made))
    for entry in entries:
        model = entry.model
        if "sample" in model.capabilities():
            turn = np.arange(columns) % model.num_classes if model.conditional else None
            made = model.sample(columns, labels=turn, seed=seed)
            rows[f"{entry.label}, new"] = pixels.to_uint8(_finite(made))
    return rows


def samples(entries, shown):
    """New images of every model beside real ones."""

    def draw(entry):
        need(entry.model, "sample")
        images = entry.model.sample(NUM_SAMPLES, seed=shown.seed)
        return pages.grid(_finite(images), f"new images by {entry.label}")

    alt = "images of the test set"
    real = pages.figure(pages.grid(shown.images[:NUM_SAMPLES], alt), "test images")
    yield pages.gallery(real, *_of_each(entries, draw), width="small")


def reconstructions(entries, shown):
    """The same test images through every model that has an encoder."""

    def draw(entry):
        need(entry.model, "reconstruct")
        images = _finite(entry.model.reconstruct(shown.examples))
        return pages.grid(images, f"reconstructions by {entry.label}", len(images))

    alt = "test images to reconstruct"
    real = pages.grid(shown.examples, alt, len(shown.examples))
    figures = _of_each(entries, draw)
    yield pages.gallery(pages.figure(real, "test images"), *figures, width="wide")


def interpolations(entries, shown):
    """Straight lines in every model's latent space, between the same test images."""
    a, b = shown.examples[0::2], shown.examples[1::2]
    count = min(len(b), NUM_PAIRS)

    def draw(entry):
        need(entry.model, "interpolate")
        images = entry.model.interpolate(a[:count], b[:count], steps=STEPS)
        images = _finite(images).reshape(-1, *shown.examples.shape[1:])
        alt = f"interpolations between test images by {entry.label}"
        return pages.grid(images, alt, STEPS)

    ends = np.stack([a[:count], b[:count]], axis=1).reshape(-1, *a.shape[1:])
    real = pages.grid(ends, "the pairs of test images", 2 * count)
    yield pages.gallery(pages.figure(real, "pairs of test images"), width="wide")
    yield pages.paragraph(
        "A pair a line. The first and the last image of a line are reconstructions.",
        note=True,
    )
    yield pages.gallery(*_of_each(entries, draw))


def latent_maps(entries, shown):
    """Where every encoder puts the test images, coloured by class."""
    images = shown.images[:NUM_MAPPED]
    labels = None if shown.labels is None else shown.labels[:NUM_MAPPED]

    def draw(entry):
        need(entry.model, "encode")
        z = _finite(entry.model.encode(images))
        points, axes = plane(z)
        return pages.chart(
            scatter(points, labels, axes), f"map of the latents of {entry.label}"
        )

    if labels is not None:
        names = enumerate(shown.class_names)
        yield pages.legend({name: colour(number) for number, name in names})
    yield pages.gallery(*_of_each(entries, draw))
    yield pages.paragraph(
        f"{len(images):,} test images. Of more than two latent dimensions, the map "
        "shows the two principal components, with their share of the variance.",
        note=True,
    )


def plane(z):
    """Returns latents `[N, D]` as points `[N, 2]`, and what the two axes are.

    Raises: NotApplicableError: of a single dimension there is no map.
    """
    if z.shape[1] == 1:
        raise NotApplicableError("the latent has one dimension")
    if z.shape[1] == 2:
        return z, ("z 1", "z 2")
    from sklearn.decomposition import PCA

    pca = PCA(2, random_state=0).fit(z)
    shares = (f"{share:.0%}" for share in pca.explained_variance_ratio_)
    axes = (f"component {n} ({share})" for n, share in enumerate(shares, 1))
    return pca.transform(z), tuple(axes)


def curves(entries):
    """Every term of every model over its epochs."""
    for entry in entries:
        yield pages.element("h3", entry.label)
        rows = entry.rows
        if not rows:
            reason = "not applicable: there is no metrics.csv of its training"
            yield pages.paragraph(reason, note=True)
            continue
        charts = (_curve(rows, term, entry.label) for term in figures.terms_of(rows))
        yield pages.gallery(*charts)


def _of_each(entries, draw):
    """A figure for each entry: `draw(entry)`, or why there is none."""
    figures = []
    for entry in entries:
        try:
            figures.append(pages.figure(draw(entry), entry.label))
        except NotApplicableError as error:
            figures.append(pages.missing(entry.label, f"not applicable: {error}"))
    return figures


def _finite(values):
    if not np.isfinite(values).all():
        raise NotApplicableError("NaN or infinity, the training has diverged")
    return values


def colour(label):
    return COLOURS[label % len(COLOURS)]


def new_figure(width, height):
    from matplotlib.figure import Figure  # takes a second to import

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def scatter(points, labels, titles):
    figure, axes = new_figure(3.4, 3.4)
    colours = COLOURS[0] if labels is None else [colour(label) for label in labels]
    size = np.clip(4000 / len(points), 4, 16)
    # Thousands of points as pixels: as shapes they would take a megabyte.
    look = {"linewidths": 0, "alpha": 0.7, "rasterized": True}
    axes.scatter(*points.T, c=colours, s=size, **look)
    axes.set_xlabel(titles[0])
    axes.set_ylabel(titles[1])
    axes.set_aspect("equal", "datalim")
    axes.grid(alpha=0.3)
    return figure


def _curve(rows, term, label):
    figure, axes = new_figure(2.9, 2.2)
    figures.draw_term(axes, rows, term)
    return pages.chart(figure, f"{term} of {label} over the epochs")
