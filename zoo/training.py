"""One training run from settings to pictures: data, model, fit, finish."""

import dataclasses
import math
import sys

import keras

from zoo import (
    backend,
    callbacks,
    data,
    figures,
    inputs,
    registry,
    saving,
    strategies,
    workers,
)
from zoo import settings as settings_module
from zoo.logs import Logs
from zoo.quality import Quality
from zoo.runs import RunFolder

NUM_RECONSTRUCTIONS = 32
ENDLESS = 10**6  # epochs, where only the budget ends a run


@dataclasses.dataclass
class Run:
    """A run that is ready to start: everything is checked, nothing is written.

    Attributes:
        model: Compiled and built; weights as of the last checkpoint, if there is one.
        train, validation: Batches of `data.load`; validation may be None.
        images: uint8 `[N, H, W, C]` to reconstruct and to measure samples by, none of
            them trained on if the set has a validation split.
    """

    settings: object
    folder: object
    progress: object
    resumed: bool
    model: object
    train: object
    validation: object
    images: object

    @property
    def steps_per_epoch(self):
        return _steps_per_epoch(self.train, self.model)

    @property
    def is_chief(self):
        """Whether this process owns the folder and tells how the run goes."""
        return workers.is_chief(self.settings)

    def parameters(self):
        """{network: number of weights}."""
        return {n: self.model.network(n).count_params() for n in self.model.networks}

    def is_finished(self):
        """Whether no epoch and no time is left to train."""
        settings, progress = self.settings, self.progress
        out_of_epochs = progress.epoch >= (settings.epochs or math.inf)
        return out_of_epochs or progress.seconds >= 60 * (settings.minutes or math.inf)


@workers.losses_told()
def prepare(asked):
    """Returns the `Run` that the flags `asked` for mean; writes nothing.

    Raises: ValueError, OSError: in one sentence, what is wrong with them.
    """
    strategy = strategies.create(asked["strategy"])  # before anything is computed
    settings = settings_module.resolve(asked)
    folder = workers.folder(strategy, settings, RunFolder)
    stored = folder.stored()
    if stored is not None:
        folder.require_same(settings)
        if asked["schedule_epochs"] is None:
            settings.schedule_epochs = stored["schedule_epochs"]
    checkpoint, progress = folder.latest()
    train, validation, images = _data(settings, progress.epoch, strategy)
    model = _model(settings, train, strategy)
    if checkpoint is not None:
        saving.load_weights(model, checkpoint)
    elif settings.init_from:
        _lend(saving.load(settings.init_from), model, settings)
    resumed = checkpoint is not None
    return Run(settings, folder, progress, resumed, model, train, validation, images)


