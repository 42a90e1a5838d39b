"""The checkpoints of a run: `.keras` files named by their step, with the progress of
the run inside. Each is whole or not there; a damaged one gives way to the one before.
"""

import contextlib
import dataclasses
import json
import shutil

from absl import logging

from zoo.files import archives, atomic

KEPT = 2  # should the disk spoil one, there is another


@dataclasses.dataclass
class Progress:
    """How far a run has come; lies inside each checkpoint.

    Attributes:
        epoch: Finished epochs.
        batch: Batches done of the epoch that comes next.
        step: Training steps since the start.
        seconds: Training time since the start, without validation and pictures.
        epoch_seconds: The part of `seconds` that belongs to the unfinished epoch.
        best: Best value of the monitored term, or None.
        means: State of each term's mean over the unfinished epoch.
        halved: {network: how often its learning rate was halved after a fault}.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    best: float | None = None
    means: list = dataclasses.field(default_factory=list)
    halved: dict = dataclasses.field(default_factory=dict)


def saved(folder):
    """Returns the paths of the checkpoints in `folder`, oldest first."""
    files = (file for file in folder.glob("*.keras") if file.stem.isdecimal())
    return sorted(files)


def latest(folder):
    """Returns the newest whole checkpoint's path (None if there is none) and its
    `Progress`; a damaged one is passed over with a warning.

    Raises: ValueError: if there are checkpoints and none is whole.
    """
    files = saved(folder)
    for file in reversed(files):
        try:
            archives.verify(file)
            return file, progress_of(file)
        except ValueError as error:
            logging.warning("%s The checkpoint before it is looked at.", error)
    if files:
        raise ValueError(
            "No checkpoint of the run is whole; remove the folder to start anew. "
            f"Received: {folder}."
        )
    return None, Progress()


def progress_of(file):
    """Returns the `Progress` inside a checkpoint; ValueError if it holds none."""
    try:
        return Progress(**archives.progress(file))
    except TypeError:
        raise ValueError(
            "The checkpoint's progress is not of this version of the zoo. "
            f"Received: {file}."
        ) from None


def save(folder, model, progress, best=None):
    """Writes model and progress as one file and removes checkpoints that are too old.

    Args:
        best: Where a copy goes that is kept as the best model, or None.
    Raises: NotFiniteError: if a step has spoilt the model.
    """
    from zoo.core import saving  # here, so that a folder is read without Keras

    model.faults.look_at_weights(model)
    model.faults.require_none()
    file = folder / f"{progress.step:08d}.keras"
    with atomic.replaced(file) as temporary:
        text = json.dumps(vars(progress))
        saving.write(model, temporary, {archives.PROGRESS: text})
        # Before the checkpoint that knows of it: if killed in between, the epoch is
        # trained again, and ends in the same best model.
        if best is not None:
            with atomic.replaced(best) as copy:
                shutil.copyfile(temporary, copy)
    for old in saved(folder)[:-KEPT]:
        with contextlib.suppress(PermissionError):  # Windows keeps what somebody reads
            old.unlink()


def put_away(folder, step):
    """Renames the checkpoints after `step`, which are damaged, so that the run writes
    its own in their place."""
    for file in saved(folder):
        if int(file.stem) > step:
            file.replace(file.with_suffix(".damaged"))
