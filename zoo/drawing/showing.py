"""Images on the screen, or in a file where there is no screen."""

import os
import pathlib
import sys

from PIL import Image, ImageShow

from zoo import inputs
from zoo.drawing import plots
from zoo.inputs import pixels

FILE = "zoo.png"


def show(images, columns=None):
    """Shows images as one grid, and returns it.

    A notebook shows what the last line of a cell returns. Elsewhere the system's
    picture viewer opens; without a display the grid becomes the file zoo.png in the
    current folder, and a line says so.

    Args:
        images: `[N, H, W, C]`, or one `[H, W, C]`; float in [-1, 1] or uint8, C 1 or 3.
        columns: Images in a row, about the square root of N by default.
    Returns: the grid, a `PIL.Image.Image`; small images are enlarged.
    Raises: ValueError: if these are no images. OSError: if the file cannot be written.
    """
    images = inputs.to_array(images)
    images = images[None] if images.ndim == 3 else images
    if images.ndim != 4 or not len(images) or images.shape[-1] not in (1, 3):
        raise ValueError(
            "zoo.show takes images [N, H, W, C], or one [H, W, C], of 1 channel or 3. "
            f"Received: shape {images.shape}."
        )
    inputs.check_images(images, images.shape[1:])
    if columns is not None:
        inputs.check_integer("columns", columns, 1)
    picture = plots.enlarged(pixels.grid(images, columns), plots.MIN_SIDE)
    grid = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
    if not _in_notebook() and not (_has_display() and ImageShow.show(grid)):
        plots.save_grid(FILE, images, columns)
        print(f"no display: the images are in {pathlib.Path(FILE).absolute()}")
    return grid


def _in_notebook():
    """Whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _has_display():
    """Whether a window can be opened; on Linux a variable tells, on others it can."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
