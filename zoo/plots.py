"""Pictures of a run: images as PNG or arrays, and learning curves."""

import io
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
    picture = enlarged(pixels.grid(images, columns=columns), MIN_SIDE)
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


def enlarged(picture, side):
    """A picture `[H, W, C]` times a whole number, as far as `side` pixels allow."""
    factor = max(1, side // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def png(picture):
    """Bytes of a PNG file of a uint8 picture `[H, W, 1 or 3]`."""
    buffer = io.BytesIO()
    grey = picture.shape[-1] == 1
    Image.fromarray(picture[..., 0] if grey else picture).save(buffer, format="PNG")
    return buffer.getvalue()


def save_curves(path, rows):
    """Writes a PNG of one panel a term over the epochs.

    Args:
        path: File to write; it appears complete or not at all.
        rows: One dict an epoch, as in metrics.csv; "val_<term>" goes beside <term>.
    """
    # matplotlib takes a second to import; the canvas of `Figure` needs no screen.
    from matplotlib.figure import Figure

    terms = terms_of(rows)
    columns = min(3, len(terms))
    lines = -(-len(terms) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.9 * lines), layout="constrained")
    for position, term in enumerate(terms, 1):
        draw_term(figure.add_subplot(lines, columns, position), rows, term)
    with replaced(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def terms_of(rows):
    """The terms that `rows` of metrics.csv tell, without their "val_" ones."""
    no_terms = ("epoch", "step", "seconds")
    return [n for n in rows[0] if n not in no_terms and not n.startswith("val_")]


def draw_term(axes, rows, term):
    """Draws a term over the epochs, of training and of validation, on matplotlib's
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


def _save_png(path, picture):
    with replaced(path) as temporary:
        pathlib.Path(temporary).write_bytes(png(picture))
