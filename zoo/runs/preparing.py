"""Preparing a run: from settings to data and model. Nothing is written."""

import dataclasses
import functools
import math

import keras
from absl import logging

from zoo import backend
from zoo.core import lending, registry, saving
from zoo.files import sums
from zoo.inputs import classes
from zoo.runs import circumstances, lock, preset_runs, strategies, workers
from zoo.runs import settings as settings_module
from zoo.runs.dataset import RunData
from zoo.runs.folder import RunFolder


@dataclasses.dataclass
class Run:
    """A run that is ready to start: everything is checked, nothing is written.

    Attributes:
        snapshot: Of the folder as it was, by which `train` sees that it still is so.
        strategy: Of `tf.distribute`, or None.
        dataset: The `RunData`.
        lender: The model whose weights a new model begins with, or None.
        parts: {setting: `PartFile`} of the trained models that its model is made of.
        images: uint8 `[N, H, W, C]` to reconstruct and to measure samples by, none of
            them trained on if the set has a validation split.
        sources: Those of `images`, uint8 `[N, h, w, c]`, or None.
        data: Checksum of `images`, their labels and sources, by which other data are
            recognised.
        validation: Batches, or None.
        train: Batches from the epoch of `progress` on.
        model: Compiled and built; weights as of the last checkpoint, if there is one.
        resumed: Whether there is one.
        continuation: What run.json tells of going on, such as forced settings.
    """

    settings: object
    folder: object
    snapshot: tuple
    progress: object
    strategy: object
    dataset: object
    lender: object = None
    parts: dict = dataclasses.field(default_factory=dict)
    images: object = None
    sources: object = None
    data: str = ""
    validation: object = None
    train: object = None
    model: object = None
    resumed: bool = False
    continuation: dict = dataclasses.field(default_factory=dict)

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


@workers.lost_workers_named()
def prepare(flags, dataset=None):
    """Returns the `Run` that the flags of `experiments.train` mean; writes nothing.

    Args:
        flags: {flag: value}, see `zoo.runs.settings.resolve`.
        dataset: Its `RunData`, if that has been opened already.
    Raises: ValueError, OSError: in one sentence, what is wrong with them.
    """
    strategy = strategies.create(flags["strategy"])  # before anything is computed
    dataset = dataset or RunData(flags)
    flags = flags | {"image_size": dataset.where["image_size"]}
    lender = preset_runs.opened(flags["init_from"]) if flags["init_from"] else None
    stored_in = functools.partial(_stored_in, flags)
    settings, model, parts = settings_module.resolve(flags, dataset, lender, stored_in)
    dataset.require(model)
    has_workers = settings.strategy == "multi_worker"
    if has_workers:
        workers.require_alike(strategy, _decisive(settings, lender))
    folder = workers.folder(strategy, settings)
    lock.require_free(folder.path)
    snapshot = folder.snapshot()  # first: what is read later is no older
    stored = folder.stored()
    checkpoint, progress = folder.latest()
    run = Run(settings, folder, snapshot, progress, strategy, dataset, lender, parts)
    if stored is not None:
        _require_same_settings(run, stored, flags)
    _take_images(run)
    if has_workers:
        workers.require_alike(strategy, {"the images": run.data})
    if stored is not None:
        _require_same_data(run, flags["force"])
    begin(run, checkpoint)
    return run


def _stored_in(flags, workdir):
    """Settings of the run in a work folder, or None; of several workers, the chief's
    alone knows."""
    return None if flags["strategy"] == "multi_worker" else RunFolder(workdir).stored()


def _decisive(settings, lender):
    """{name: value} of all that decides a training, but for its data."""
    facts = {}
    for name, value in settings.plain().items():
        if isinstance(value, dict):
            facts |= {f"{name} {key}": each for key, each in value.items()}
        elif name not in ("workdir", "data_dir", "init_from"):  # paths may differ
            facts[name] = value
    if lender is not None:
        facts["the weights of init_from"] = sums.of_arrays(*lender.get_weights())
    facts |= {f"the version of {n}": v for n, v in circumstances.versions().items()}
    return facts | {"the code of the zoo": circumstances.package()}


def _require_same_settings(run, stored, flags):
    """Raises ValueError, unless that is forced, if the run in the folder has other
    settings than `run`."""
    forced = run.folder.require_same(run.settings, run.progress.epoch, flags["force"])
    if forced:
        _force(run, forced)
    if flags["schedule_epochs"] is None:
        run.settings.schedule_epochs = stored["schedule_epochs"]
    for change in circumstances.changes(run.folder.read_record()):
        logging.warning("%s: the run may go on in another way.", change)


