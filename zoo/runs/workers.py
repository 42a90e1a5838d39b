"""Several workers in one run: which one writes, and what all do at the same step.

A step is a collective operation: a worker that stops or saves when another does not
would wait for it for ever. So all run the same callbacks, reading the same variables,
and agree on time and signals; the chief, the first one, owns the run folder, and each
other worker has a copy of it in a temporary place.
"""

import contextlib
import io
import json
import pathlib
import tempfile
import zipfile

from zoo import backend
from zoo.core import faults
from zoo.runs import callbacks, strategies
from zoo.runs.folder import RunFolder

SECONDS = 1.0  # about so long lies between two agreements within an epoch
MOST_BATCHES = 1000


def is_chief(settings):
    """Whether this process owns the run folder; one without others always does."""
    return settings.strategy != "multi_worker" or strategies.cluster()[1] == 0


@contextlib.contextmanager
def lost_workers_named():
    """The context in which the loss of another worker is one sentence.

    Raises: ConnectionError: in the place of TensorFlow's errors.
    """
    try:
        yield
    except backend.WORKER_ERRORS as error:
        raise ConnectionError(
            "Another worker has gone, and one cannot go on without it; the same "
            "command on all workers goes on from the chief's last checkpoint. "
            f"Received: {type(error).__name__}."
        ) from None


def folder(strategy, settings):
    """Returns the `RunFolder`: the one of the settings for the chief; for another
    worker a copy, in a temporary place, of the files by which the chief's run goes on.
    """
    own = RunFolder(settings.workdir)
    if settings.strategy != "multi_worker":
        return own
    chief = is_chief(settings)
    content = backend.from_chief(strategy, _packed(own) if chief else b"")
    if chief:
        return own
    place = tempfile.TemporaryDirectory(prefix="zoo-worker-")
    copy = RunFolder(pathlib.Path(place.name, "run"))
    copy.place = place  # is removed together with this object
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(copy.path)
    return copy


def require_alike(strategy, facts):
    """Raises ValueError, on all workers, with the differences, unless `facts` are the
    same on all; they would train together, and the model would be nobody's.

    Args:
        facts: {name: value}, as JSON takes it.
    """
    chief, *others = map(json.loads, _everyones(strategy, json.dumps(facts)))
    differences = []
    for index, own in enumerate(others, 1):
        for name in {**chief, **own}:
            here, there = chief.get(name), own.get(name)
            if here != there:
                differences.append(
                    f"{name} is {here} of worker 0 and {there} of worker {index}"
                )
    if differences:
        # Who went now would end the exchange for a worker that is still reading.
        with contextlib.suppress(*backend.WORKER_ERRORS):
            backend.gathered(strategy, [0])
        raise ValueError(
            "The workers do not train the same: start all with the same command, code "
            f"and data. Received: {'; '.join(differences)}."
        )


def _everyones(strategy, text):
    """Returns the texts that all workers pass, the chief's first."""
    content = text.encode()
    sizes = [int(size) for (size,) in backend.gathered(strategy, [len(content)])]
    rows = backend.gathered(strategy, list(content.ljust(max(sizes), b"\0")))
    parts = [bytes(map(int, row))[:size] for row, size in zip(rows, sizes)]
    return [part.decode() for part in parts]


def _packed(folder):
    """The files by which a run goes on, as the bytes of an archive."""
    checkpoint, _ = folder.latest()
    files = [folder.record, folder.metrics, *([checkpoint] if checkpoint else [])]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            if file.exists():
                archive.write(file, file.relative_to(folder.path))
    return packed.getvalue()


class Clock(callbacks.Clock):
    """Keeps the chief's time on all workers, and knows of a signal that one got.

    Attributes:
        wish: Number of the signal that this worker got, or 0.
        signal: Number of the signal that all know of, or None.
    """

    def __init__(self, progress, minutes, steps_per_epoch):
        super().__init__(progress, minutes, steps_per_epoch)
        self.agreed = progress.seconds
        self.wish, self.signal = 0, None

    @property
    def is_out_of_time(self):
        return self.agreed >= self.budget

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.looked = self.next_look = 0

    def on_train_batch_begin(self, batch, logs=None):
        if batch >= self.next_look:
            self._look()
            passed = self.progress.seconds - self.agreed
            rate = (batch - self.looked) / passed if passed > 0 else 0
            ahead = min(max(1, int(rate * SECONDS)), MOST_BATCHES)
            self.looked, self.next_look = batch, batch + self._agree(ahead)
        super().on_train_batch_begin(batch, logs)

    def pause(self):
        ran = self.in_steps
        super().pause()
        if ran:
            self._agree()

    def _agree(self, ahead=1):
        """Takes over the chief's time and every signal; returns the chief's `ahead`."""
        mine = (self.progress.seconds, ahead, self.wish)
        everyone = backend.gathered(self.model.distribute_strategy, mine)
        self.progress.seconds = self.agreed = everyone[0][0]
        self.signal = int(max(wish for _, _, wish in everyone)) or None
        return int(everyone[0][1])


class Interrupt(callbacks.Interrupt):
    """Acts on a signal that any worker got, at the step at which all know of it."""

    @property
    def received(self):
        return self.clock.signal

    @received.setter
    def received(self, number):
        self.clock.wish = number or 0


class Finite(faults.Finite):
    """Looks for faults at the steps at which all workers agree on the time, so that all
    stop at the same step. Comes after the clock.
    """

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        if self.clock.looked == batch:
            self.next_look = 0.0
            super().on_train_batch_begin(batch, logs)
