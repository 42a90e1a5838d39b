"""Compares models on one data set: one HTML page of pictures, curves and scores."""

import pathlib
import sys

from zoo import commands
from zoo.commands import preflight, processes

VERB = commands.Verb(
    "compare",
    __doc__.strip(),
    "python -m experiments.compare --models=ae,vae,gan,vaegan --dataset=digits",
    models=("models",),
    runs=("workdirs",),
)
VERB.group("What")
VERB.define("list", "models", [], "Models to train, as `python -m zoo` lists them.")
VERB.define("list", "workdirs", [], "Trained models: run folders or .keras files.")
VERB.define("string", "dataset", None, "Data set [that of --workdirs, else digits].")
VERB.define("list", "classes", None, "Its classes, e.g. 5,7,9 [all].")
VERB.define_pictures()
VERB.define(
    "multi_string",
    "set",
    [],
    "key=value, a setting of all models to train, or model.key=value of one "
    "[the paper's]. *",
)
VERB.define("integer", "seed", 0, "Of trainings, samples and scores.", least=0)

VERB.group("How long")
VERB.define(
    "integer",
    "epochs",
    None,
    "Epochs of each model [as experiments.train].",
    least=1,
)
VERB.define("float", "minutes", None, "Minutes of training of each model [no limit].")
VERB.define(
    "integer", "batch_size", None, "Images a step [as experiments.train].", least=1
)
VERB.define(
    "integer", "num_images", 10_000, "Samples to score, and test images.", least=20
)

VERB.group("Where")
VERB.define(
    "string", "runs", None, "Folder of the trainings, one a model [runs/compare-DATA]."
)
VERB.define("string", "out", None, "The page, a .html file [compare.html in --runs].")
VERB.define(
    "string", "data_dir", None, "Where tensorflow-datasets keeps its sets [its own]."
)


def main():
    from zoo.pages import places

    flags = VERB.flags
    _require_sound(flags)
    if flags.out:
        places.require_place(flags.out)
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import evaluation
    from zoo.pages import comparison
    from zoo.runs import settings

    dataset = VERB.dataset()
    trained = comparison.find(flags.workdirs, **dataset)
    if trained:
        first = trained[0].subject
        dataset = {"dataset": first.dataset, **first.where}
    dataset["dataset"] = dataset["dataset"] or "digits"
    parts = [settings.slug(dataset["dataset"]), *map(str, dataset["classes"] or [])]
    default = f"runs/compare-{'-'.join(parts).replace('/', '-')}"
    folder = pathlib.Path(flags.runs or default)
    out = flags.out or folder / "compare.html"
    comparison.require_place(out)
    _require_images(flags.models)
    jobs = {folder / name: _flags(name, dataset) for name in flags.models}
    processes.train_all(jobs)
    entries = comparison.find([*jobs, *flags.workdirs], **dataset)
    options = evaluation.Options(num_images=flags.num_images, seed=flags.seed)
    comparison.measure(entries, options, evaluation.Stages(sys.stdout))
    comparison.write(entries, out, flags.seed)
    print(f"written: {out}")


def _require_sound(flags):
    if len(flags.models) + len(flags.workdirs) < 2:
        raise ValueError(
            "A comparison takes two models or more, by --models or --workdirs. "
            f"Received: {', '.join([*flags.models, *flags.workdirs]) or 'none'}."
        )
    for name in flags.models:
        if flags.models.count(name) > 1:
            raise ValueError(f"A model is trained once. Received: {name!r} twice.")
    if flags.minutes is not None and not flags.minutes > 0:
        raise ValueError(
            f"--minutes is more than 0. Received: minutes={flags.minutes:g}."
        )
    for text in flags.set:
        model, setting = _addressed(text)
        if model and model not in flags.models:
            raise ValueError(
                f"--set names a model that is not trained here; --models are "
                f"{', '.join(flags.models) or 'none'}. Received: set={text!r}."
            )
        for name in [model] if model else flags.models:
            preflight.require_settings(name, [setting])


def _require_images(names):
    """Raises ValueError, before anything is trained, unless all models make images."""
    from zoo.core import registry

    for name in names:
        if registry.find(name).makes != "image":
            raise ValueError(
                f"Models of images are compared. Received: {name!r}, which makes clips."
            )


def _flags(name, dataset):
    """Returns the command line of a model's training, without --workdir."""
    flags = VERB.flags
    asked = {"model": name, **dataset, "seed": flags.seed, "epochs": flags.epochs}
    asked |= {"minutes": flags.minutes, "batch_size": flags.batch_size}
    if asked["classes"] is not None:
        asked["classes"] = ",".join(map(str, asked["classes"]))
    if isinstance(asked["image_size"], list):
        height, width = asked["image_size"]
        asked["image_size"] = f"{width}x{height}"
    words = [f"--{key}={value}" for key, value in asked.items() if value is not None]
    settings = (_addressed(text) for text in flags.set)
    return words + [f"--set={each}" for model, each in settings if model in ("", name)]


def _addressed(text):
    """Returns `model.key=value` as (model, "key=value"); the model may be ""."""
    key, equals, value = text.partition("=")
    model, _, key = key.rpartition(".")
    return model, key + equals + value
