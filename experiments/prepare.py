"""Writes a data set as sharded TFRecords, which records:PATH then names."""

import pathlib
import sys

import experiments

VERB = experiments.Verb(
    "prepare",
    __doc__.strip(),
    "python -m experiments.prepare --dataset=folder:photos --image_size=64 "
    "--out=photos-64",
)
VERB.group("What")
VERB.define(
    "string",
    "dataset",
    "digits",
    "digits, fashion_mnist, mnist, cifar10, any image set of tensorflow-datasets, "
    "folder:PATH or npz:PATH.",
)
VERB.define("list", "classes", None, "Classes to keep, e.g. 5,7,9 [all].")
VERB.define(
    "string",
    "image_size",
    None,
    "Side in pixels, or height and width as 64x96 [as in the data set].",
)
VERB.define(
    "string", "data_dir", None, "Where tensorflow-datasets keeps its sets [its own]."
)
VERB.group("How picture files are read, for folder:PATH")
VERB.define("string", "color", None, "auto, grey or rgb [auto: grey if all files are].")
VERB.define("string", "fit", None, "Other proportions: crop, pad or stretch [crop].")
VERB.define(
    "string", "background", None, "Behind transparency, by name or #rrggbb [white]."
)
VERB.group("Where")
VERB.define("string", "out", None, "Folder to write, new or empty [DATASET-records].")
VERB.define(
    "integer", "shards", None, "Files of the training split [one for 64 MiB of pixels]."
)


def main():
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import data
    from zoo.data import arguments
    from zoo.runs import settings

    flags = VERB.flags
    where = {name: flags[name].value for name in ("classes", "data_dir")}
    where["image_size"] = arguments.parsed_size(flags.image_size)
    options = {name: flags[name].value for name in ("color", "fit", "background")}
    where |= {name: value for name, value in options.items() if value is not None}
    out = pathlib.Path(flags.out or f"{settings.slug(flags.dataset)}-records")
    info, files = data.write_records(flags.dataset, out, shards=flags.shards, **where)
    for split, count in files.items():
        numbers = info.num_examples[split]
        total = sum(numbers.values()) if isinstance(numbers, dict) else numbers
        print(f"{split:<11} {total:>8,} images in {count} files")
    print(f"train on it by --dataset=records:{out}")


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
