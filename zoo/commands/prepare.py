"""Gets a data set that is downloaded once, or writes one as TFRecords for records:PATH.

Emoji are got by npm, photographs cut from wallpapers; both are kept below --data_dir.
With --out the same command writes records of them, too.
"""

import pathlib

from zoo import commands

VERB = commands.Verb(
    "prepare",
    __doc__.splitlines()[0],
    "python -m experiments.prepare --dataset=emoji",
)
VERB.group("What")
VERB.define(
    "string",
    "dataset",
    "digits",
    "emoji, emoji:openmoji, photographs, digits, fashion_mnist, mnist, cifar10, any "
    "image set of tensorflow-datasets, folder:PATH, captions:PATH, pairs:PATH, "
    "domains:PATH, clips:PATH or npz:PATH; scenes, moving:digits, stacked:digits, "
    "captioned:fashion_mnist.",
)
VERB.define("list", "classes", None, "Classes to keep, e.g. 5,7,9 [all].")
VERB.define_pictures()
VERB.group("Where")
VERB.define(
    "string", "data_dir", None, "Where tensorflow-datasets keeps its sets [its own]."
)
VERB.define(
    "string",
    "from",
    None,
    "Folder that holds the packages already [they are downloaded].",
)
VERB.define(
    "string", "out", None, "Folder for records, new or empty [DATASET-records]."
)
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
    from zoo.data import sources
    from zoo.data.sources import recording
    from zoo.runs import settings

    flags = VERB.flags
    where = VERB.dataset()
    name = where.pop("dataset")
    # What can be refused is so before anything is downloaded.
    options = {key: where[key] for key in where if key not in commands.DATASET}
    sources.chosen(name, options)
    is_only_got = sources.is_got(name) and not flags.out
    out = pathlib.Path(flags.out or f"{settings.slug(name)}-records")
    if is_only_got:
        refuse_flags_of_records(options)
    else:
        recording.require_free(out)
    places = sources.prepare(name, flags.data_dir, flags["from"].value, say)
    data.require(name, **where)
    if is_only_got:
        tell_ready(data.info(name, **where), places)
        return
    info, files = data.write_records(name, out, shards=flags.shards, **where)
    for split, count in files.items():
        print(f"{split:<11} {total(info, split):>8,} images in {count} files")
    print(f"train on it by --dataset=records:{out}")


def refuse_flags_of_records(options):
    """Raises ValueError if flags are given that say what records shall hold."""
    flags = VERB.flags
    given = [
        name for name in ("classes", "image_size", "shards") if flags[name].present
    ]
    if given or options:
        listed = ", ".join(f"--{name}" for name in [*given, *options])
        raise ValueError(
            "Flags that say what records hold want --out, the folder of the records; "
            f"without records a training takes them itself. Received: {listed} "
            "without --out."
        )


def say(text):
    """Prints a line of progress at once, also into a pipe."""
    print(text, flush=True)


def total(info, split):
    """Returns the number of images of a split, those of all domains together."""
    numbers = info.num_examples[split]
    return sum(numbers.values()) if isinstance(numbers, dict) else numbers


def tell_ready(info, places):
    """Prints what a set holds that was got, and how to train on it."""
    for split in info.num_examples:
        print(f"{split:<11} {total(info, split):>8,} images")
    print(f"in {', '.join(map(str, places))}")
    print(f"train on it by --dataset={info.name}")
