"""Pictures on the page: uint8 `[height, width, 3]`, large enough to be seen."""

import io

import numpy as np
from PIL import Image

from zoo.drawing import plots
from zoo.inputs import pixels

FRAMES = 8  # of a film's strip


def sheet(images, columns=None):
    """Returns images `[N, H, W, C]` as one picture, enlarged without smoothing."""
    picture = plots.enlarged(pixels.grid(images, columns), plots.MIN_SIDE)
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def strip(film, count=FRAMES):
    """Returns `count` images of a `film` `[N, H, W, C]` side by side, the first and the
    last among them."""
    numbers = np.linspace(0, len(film) - 1, min(count, len(film))).round().astype(int)
    return sheet(film[numbers], columns=len(numbers))


def bars(z):
    """Returns the numbers of an encoding `[D]` as a picture of bars."""
    from matplotlib.figure import Figure  # takes a second to import

    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(range(len(z)), z, color="#4f6d9a")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("coordinate of z")
    axes.set_xlim(-0.6, len(z) - 0.4)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return np.asarray(Image.open(file).convert("RGB"))