def _data(settings, epoch, strategy):
    """Training batches from `epoch` on, validation batches, images to measure by."""
    where = {
        "classes": settings.classes,
        "image_size": settings.image_size,
        "data_dir": settings.data_dir,
    }
    how = where | {
        "batch_size": settings.batch_size,
        "drop_remainder": strategy is not None,
    }
    with strategies.scope(strategy):
        replicas = backend.num_replicas()
    if settings.batch_size % replicas:
        raise ValueError(
            f"A batch is shared out equally among {replicas} replicas. "
            f"Received: batch_size={settings.batch_size}."
        )
    train = data.load(
        settings.dataset,
        "train" if settings.validation else "train+validation",
        seed=settings.seed,
        flip=settings.flip,
        start_epoch=epoch,
        **how,
    )
    split = "validation" if settings.validation else "train"
    images, _ = data.arrays(settings.dataset, split, **where)
    validation = None
    if settings.validation:
        # Under a strategy, a batch that is larger than the split would be dropped.
        most = max(len(images) // replicas, 1) * replicas
        how["batch_size"] = min(settings.batch_size, most)
        validation = data.load(settings.dataset, split, **how)
    return train, validation, images


def _model(settings, train, strategy):
    """Compiled model with networks for the images of `train`."""
    if strategy is not None and settings.jit == "on":
        raise ValueError(
            "Keras cannot compile by XLA under a strategy of several devices. "
            "Received: jit=on."
        )
    keras.config.set_dtype_policy(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    with strategies.scope(strategy):
        model = registry.find(settings.model)(**settings.config)
        model.compile(
            settings.optimizers(model, _steps_per_epoch(train, model)),
            jit_compile=settings_module.JIT[settings.jit],
        )
        model.build(inputs.shape_of(train))
    return model


def _steps_per_epoch(train, model):
    """Training steps that `fit` makes of the batches of an epoch."""
    return -(-int(train.cardinality()) // model.batches_per_step)


def _lend(source, model, settings):
    """Gives `model` the weights of `source`; its optimizers start afresh."""
    if source.image_shape != model.image_shape:
        raise ValueError(
            f"The model of {settings.init_from} is for images of shape "
            f"{source.image_shape} and {settings.dataset!r} has {model.image_shape}; "
            f"choose another size by --image_size. Received: "
            f"dataset={settings.dataset!r}."
        )
    shapes = [[tuple(v.shape) for v in m.weights] for m in (source, model)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"The settings make other networks than those of {settings.init_from}. "
            f"Received: config={settings.config}."
        )
    model.set_weights(source.get_weights())


@workers.losses_told()
def train(run):
    """Trains until the epochs or the budget end, then writes model and curves."""
    if not run.is_finished():
        _fit(run)
    run.model.save(run.folder.model)
    rows = run.folder.rows()
    if rows:
        figures.save_curves(run.folder.curves, rows)


def _fit(run):
    settings, folder, progress = run.settings, run.folder, run.progress
    logs = Logs(folder.logs, progress.epoch)
    kind = workers if settings.strategy == "multi_worker" else callbacks
    clock = kind.Clock(progress, settings.minutes, run.steps_per_epoch)
    facts = {
        "parameters": run.parameters(),
        "image_shape": run.model.image_shape,
        "steps_per_epoch": run.steps_per_epoch,
    }
    interrupt = kind.Interrupt(folder, clock)
    on_terminal = sys.stdout.isatty()
    has_line = run.is_chief and not on_terminal
    beside = [
        clock,
        callbacks.Aside(),
        *([Quality(settings, run.images)] if settings.frechet else []),
        callbacks.Record(folder, settings, facts, progress, logs),
        *([callbacks.Line(settings, progress)] if has_line else []),
        callbacks.Pictures(folder, settings, run.images[:NUM_RECONSTRUCTIONS], logs),
        callbacks.Checkpoints(folder, settings, progress, logs),
        interrupt,
    ]
    with interrupt:
        _fit_epochs(run, beside, verbose=1 if on_terminal and run.is_chief else 0)
    logs.close()


def _fit_epochs(run, beside, verbose):
    """Fits to the end; an epoch that was left in the middle is finished first."""
    settings, progress = run.settings, run.progress
    how = {"validation_data": run.validation, "callbacks": beside, "verbose": verbose}
    how["shuffle"] = False  # the data set shuffles
    if progress.batch:
        rest = run.train.skip(progress.batch * run.model.batches_per_step)
        epoch = progress.epoch
        run.model.fit(rest, initial_epoch=epoch, epochs=epoch + 1, **how)
    if not run.model.stop_training and not run.is_finished():
        last = settings.epochs or ENDLESS
        run.model.fit(run.train, initial_epoch=progress.epoch, epochs=last, **how)


def describe(run):
    """Lines on a run that has not started: settings, networks, data."""
    lines = [f"{k:<16} {_text(v)}" for k, v in vars(run.settings).items()]
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
    """Lines on a run that has ended: what was made, and where."""
    folder = run.folder
    rows, progress = folder.rows(), run.progress
    lines = [f"trained {progress.epoch} epochs, {progress.step} steps, "
             f"{progress.seconds / 60:.1f} minutes"]  # fmt: skip
    pictures = sorted(folder.samples.glob("*.png"), key=lambda p: p.name[:4])
    made = {"model": folder.model}
    made |= {"best model": folder.best} if folder.best.exists() else {}
    made |= {"rows": folder.metrics}
    made |= {"curves": folder.curves, "TensorBoard": folder.logs}
    made |= {"pictures": pictures[-1]} if pictures else {}
    if rows and run.settings.monitor:
        monitor = run.settings.monitor
        lines += [f"{monitor} {rows[-1][monitor]:.4g}, at best {progress.best:.4g}"]
    return lines + [f"{name:<16} {path}" for name, path in made.items()]
