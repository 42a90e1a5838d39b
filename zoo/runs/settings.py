"""What decides a run: from the words of a command line to values, defaults included."""

import dataclasses
import json
import pathlib

from zoo import data
from zoo.core import registry, saving, schedules
from zoo.inputs import suggestions
from zoo.runs import quality

# Digits are 1,350 images: what is an epoch elsewhere are many here.
EPOCHS = {"digits": 60}
BATCH_SIZE = {"digits": 64}
FREE = ("epochs", "minutes", "schedule_epochs", "image_every", "data_dir", "workdir")
FREE += ("checkpoint_every", "on_nan", "steps_per_execution")
MAX_SEED = 2**32 - 1  # that NumPy takes
JIT = {"auto": "auto", "on": True, "off": False}


@dataclasses.dataclass
class Settings:
    """All that decides a run, resolved; `FREE` names what may change when it goes on.

    Attributes:
        config: The model's whole config.
        classes: Names or numbers of the classes that are kept, or None for all.
        image_size: Side in pixels, or None for the data set's own.
        epochs: Last epoch, or None where only `minutes` end the run.
        minutes: Budget of training time, or None.
        schedule_epochs: Epochs that the learning-rate schedules span, or None.
        learning_rate, schedule, warmup: By network; warm-up in updates.
        monitor: Term whose best epoch is kept, or None; `monitor_mode`: "min" or "max".
        frechet: Samples of which an epoch's Frechet distance is taken, or None.
        image_every: Epochs from one grid of samples to the next.
        checkpoint_every: Steps from one checkpoint within an epoch to the next, or None
            for those of whole epochs alone.
        on_nan: "stop" or "rollback", where a step makes NaN or infinity.
        init_from: `.keras` file or run folder that lent the first weights, or None.
        gradient_accumulation_steps: Batches of one update.
        steps_per_execution: Training steps of one compiled call.
    """

    model: str
    config: dict
    dataset: str
    classes: list | None
    image_size: int | None
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


def resolve(asked):
    """Returns the `Settings` that the flags of `experiments.train` mean.

    Args:
        asked: {flag: value}; None where the user said nothing. `set`, `learning_rate`,
            `schedule` and `warmup` are lists of texts, each `key=value` or, but for
            `set`, a value for all networks.
    Raises: ValueError: for a value that cannot be, with what can.
    """
    _require_sound(asked)
    same = ("flip", "seed", "validation", "image_every", "strategy", "precision", "jit")
    same += ("checkpoint_every", "on_nan")
    same += ("gradient_accumulation_steps", "steps_per_execution")
    same += ("classes", "image_size", "minutes", "init_from", "data_dir", "frechet")
    dataset = asked["dataset"]
    config = _config(asked)
    name = config.pop("model")
    model = registry.find(name)(**config)
    epochs = asked["epochs"]
    if epochs is None and asked["minutes"] is None:
        epochs = EPOCHS.get(dataset, 20)
    _require_frechet(asked, model)
    monitor, mode = _monitor(asked, model)
    return Settings(
        model=name,
        config=model.get_config(),
        dataset=dataset,
        batch_size=asked["batch_size"] or BATCH_SIZE.get(dataset, 128),
        epochs=epochs,
        schedule_epochs=asked["schedule_epochs"] or epochs,
        monitor=monitor,
        monitor_mode=mode,
        workdir=asked["workdir"] or f"runs/{name}-{slug(dataset)}",
        **_rates(asked, model),
        **{key: asked[key] for key in same},
    )


def _require_sound(asked):
    least = {"epochs": 1, "schedule_epochs": 1, "image_every": 1, "batch_size": 1}
    least |= {"seed": 0, "frechet": 2, "checkpoint_every": 1}
    least |= {"gradient_accumulation_steps": 1, "steps_per_execution": 1}
    for key, minimum in least.items():
        if asked[key] is not None and asked[key] < minimum:
            raise ValueError(
                f"--{key} is at least {minimum}. Received: {key}={asked[key]}."
            )
    if asked["seed"] > MAX_SEED:
        raise ValueError(
            f"--seed is at most {MAX_SEED}. Received: seed={asked['seed']}."
        )
    if asked["minutes"] is not None and not asked["minutes"] > 0:
        raise ValueError(
            f"--minutes is more than 0. Received: minutes={asked['minutes']:g}."
        )
    if (asked["strategy"], asked["on_nan"]) == ("multi_worker", "rollback"):
        # Only the chief has the checkpoint, and not all workers see the same step.
        raise ValueError(
            "Several workers cannot roll back; use --on_nan=stop. "
            "Received: on_nan=rollback."
        )


