"""Gathers the evaluations of finished runs into the tables of docs/results.md."""

import pathlib
import shutil

from zoo import commands
from zoo.commands import recipes, reproduce
from zoo.commands.anchors import ANCHORS

VERB = commands.Verb("results", __doc__.strip(), "python -m experiments.results")
VERB.group("Where")
VERB.define(
    "list",
    "runs",
    ["runs", "runs/tour-quick"],
    "Folders of runs; evaluated ones count. Of the quick tour's, digits come.",
)
VERB.define(
    "string",
    "out",
    "docs/results.md",
    "The file to write, a .md. In one that is there, the tables replace what stands "
    "between their two marks.",
)
VERB.define(
    "string",
    "kept",
    "experiments/results",
    "Folder in which records, rows and scores of the runs are kept and count from then "
    "on: tables grow from machine to machine.",
)

# The files from which a row is made.
KEPT = ("run.json", "metrics.csv", "evaluation.json")
# Between these lines of the file; what stands around them is written by hand.
MARKS = "<!-- tables -->", "<!-- end of tables -->"
HEAD = """Written by `python -m experiments.results` from the `evaluation.json` of
finished runs; what it is made of lies in `experiments/results/`. A run is trained by
the command in its row and measured by `python -m experiments.evaluate
--workdir=FOLDER`. n/a: the model has no such score. Minutes and images a second are
those of training, on the machine that trained. The last rows are real images, as they
are (the floor) and made worse. Published figures come from other extractors, splits or
data: they are another quantity and never compare with a column.
"""
FOOT = """## On a GPU

Training throughput beside PyTorch, eager and compiled: not measured yet. On a machine
with a GPU, JAX, Keras and PyTorch, `python -m experiments.gpu --out=gpu` measures it.
"""


def main():
    out = pathlib.Path(VERB.flags.out)
    if out.suffix != ".md" or out.is_dir():
        raise ValueError(f"The tables go to a .md file. Received: out={out}.")
    kept = pathlib.Path(VERB.flags.kept)
    around = _around(out)
    new = {
        file.parent: _place(file.parent, kept / file.parent.parent.name)
        for runs in VERB.flags.runs
        for file in sorted(pathlib.Path(runs).absolute().glob("*/evaluation.json"))
    }
    old = {file.parent for file in kept.glob("*/*/evaluation.json")}
    if not new and not old:
        raise FileNotFoundError(
            "There is no evaluated run: train recipes by experiments.reproduce and "
            "measure each by experiments.evaluate. "
            f"Received: runs={','.join(VERB.flags.runs)}."
        )
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.evaluation import results
    from zoo.files.atomic import replaced

    folders = [*(old - set(new.values())), *new]
    folders.sort(key=lambda folder: (folder.parent.name, folder.name))
    measured = [results.Measured.read(folder) for folder in folders]
    lines = [HEAD, *results.lines(measured, ANCHORS, _command), FOOT]
    for folder, place in new.items():
        place.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            with replaced(place / name) as temporary:
                shutil.copyfile(folder / name, temporary)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replaced(out) as temporary:
        pathlib.Path(temporary).write_text("\n".join(lines).join(around))
    print(f"{len(measured)} runs, {len(new)} of them new: {out}")


def _around(out):
    """Returns what stands before the tables in a file, and what stands behind them."""
    first, last = (f"{mark}\n" for mark in MARKS)
    if not out.exists():
        return f"# Results\n\n{first}", last
    before, mark, tables = out.read_text().partition(first)
    tables, end, after = tables.partition(last)
    if not mark or not end:
        raise ValueError(
            f"The file has no lines {' and '.join(MARKS)}, between which the tables "
            f"stand. Received: out={out}."
        )
    return before + first, last + after


def _place(folder, kept):
    """Where within `kept` what a run tells is kept: a recipe has one place."""
    recipe = reproduce.recipe_of(folder)
    return reproduce.folder(kept, recipe) if recipe else kept / folder.name


def _command(run):
    """Returns what trains a run: its recipe, or the command by which it was trained."""
    recipe = reproduce.recipe_of(run.path)
    if recipe:
        return f"python -m experiments.reproduce --recipes={recipe}"
    quick = reproduce.RECIPES / "quick" / f"{run.name}.flags"
    if run.path.parent.name == "tour-quick" and quick.is_file():
        return f"python -m experiments.train --flagfile={recipes.typed(quick)}"
    return run.record["command"]
