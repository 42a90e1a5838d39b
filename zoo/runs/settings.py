"""What decides a run: from the words of a command line to values, defaults included.

What imports Keras is imported where it is used: a run folder is read without it.
"""

import dataclasses
import json
import pathlib

from zoo.core import rates, registry
from zoo.inputs import memory, suggestions
from zoo.runs import bounds, defaults

CHANGEABLE = ("epochs", "minutes", "schedule_epochs", "image_every", "data_dir")
CHANGEABLE += ("workdir", "checkpoint_every", "on_nan", "steps_per_execution")
# The flags whose values are settings as they are.
PLAIN = ("flip", "seed", "validation", "strategy", "precision", "jit")
PLAIN += ("checkpoint_every", "on_nan", "classes", "image_size", "minutes", "frechet")
PLAIN += ("init_from", "data_dir", "gradient_accumulation_steps", "steps_per_execution")
PLAIN += ("train_images",)
LATER = ("parts", "options")  # dicts that records of older runs do not have
JIT = {"auto": "auto", "on": True, "off": False}


@dataclasses.dataclass
class Settings:
    """All that decides a run, resolved. What `CHANGEABLE` names may be another value
    when the run goes on.

    Attributes:
        config: The model's whole config.
        classes: Names or numbers of the classes that are kept, or None for all.
        image_size: Side in pixels, [height, width], or None for the data set's own.
        epochs: Last epoch, or None where only `minutes` end the run.
        minutes: Budget of training time, or None.
        schedule_epochs: Epochs that the learning-rate schedules span, or None.
        learning_rate, schedule, warmup: By network; warm-up in updates.
        monitor: Term whose best epoch is kept, or None; `monitor_mode`: "min" or "max".
        frechet: Number of samples for an epoch's Frechet distance, or None.
        image_every: Epochs from one grid of samples to the next.
        checkpoint_every: Steps from one checkpoint within an epoch to the next, or None
            for checkpoints after whole epochs only.
        on_nan: "stop" or "rollback", where a step makes NaN or infinity.
        init_from: `.keras` file, run folder or preset of the first weights, or None.
        gradient_accumulation_steps: Batches of one update.
        steps_per_execution: Training steps of one compiled call.
        train_images: Number of the training images that are used, or None for all.
        parts: {setting that is a model: {"file", "sha256"}}.
        options: {name: value} of the data set's options that were chosen, see
            `zoo.data.open`.
    """

    model: str
    config: dict
    dataset: str
    classes: list | None
    image_size: int | list | None
    flip: bool
    batch_size: int
    epochs: int | None
    minutes: float | None
    schedule_epochs: int | None
    learning_rate: dict
    schedule: dict
    warmup: dict
    seed: int
    monitor: str | None
    monitor_mode: str | None
    frechet: int | None
    validation: bool
    image_every: int
    checkpoint_every: int | None
    on_nan: str
    strategy: str
    precision: str
    jit: str
    init_from: str | None
    data_dir: str | None
    workdir: str
    # Records of older runs do not have these.
    gradient_accumulation_steps: int = 1
    steps_per_execution: int = 1
    train_images: int | None = None
    parts: dict = dataclasses.field(default_factory=dict)
    options: dict = dataclasses.field(default_factory=dict)

    def plain(self):
        """The settings as JSON gives them back."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def has_schedule(self, network):
        """Whether the learning rate of `network` is a function of the step."""
        return self.schedule[network] != "constant" or self.warmup[network] > 0

    def rate(self, network, halved):
        """Its highest learning rate, halved {network: so many times}."""
        return self.learning_rate[network] / 2 ** halved.get(network, 0)

    def optimizers(self, model, steps_per_epoch, halved):
        """{network: optimizer}: the paper's, at our learning rates and schedules.

        Args:
            halved: {network: how often its learning rate was halved}.
        """
        from zoo.core import schedules

        steps = (self.schedule_epochs or 0) * steps_per_epoch
        return {
            name: schedules.scheduled(
                optimizer,
                self.schedule[name],
                self.rate(name, halved),
                steps * model.updates_per_step(name),
                self.warmup[name],
            )
            for name, optimizer in model.default_optimizers().items()
        }


def resolve(flags, dataset, lender=None, stored_in=None):
    """Returns the `Settings` that the flags of `experiments.train` mean, a model of
    them without networks, and the {setting: `PartFile`} of its parts.

    Args:
        flags: {flag: value}; None where the user said nothing. `set`, `learning_rate`,
            `schedule` and `warmup` are lists of texts, each `key=value` or, but for
            `set`, a value for all networks.
        dataset: The run's `RunData`.
        lender: The model of `init_from`, or None.
        stored_in: Function of a work folder that returns the settings of the run there,
            or None.
    Raises: ValueError: for a value that cannot be, with the values that can.
    """
    from zoo.runs import part_files  # here, because it imports Keras

    bounds.require(flags)
    config = _config(flags, dataset, lender)
    name = config.pop("model")
    workdir = flags["workdir"] or f"runs/{name}-{slug(dataset.name)}"
    cls = registry.find(name)
    stored = stored_in(workdir) if stored_in else None
    config = _usual_config(flags, cls, config, dataset, lender, stored) | config
    parts = part_files.read(cls, config, stored) if registry.part_names(cls) else {}
    model = cls(**config | {key: part.value for key, part in parts.items()})
    batch_size, epochs = _length(flags, dataset, stored)
    _require_images(flags, model, dataset)
    monitor, mode = _monitor(flags, model)
    settings = Settings(
        model=name,
        config=model.get_config(),
        dataset=dataset.name,
        batch_size=batch_size,
        epochs=epochs,
        image_every=flags["image_every"] or defaults.image_every(epochs),
        schedule_epochs=flags["schedule_epochs"] or epochs,
        monitor=monitor,
        monitor_mode=mode,
        workdir=workdir,
        parts={key: part.plain() for key, part in parts.items()},
        options=dataset.options,
        **_rates(flags, model, stored),
        **{key: flags[key] for key in PLAIN},
    )
    return settings, model, parts


def _length(flags, dataset, stored):
    """The images of a batch, and the last epoch or None where only --minutes end the
    run: as the command says, else as the run in the folder has them, else by the size
    of the set."""
    batch_size, epochs = flags["batch_size"], flags["epochs"]
    if stored is not None:
        batch_size = batch_size or stored["batch_size"]
        if flags["minutes"] is None:
            epochs = epochs or stored["epochs"]
    count = dataset.num_images(flags["validation"])
    batch_size = batch_size or defaults.batch_size(dataset.name, count)
    if epochs is None and flags["minutes"] is None:
        epochs = defaults.epochs(dataset.name, count, batch_size)
    return batch_size, epochs


def _usual_config(flags, cls, config, dataset, lender, stored):
    """The settings that the set asks for, or that the run in the folder has in their
    place; none where another model lends its own."""
    if lender is not None:
        return {}
    known = {key: default for key, (_, default) in registry.parameters(cls).items()}
    if "augment" in config:
        known.pop("diff_augment", None)  # which is its former name
    shape = dataset.info.image_shape
    count = dataset.num_images(flags["validation"])
    usual = defaults.config(known, dataset.name, count, shape)
    if stored is None:
        return usual
    kept = {key: stored["config"].get(key, known[key]) for key in usual}
    return kept | defaults.former(cls.registry_name, stored)


def _config(flags, dataset, lender):
    """The model's name and config: --set over the lender's over the data set's."""
    config = {}
    if lender is not None:
        config = {"model": lender.registry_name, **lender.get_config()}
        if flags["model"] not in (None, config["model"]):
            raise ValueError(
                f"The weights of {flags['init_from']} are those of "
                f"{config['model']!r}. Received: model={flags['model']!r}."
            )
    name = flags["model"] or config.get("model") or "vaegan"
    known = registry.parameters(registry.find(name))
    num_classes = dataset.info.num_classes
    if "num_classes" in known and num_classes is not None:
        known = config.get("num_classes", num_classes)
        if known != num_classes and not lender.adapts:
            raise ValueError(
                f"The model of {flags['init_from']} knows {known} "
                f"classes, the data {num_classes}; choose as many by --classes. "
                f"Received: dataset={dataset.name!r}."
            )
        config["num_classes"] = num_classes
    return {"model": name, **config, **_parsed(name, flags["set"])}


