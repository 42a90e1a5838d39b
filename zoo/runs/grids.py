"""The pictures that a run has kept of its epochs, read back as images."""

import re

import numpy as np
from PIL import Image

from zoo.inputs import pixels

COLUMNS = 8  # images in a row of them
# Of the models that make samples, of those that only rebuild, of those that translate.
KINDS = (r"(\d+)\.png", r"(\d+)_reconstructions\.png", r"(\d+)_translations\.png")
NAMES = tuple(map(re.compile, KINDS))


def files(folder):
    """Returns {epoch: file} of the pictures in the run folder `folder`, in order: its
    samples, or else its reconstructions or translations; {} if there are none."""
    for name in NAMES:
        matches = [(name.fullmatch(file.name), file) for file in _pngs(folder)]
        epochs = {int(match[1]): file for match, file in matches if match}
        if epochs:
            return dict(sorted(epochs.items()))
    return {}


def _pngs(folder):
    return folder.samples.glob("*.png") if folder.samples.is_dir() else ()


def images(file, image_shape):
    """Returns the images of one of these pictures, uint8 `[N, H, W, C]`.

    Raises: ValueError: if the file is damaged, or its images have another shape.
    """
    try:
        with Image.open(file) as picture:
            mode = "L" if image_shape[-1] == 1 else "RGB"
            whole = np.asarray(picture.convert(mode))
        whole = whole.reshape(*whole.shape[:2], image_shape[-1])
        return pixels.ungrid(whole, tuple(image_shape), COLUMNS)
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(
            f"The picture is damaged, or none of this run's images. Received: {file}."
        ) from None
