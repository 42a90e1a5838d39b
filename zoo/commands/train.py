"""Trains a model on a data set into a run folder, or goes on with the run in it."""

import contextlib
import os
import sys

from zoo import commands
from zoo.commands import machine, preflight, recipes, repeated

# What runs if no flag is given: real digits, with pictures within two minutes.
RECIPE = recipes.FOLDER / "vaegan-digits.flags"
OURS = {"model": "vaegan", "dataset": "digits", "workdir": "runs/vaegan-digits"}

VERB = commands.Verb(
    "train",
    __doc__.strip(),
    "python -m experiments.train --model=vaegan --dataset=digits --epochs=30",
    models=("model",),
    runs=("init_from",),
)
VERB.group("What")
VERB.define("string", "model", None, "A name that `python -m zoo` lists [vaegan].")
VERB.define(
    "string",
    "dataset",
    "digits",
    "digits, fashion_mnist, mnist, cifar10, any image set of tensorflow-datasets, "
    "folder:PATH, captions:PATH, pairs:PATH, domains:PATH, clips:PATH, npz:PATH; "
    "scenes, moving:digits, stacked:digits, captioned:fashion_mnist; emoji, "
    "photographs or records:PATH, which experiments.prepare makes; see docs/data.md.",
)
VERB.define(
    "multi_string", "set", [], "key=value, a setting of the model [the paper's]. *"
)
VERB.define("list", "classes", None, "Classes to keep, e.g. 5,7,9 [all].")
VERB.define_pictures()
VERB.define("bool", "flip", False, "Mirror half of the training images.")
VERB.define(
    "bool",
    "validation",
    True,
    "Keep the last tenth of the training images to validate on.",
)
VERB.define(
    "integer",
    "train_images",
    None,
    "Training images that are used, drawn from all by a fixed rule; no more are "
    "validated on after an epoch [all].",
)
VERB.define(
    "string",
    "init_from",
    None,
    "Run folder, .keras file or preset (MODEL/NAME) that lends its model and weights; "
    "layers of a preset that do not fit begin anew [none].",
)
VERB.define(
    "string",
    "from",
    None,
    "run.json of a run to repeat, into WORKDIR-again; flags beside it take the place "
    "of its settings [none].",
)
VERB.define("integer", "seed", 0, "Of the weights, the noise and the data's order.")

VERB.group("How long")
VERB.define(
    "integer",
    "epochs",
    None,
    "Epochs in all [digits: 60, others: 20, or those of 3,000 steps where more].",
)
VERB.define("float", "minutes", None, "Minutes of training in all [no limit].")
VERB.define(
    "integer",
    "batch_size",
    None,
    "Images a batch [128; digits and sets below 10,000: 64, below 1,000: 32].",
)
VERB.define(
    "multi_string", "learning_rate", [], "number or network=number [the paper's]. *"
)
VERB.define(
    "multi_string",
    "schedule",
    [],
    "constant, or from the learning rate to 0 by cosine or linear; or network=... "
    "[constant]. *",
)
VERB.define(
    "multi_string", "warmup", [], "Steps of rising rate, or network=steps [0]. *"
)
VERB.define(
    "integer",
    "frechet",
    None,
    "Samples an epoch, whose Frechet distance to the validation images becomes a term, "
    "frechet [none].",
)
VERB.define("integer", "schedule_epochs", None, "Epochs to rate 0 [--epochs].")
VERB.define("string", "monitor", None, "Term of which the best is kept [the model's].")
VERB.define(
    "enum",
    "on_nan",
    "stop",
    "Where a step makes NaN or infinity: stop, or rollback to the last checkpoint and "
    "halve that network's learning rate, three times at most.",
    enum_values=["stop", "rollback"],
)

VERB.group("How fast")
VERB.define(
    "string",
    "strategy",
    "auto",
    "auto (mirrored on several GPUs), one_device, mirrored or multi_worker (see "
    "experiments.launch).",
)
VERB.define(
    "enum",
    "precision",
    "float32",
    "float32 or mixed_bfloat16.",
    enum_values=["float32", "mixed_bfloat16"],
)
VERB.define(
    "enum",
    "jit",
    "auto",
    "Compile by XLA: auto (on a GPU), on or off.",
    enum_values=["auto", "on", "off"],
)
VERB.define(
    "integer",
    "gradient_accumulation_steps",
    1,
    "Batches of one update: the memory of one, the gradient of all.",
)
VERB.define(
    "integer",
    "steps_per_execution",
    1,
    "Steps of one compiled call, on one device of TensorFlow; signals, --minutes and "
    "--checkpoint_every then act after a call.",
)