def _parsed(name, texts):
    config = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value. Received: set={text!r}.")
        config[key] = registry.parse_setting(name, key, value)
    return config


def _require_images(flags, model, dataset):
    """Raises ValueError if the images are too few for the model, or a Frechet distance
    is asked for that cannot be measured."""
    model.require_images(dataset.num_images(flags["validation"]))
    if flags["frechet"] is None:
        return
    if not model.can("sample"):
        raise ValueError(
            f"--frechet measures samples, and {model.registry_name!r} makes none. "
            f"Received: frechet={flags['frechet']}."
        )
    if model.makes == "clip":
        raise ValueError(
            f"--frechet measures images, and {model.registry_name!r} makes clips. "
            f"Received: frechet={flags['frechet']}."
        )
    memory.require_samples(flags["frechet"], dataset.info.image_shape)


def _monitor(flags, model):
    """The monitored term, which exists, and "min" or "max"; None if neither the command
    line nor the model names one (a GAN's losses do not tell its best epoch)."""
    if not flags["monitor"] and not model.monitor:
        return None, None
    from zoo.runs import quality

    prefix = "val_" if flags["validation"] else ""
    name = flags["monitor"] or prefix + model.monitor.removeprefix("val_")
    term = name.removeprefix("val_")
    known = [p + t for p in dict.fromkeys(("", prefix)) for t in model.terms]
    known += [quality.TERM] if flags["frechet"] else []
    if name not in known:
        raise ValueError(
            f"{model.name!r} reports no such term{suggestions.nearest(name, known)}. "
            f"Terms: {', '.join(known)}. Received: monitor={name!r}."
        )
    if term == model.monitor.removeprefix("val_"):
        return name, model.monitor_mode
    return name, "max" if "accuracy" in term else "min"


def _rates(flags, model, stored):
    """Learning rate, schedule and warm-up, each {network: value}."""
    networks = model.networks
    own = {
        # Seven digits are all that a float32 knows.
        name: float(f"{float(optimizer.learning_rate):.7g}")
        for name, optimizer in model.default_optimizers().items()
    }
    if stored is not None:
        own |= defaults.former_rates(model.registry_name, stored)
    unsaid = {"learning_rate": own, "schedule": "constant", "warmup": 0}
    values = {
        flag: rates.by_network(flag, flags[flag], networks, bounds.RATES[flag], default)
        for flag, default in unsaid.items()
    }
    endless = flags["epochs"] is None and flags["minutes"] is not None
    if endless and not flags["schedule_epochs"] and _decays(values):
        raise ValueError(
            "A schedule that ends needs --epochs or --schedule_epochs, not --minutes "
            "alone. "
            f"Received: schedule={', '.join(flags['schedule'])}."
        )
    return values


def _decays(values):
    """Whether the learning rate of a network falls to 0."""
    return set(values["schedule"].values()) != {"constant"}


def slug(dataset):
    """A data set's name as part of a folder's."""
    kind, _, path = dataset.partition(":")
    return pathlib.Path(path).stem or kind
