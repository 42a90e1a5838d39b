"""The pictures of a comparison: the same images and seeds for every model."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zoo import data, pages
from zoo.core import latents
from zoo.drawing import figures
from zoo.evaluation import NotApplicableError, need
from zoo.inputs import pixels
from zoo.pages import charts

NUM_SAMPLES = 36
NUM_EXAMPLES = 10  # test images to reconstruct; neighbours are the pairs to interpolate
NUM_PAIRS = 4
STEPS = 8  # of an interpolation, both ends included
NUM_MAPPED = 2000


@dataclasses.dataclass(frozen=True)
class Material:
    """What the pictures of all models are made of.

    Attributes:
        images: Test images, uint8 `[N, H, W, C]`; `labels`: int32 `[N]` or None.
        examples: A few of the test images, the classes in turn.
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

    @property
    def pairs(self):
        """Two arrays of examples: both ends of each interpolation."""
        count = min(len(self.examples) // 2, NUM_PAIRS)
        return self.examples[0::2][:count], self.examples[1::2][:count]


def classes_in_turn(labels, count):
    """Returns the row numbers `[count]`: the first of each class, the second, ..."""
    if labels is None:
        return np.arange(count)
    turn = np.zeros(count, int)
    for label in np.unique(labels):
        rows = labels == label
        turn[rows] = np.arange(rows.sum())
    return np.lexsort((labels, turn))


# --- one picture of all models --------------------------------------------------------


def _rebuilt(model, real, seed):
    return model.reconstruct(real)


def _new(model, real, seed):
    turn = np.arange(len(real)) % model.num_classes if model.can("labels") else None
    return model.sample(len(real), labels=turn, seed=seed)


def _translated(model, real, seed):
    return model.translate(model.sources(real, seed), seed=seed)


ROWS = (  # (name, needs, function of the model, test images and seed)
    ("rebuilt", ("reconstruct",), _rebuilt),
    ("new", ("sample",), _new),
    ("from its source", ("translate", "sources"), _translated),
)


def side_by_side(entries, columns, seed=0):
    """Returns the rows of a picture of all models.

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
    for name, needs, make in ROWS:
        for entry in (entry for entry in entries if entry.model.can(needs)):
            row = _finite(make(entry.model, real, seed))
            rows[f"{entry.label}, {name}"] = pixels.to_uint8(row)
    return rows


# --- pictures of the page, a model each -----------------------------------------------


def new_images(entry, material):
    """Samples of the material's seeds."""
    images = entry.model.sample(NUM_SAMPLES, seed=material.seed)
    return pages.grid(_finite(images), f"new images by {entry.label}")


def reconstructions(entry, material):
    """The examples as the model rebuilds them."""
    images = _finite(entry.model.reconstruct(material.examples))
    return pages.grid(images, f"reconstructions by {entry.label}", len(images))


def ways_between_images(entry, material):
    """Straight lines between the encodings of the pairs."""
    images = entry.model.interpolate(*material.pairs, steps=STEPS)
    alt = f"interpolations between test images by {entry.label}"
    return _ways(images, alt)


def ways_between_samples(entry, material):
    """Arcs between draws of the prior, as many as there are pairs."""
    model, count = entry.model, len(material.pairs[0])
    z = model.prior(2 * count, seed=material.seed)
    path = latents.spherical(z[:count], z[count:], STEPS)
    images = model.decode(path.reshape(-1, path.shape[-1]))
    return _ways(images, f"interpolations between samples by {entry.label}")


def _ways(images, alt):
    images = _finite(images)
    return pages.grid(images.reshape(-1, *images.shape[-3:]), alt, STEPS)


def latent_map(entry, material):
    """Where the encoder puts the test images, coloured by class."""
    labels = None if material.labels is None else material.labels[:NUM_MAPPED]
    z = _finite(entry.model.encode(material.images[:NUM_MAPPED]))
    points, axes = charts.plane(z)
    chart = charts.scatter(points, labels, axes)
    return pages.chart(chart, f"map of the latents of {entry.label}")


# --- sections: the pictures of all models, with what belongs to them ------------------


def beside_samples(pictures, material):
    """Real images next to the new ones."""
    alt = "images of the test set"
    real = pages.figure(pages.grid(material.images[:NUM_SAMPLES], alt), "test images")
    yield pages.gallery(real, *pictures, width="small")


def beside_reconstructions(pictures, material):
    """The examples above their reconstructions."""
    alt = "test images to reconstruct"
    real = pages.grid(material.examples, alt, len(material.examples))
    yield pages.gallery(pages.figure(real, "test images"), *pictures, width="wide")


def beside_ways(pictures, material):
    """The pairs of test images above the ways between them."""
    ends = np.stack(material.pairs, axis=1)
    ends = ends.reshape(-1, *ends.shape[-3:])
    real = pages.grid(ends, "the pairs of test images", len(ends))
    yield pages.gallery(pages.figure(real, "pairs of test images"), width="wide")
    yield pages.paragraph(
        "Each line of images leads through the latent space, from one image of a pair "
        "to the other. The first and the last image of a line are reconstructions.",
        note=True,
    )
    yield pages.gallery(*pictures)


def beside_maps(pictures, material):
    """What the colours and the axes of the maps mean."""
    if material.labels is not None:
        names = enumerate(material.class_names)
        yield pages.legend({name: charts.colour(number) for number, name in names})
    yield pages.gallery(*pictures)
    yield pages.paragraph(
        f"{min(len(material.images), NUM_MAPPED):,} test images. Of more than two "
        "latent dimensions, the map shows the two principal components, with their "
        "share of the variance.",
        note=True,
    )


class Way(NamedTuple):
    """A way to make a section's picture of a model.

    Attributes:
        needs: What the model has to be able to do, as `model.can` takes it.
        draw: Function of an `Entry` and the `Material` that returns the picture.
        note: A sentence below it, or None.
    """

    needs: tuple
    draw: Callable
    note: str | None = None


class Section(NamedTuple):
    """A section of the page: a picture of each model, or why there is none.

    Attributes:
        title: Its heading.
        ways: `Way`s, of which the first is taken that the model can go.
        arrange: Function of the pictures and the `Material` that yields the parts.
    """

    title: str
    ways: tuple
    arrange: Callable

    def parts(self, entries, material):
        """Yields the parts of the section."""
        pictures = [self._picture(entry, material) for entry in entries]
        return self.arrange(pictures, material)

    def _picture(self, entry, material):
        able = (way for way in self.ways if entry.model.can(way.needs))
        way = next(able, self.ways[0])
        try:
            need(entry.model, *way.needs)
            return pages.figure(way.draw(entry, material), entry.label, way.note)
        except NotApplicableError as error:
            return pages.missing(entry.label, f"not applicable: {error}")


OWN_ENDS = "It cannot encode test images: these are arcs between samples of its own."
SECTIONS = (
    Section("Samples", (Way(("sample",), new_images),), beside_samples),
    Section(
        "Reconstructions",
        (Way(("reconstruct",), reconstructions),),
        beside_reconstructions,
    ),
    Section(
        "Interpolations",
        (
            Way(("interpolate",), ways_between_images),
            Way(("sample", "decode"), ways_between_samples, OWN_ENDS),
        ),
        beside_ways,
    ),
    Section("Latent maps", (Way(("encode",), latent_map),), beside_maps),
)


def curves(entries):
    """Every term of every model over its epochs."""
    for entry in entries:
        yield pages.element("h3", entry.label)
        rows = entry.rows
        if not rows:
            reason = "not applicable: there is no metrics.csv of its training"
            yield pages.paragraph(reason, note=True)
            continue
        terms = figures.terms_of(rows)
        yield pages.gallery(*(_curve(rows, term, entry.label) for term in terms))


def _curve(rows, term, label):
    figure, axes = charts.new_figure(2.9, 2.2)
    figures.draw_term(axes, rows, term)
    return pages.chart(figure, f"{term} of {label} over the epochs")


def _finite(values):
    if not np.isfinite(values).all():
        raise NotApplicableError("NaN or infinity, the training has diverged")
    return values
