"""Clips as files: a sheet with a row of frames a clip, and a film in which they play
side by side."""

import numpy as np

from zoo.drawing import films, plots
from zoo.inputs import pixels

FPS = 8  # of a film: two seconds for 16 frames
PAUSE = 0.5  # seconds that the last frame stays
COLUMNS = 8  # clips in a row of a film


def save_sheet(path, kinds):
    """Writes a PNG of clips, a row of frames each; small ones are enlarged.

    Args:
        kinds: Clips `[N, T, H, W, C]`, float in [-1, 1] or uint8, or several such
            arrays; what belongs together at one place stands in rows below each other.
    Returns: the picture, uint8 `[H, W, C]`.
    """
    kinds = _kinds(kinds)
    rows = [clips.reshape(-1, *clips.shape[2:]) for clips in kinds]
    return plots.save_rows(path, rows, columns=kinds[0].shape[1])


def save_clips(path, clips, first=0):
    """Writes clips `[N, T, H, W, C]` as a sheet (`*.png`), an array `clips` (`*.npz`)
    or a folder of `000000.gif`, ...; the folder's first number is `first`.

    Raises: ValueError: as `plots.require_format` does.
    """

    def save_one(file, clip):
        save_film(file, clip[None])

    plots.save_each(path, {"clips": clips}, save_sheet, save_one, "gif", first)


def frames_of(kinds, columns=COLUMNS):
    """Returns the frames of a film, uint8 `[T, H, W, C]`, in which all clips play at
    once.

    Args:
        kinds: As of `save_sheet`; several stand in rows below each other.
        columns: Clips in a row.
    """
    kinds = [clips.swapaxes(0, 1) for clips in _kinds(kinds)]
    columns = min(columns, kinds[0].shape[1])
    grids = (
        plots.enlarged(
            pixels.grid(plots.in_rows([each[t] for each in kinds], columns), columns),
            films.SIDE,
        )
        for t in range(len(kinds[0]))
    )
    return np.stack(list(grids))


def save_film(path, kinds, columns=COLUMNS, fps=FPS):
    """Writes clips as a film, by the suffix of the name; see `frames_of`."""
    films.save(path, frames_of(kinds, columns), fps, PAUSE)


def _kinds(kinds):
    """Returns clips, or several arrays of them, as a list of uint8 arrays."""
    kinds = kinds if isinstance(kinds, (tuple, list)) else [kinds]
    return [pixels.to_uint8(clips) for clips in kinds]
