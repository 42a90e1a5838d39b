"""Mixes styles: the coarse levels of one sample with the fine ones of another."""

import sys

import experiments
from experiments import outputs

VERB = experiments.Verb(
    "mix",
    __doc__.strip(),
    "python -m experiments.mix --workdir=runs/recipe-stylegan-fashion_mnist --level=1",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "string",
    "workdir",
    "runs/recipe-stylegan-fashion_mnist",
    "Run folder, or a .keras file.",
)
VERB.define("list", "coarse", None, "Seeds of the rows [0,1,2,3].")
VERB.define("list", "fine", None, "Seeds of the columns [10,11,12,13,14].")
VERB.define(
    "integer", "level", 1, "Levels, from the lowest, of the coarse seed.", least=0
)
VERB.define("float", "truncation", 1.0, "From 0, the mean style, to 1, all styles.")
VERB.group("Where")
VERB.define("string", "out", None, "Picture [mixing.png in the run folder].")


def main():
    flags = VERB.flags
    coarse = VERB.numbers("coarse") or [0, 1, 2, 3]
    fine = VERB.numbers("fine") or [10, 11, 12, 13, 14]
    out = outputs.picture(flags.out, flags.workdir, "mixing.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    import zoo
    from zoo.drawing import figures

    model = zoo.load(flags.workdir)
    model.require("mix")
    rows, columns = np.repeat(coarse, len(fine)), np.tile(fine, len(coarse))
    images = model.mix(rows, columns, flags.level, flags.truncation)
    images = images.reshape(len(coarse), len(fine), *model.image_shape)
    title = f"{model.name}: {flags.level} levels of the row, the others of the column"
    labels = [[f"seed {seed}" for seed in seeds] for seeds in (coarse, fine)]
    figures.save_table(out, images, *labels, title)
    print(f"written: {out}")


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
