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
VERB.define(
    "list",
    "presets",
    [],
    "In the place of runs: models that come trained, or all of them; the picture that "
    "is stored with each.",
)
VERB.define("integer", "columns", 12, "Images of each model.")
VERB.define("integer", "seed", 0, "New image i is the image of seed + i.", least=0)
VERB.group("Where")
VERB.define(
    "string", "out", None, "A .png file [gallery.png in the folder of the first run]."
)


def main():
    flags = VERB.flags
    if flags.presets:
        _presets(flags.presets)
        return
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


def _presets(names):
    """Draws the upper part of the pictures that are stored with presets."""
    from zoo.drawing import figures
    from zoo.pretrained import presets

    flags = VERB.flags
    if flags.workdirs:
        raise ValueError(
            "A gallery is of --workdirs or of --presets. Received: both of them."
        )
    names = presets.names() if names == ["all"] else names
    for name in names:
        presets.require(name)
    sheets = {name: presets.find(name).sheet for name in names}
    sheets = {name: sheet for name, sheet in sheets.items() if sheet.is_file()}
    if not sheets:
        raise ValueError(
            f"No picture is stored with these presets. Received: {', '.join(names)}."
        )
    out = outputs.picture(flags.out, pathlib.Path(), "presets.png")
    figures.save_sheets(out, sheets)
    print(f"written: {out}")
