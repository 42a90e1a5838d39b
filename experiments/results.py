"""Gathers the evaluations of finished runs into the tables of experiments/README.md."""

import pathlib
import sys

import experiments
from experiments import reproduce
from experiments.anchors import ANCHORS

VERB = experiments.Verb("results", __doc__.strip(), "python -m experiments.results")
VERB.group("Where")
VERB.define("string", "runs", "runs", "Folder of the runs; evaluated ones count.")
VERB.define("string", "out", "experiments/README.md", "The file to write, a .md.")

HEAD = """# Results

Written by `python -m experiments.results` from the `evaluation.json` of finished runs.
A run is trained by the command in its row and measured by `python -m
experiments.evaluate --workdir=runs/RUN`. n/a: the model has no such score. Minutes and
images a second are those of training, on the machine that trained.
"""
FOOT = """## On a GPU

Training throughput beside PyTorch, eager and compiled: not measured yet. On a machine
with a GPU, JAX, Keras and PyTorch, `python -m experiments.gpu --out=gpu` measures it.
"""


def main():
    out = pathlib.Path(VERB.flags.out)
    if out.suffix != ".md" or out.is_dir():
        raise ValueError(f"The tables go to a .md file. Received: out={out}.")
    runs = pathlib.Path(VERB.flags.runs)
    folders = sorted(file.parent for file in runs.glob("*/evaluation.json"))
    if not folders:
        raise FileNotFoundError(
            "There is no evaluated run: train recipes by experiments.reproduce and "
            f"measure each by experiments.evaluate. Received: runs={runs}."
        )
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.evaluation import results
    from zoo.saving import replaced

    measured = [results.Measured.read(folder) for folder in folders]
    commands = {run.name: _command(run) for run in measured}
    lines = [HEAD, *results.lines(measured, ANCHORS, commands), FOOT]
    out.parent.mkdir(parents=True, exist_ok=True)
    with replaced(out) as temporary:
        pathlib.Path(temporary).write_text("\n".join(lines))
    print(f"{len(measured)} runs: {out}")


def _command(run):
    """What trains a run: its recipe, or else the command that it was trained by."""
    if (reproduce.RECIPES / f"{run.name}.flags").is_file():
        return f"python -m experiments.reproduce --recipes={run.name}"
    return run.record["command"]


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
