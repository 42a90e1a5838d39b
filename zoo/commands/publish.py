"""Makes a preset, a model that comes trained by name, of a finished run."""

import pathlib
import shlex
import sys

from zoo import commands

VERB = commands.Verb(
    "publish",
    __doc__.strip(),
    "python -m experiments.publish --workdir=runs/recipe-cgan-fashion_mnist",
    runs=("workdir",),
    presets=False,
)
VERB.group("What")
VERB.define(
    "string", "workdir", "runs/vaegan-digits", "Run folder, finished and evaluated."
)
VERB.define("string", "name", None, "MODEL/NAME [model and data set of the run].")
VERB.define(
    "list",
    "without",
    [],
    "Networks that are left out, for training alone needs them, e.g. discriminator.",
)
VERB.define("bool", "scores", False, "Measure the half-precision weights anew.")
VERB.define(
    "bool",
    "slim",
    False,
    "Write the run's model as a .keras file without the state of its optimizers, in "
    "place of a preset.",
)
VERB.define(
    "string",
    "hub",
    None,
    "hf://USER/REPO: send the run's model there, with its card, in place of a preset; "
    "zoo.load and --workdir take that name (pip install huggingface_hub).",
)
VERB.group("What the card says")
VERB.define("string", "about", None, "A line [the model's own].")
VERB.define(
    "string", "licence", None, "Of the weights [the project's, and the data's]."
)
VERB.define("multi_string", "limit", [], "A sentence on what it cannot do. *")
VERB.group("Where")
VERB.define(
    "string",
    "out",
    None,
    "Folder of the preset [the zoo's own]; with --slim, the file [WORKDIR/model.slim."
    "keras].",
)


def main():
    flags = VERB.flags
    if flags.slim:
        _slim(flags.workdir, flags.out)
        return
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import evaluation
    from zoo.evaluation import publishing
    from zoo.pretrained import presets

    words = publishing.Words(
        name=flags.name,
        licence=flags.licence,
        about=flags.about,
        limits=tuple(flags.limit),
        without=tuple(flags.without),
        command=shlex.join(["python", "-m", "experiments.publish", *VERB.argv[1:]]),
    )
    if flags.hub:
        from zoo.evaluation import sharing

        print(f"sent: {sharing.share(flags.workdir, flags.hub, words)}")
        return
    progress = evaluation.Stages(sys.stdout) if flags.scores else None
    out = flags.out or presets.FOLDER
    published = publishing.publish(flags.workdir, out, words, progress)
    preset = published.preset
    print(f"{preset.name}: {sum(preset.weights.values()):,} weights")
    if published.grey_levels is not None:
        levels = f"{published.grey_levels:.2f} grey levels"
        print(f"half precision changes a pixel by {levels} on average")
    size = preset.archive.stat().st_size
    print(f"{size:,} bytes: {preset.archive} (sha256 {preset.sha256})")


def _slim(workdir, out):
    """Writes the model of a run folder or file without its optimizers."""
    from zoo.commands import outputs
    from zoo.core import lending, saving

    out = outputs.path(out, workdir, "model.slim.keras")
    file = saving.file_of(pathlib.Path(workdir))
    if out.suffix != ".keras":
        raise ValueError(f"A model is saved as a .keras file. Received: {out}.")
    lending.without_optimizers(saving.load(file)).save(out)
    sizes = " of ".join(f"{each.stat().st_size:,}" for each in (out, file))
    print(f"{sizes} bytes: {out}")
