"""What a run reports: before it starts, with each epoch, and once it has ended."""

import math
import pathlib

import keras
import numpy as np

from zoo.drawing import plots
from zoo.files import atomic
from zoo.inputs import fields
from zoo.runs import defaults, grids
from zoo.runs.quality import TERM


class Record(keras.callbacks.Callback):
    """Opens the run folder with the first step, then adds a row an epoch.

    Fit has checked the first batch by then: a wrong input leaves no folder behind.

    Args:
        run: The `Run`.
        facts: What run.json tells beside its settings.
        logs: Its `Logs`.
    """

    def __init__(self, run, facts, logs):
        super().__init__()
        self.folder, self.progress, self.logs = run.folder, run.progress, logs
        self.opening = (run.settings, facts, run.progress, run.continuation)
        self.rows = None

    def on_train_begin(self, logs=None):
        if self.rows is None:
            self.folder.open(*self.opening)
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
    """Draws samples of fixed seeds, reconstructions and translations, where the model
    can; a row of samples a class, where it knows classes, and samples of captions that
    are not trained on, where it learns from captions.

    Args:
        run: The `Run`.
        count: How many of its images are reconstructed or translated.
        logs: The run's `Logs`.
    """

    COLUMNS, NUM_SAMPLES = grids.COLUMNS, 64
    MOST_CLASSES = 16  # rows; more would be a picture that nobody scrolls through

    # (title, what a model needs for it, the method that writes and returns it)
    PICTURES = (
        ("samples", "sample", "save_samples"),
        ("reconstructions", "reconstruct", "save_reconstructions"),
        ("translations", "translate", "save_translations"),
    )

    def __init__(self, run, count, logs):
        super().__init__()
        self.folder, self.settings, self.logs = run.folder, run.settings, logs
        self.images = run.images[:count]
        self.sources = None if run.sources is None else run.sources[:count]
        has_captions = "caption" in run.dataset.fields
        dataset, most = run.dataset, self.NUM_SAMPLES
        self.prompts = dataset.prompts(run.settings, most) if has_captions else None

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.settings.epochs or self.model.stop_training
        if last or (epoch + 1) % self.settings.image_every == 0:
            self._draw(epoch + 1)

    def _draw(self, epoch):
        for title, needs, method in self.PICTURES:
            if self.model.can(needs):
                self.logs.picture(epoch, title, getattr(self, method)(f"{epoch:04d}"))

    def save_samples(self, stem):
        """Returns the grid of samples that it writes as `stem`.png; their prompts, if
        they have some, stand in prompts.txt."""
        file = self.folder.samples / f"{stem}.png"
        if self.prompts:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replaced(file.with_name("prompts.txt")) as temporary:
                pathlib.Path(temporary).write_text("\n".join(self.prompts) + "\n")
        return plots.save_grid(file, self._samples(), columns=self.COLUMNS)

    def save_reconstructions(self, stem):
        """Returns the picture of images and their reconstructions that it writes."""
        file = self.folder.samples / f"{stem}_reconstructions.png"
        rebuilt = self.model.reconstruct(self.images)
        return plots.save_reconstructions(file, self.images, rebuilt)

    def save_translations(self, stem):
        """Returns the picture that it writes: a row of sources, one of what the model
        makes of them, one of the images that they belong to, or of the sources again
        where the model goes back, too."""
        file = self.folder.samples / f"{stem}_translations.png"
        sources, seed = self.sources, self.settings.seed
        if sources is None:
            sources = self.model.sources(self.images, seed=seed)
        answers = self.model.translate(sources, seed=seed)
        last = self.images
        if self.model.can("back"):
            last = self.model.translate(answers, back=True, seed=seed)
        kinds = (sources, answers, last)
        return plots.save_rows(file, kinds, columns=self.COLUMNS)

    def _samples(self):
        seed = self.settings.seed
        if self.prompts:
            return self.model.sample(prompts=self.prompts, seed=seed)
        if not self.model.can("labels"):
            return self.model.sample(self.NUM_SAMPLES, seed=seed)
        classes = range(min(self.model.config["num_classes"], self.MOST_CLASSES))
        labels = np.repeat(classes, self.COLUMNS)
        return self.model.sample(len(labels), labels=labels, seed=seed)


def header(run):
    """Lines on a run that is about to start: model, data, steps, and what a small set
    makes of them."""
    settings = run.settings
    networks = [f"{name} {count:,}" for name, count in run.parameters().items()]
    total = sum(run.parameters().values())
    shape = "x".join(map(str, run.model.image_shape))
    examples = fields.PLURALS[run.model.makes]
    trained = run.dataset.num_images(settings.validation)
    validated = f"{run.dataset.num_validated():,}" if settings.validation else "no"
    length = f"{run.steps_per_epoch:,} an epoch"
    if settings.epochs:
        steps = settings.epochs * run.steps_per_epoch
        length += f", {settings.epochs:,} epochs: {steps:,} in all"
    if settings.minutes:
        length += f", at most {settings.minutes:g} min"
    small = defaults.sentence(settings, trained)
    return [
        f"model  {settings.model}: {total:,} weights ({', '.join(networks)})",
        f"data   {settings.dataset}: {trained:,} {examples} of {shape} to train on, "
        f"{validated} to validate on",
        f"steps  {length}; pictures: {run.folder.samples}",
        *([small] if small else []),
    ]


def describe(run):
    """Lines on a run that has not started: settings, networks, data."""
    lines = [f"{k:<27} {_text(v)}" for k, v in vars(run.settings).items()]
    lines += ["", "parameters"]
    lines += [f"  {name:<14} {count:,}" for name, count in run.parameters().items()]
    batch = run.train.take(1)
    terms = run.model.evaluate(batch, return_dict=True, verbose=0)
    shape = "x".join(map(str, run.model.image_shape))
    lines += ["", f"data             {shape}, {run.steps_per_epoch} steps an epoch"]
    values = "  ".join(f"{name} {value:.4g}" for name, value in terms.items())
    lines += [f"first batch      {values}"]
    if run.resumed:
        lines += ["", f"goes on after epoch {run.progress.epoch} in {run.folder.path}"]
    return lines


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return "-" if value is None else str(value)


def summarise(run):
    """Lines on a run that has ended: what it has written, and where."""
    folder = run.folder
    rows, progress = folder.rows(), run.progress
    epochs = f"{progress.epoch} epochs"
    if progress.batch:
        share = f"{progress.batch} of {run.steps_per_epoch} steps"
        epochs += f" and {share} of the next"
    minutes = progress.seconds / 60
    lines = [f"trained {epochs}, {progress.step} steps, {minutes:.1f} minutes"]
    pictures = sorted(folder.samples.glob("*.png"), key=lambda p: p.name[:4])
    paths = {"model": folder.model}
    paths |= {"best model": folder.best} if folder.best.exists() else {}
    paths |= {"rows": folder.metrics}
    paths |= {"curves": folder.curves, "TensorBoard": folder.logs}
    paths |= {"pictures": pictures[-1]} if pictures else {}
    if rows and run.settings.monitor:
        monitor = run.settings.monitor
        lines += [f"{monitor} {rows[-1][monitor]:.4g}, at best {progress.best:.4g}"]
    return lines + [f"{name:<16} {path}" for name, path in paths.items()]
