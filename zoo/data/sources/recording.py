"""Writes any data set as sharded TFRecords, which `records:PATH` then names."""

import contextlib
import json
import math
import os
import pathlib

import numpy as np

from zoo.data import checks
from zoo.data.sources import records
from zoo.files import folders

SHARD = 64 * 2**20  # bytes of pixels that go into one file, unless told otherwise
BATCH = 256


def write(name, folder, batches, info, shards=None):
    """Writes the splits of a data set into `folder`; it appears complete or not at all.

    Args:
        name: Of the data set, for the record.
        folder: A free name, or an empty folder.
        batches: Function of (split, batch size) that returns an iterator of uint8
            images `[B, H, W, C]`, int32 labels `[B]` or None, in the order of the set.
        info: The set's `zoo.data.Info`.
        shards: Files of the training split; the other splits get files as large.
    Returns: {split: number of files}.
    Raises:
        FileExistsError, ValueError: if `folder` is taken.
        ValueError: if images of the set cannot be read.
        ModuleNotFoundError: without TensorFlow.
    """
    folder = require_free(folder)
    try:
        import tensorflow  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Records are written by TensorFlow, which is not installed."
        ) from error
    size = SHARD // math.prod(info.image_shape)
    if shards is not None:
        checks.whole("shards", shards, 1, max(1, info.num_examples["train"]))
        size = -(-info.num_examples["train"] // shards)
    files = {p: -(-info.num_examples[p] // size) for p in records.PARTS}
    files["train"] = shards or files["train"]
    description = {
        "format": records.FORMAT,
        "dataset": name,
        "image_shape": list(info.image_shape),
        "class_names": info.class_names,
        "num_examples": {part: info.num_examples[part] for part in records.PARTS},
        "files": files,
    }
    with folders.appearing(folder, ".records-") as temporary:
        for part in records.PARTS:
            examples = _examples(batches(part, BATCH)) if files[part] else ()
            total = info.num_examples[part]
            index = _write_part(temporary, part, examples, total, files[part])
            if len(index) < total:
                raise ValueError(
                    f"Of {total} images of the {part} split {len(index)} can be read: "
                    f"take away the files that are cut off. Received: {name}."
                )
            np.save(temporary / f"{part}.npy", index)
        text = json.dumps(description, indent=2) + "\n"
        (temporary / records.DESCRIPTION).write_text(text)
    return files


def _examples(batches):
    """Yields the images `[H, W, C]` and labels (-1 if there are none) of batches."""
    for images, labels in batches:
        yield from zip(images, [-1] * len(images) if labels is None else labels)


def _write_part(folder, part, examples, total, count):
    """Writes the `count` files of a split of `total` examples, as many in each as in
    another, or one more; returns its index."""
    # Here, so that reading needs neither TensorFlow nor Keras.
    import tensorflow as tf

    from zoo.inputs import pixels

    index, writer, end = [], None, 0
    with contextlib.ExitStack() as closing:
        for row, (image, label) in enumerate(examples):
            number = row * count // total
            if not index or number > index[-1][0]:
                path = folder / records.file_name(part, number, count)
                closing.close()
                writer = closing.enter_context(tf.io.TFRecordWriter(os.fspath(path)))
                end = 0
            png = pixels.png(image)
            example = _example(png, int(label)).SerializeToString()
            # A record is its length (8 bytes and 4 of checksum), itself, a checksum.
            place = end + 12 + example.index(png)
            index.append((number, place, len(png), int(label)))
            writer.write(example)
            end += 12 + len(example) + 4
    return np.array(index, np.int64).reshape(-1, 4)


def _example(png, label):
    """The example as any reader of TFRecords of images expects it."""
    import tensorflow as tf

    features = {"image/encoded": tf.train.Feature(bytes_list={"value": [png]})}
    if label >= 0:
        label = tf.train.Feature(int64_list={"value": [label]})
        features["image/class/label"] = label
    return tf.train.Example(features=tf.train.Features(feature=features))


def require_free(folder):
    """Returns `folder` as a path; raises an error unless a folder of
    this name can be made: ValueError or FileExistsError."""
    folder = pathlib.Path(folder).expanduser()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"Records are a folder, not a file. Received: {folder}.")
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(
            "There are files already; records go into a folder of their own. "
            f"Received: {folder}."
        )
    return folder
