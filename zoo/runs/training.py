"""One training run from settings to pictures: data, model, fit, finish."""

import contextlib
import dataclasses
import math
import sys

import keras
from absl import logging

from zoo import backend, data, inputs
from zoo.core import faults, registry, saving
from zoo.drawing import figures
from zoo.files import sums
from zoo.runs import (
    callbacks,
    checksums,
    circumstances,
    health,
    reports,
    strategies,
    workers,
)
from zoo.runs import settings as settings_module
from zoo.runs.folder import RunFolder
from zoo.runs.logs import Logs
from zoo.runs.quality import Quality

NUM_RECONSTRUCTIONS = 32
ENDLESS = 10**6  # epochs, where only the budget ends a run
MOST_ROLLBACKS = 3


@dataclasses.dataclass
class Run:
    """A run that is ready to start: everything is checked, nothing is written.

    Attributes:
        model: Compiled and built; weights as of the last checkpoint, if there is one.
        train, validation: Batches of `data.load`; validation may be None.
        images: uint8 `[N, H, W, C]` to reconstruct and to measure samples by, none of
            them trained on if the set has a validation split.
        data: Checksum of `images` and their labels, by which other data are told.
        strategy: Of `tf.distribute`, or None.
        note: What run.json tells of going on, such as forced settings.
    """

    settings: object
    folder: object
    progress: object
    resumed: bool
    model: object
    train: object
    validation: object
    images: object
    data: str
    strategy: object
    note: dict

    @property
    def steps_per_epoch(self):
        return _steps_per_epoch(self.train, self.model, self.settings)

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
    folder.require_free()
    stored, note = folder.stored(), {}
    checkpoint, progress = folder.latest()
    if stored is not None:
        forced = folder.require_same(settings, progress.epoch, asked["force"])
        if forced:
            # The batches of the unfinished epoch and the best value are others' now.
            progress = dataclasses.replace(progress, batch=0, means=[], best=None)
            note = {"forced": forced}
        if asked["schedule_epochs"] is None:
            settings.schedule_epochs = stored["schedule_epochs"]
        for change in circumstances.changes(folder.read_record()):
            logging.warning("%s: the run may go on in another way.", change)
    run = _begin(settings, folder, checkpoint, progress, strategy, note)
    if stored is not None:
        _require_same_data(run, asked["force"])
    return run


def _require_same_data(run, force):
    """Raises ValueError, unless that is forced, if the images of the data set are no
    longer those that the run began with."""
    if run.folder.read_record().get("data", run.data) == run.data:
        return  # or of a run that did not keep it
    told = f"the images of {run.settings.dataset!r} are not those that it began with"
    if not force:
        raise ValueError(
            f"{run.folder.path} holds another run: {told}. Choose another --workdir, "
            "or go on nonetheless by --force, which run.json will tell. "
            f"Received: dataset={run.settings.dataset!r}."
        )
    run.note["forced"] = [*run.note.get("forced", []), told]
    run.progress = dataclasses.replace(run.progress, batch=0, means=[], best=None)


def _begin(settings, folder, checkpoint, progress, strategy, note):
    """The `Run` from a checkpoint on; from the start if that is None."""
    train, validation, images, seen = _data(settings, progress.epoch, strategy)
    model = _model(settings, train, strategy, progress.halved)
    if checkpoint is not None:
        saving.load_weights(model, checkpoint)
        for name, optimizer in model.optimizers.items():
            if not settings.has_schedule(name):  # then the file holds it, as it was
                optimizer.learning_rate = settings.rate(name, progress.halved)
    elif settings.init_from:
        _lend(saving.load(settings.init_from), model, settings)
    return Run(
        settings,
        folder,
        progress,
        checkpoint is not None,
        model,
        train,
        validation,
        images,
        seen,
        strategy,
        note,
    )


