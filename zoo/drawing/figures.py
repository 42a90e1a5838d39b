"""Figures with words and axes: curves, classes, ratios, labelled tables, detections.

Importing matplotlib takes a second, so each figure imports it when it is drawn. The
figures are drawn on `Figure`, which needs no screen.
"""

import pathlib

import numpy as np
from PIL import Image

from zoo.files.atomic import replaced
from zoo.inputs import pixels

CHARACTER = 0.075  # width in inches of a character of 9 points
DPI = 110


def save_curves(path, rows):
    """Writes a PNG of the terms over the epochs, with one panel per term.

    Args:
        path: File to write; it appears complete or not at all.
        rows: One dict per epoch, as in metrics.csv; "val_<term>" is drawn into the
            panel of <term>.
    """
    from matplotlib.figure import Figure

    terms = terms_of(rows)
    columns = min(3, len(terms))
    lines = -(-len(terms) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.9 * lines), layout="constrained")
    for position, term in enumerate(terms, 1):
        draw_term(figure.add_subplot(lines, columns, position), rows, term)
    _save(path, figure)


def terms_of(rows):
    """Returns the names of the terms in `rows` of metrics.csv, without those of
    validation."""
    no_terms = ("epoch", "step", "seconds")
    return [n for n in rows[0] if n not in no_terms and not n.startswith("val_")]


def draw_term(axes, rows, term):
    """Draws a term over the epochs, in training and in validation, on matplotlib's
    `axes`."""
    epochs = [row["epoch"] for row in rows]
    marker = "o" if len(rows) == 1 else None
    for name, label in ((term, "training"), ("val_" + term, "validation")):
        if name in rows[0]:
            axes.plot(epochs, [row[name] for row in rows], label=label, marker=marker)
    axes.set_title(term)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def save_panels(path, panels, columns):
    """Writes a PNG of panels side by side: images, and below them a bar for each class.

    Args:
        path: File to write; it appears complete or not at all.
        panels: One (title, images `[N, H, W, C]`, shares of the classes) per panel.
        columns: Images in a row.
    """
    from matplotlib.figure import Figure

    count = len(panels)
    figure = Figure(figsize=(4.0 * count, 4.6), layout="constrained")
    axes = figure.subplots(2, count, squeeze=False, height_ratios=(3, 1), sharey="row")
    for (title, images, shares), (above, below) in zip(panels, axes.T, strict=True):
        picture = pixels.grid(images, columns)
        shades = {"cmap": "gray", "vmin": 0, "vmax": 255}
        above.imshow(picture.squeeze(), interpolation="nearest", **shades)
        above.set_title(title)
        above.set_axis_off()
        below.bar(range(len(shares)), shares)
        below.set_xticks(range(len(shares)))
        below.set_xlabel("class")
        below.spines[["top", "right"]].set_visible(False)
    axes[1, 0].set_ylabel("share of samples")
    _save(path, figure)


def save_tradeoff(path, lines, floor, x_label, y_label):
    """Writes a PNG of lines over a logarithmic axis of cost; lower is better.

    Args:
        path: File to write; it appears complete or not at all.
        lines: {label: ([x], [y])}. If a label ends in "*", its line is dashed and has
            the colour of the line whose label is the same without the star.
        floor: Value below which no line is expected to go.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes, colours = figure.add_subplot(), {}
    for label, (x, y) in lines.items():
        plain = label.rstrip("*")
        colour = colours.setdefault(plain, f"C{len(colours)}")
        style = "--" if label.endswith("*") else "-"
        axes.plot(x, y, style, label=label, color=colour, marker="o", markersize=4)
    axes.axhline(floor, color="0.5", linestyle=":", label="training images")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False)
    _save(path, figure)


def save_ratios(path, ratios, title):
    """Writes a PNG with one bar per name: the median of its ratios, and their range.

    Args:
        path: File to write; it appears complete or not at all.
        ratios: {name: [ratio]}; bars below 1 have another colour.
        title: Label of the axis, which says what is divided by what.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 1.2 + 0.32 * len(ratios)), layout="constrained")
    axes = figure.add_subplot()
    for row, values in enumerate(ratios.values()):
        middle = float(np.median(values))
        spread = [[middle - min(values)], [max(values) - middle]]
        axes.barh(row, middle, xerr=spread, color=f"C{int(middle < 1)}", capsize=3)
    axes.axvline(1.0, color="0.3", linewidth=1)
    axes.set_yticks(range(len(ratios)), list(ratios))
    axes.invert_yaxis()
    axes.set_xlabel(title)
    axes.spines[["top", "right"]].set_visible(False)
    _save(path, figure)


