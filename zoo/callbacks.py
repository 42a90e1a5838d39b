"""What happens beside the steps of a run: clock, signals, rows, pictures, checkpoints.

All share one `Progress`. Batches are watched at their beginning: a hook at a batch's
end makes Keras wait for the values of every step, which a fast accelerator would feel.
"""

import math
import signal
import time

import keras
import numpy as np

from zoo import plots
from zoo.quality import TERM


class Clock(keras.callbacks.Callback):
    """Keeps `progress` true, and stops at the batch that uses up the budget.

    Args:
        progress: The run's `Progress`.
        minutes: Budget over the whole life of the run, or None. Training steps count,
            their compilation included; validation, pictures and saving do not.
        steps_per_epoch: Batches of an epoch.
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
        self.last_look, self.in_steps = time.perf_counter(), True

    def on_train_batch_begin(self, batch, logs=None):
        self._look()
        self.progress.batch = self.skipped + batch + 1
        if self.is_out_of_time:
            self.model.stop_training = True  # after this batch

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
        iterations = self.model.optimizer.iterations
        self.progress.step = int(keras.ops.convert_to_numpy(iterations))
        self.progress.means = [
            [float(keras.ops.convert_to_numpy(v)) for v in metric.variables]
            for metric in self.model.metrics
        ]

    def _look(self):
        now = time.perf_counter()
        self.progress.seconds += now - self.last_look
        self.progress.epoch_seconds += now - self.last_look
        self.last_look = now


class Aside(keras.callbacks.Callback):
    """Lets validation draw random numbers without a trace in training.

    Otherwise a run that is stopped and validated within an epoch could not go on as if
    it had never stopped.
    """

    def on_test_begin(self, logs=None):
        self.state = {}
        self.model.save_own_variables(self.state)

    def on_test_end(self, logs=None):
        self.model.load_own_variables(self.state)


class Interrupt(keras.callbacks.Callback):
    """On SIGTERM or Ctrl-C finishes the batch, saves and exits with 143 or 130.

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

    def __exit__(self, *error):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        self.received = number
        signal.signal(number, self.before[number])

    def on_train_batch_begin(self, batch, logs=None):
        if self.received:
            self.clock.progress.batch -= 1  # the one that begins is not done
            self.clock.pause()
            self.folder.save_checkpoint(self.model, self.clock.progress)
            self._leave()

    def on_epoch_end(self, epoch, logs=None):
        if self.received:  # the last callback of all: the epoch is saved already
            self._leave()

    def _leave(self):
        name = signal.Signals(self.received).name
        print(f"{name}: saved; the same command goes on from here.", flush=True)
        raise SystemExit(128 + self.received)


class Record(keras.callbacks.Callback):
    """Opens the run folder with the first step, then adds a row an epoch.

    Fit has checked the first batch by then: a wrong input leaves no folder behind.
    """

    def __init__(self, folder, settings, facts, progress, logs):
        super().__init__()
        self.folder, self.settings, self.facts = folder, settings, facts
        self.progress, self.logs = progress, logs
        self.rows = None

    def on_train_begin(self, logs=None):
        if self.rows is None:
            self.folder.open(self.settings, self.facts, self.progress)
            self.rows = self.folder.rows()

    def on_epoch_end(self, epoch, logs=None):
        names = [metric.name for metric in self.model.metrics]
        names += [f"val_{name}" for name in names if f"val_{name}" in logs]
        names += [TERM] if TERM in logs else []
        terms = {name: logs[name] for name in names}
        for name, value in terms.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"Training diverged: {name} is {value} after epoch {epoch + 1}. "
                    "A lower --learning_rate may help."
                )
        row = {
            "epoch": epoch + 1,
            "step": self.progress.step,
            "seconds": round(self.progress.epoch_seconds, 3),
            **terms,
        }
        # The row of an epoch that was left in the middle gives way to the whole one's.
        self.rows = [r for r in self.rows if r["epoch"] <= epoch] + [row]
        self.folder.write_rows(self.rows)
        self.logs.scalars(epoch + 1, terms)


class Pictures(keras.callbacks.Callback):
    """Draws samples of fixed seeds, and reconstructions, where the model can; a row of
    samples a class, if the model is conditional.

    Args:
        folder: The `RunFolder`.
        settings: Its `Settings`.
        images: uint8 `[N, H, W, C]` to reconstruct.
        logs: The run's `Logs`.
    """

    COLUMNS, NUM_SAMPLES = 8, 64
    MOST_CLASSES = 16  # rows; more would be a picture that nobody scrolls through

    def __init__(self, folder, settings, images, logs):
        super().__init__()
        self.folder, self.settings = folder, settings
        self.images, self.logs = images, logs

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.settings.epochs or self.model.stop_training
        if last or (epoch + 1) % self.settings.image_every == 0:
            self._draw(epoch + 1)

    def _draw(self, epoch):
        able = self.model.capabilities()
        file = self.folder.samples / f"{epoch:04d}.png"
        if "sample" in able:
            picture = plots.save_grid(file, self._samples(), columns=self.COLUMNS)
            self.logs.picture(epoch, "samples", picture)
        if "reconstruct" in able:
            file = file.with_name(f"{epoch:04d}_reconstructions.png")
            made = self.model.reconstruct(self.images)
            picture = plots.save_reconstructions(file, self.images, made)
            self.logs.picture(epoch, "reconstructions", picture)

    def _samples(self):
        seed = self.settings.seed
        if not self.model.conditional:
            return self.model.sample(self.NUM_SAMPLES, seed=seed)
        classes = range(min(self.model.config["num_classes"], self.MOST_CLASSES))
        labels = np.repeat(classes, self.COLUMNS)
        return self.model.sample(len(labels), labels=labels, seed=seed)


class Checkpoints(keras.callbacks.Callback):
    """Saves all that exact resuming needs, and the best model, after each epoch."""

    def __init__(self, folder, settings, progress, logs):
        super().__init__()
        self.folder, self.settings = folder, settings
        self.progress, self.logs = progress, logs

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


class Line(keras.callbacks.Callback):
    """Prints one line an epoch, for logs and pipes, where a bar would fill pages."""

    def __init__(self, settings, progress):
        super().__init__()
        self.settings, self.progress = settings, progress

    def on_epoch_end(self, epoch, logs=None):
        of = f"/{self.settings.epochs}" if self.settings.epochs else ""
        names = sorted(logs, key=lambda name: name.startswith("val_"))
        terms = "  ".join(f"{name} {logs[name]:.4g}" for name in names)
        seconds = self.progress.epoch_seconds
        print(f"epoch {epoch + 1}{of}  {seconds:.1f} s  {terms}", flush=True)
