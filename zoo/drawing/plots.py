"""Writes images as files: one grid, one array, or a folder of pictures."""

import pathlib

import numpy as np

from zoo.files.atomic import replaced
from zoo.inputs import pixels

MIN_SIDE = 560  # pixels; without it a grid of 28x28 digits would be tiny on a screen


def save_grid(path, images, columns=None):
    """Writes images as one PNG; small ones are enlarged without smoothing.

    Args:
        path: File to write; it appears complete or not at all.
        images: `[N, H, W, C]`, float in [-1, 1] or uint8.
        columns: Images in a row; by default about the square root of N.
    Returns: the picture, uint8 `[H, W, C]`.
    """
    picture = enlarged(pixels.grid(images, columns=columns), MIN_SIDE)
    _save_png(path, picture)
    return picture


def save_reconstructions(path, images, reconstructions, columns=8):
    """Writes a grid as `save_grid` does: each row of images stands above the row of
    their reconstructions."""
    return save_rows(path, (images, reconstructions), columns)


def save_rows(path, kinds, columns=8):
    """Writes a grid as `save_grid` does, of several kinds of images that belong
    together: a row of each kind, then the next rows.

    Args:
        kinds: `[N, H, W, C]` each. Those of fewer channels or smaller sizes than the
            largest are enlarged without smoothing. A row that is not full ends in
            white places.
    """
    return save_grid(path, in_rows(kinds, columns), columns=columns)


def in_rows(kinds, columns):
    """Returns several kinds of images as those of one grid, uint8 `[M, H, W, C]`; see
    `save_rows`."""
    kinds = [pixels.to_uint8(images) for images in kinds]
    size = np.max([images.shape[1:] for images in kinds], axis=0)
    count = len(kinds[0])
    whole = np.full((len(kinds), -(-count // columns) * columns, *size), 255, np.uint8)
    for row, images in zip(whole, kinds):
        row[:count] = _of_size(images, *size)
    rows = whole.reshape(len(kinds), -1, columns, *size).swapaxes(0, 1)
    return rows.reshape(-1, *size)


def _of_size(images, height, width, channels):
    """Returns images `[N, h, w, c]` as `[N, height, width, channels]`, each pixel the
    nearest one."""
    for axis, side in enumerate((height, width, channels), 1):
        images = images.take(np.arange(side) * images.shape[axis] // side, axis=axis)
    return images


def save_images(path, images, first=0):
    """Writes images as a grid, an array or a folder of pictures, by the name's suffix.

    Args:
        path: `*.png` for one grid, `*.npz` for an array `images`, uint8 `[N, H, W, C]`,
            and a name without a suffix for a folder of `000000.png`, ...
        images: `[N, H, W, C]`, float in [-1, 1] or uint8.
        first: Number of the first picture in a folder.
    Raises: ValueError: as `require_format` does.
    """
    save_each(path, {"images": images}, save_grid, _save_png, "png", first)


def save_each(path, named, save_all, save_one, ending, first=0):
    """Writes examples as one picture (`*.png`), as an array (`*.npz`) or as a folder of
    a file each, named by its number from `first` on.

    Args:
        named: {name of the array: examples `[N, ...]`}, float in [-1, 1] or uint8.
        save_all: A function (path, examples) that writes the one picture.
        save_one: A function (path, example) that writes a file of the folder.
        ending: Of the folder's files.
    Raises: ValueError: as `require_format` does.
    """
    path = pathlib.Path(path)
    require_format(path)
    ((name, examples),) = named.items()
    examples = pixels.to_uint8(examples)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        save_all(path, examples)
    elif path.suffix == ".npz":
        with replaced(path) as temporary:
            np.savez_compressed(temporary, **{name: examples})
    else:
        path.mkdir(exist_ok=True)
        for number, example in enumerate(examples, first):
            save_one(path / f"{number:06d}.{ending}", example)


FORMATS = {
    ".png": "a .png (one grid)",
    ".npz": "a .npz (array)",
    "": "a folder (no suffix)",
}


def require_format(path, suffixes=tuple(FORMATS)):
    """Raises ValueError if the name `path` has none of the `suffixes`, or if a folder
    is there where a file should go, or the other way round."""
    path = pathlib.Path(path)
    if path.suffix not in suffixes:
        *others, last = (FORMATS[suffix] for suffix in suffixes)
        ways = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"Images go to {ways}. Received: {path}.")
    if path.is_dir() if path.suffix else path.is_file():
        kind = "a folder" if path.suffix else "a file"
        raise ValueError(f"There is {kind} of that name already. Received: {path}.")


def enlarged(picture, side):
    """Returns a picture `[H, W, C]` enlarged by the smallest whole factor that makes
    its longer side at least `side` pixels."""
    factor = -(-side // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _save_png(path, picture):
    with replaced(path) as temporary:
        pathlib.Path(temporary).write_bytes(pixels.png(picture))