def _config(asked):
    """The model's name and config: --set over --init_from's over the data set's."""
    lent = {}
    if asked["init_from"]:
        source = saving.load(asked["init_from"])
        lent = {"model": source.registry_name, **source.get_config()}
        if asked["model"] not in (None, lent["model"]):
            raise ValueError(
                f"The weights of {asked['init_from']} are those of {lent['model']!r}. "
                f"Received: model={asked['model']!r}."
            )
    name = asked["model"] or lent.get("model") or "vaegan"
    known = registry.parameters(registry.find(name))
    info = data.info(
        asked["dataset"], asked["classes"], asked["image_size"], asked["data_dir"]
    )
    if "num_classes" in known and info.num_classes is not None:
        if lent.get("num_classes", info.num_classes) != info.num_classes:
            raise ValueError(
                f"The model of {asked['init_from']} knows {lent['num_classes']} "
                f"classes, the data {info.num_classes}; choose as many by --classes. "
                f"Received: dataset={asked['dataset']!r}."
            )
        lent["num_classes"] = info.num_classes
    return {"model": name, **lent, **_parsed(name, asked["set"])}


def _parsed(name, texts):
    config = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value. Received: set={text!r}.")
        config[key] = registry.parse_setting(name, key, value)
    return config


def _require_frechet(asked, model):
    """Raises ValueError if a Frechet distance is asked for that cannot be measured."""
    if asked["frechet"] is None:
        return
    if "sample" not in model.capabilities():
        raise ValueError(
            f"--frechet measures samples, and {model.registry_name!r} makes none. "
            f"Received: frechet={asked['frechet']}."
        )
    where = (asked["classes"], asked["image_size"], asked["data_dir"])
    if data.info(asked["dataset"], *where).num_classes is None:
        raise ValueError(
            "--frechet needs a classifier's features, and the images of "
            f"{asked['dataset']!r} have no labels to train one. "
            f"Received: frechet={asked['frechet']}."
        )


def _monitor(asked, model):
    """The monitored term, which exists, and "min" or "max"; None if neither the command
    line nor the model names one (a GAN's losses do not tell its best epoch)."""
    if not asked["monitor"] and not model.monitor:
        return None, None
    prefix = "val_" if asked["validation"] else ""
    name = asked["monitor"] or prefix + model.monitor.removeprefix("val_")
    term = name.removeprefix("val_")
    known = [p + t for p in dict.fromkeys(("", prefix)) for t in model.terms]
    known += [quality.TERM] if asked["frechet"] else []
    if name not in known:
        raise ValueError(
            f"{model.name!r} reports no such term{suggestions.nearest(name, known)}. "
            f"Terms: {', '.join(known)}. Received: monitor={name!r}."
        )
    if term == model.monitor.removeprefix("val_"):
        return name, model.monitor_mode
    return name, "max" if "accuracy" in term else "min"


def _rates(asked, model):
    """Learning rate, schedule and warm-up, each {network: value}."""
    networks = model.networks
    own = {
        # Seven digits are all that a float32 knows.
        name: float(f"{float(optimizer.learning_rate):.7g}")
        for name, optimizer in model.default_optimizers().items()
    }
    by_network = schedules.by_network
    rates = by_network("learning_rate", asked["learning_rate"], networks, float, own)
    kinds = by_network(
        "schedule", asked["schedule"], networks, schedules.kind, "constant"
    )
    warmup = by_network("warmup", asked["warmup"], networks, int, 0)
    endless = asked["epochs"] is None and asked["minutes"] is not None
    if endless and not asked["schedule_epochs"] and set(kinds.values()) != {"constant"}:
        raise ValueError(
            "A schedule that ends needs --epochs or --schedule_epochs, not --minutes "
            "alone. "
            f"Received: schedule={', '.join(asked['schedule'])}."
        )
    return {"learning_rate": rates, "schedule": kinds, "warmup": warmup}


def slug(dataset):
    """A data set's name as part of a folder's."""
    kind, _, path = dataset.partition(":")
    return pathlib.Path(path).stem or kind


def differences(stored, settings):
    """Sentences on what differs between a run's stored settings and those asked for."""
    asked = settings.plain()
    found = []
    for name in (name for name in asked if name not in FREE):
        there, here = stored.get(name, getattr(Settings, name, None)), asked[name]
        if isinstance(there, dict) and isinstance(here, dict):
            keys = [key for key in {**there, **here} if there.get(key) != here.get(key)]
            found += [(f"{name} {k}", there.get(k), here.get(k)) for k in keys]
        elif there != here:
            found.append((name, there, here))
    return [f"{name} is {there} there and {here} here" for name, there, here in found]
