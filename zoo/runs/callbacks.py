"""What goes on beside the steps of a run: clock, signals, checkpoints.

All share one `Progress`. Batches are watched at their beginning: a hook at a batch's
end makes Keras wait for the values of every step, which a fast accelerator would feel.
Of a model with `steps_per_execution`, that is the beginning of so many steps at once.
"""

import dataclasses
import math
import signal
import time

import keras

from zoo import backend
from zoo.core import faults


class Clock(keras.callbacks.Callback):
    """Keeps `progress` true, and stops at the batch that uses up the budget.

    Args:
        progress: The run's `Progress`.
        minutes: Budget over the whole life of the run, or None. Training steps count,
            their compilation included; validation, pictures and saving do not.
        steps_per_epoch: Batches of an epoch.

    Attributes:
        begun: Batches done of this epoch when the steps that run now began.
    """

    def __init__(self, progress, minutes, steps_per_epoch):
        super().__init__()
        self.progress = progress
        self.budget = math.inf if minutes is None else 60 * minutes
        self.steps_per_epoch = steps_per_epoch

    @property
    def is_out_of_time(self):
        return self.progress.seconds >= self.budget

    def on_epoch_begin(self, epoch, logs=None):
        progress = self.progress
        self.skipped = progress.batch
        if not self.skipped:
            progress.epoch_seconds = 0.0
        # An epoch that was left in the middle goes on with the sums it had.
        for metric, state in zip(self.model.metrics, progress.means):
            for variable, value in zip(metric.variables, state):
                variable.assign(value)
        self.go_on()

    def on_train_batch_begin(self, batch, logs=None):
        self._look()
        self.begun = self.skipped + batch
        ends = self.begun + self.model.steps_per_execution
        self.progress.batch = min(ends, self.steps_per_epoch)
        if self.is_out_of_time:
            self.model.stop_training = True  # after the steps that begin now

    def on_test_begin(self, logs=None):
        self.pause()

    def on_epoch_end(self, epoch, logs=None):
        self.pause()
        progress = self.progress
        if progress.batch >= self.steps_per_epoch:
            progress.epoch += 1
            progress.batch, progress.means = 0, []
        if self.is_out_of_time:
            self.model.stop_training = True

    def pause(self):
        """Stops the watch after an epoch's last step and keeps the terms' sums."""
        if not self.in_steps:
            return
        self._look()
        self.in_steps = False
        backend.sync(self.model)
        iterations = self.model.optimizer.iterations
        self.progress.step = int(keras.ops.convert_to_numpy(iterations))
        self.progress.means = [
            [float(keras.ops.convert_to_numpy(v)) for v in metric.variables]
            for metric in self.model.metrics
        ]

    def go_on(self):
        """Has the watch run again, after a pause within an epoch."""
        self.last_look, self.in_steps = time.perf_counter(), True

    def before_batch(self):
        """Pauses; returns the `Progress` without the steps that begin now."""
        self.pause()
        return dataclasses.replace(self.progress, batch=self.begun)

    def _look(self):
        now = time.perf_counter()
        self.progress.seconds += now - self.last_look
        self.progress.epoch_seconds += now - self.last_look
        self.last_look = now


class Interrupt(keras.callbacks.Callback):
    """On SIGTERM or Ctrl-C finishes the batch, saves and exits with 143 or 130.

    The validation and the pictures of an epoch whose steps are done are finished, too.
    A second signal ends the process at once. Used as a context manager around `fit`.
    """

    def __init__(self, folder, clock):
        super().__init__()
        self.folder, self.clock = folder, clock
        self.received = None

    def __enter__(self):
        self.before = {
            number: signal.signal(number, self._receive)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, kind, error, trace):
        for number, handler in self.before.items():
            signal.signal(number, handler)
        if self.received and isinstance(error, faults.NotFiniteError):
            # A process that was asked to end does not roll back and go on.
            print(f"{self._name}: nothing saved. {error}", flush=True)
            raise SystemExit(128 + self.received) from error

    def _receive(self, number, frame):
        self.received = number
        for each in self.before:
            signal.signal(each, signal.SIG_DFL)

    def on_train_batch_begin(self, batch, logs=None):
        if self.received:
            self.folder.save_checkpoint(self.model, self.clock.before_batch())
            self._leave()

    def on_epoch_end(self, epoch, logs=None):
        if self.received:  # the last callback of all: the epoch is saved already
            self._leave()

    def _leave(self):
        print(f"{self._name}: saved; the same command goes on from here.", flush=True)
        raise SystemExit(128 + self.received)

    @property
    def _name(self):
        return signal.Signals(self.received).name


class Checkpoints(keras.callbacks.Callback):
    """Saves all that exact resuming needs after each epoch, and after each
    `checkpoint_every` steps; and the best model of all epochs."""

    def __init__(self, folder, settings, clock, logs):
        super().__init__()
        self.folder, self.settings = folder, settings
        self.clock, self.progress, self.logs = clock, clock.progress, logs

    def on_train_batch_begin(self, batch, logs=None):
        every, progress = self.settings.checkpoint_every, self.progress
        done = progress.epoch * self.clock.steps_per_epoch + self.clock.begun
        before = done - self.model.steps_per_execution
        if every and batch and done // every > before // every:
            self.folder.save_checkpoint(self.model, self.clock.before_batch())
            self.clock.go_on()

    def on_epoch_end(self, epoch, logs=None):
        is_best = self.settings.monitor is not None and self._is_best(logs)
        if is_best:
            self.progress.best = logs[self.settings.monitor]
        self.logs.flush()
        self.folder.save_checkpoint(self.model, self.progress, is_best)

    def _is_best(self, logs):
        value, best = logs[self.settings.monitor], self.progress.best
        sign = 1 if self.settings.monitor_mode == "min" else -1
        return best is None or sign * value < sign * best