VERB.group("Where")
VERB.define("string", "workdir", None, "Run folder [runs/MODEL-DATASET].")
VERB.define(
    "list",
    "log",
    ["csv", "tensorboard"],
    "Who hears of each epoch: csv (always), tensorboard, mlflow, wandb.",
)
VERB.define(
    "list",
    "callbacks",
    [],
    "Keras callbacks as module:name, e.g. mine:Alarm in mine.py.",
)
VERB.define(
    "integer",
    "image_every",
    None,
    "Epochs from one grid of images to the next [about 60 grids in all].",
)
VERB.define(
    "integer",
    "checkpoint_every",
    None,
    "Steps from one checkpoint to the next within an epoch [after each epoch alone].",
)
VERB.define(
    "string", "data_dir", None, "Where tensorflow-datasets keeps its sets [its own]."
)
VERB.define("bool", "force", False, "Go on with other settings; run.json tells which.")
VERB.define("bool", "dry_run", False, "Show what would be done; write nothing.")


def with_recipe(argv):
    """Returns the command line, with the flags of `RECIPE` before it if it means the
    same run: it does not say what to train, or it says the same as the recipe and goes
    into its folder."""
    if any(
        _typed(argv, name) is not None for name in ("flagfile", "init_from", "from")
    ):
        return argv
    values = {name: _typed(argv, name) for name in OURS}
    is_unsaid = values["model"] is values["dataset"] is None
    same = all(values[n] in (None, OURS[n], f"{OURS[n]}/") for n in OURS)
    return [argv[0], f"--flagfile={RECIPE}", *argv[1:]] if is_unsaid or same else argv


def _typed(argv, name):
    """Returns the last value of a flag on the command line; None if it is not there."""
    value = None
    for word, next_word in zip(argv[1:], [*argv[2:], ""]):
        flag, equals, text = word.partition("=")
        if flag in (f"-{name}", f"--{name}"):
            value = text if equals else next_word
    return value


def main():
    if VERB.flags["from"].value:
        VERB.parse(repeated.command(VERB.flags["from"].value, VERB.argv))
    flags = VERB.flags.flag_values_dict()
    dataset = _opened(flags)
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.runs import plugins, preparing, reports, training

    others = plugins.callbacks(flags["callbacks"])
    run = preparing.prepare(flags, dataset)
    say = print if run.is_chief else lambda text: None
    # If a reader such as `head -1` leaves early, an epoch is still trained and saved.
    with contextlib.suppress(BrokenPipeError):
        for line in _first_lines(run, flags):
            say(line)
    if flags["dry_run"]:
        return
    try:
        training.train(run, flags["log"], others)
    except BrokenPipeError:
        print(
            "train: nobody reads the output any more, so training stops; the same "
            f"command goes on from the last checkpoint in {run.folder.path}.",
            file=sys.stderr,
        )
        raise
    say("\n".join(reports.summarise(run)))


def _opened(flags):
    """The data set of the run, once all is checked that needs no framework."""
    from zoo.runs import bounds, trackers
    from zoo.runs.dataset import RunData

    bounds.require(flags)
    trackers.require(flags["log"])
    preflight.require_settings(flags["model"], flags["set"])
    dataset = RunData(flags)
    if flags["strategy"] != "multi_worker":  # which comes before any computation
        _ = dataset.opened
    return dataset


def _first_lines(run, flags):
    """Returns the lines that are printed before the training."""
    from zoo import backend
    from zoo.runs import reports

    lines = []
    if VERB.argv[1:2] == [f"--flagfile={RECIPE}"]:
        path = recipes.typed(RECIPE)
        lines += [f"takes the flags of the recipe {path}, where you give no others"]
    if flags["precision"] == "mixed_bfloat16" and not (
        backend.num_accelerators() or machine.has_bfloat16()
    ):
        lines += [
            "This processor has no instructions for bfloat16, which takes several "
            "times as long here as --precision=float32."
        ]
    if flags["dry_run"]:
        return lines + reports.describe(run)
    if run.resumed:
        lines += [f"goes on after epoch {run.progress.epoch} in {run.folder.path}"]
    return lines if run.is_finished() else lines + reports.header(run)


def begin(argv):
    """Trains as the command line says, or as the recipe does; returns the exit code."""
    code = commands.start(VERB, main, with_recipe(argv))
    if code and VERB.flags.is_parsed() and VERB.flags.strategy == "multi_worker":
        # At its end, TensorFlow would wait for a worker that is gone.
        sys.stderr.flush()
        os._exit(code)
    return code
