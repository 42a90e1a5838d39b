"""The tour's pictures: in English until a page translates them."""

import dataclasses

import numpy as np

from zoo import pages
from zoo.pages import charts

MAPPED = 2000  # points of a map
SHEET = 36  # images of a sheet


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart that waits for the language of its page.

    Attributes:
        figure: matplotlib's `Figure`.
        alt: What it shows.
    """

    figure: object
    alt: str

    def html(self, words):
        """Returns `zoo.pages.Html`: the chart in the language of `words`."""
        return pages.chart(self.figure, words.label(self.alt), words.label)


@dataclasses.dataclass(frozen=True)
class Grid:
    """Images as one picture that waits for the language of its page.

    Attributes:
        images: uint8 or float in [-1, 1], `[N, H, W, C]`.
        alt: What they are.
        columns: Images in a row; by default as many as rows.
    """

    images: np.ndarray
    alt: str
    columns: int | None = None

    def html(self, words):
        """Returns `zoo.pages.Html`: the picture, described in the language of
        `words`."""
        return pages.grid(self.images, words.label(self.alt), self.columns)


def sheet(images, alt="samples"):
    """The first of many images, as many rows as columns."""
    return Grid(images[:SHEET], alt)


def latent_map(points, labels, alt):
    """Latents or features `[N, D]` as a map, coloured by class."""
    points, axes = charts.plane(np.asarray(points[:MAPPED], float))
    return Chart(charts.scatter(points, labels[:MAPPED], axes), alt)


def legend(names):
    """What the colours of maps mean, by the names of the classes."""
    return pages.legend({name: charts.colour(n) for n, name in enumerate(names)})


def lines(series, x_label, y_label, alt, level=None, log=False):
    """Curves {label: (x, y)}, with a dotted line at `level`."""
    figure, axes = charts.new_figure(4.2, 2.9)
    for label, (x, y) in series.items():
        axes.plot(x, y, label=label, marker="o" if len(x) < 15 else None, markersize=3)
    if level is not None:
        axes.axhline(level, color="0.5", linestyle=":")
    if log:
        axes.set_xscale("log")
        at = sorted({n for x, _ in series.values() for n in x})
        axes.set_xticks(at, list(map(str, at)))
        axes.minorticks_off()
    axes.set(xlabel=x_label, ylabel=y_label)
    if not log and all(isinstance(n, int) for x, _ in series.values() for n in x):
        axes.xaxis.get_major_locator().set_params(integer=True)  # epochs, layers
    axes.grid(alpha=0.3)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=8)
    return Chart(figure, alt)


def bars(values, alt, level=None, label=None):
    """One bar for each class or name: {name: value}."""
    figure, axes = charts.new_figure(4.2, 2.6)
    axes.bar(list(map(str, values)), list(values.values()))
    if level is not None:
        axes.axhline(level, color="0.5", linestyle=":")
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    if len(values) > 5 and max(len(str(name)) for name in values) > 3:
        axes.tick_params("x", rotation=45)
    return Chart(figure, alt)


def stretched(maps):
    """Maps `[N, H, W]` of any range as images `[N, H, W, 1]` in [-1, 1], each from
    black to white."""
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return (2 * (maps - low) / np.maximum(high - low, 1e-9) - 1)[..., None]