def save_table(path, images, rows, columns, title, captions=None):
    """Writes a PNG of images in rows and columns that have labels.

    Args:
        path: File to write; it appears complete or not at all.
        images: `[R, C, H, W, 1 or 3]`, float in [-1, 1] or uint8.
        rows, columns: R labels on the left, C labels above.
        title: A line at the top.
        captions: R lists of C texts, each below its image.
    """
    _save(path, _table(images, rows, columns, title, captions))


def save_sheets(path, sheets, columns=4):
    """Writes a PNG of pictures side by side, each under its name: as wide as each
    other, and cut at the bottom where one is high.

    Args:
        path: File to write; it appears complete or not at all.
        sheets: {name: path of a PNG}.
    """
    from matplotlib.figure import Figure

    columns = min(columns, len(sheets))
    lines = -(-len(sheets) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.75 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, file) in zip(panels, sheets.items()):
        with Image.open(file) as picture:
            width = picture.width
            upper = picture.convert("RGB").crop(
                (0, 0, width, min(picture.height, width * 3 // 4))
            )
        axes.imshow(upper, interpolation="antialiased")
        axes.set_title(name, fontsize=10)
    _save(path, figure)


def save_detections(path, detections, scores, examples, rows, title):
    """Writes a PNG that shows how well scores detect anomalies: curves, histograms and
    examples.

    Args:
        path: File to write; it appears complete or not at all.
        detections: {name: `zoo.metrics.Detection`}.
        scores: {name: (scores `[N]` of normal images, `[M]` of anomalies)}.
        examples: Images `[R, C, H, W, 1 or 3]`, with R labels `rows`.
        title: A line at the top.
    """
    height = 3.4
    figure = _table(examples, rows, [""] * examples.shape[1], title, above=height)
    whole = figure.get_figheight()
    panels = figure.add_gridspec(
        1,
        1 + len(scores),
        left=0.07,
        right=0.98,
        wspace=0.25,
        top=1 - 0.75 / whole,
        bottom=1 - (height - 0.1) / whole,
    ).subplots()
    curves = panels[0]
    curves.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for number, (name, detection) in enumerate(detections.items(), 2):
        label = f"{name}, AUC {detection.auc:.3f}"
        curves.plot(detection.alarms, detection.hits, f"C{number}", label=label)
    curves.set(xlabel="seen, false alarms", ylabel="left out, found", title="ROC")
    curves.legend(frameon=False, loc="lower right", fontsize=8)
    for axes, (name, (normal, anomalous)) in zip(panels[1:], scores.items()):
        # With the tail of a few strange images, the rest would fall into one bar.
        ends = np.quantile(np.concatenate([normal, anomalous]), [0.001, 0.99])
        for values, label in ((normal, "seen"), (anomalous, "left out")):
            weights = np.full(len(values), 1 / len(values))
            axes.hist(values, 25, ends, weights=weights, alpha=0.6, label=label)
        axes.set(title=name, xlabel="score", ylabel="share of images", yticks=[])
        axes.locator_params("x", nbins=4)
        axes.legend(frameon=False, fontsize=8)
    _save(path, figure)


def _table(images, rows, columns, title, captions=None, above=0.0):
    """Returns the figure of `save_table` with `above` free inches below the title."""
    from matplotlib.figure import Figure

    images = pixels.to_uint8(images)
    count_rows, count_columns, height, breadth = images.shape[:4]
    texts = [text for row in captions or () for text in row]
    side = max(min(9 / count_columns, 1.1), 0.68 * CHARACTER * _longest(texts))
    tall, below = side * height / breadth, 0.24 if captions else 0.0
    left, top, gap = 0.2 + CHARACTER * _longest(rows), 0.75 + above, 0.08
    across, down = side + gap, tall + below + gap
    size = (left + count_columns * across + 0.1, top + count_rows * down + 0.1)
    size = (max(size[0], 0.4 + 1.2 * CHARACTER * len(title)), size[1])
    figure = Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))  # its coordinates, set below, are inches
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
    axes.axis("off")

    def write(x, y, text, fontsize=9, **how):
        axes.text(x, y, text, fontsize=fontsize, parse_math=False, **how)

    write(0.1, 0.28, title, 11, va="center")
    for column, text in enumerate(columns):
        write(left + column * across + side / 2, top - 0.08, text, ha="center")
    for row, label in enumerate(rows):
        y = top + row * down
        write(left - 0.1, y + tall / 2, label, ha="right", va="center")
        for column, image in enumerate(images[row]):
            x = left + column * across
            image = np.broadcast_to(image, (*image.shape[:2], 3))
            axes.imshow(image, extent=(x, x + side, y + tall, y))
            if captions:
                text = captions[row][column]
                write(x + side / 2, y + tall + 0.16, text, 7, ha="center")
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0), aspect="auto")
    return figure


def _longest(texts):
    """Returns how many characters the longest line of all texts has."""
    return max((len(line) for text in texts for line in text.splitlines()), default=0)


def _save(path, figure):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)
