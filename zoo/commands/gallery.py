"""Draws test images, and what trained models rebuild and make, as one picture."""

import pathlib

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "gallery",
    __doc__.strip(),
    "python -m experiments.gallery --workdirs=runs/vae-digits,runs/gan-digits",
    runs=("workdirs",),
)
VERB.group("What")
VERB.define("list", "workdirs", [], "Run folders or .keras files, of one data set.")
VERB.define("integer", "columns", 12, "Images of each model.")
VERB.define("integer", "seed", 0, "New image i is the image of seed + i.", least=0)
VERB.group("Where")
VERB.define(
    "string", "out", None, "A .png file [gallery.png in the folder of the first run]."
)


def main():
    flags = VERB.flags
    if not flags.workdirs:
        raise ValueError("--workdirs names one trained model or more. Received: none.")
    default = pathlib.Path(flags.workdirs[0]).parent
    out = outputs.picture(flags.out, default, "gallery.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.drawing import figures
    from zoo.pages import comparison

    entries = comparison.find(flags.workdirs)
    rows = comparison.side_by_side(entries, flags.columns, flags.seed)
    dataset = entries[0].subject.dataset
    figures.save_table(
        out,
        np.stack(list(rows.values())),
        list(rows),
        [""] * flags.columns,
        f"{dataset}: images of the test set, rebuilt from their codes, and new ones",
    )
    print(f"written: {out}")