def _data(settings, epoch, strategy):
    """Training batches from `epoch` on, validation batches, images to measure by and
    the checksum of these."""
    where = {
        "classes": settings.classes,
        "image_size": settings.image_size,
        "data_dir": settings.data_dir,
    }
    how = where | {
        "batch_size": settings.batch_size,
        "drop_remainder": strategy is not None,
    }
    replicas = 1 if strategy is None else backend.num_devices(strategy)
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
    images, labels = data.arrays(settings.dataset, split, **where)
    validation = None
    if settings.validation:
        # Under a strategy, a batch that is larger than the split would be dropped.
        most = max(len(images) // replicas, 1) * replicas
        how["batch_size"] = min(settings.batch_size, most)
        validation = data.load(settings.dataset, split, **how)
    return train, validation, images, sums.of_arrays(images, labels)


def _model(settings, train, strategy, halved):
    """Compiled model with networks for the images of `train`."""
    if strategy is not None and settings.jit == "on" and backend.NAME == "tensorflow":
        raise ValueError(
            "TensorFlow cannot compile by XLA under a strategy of several devices. "
            "Received: jit=on."
        )
    if settings.steps_per_execution > 1 and not (
        strategy is None and backend.LOOPS_OVER_STEPS
    ):
        raise ValueError(
            "Several steps are one compiled call on one device of Keras' tensorflow "
            f"backend alone. Received: steps_per_execution="
            f"{settings.steps_per_execution}, strategy={settings.strategy!r}, "
            f"backend={backend.NAME!r}."
        )
    keras.config.set_dtype_policy(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    with strategies.scope(strategy):
        model = registry.find(settings.model)(**settings.config)
        steps = _steps_per_epoch(train, model, settings)
        model.compile(
            settings.optimizers(model, steps, halved),
            gradient_accumulation_steps=settings.gradient_accumulation_steps,
            steps_per_execution=settings.steps_per_execution,
            jit_compile=settings_module.JIT[settings.jit],
        )
        model.build(inputs.shape_of(train))
    return model


def _steps_per_epoch(train, model, settings):
    """Training steps that `fit` makes of the batches of an epoch."""
    joined = model.batches_per_step * settings.gradient_accumulation_steps
    return -(-int(train.cardinality()) // joined)


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
    """Trains until the epochs or the budget end, then writes model and curves.

    Raises:
        NotFiniteError: where a step makes NaN or infinity and no rollback is left.
        BlockingIOError: if another process trains in the folder now.
    """
    with run.folder.held():
        while not run.is_finished():
            try:
                _fit(run)
                break
            except faults.NotFiniteError as fault:
                _roll_back(run, fault)
        run.folder.clear()
        run.model.save(run.folder.model)
        rows = run.folder.rows()
        if rows:
            figures.save_curves(run.folder.curves, rows)
        checksums.write(run.folder)


def _roll_back(run, fault):
    """Puts `run` back to its last checkpoint, the learning rates of the networks that
    `fault` names halved; raises the fault if that is not wanted or was done enough."""
    if run.settings.on_nan != "rollback" or not fault.networks:
        raise fault
    halved = dict(run.progress.halved)
    for network in fault.networks:
        halved[network] = halved.get(network, 0) + 1
    times = max(halved[network] for network in fault.networks)
    if times > MOST_ROLLBACKS:
        raise fault.after_rollbacks(MOST_ROLLBACKS)
    checkpoint, progress = run.folder.latest()
    rates = f"rate{'s' * (len(fault.networks) > 1)} of {' and '.join(fault.networks)}"
    told = (
        f"step {fault.step} was not finite: back to step {progress.step}, the learning "
        f"{rates} halved ({times} of {MOST_ROLLBACKS})"
    )
    print(told, flush=True)
    progress = dataclasses.replace(progress, halved=halved)
    where = (run.folder, checkpoint, progress, run.strategy)
    vars(run).update(vars(_begin(run.settings, *where, {"rolled_back": told})))


def _fit(run):
    settings, folder, progress = run.settings, run.folder, run.progress
    logs = Logs(folder.logs, progress.epoch)
    kind = workers if settings.strategy == "multi_worker" else callbacks
    clock = kind.Clock(progress, settings.minutes, run.steps_per_epoch)
    facts = {
        "parameters": run.parameters(),
        "image_shape": run.model.image_shape,
        "steps_per_epoch": run.steps_per_epoch,
        "data": run.data,
    }
    interrupt = kind.Interrupt(folder, clock)
    on_terminal = sys.stdout.isatty()
    has_line = run.is_chief and not on_terminal
    beside = [
        clock,
        workers.Finite(clock) if kind is workers else faults.Finite(),
        callbacks.Aside(),
        *([Quality(settings, run.images)] if settings.frechet else []),
        reports.Record(folder, settings, facts, progress, logs, run.note),
        *([reports.Line(settings, progress)] if has_line else []),
        reports.Pictures(folder, settings, run.images[:NUM_RECONSTRUCTIONS], logs),
        health.Health(settings, run.images),
        callbacks.Checkpoints(folder, settings, clock, logs),
        interrupt,
    ]
    with interrupt, contextlib.closing(logs):
        _fit_epochs(run, beside, verbose=1 if on_terminal and run.is_chief else 0)


def _fit_epochs(run, beside, verbose):
    """Fits to the end; an epoch that was left in the middle is finished first."""
    settings, progress = run.settings, run.progress
    how = {"validation_data": run.validation, "callbacks": beside, "verbose": verbose}
    how["shuffle"] = False  # the data set shuffles
    if progress.batch:
        rest = run.train.skip(progress.batch * run.model.joined_batches)
        epoch = progress.epoch
        how_far = {"initial_epoch": epoch, "epochs": epoch + 1}
        if int(rest.cardinality()) == 1:
            # As arrays: of a data set the look that `fit` takes would be the epoch.
            images, labels = inputs.first_batch(rest)
            how_far["batch_size"], rest = len(images), images
            if labels is not None:
                rest = images, labels
        run.model.fit(rest, **how_far, **how)
    if not run.model.stop_training and not run.is_finished():
        last = settings.epochs or ENDLESS
        run.model.fit(run.train, initial_epoch=progress.epoch, epochs=last, **how)
