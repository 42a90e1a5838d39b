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
    "folder:PATH, captions:PATH, pairs:PATH, domains:PATH, clips:PATH or npz:PATH.",
)
VERB.define("list", "classes", None, "Classes to keep, e.g. 5,7,9 [all].")
VERB.define_pictures()
VERB.group("Where")
VERB.define(
    "string", "data_dir", None, "Where tensorflow-datasets keeps its sets [its own]."
)
VERB.define("string", "out", None, "Folder to write, new or empty [DATASET-records].")
VERB.define(
    "integer",
    "shards",
    None,
    "Files of the training split [one for 64 MiB of pixels].",
    least=1,
)


def main():
    # TensorFlow, which takes seconds to import, is so when the records are written.
    from zoo import data
    from zoo.runs import settings

    flags = VERB.flags
    where = VERB.dataset()
    del where["dataset"]
    out = pathlib.Path(flags.out or f"{settings.slug(flags.dataset)}-records")
    info, files = data.write_records(flags.dataset, out, shards=flags.shards, **where)
    for split, count in files.items():
        numbers = info.num_examples[split]
        total = sum(numbers.values()) if isinstance(numbers, dict) else numbers
        print(f"{split:<11} {total:>8,} images in {count} files")
    print(f"train on it by --dataset=records:{out}")


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
