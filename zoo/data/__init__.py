"""A name becomes images: as NumPy arrays, or as batches that any model trains on.

    zoo.data.load("fashion_mnist", "train", batch_size=128, classes=(5, 7, 9))
    images, labels = zoo.data.arrays("digits", "test")
    data = zoo.data.open("folder:photos", image_size=64)    # both, opened once

Names are `digits`, `emoji`, `photographs` (these two are got by `experiments.prepare`
once), any image set of tfds (`fashion_mnist`, `mnist`, `cifar10`, ...), sets made by
rule (`scenes`, `moving:digits`, `stacked:digits`, `captioned:fashion_mnist`), and kinds
with a place: `folder:PATH`, `captions:PATH`, `pairs:PATH`, `domains:PATH`,
`clips:PATH`, `npz:PATH` and `records:PATH`. Images are uint8 0..255, `[N, H, W, C]`, C
1 or 3; labels are int32 from 0. Every set has the splits train, validation (the last
tenth of train) and test, and train+validation is both as one. Some sets have more
fields, which `zoo.data.examples` tells. Nothing here imports TensorFlow before it is
needed: `load` on Keras' TensorFlow backend needs it, a set that only tfds can read, and
`write_records`.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data import arguments, sources
from zoo.data.opened import DataSet, Info
from zoo.data.shuffling import flips, order
from zoo.data.sources import recording
from zoo.inputs.tensors import Data

__all__ = [
    "DataSet",
    "Info",
    "arrays",
    "flips",
    "info",
    "load",
    "names",
    "open",
    "order",
    "require",
    "write_records",
]

names = sources.names


def open(
    name: str,
    classes: arguments.Classes = None,
    image_size: arguments.Size = None,
    data_dir: arguments.Place = None,
    build: bool = True,
    **options: Any,
) -> DataSet:
    """Returns a data set that is opened once: its `info`, `arrays` and `batches`.

    Args:
        name: Name of the data set, or of its kind and place, such as `folder:PATH`.
        classes: Classes to keep, by number or name; they become labels 0, 1, ... in
            the order given. All by default.
        image_size: Side in pixels, 8 to 512, to resize to with antialiasing; or
            (height, width).
        data_dir: Where tfds keeps its sets, and emoji and photographs lie. Default:
            $ZOO_DATA_DIR, else tfds' own.
        build: False to write nothing: files at hand are read as they are, and a set
            that tfds would have to build first is refused.
        options: What the kind of set lets one choose, see `options` of its class; of
            `folder:PATH`, color, fit, background and bits. Of every labelled set,
            domains: two classes, as "5,7", that become unpaired sources and images.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    size = arguments.image_size(image_size)
    return DataSet(sources.find(name, data_dir, options, build), classes, size, options)


def require(
    name: str | None,
    classes: arguments.Classes = None,
    image_size: arguments.Size = None,
    data_dir: arguments.Place = None,
    **options: Any,
) -> None:
    """Raises what `open` raises, as far as that is told without reading pictures or
    importing a framework: of words, paths and values.

    Args:
        name: As for `open`; None for a set that is not known yet.
        classes, image_size, data_dir, options: As for `open`; classes are looked at
            where the set is small.
    """
    arguments.image_size(image_size)
    sources.require(name, data_dir, options)
    if (classes or "domains" in options) and name in sources.SMALL:
        open(name, classes, image_size, data_dir, **options)


def arrays(
    name: str,
    split: str = "train",
    classes: arguments.Classes = None,
    image_size: arguments.Size = None,
    data_dir: arguments.Place = None,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns one split as uint8 images `[N, H, W, C]` and int32 labels `[N]` or None;
    of a set of clips, `[N, T, H, W, C]`.

    Args:
        name, classes, image_size, data_dir, options: As for `open`.
        split: "train", "validation" (the last tenth of train), "train+validation" (both
            as one) or "test".

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    arguments.split(split)
    columns = open(name, classes, image_size, data_dir, **options).arrays(split)
    return columns["image" if "image" in columns else "clip"], columns.get("label")


def load(
    name: str,
    split: str = "train",
    batch_size: int = 128,
    classes: arguments.Classes = None,
    image_size: arguments.Size = None,
    seed: int = 0,
    shuffle: bool | None = None,
    drop_remainder: bool = False,
    flip: bool = False,
    data_dir: arguments.Place = None,
    start_epoch: int = 0,
    labels: bool = True,
    fields: Sequence[str] | None = None,
    **options: Any,
) -> Data:
    """Returns tf.data batches, uint8 images `[B, H, W, C]` and int32 labels `[B]`; on
    Keras' backends other than TensorFlow, the same in a `keras.utils.PyDataset`.

    They have `class_names`, which `fit` keeps in a model that knows classes.
    Each full iteration is one epoch and the next iteration the next epoch, in another
    order. `DataSet.batches` tells of large sets, captions and domains.

    Args:
        name, split, classes, image_size, data_dir, options: As for `arrays`.
        batch_size: Examples a batch, at most those of a training set.
        seed: The order of epoch e is `order(num_examples, seed, e)`.
        shuffle: Whether to shuffle. Default: only what is trained on.
        drop_remainder: Whether to drop a last batch that is smaller.
        flip: Whether to mirror the examples `flips(num_examples, seed, e)`.
        start_epoch: Epoch of the first iteration.
        labels: False to leave them out.
        fields: Those of a batch in their order, e.g. a model's `takes`. Default: image
            (or clip), and label.

    Raises: ValueError, FileNotFoundError: what cannot be used and why.
    """
    arguments.split(split)
    data = open(name, classes, image_size, data_dir, **options)
    course = (seed, shuffle, flip, drop_remainder, start_epoch, labels, fields)
    return data.batches(split, batch_size, *course)


def info(
    name: str,
    classes: arguments.Classes = None,
    image_size: arguments.Size = None,
    data_dir: arguments.Place = None,
    **options: Any,
) -> Info:
    """Returns the `Info` of a data set without decoding its images, where that can be.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    return open(name, classes, image_size, data_dir, **options).info


def write_records(
    name: str,
    folder: str | os.PathLike,
    classes: arguments.Classes = None,
    image_size: arguments.Size = None,
    data_dir: arguments.Place = None,
    shards: int | None = None,
    **options: Any,
) -> tuple[Info, dict[str, int]]:
    """Writes a data set into `folder`, which is then the set `records:FOLDER`.

    Args:
        name, classes, image_size, data_dir, options: As for `open`.
        folder: A name that is free, or an empty folder.
        shards: Files of the training split. Default: one for 64 MiB of pixels.
    Returns: The set's `Info`, and {split: number of files}.
    Raises: ValueError, FileNotFoundError, FileExistsError: in one sentence, what is
        wrong with the set or the folder.
    """
    recording.require_free(folder)
    data = open(name, classes, image_size, data_dir, **options)
    return data.info, recording.write(data, folder, shards)
