"""What a film of clips shows: new ones, or test clips and the same made slower."""

import numpy as np

from zoo import data
from zoo.drawing import plots
from zoo.evaluation import subject
from zoo.inputs import pixels


def new(model, count, seed, frames):
    """Returns the frames of new clips side by side, uint8 `[T, count, H, W, C]`."""
    clips = model.sample(count, seed=seed, frames=frames)
    return pixels.to_uint8(clips.swapaxes(0, 1))


def slower(model, workdir, dataset, count, columns, times):
    """Returns the frames of test clips that stay for `times` steps, and below each row
    of `columns` clips the same with frames between them, uint8 `[T, N, H, W, C]`.

    Args:
        workdir, dataset: Run folder or file, and flags of another data set.
    """
    of_run = subject.find(workdir, makes=("clip",), **dataset)
    clips = data.arrays(of_run.dataset, "test", **of_run.where)[0]
    clips = np.asarray(clips[:count])
    smooth = pixels.to_uint8(model.slower(clips, times))
    stays = clips.repeat(times, axis=1)[:, : smooth.shape[1]]
    pairs = zip(stays.swapaxes(0, 1), smooth.swapaxes(0, 1))
    return np.stack([plots.in_rows(pair, columns) for pair in pairs])
