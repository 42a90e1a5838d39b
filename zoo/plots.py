"""Pictures of a run: images as PNG or arrays, and learning curves."""

import pathlib

import numpy as np
from PIL import Image

from zoo import pixels
from zoo.saving import replaced

MIN_SIDE = 560  # pixels: below, a grid of 28x28 digits is a stamp on today's screens


def save_grid(path, images, columns=None):
    """Writes images as one PNG; small ones are enlarged without smoothing.

    Args:
        path: File to write; it appears complete or not at all.
        images: `[N, H, W, C]`, float in [-1, 1] or uint8.
        columns: Images in a row, about the square root of N by default.
    Returns: the picture, uint8 `[H, W, C]`.
    """
    picture = _enlarged(pixels.grid(images, columns=columns))
    _save_png(path, picture)
    return picture


def save_reconstructions(path, images, reconstructions, columns=8):
    """As `save_grid`: rows of images, each over the row of their reconstructions."""
    images, reconstructions = map(pixels.to_uint8, (images, reconstructions))
    rows = []
    for start in range(0, len(images), columns):
        rows += [part[start : start + columns] for part in (images, reconstructions)]
    return save_grid(path, np.concatenate(rows), columns=columns)


def save_images(path, images, first=0):
    """Writes images as the name asks: a grid, an array, or a folder of pictures.

    Args:
        path: `*.png` for one grid, `*.npz` for uint8 `images` `[N, H, W, C]`, a name
            without a suffix for a folder of `000000.png`, ...
        images: `[N, H, W, C]`, float in [-1, 1] or uint8.
        first: Number of the first picture of a folder.
    Raises: ValueError: if the name has another suffix, or a file is where the folder
        should be.
    """
    path = pathlib.Path(path)
    require_format(path)
    images = pixels.to_uint8(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        save_grid(path, images)
    elif path.suffix == ".npz":
        with replaced(path) as temporary:
            np.savez_compressed(temporary, images=images)
    else:
        path.mkdir(exist_ok=True)
        for number, image in enumerate(images, first):
            _save_png(path / f"{number:06d}.png", image)


def require_format(path):
    """Raises ValueError unless `save_images` can write to `path`."""
    path = pathlib.Path(path)
    if path.suffix not in (".png", ".npz", ""):
        raise ValueError(
            "Images go to a .png (one grid), a .npz (array) or a folder (no suffix). "
            f"Received: {path}."
        )
    if path.is_dir() if path.suffix else path.is_file():
        found = "a folder" if path.suffix else "a file"
        raise ValueError(f"There is {found} of that name already. Received: {path}.")


def to_pillow(picture):
    """Pillow image of uint8 `[H, W, 1 or 3]`."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def save_curves(path, rows):
    """Writes a PNG of one panel a term over the epochs.

    Args:
        path: File to write; it appears complete or not at all.
        rows: One dict an epoch, as in metrics.csv; "val_<term>" goes beside <term>.
    """
    # matplotlib takes a second to import; the canvas of `Figure` needs no screen.
    from matplotlib.figure import Figure

    no_terms = ("epoch", "step", "seconds")
    terms = [n for n in rows[0] if n not in no_terms and not n.startswith("val_")]
    columns = min(3, len(terms))
    lines = -(-len(terms) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.9 * lines), layout="constrained")
    for position, term in enumerate(terms, 1):
        _draw_term(figure.add_subplot(lines, columns, position), rows, term)
    with replaced(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw_term(axes, rows, term):
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


def save_tradeoff(path, lines, floor, x_label, y_label):
    """Writes a PNG of lines over a logarithmic axis of cost, all going down at best.

    Args:
        path: File to write; it appears complete or not at all.
        lines: {label: ([x], [y])}; of one whose label ends in "*", the line is dashed
            and in the colour of the line without the star.
        floor: What no line is expected to go below.
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
    with replaced(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _enlarged(picture):
    factor = max(1, MIN_SIDE // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _save_png(path, picture):
    with replaced(path) as temporary:
        to_pillow(picture).save(temporary, format="PNG")
