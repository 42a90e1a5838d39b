"""Mixes styles: the coarse levels of one sample with the fine ones of another."""

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "mix",
    __doc__.strip(),
    "python -m experiments.mix --workdir=runs/stylegan-fashion_mnist --level=1",
    runs=("workdir",),
)
VERB.group("What")
VERB.define(
    "string",
    "workdir",
    "runs/stylegan-fashion_mnist",
    "Run folder, or a .keras file.",
)
VERB.define("list", "coarse", None, "Seeds of the rows [0,1,2,3].")
VERB.define("list", "fine", None, "Seeds of the columns [10,11,12,13,14].")
VERB.define(
    "integer",
    "level",
    1,
    "Levels, from the lowest, that are those of the row; the others are those of the "
    "column.",
    least=0,
)
VERB.define_truncation()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [mixing.png in the run folder].")


def main():
    flags = VERB.flags
    coarse = VERB.numbers("coarse") or [0, 1, 2, 3]
    fine = VERB.numbers("fine") or [10, 11, 12, 13, 14]
    options = VERB.sampling()
    out = outputs.picture(flags.out, flags.workdir, "mixing.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo
    from zoo.drawing import figures
    from zoo.evaluation import styles

    model = zoo.load(flags.workdir)
    table = styles.mixed(model, coarse, fine, flags.level, **options)
    levels = f"{flags.level} of {model.levels} levels of the row"
    title = f"{model.name}: {levels}, the others of the column"
    rows, columns = ([f"seed {seed}" for seed in seeds] for seeds in (coarse, fine))
    figures.save_table(out, table, ["", *rows], ["", *columns], title)
    print(f"written: {out}")