def _require_same_data(run, force):
    """Raises ValueError, unless that is forced, if the images of the data set are no
    longer those that the run began with."""
    name = run.settings.dataset
    if run.folder.read_record().get("data", run.data) == run.data:
        return  # or of a run that did not keep it
    change = f"the images of {name!r} are not those that it began with"
    if not force:
        raise ValueError(
            f"{run.folder.path} holds another run: {change}. Choose another --workdir, "
            "or go on nonetheless by --force, which run.json will tell. "
            f"Received: dataset={name!r}."
        )
    _force(run, [change])


def _force(run, changes):
    """Has `run` go on in spite of `changes`, sentences."""
    # The batches of the unfinished epoch and the best value are those of another run.
    run.progress = dataclasses.replace(run.progress, batch=0, means=[], best=None)
    run.continuation["forced"] = run.continuation.get("forced", []) + changes


def _take_images(run):
    """Gives `run` the images that it is measured by, and its validation batches."""
    settings, strategy = run.settings, run.strategy
    replicas = 1 if strategy is None else backend.num_devices(strategy)
    if settings.batch_size % replicas:
        raise ValueError(
            f"A batch is shared out equally among {replicas} replicas. "
            f"Received: batch_size={settings.batch_size}."
        )
    run.images, labels, run.sources = run.dataset.measuring(settings)
    more = [] if run.sources is None else [run.sources]
    run.data = sums.of_arrays(run.images, labels, *more)
    if settings.validation:
        # Under a strategy, a batch that is larger than the split would be dropped.
        most = max(len(run.images) // replicas, 1) * replicas
        size = min(settings.batch_size, most)
        run.validation = run.dataset.validation(size, strategy is not None)


def begin(run, checkpoint):
    """Gives `run` the batches from the epoch of its progress on, and a model.

    Args:
        checkpoint: File of the model's weights, or None for a new model, which takes
            those of the lender, if there is one.
    """
    settings, progress = run.settings, run.progress
    drop_remainder = run.strategy is not None
    run.train = run.dataset.training(settings, progress.epoch, drop_remainder)
    run.model = _model(run, progress.halved)
    run.resumed = checkpoint is not None
    if run.resumed:
        saving.load_weights(run.model, checkpoint)
        for name, optimizer in run.model.optimizers.items():
            if not settings.has_schedule(name):  # then the file holds it, as it was
                optimizer.learning_rate = settings.rate(name, progress.halved)
    elif run.lender is not None:
        _take_weights(run.lender, run.model, settings)


def _model(run, halved):
    """Compiled model with networks for the images that `run` trains on."""
    settings, train, strategy = run.settings, run.train, run.strategy
    config = settings.config | {key: part.value for key, part in run.parts.items()}
    if "caption" in run.dataset.fields and not config["vocabulary"]:
        config["vocabulary"] = run.dataset.vocabulary(settings)
    _require_able(settings, strategy)
    keras.config.set_dtype_policy(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    with strategies.scope(strategy):
        model = registry.find(settings.model)(**config)
        steps = _steps_per_epoch(train, model, settings)
        model.compile(
            settings.optimizers(model, steps, halved),
            gradient_accumulation_steps=settings.gradient_accumulation_steps,
            steps_per_execution=settings.steps_per_execution,
            jit_compile=settings_module.JIT[settings.jit],
        )
        model.build_for(train)
    names = classes.names_of(run.dataset.info, config.get("num_classes"))
    model.class_names = names or model.class_names
    return model


def _require_able(settings, strategy):
    """Raises ValueError if the backend cannot compile steps as it is asked to."""
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


def _steps_per_epoch(train, model, settings):
    """Training steps that `fit` makes of the batches of an epoch."""
    joined = model.batches_per_step * settings.gradient_accumulation_steps
    return -(-int(train.cardinality()) // joined)


def _take_weights(lender, model, settings):
    """Gives `model` the weights of the model `lender`; its optimizers start afresh.
    Of a preset, layers of another size begin anew."""
    if lender.adapts:
        lending.tell(lending.take(model, lending.weights(lender)))
        return
    if lender.image_shape != model.image_shape:
        raise ValueError(
            f"The model of {settings.init_from} is for images of shape "
            f"{lender.image_shape} and {settings.dataset!r} has {model.image_shape}; "
            f"choose another size by --image_size. Received: "
            f"dataset={settings.dataset!r}."
        )
    shapes = [[tuple(v.shape) for v in m.weights] for m in (lender, model)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"The settings make other networks than those of {settings.init_from}. "
            f"Received: config={settings.config}."
        )
    model.set_weights(lender.get_weights())
