"""How far a training has come: a line an epoch, and what moves within a long epoch."""

import contextlib
import math
import time

import keras

from zoo.core.bar import Bar


class Pace:
    """Estimates how long a run still takes, from the steps since the second one: the
    first is compiled.

    Args:
        settings: The run's `Settings`.
        progress: Its `Progress`.
        steps_per_epoch: Steps of an epoch.
    """

    def __init__(self, settings, progress, steps_per_epoch):
        self.settings, self.progress = settings, progress
        self.steps_per_epoch = steps_per_epoch
        self.begins = []  # of the first two steps: (time, steps done)

    def step(self):
        """Is called as a step begins."""
        if len(self.begins) < 2:
            self.begins.append((time.perf_counter(), self._done()))

    def left(self):
        """Returns e.g. "about 4 min left"; "" if nothing is left or known."""
        if len(self.begins) < 2:
            return ""
        began, first = self.begins[-1]
        steps, seconds = self._done() - first, time.perf_counter() - began
        left = math.inf
        if self.settings.epochs and steps:
            total = self.settings.epochs * self.steps_per_epoch
            left = (total - self._done()) * seconds / steps
        if self.settings.minutes:
            left = min(left, 60 * self.settings.minutes - self.progress.seconds)
        return f"about {duration(left)} left" if 0 < left < math.inf else ""

    def _done(self):
        return self.progress.epoch * self.steps_per_epoch + self.progress.batch


def duration(seconds):
    """A rounded time, e.g. "40 s", "4 min", "2.5 h"."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    if seconds < 99.5 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


class Line(keras.callbacks.Callback):
    """Prints one line an epoch. Within a long epoch, a bar moves on a terminal, and a
    log gets a line a minute.

    Comes after `Checkpoints`: who reads the line of an epoch finds it saved.
    """

    PAUSE = 60  # seconds from one line within an epoch to the next

    def __init__(self, settings, progress, steps_per_epoch):
        super().__init__()
        self.settings, self.progress = settings, progress
        self.steps_per_epoch = steps_per_epoch
        self.pace = Pace(settings, progress, steps_per_epoch)
        self.bar = None

    def on_epoch_begin(self, epoch, logs=None):
        of = f"/{self.settings.epochs}" if self.settings.epochs else ""
        self.title = f"epoch {epoch + 1}{of}"
        self.bar = Bar(self.title, "steps", self.steps_per_epoch)
        self.last = time.perf_counter()

    def on_train_batch_begin(self, batch, logs=None):
        self.pace.step()
        begun = self.progress.batch  # the steps that begin now among them
        self.bar.update(begun - self.bar.n)
        if self.bar.disable and time.perf_counter() - self.last > self.PAUSE:
            self.last = time.perf_counter()
            steps = f"step {begun}/{self.steps_per_epoch}"
            # If nobody reads the log any more, the epoch is finished and saved first.
            with contextlib.suppress(BrokenPipeError):
                self._print(self.title, steps, self.pace.left())

    def on_test_begin(self, logs=None):
        self.close()

    def on_epoch_end(self, epoch, logs=None):
        self.close()
        names = sorted(logs, key=lambda name: name.startswith("val_"))
        terms = [f"{name} {logs[name]:.4g}" for name in names]
        seconds = f"{self.progress.epoch_seconds:.1f} s"
        left = "" if self.model.stop_training else self.pace.left()
        self._print(self.title, seconds, *terms, left)

    def _print(self, *parts):
        print("  ".join(filter(None, parts)), flush=True)

    def close(self):
        """Removes the bar."""
        if self.bar is not None:
            self.bar.close()
