"""Measures the samplers of a trained ddpm or flow: Frechet distance against steps."""

import pathlib
import sys

from zoo import commands

VERB = commands.Verb(
    "samplers",
    __doc__.strip(),
    "python -m experiments.samplers --workdir=runs/ddpm-fashion_mnist",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", None, "Run folder, or a .keras file.")
VERB.define("list", "samplers", None, "Samplers, e.g. ddim,heun [all but ddpm].")
VERB.define("list", "steps", ["5", "10", "20", "50"], "Numbers of steps.")
VERB.define(
    "string", "dataset", None, "Images to measure by [those that it was trained on]."
)

VERB.group("How")
VERB.define(
    "integer",
    "num_images",
    2000,
    "Samples of each setting, of the same seeds, and as many test images.",
    least=20,
)
VERB.define("integer", "seed", 0, "Image i is the image of seed + i.", least=0)

VERB.group("Where")
VERB.define(
    "string",
    "out",
    None,
    "The record, a .json; the same command goes on with it. A .csv and a .png are "
    "written beside it [samplers.json in the run folder].",
)
VERB.define(
    "string", "data_dir", None, "Where tensorflow-datasets keeps its sets [its own]."
)


def main():
    flags = VERB.flags
    if flags.workdir is None:
        raise ValueError("--workdir says which run, e.g. runs/ddpm-fashion_mnist.")
    if not flags.steps or not all(text.isdecimal() for text in flags.steps):
        raise ValueError(
            "--steps takes whole numbers, e.g. 5,10,20. "
            f"Received: steps={','.join(flags.steps)}."
        )
    if flags.out and pathlib.Path(flags.out).suffix != ".json":
        raise ValueError(f"The record is a .json file. Received: {flags.out}.")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import evaluation
    from zoo.evaluation import samplers

    options = evaluation.Options(num_images=flags.num_images, seed=flags.seed)
    progress = evaluation.Stages(sys.stdout)
    dataset = {name: flags[name].value for name in ("dataset", "data_dir")}
    sweep = samplers.Sweep(flags.workdir, options, progress, flags.out, **dataset)
    steps = sorted({int(text) for text in flags.steps})
    wanted = samplers.settings(sweep.model, steps, flags.samplers)
    missing = sweep.missing(wanted)
    for number, each in enumerate(missing, 1 + len(wanted) - len(missing)):
        average = "" if each.ema else ", without the average"
        title = f"[{number}/{len(wanted)}] {each.name}, {each.steps} steps{average}"
        with progress.stage(title):
            row = sweep.measure(each)
        print(f"  Frechet distance {row['frechet']:.4g}", flush=True)
    print("\n" + "\n".join(sweep.table()))
    written = [sweep.out.with_suffix(suffix) for suffix in (".json", ".csv", ".png")]
    print(f"\nwritten: {', '.join(map(str, written))}")
