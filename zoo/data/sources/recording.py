"""Writes any data set as sharded TFRecords, which `records:PATH` then names."""

import contextlib
import json
import math
import os
import pathlib
from typing import Any

import numpy as np

from zoo.data import arguments, examples
from zoo.data.opened import DataSet
from zoo.data.sources import records
from zoo.files import folders

SHARD = 64 * 2**20  # bytes of pixels that go into one file, unless told otherwise
CHUNK = 256  # examples at most that are read at a time, and no more than a file of them


def write(
    data: DataSet, folder: str | os.PathLike, shards: int | None = None
) -> dict[str, int]:
    """Writes the splits of a data set into `folder`; it appears complete or not at all.

    Args:
        data: The opened `zoo.data.DataSet`.
        folder: A free name, or an empty folder.
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
    groups = data.source.groups()
    files = _files(data.info, data.source, shards)
    with folders.appearing(folder, ".records-") as temporary:
        for part in arguments.PARTS:
            for first, fields in groups.items():
                stem = records.stem_of(part, first, data.source.domains)
                _write_part(temporary, stem, data, part, first, fields, files[stem])
        text = json.dumps(_description(data, files), indent=2) + "\n"
        (temporary / records.DESCRIPTION).write_text(text)
    return {
        part: sum(files[records.stem_of(part, f, data.source.domains)] for f in groups)
        for part in arguments.PARTS
    }


def _description(data, files):
    """What records.json tells of a data set."""
    info = data.info
    return {
        "format": records.FORMAT,
        "dataset": info.name,
        "options": data.options,
        "rules": info.rules,
        "unmirrored": data.source.unmirrored,
        "image_shape": info.image_shape,
        "class_names": info.class_names,
        "fields": info.fields,
        "domains": data.source.domains,
        "num_examples": info.num_examples,
        "files": files,
    }


def _count(info, part, first):
    """The number of examples of a part of one domain."""
    number = info.num_examples[part]
    return number[first] if isinstance(number, dict) else number


def _files(info, source, shards):
    """`{beginning of their names: number of files}`."""
    files = {}
    for first, fields in source.groups().items():
        size = _fitting(info, fields)
        num_train = _count(info, "train", first)
        if shards is not None:
            arguments.whole("shards", shards, 1, max(1, num_train))
            size = -(-num_train // shards)
        for part in arguments.PARTS:
            stem = records.stem_of(part, first, source.domains)
            asked = shards if part == "train" else None
            files[stem] = asked or -(-_count(info, part, first) // size)
    return files


def _fitting(info, fields):
    """How many examples of these fields go into `SHARD`, 1 or more."""
    shapes = [info.fields[field] for field in fields if field in examples.PICTURES]
    return max(1, SHARD // sum(map(math.prod, shapes)))


def _write_part(folder, stem, data, part, first, fields, count):
    """Writes the `count` files of a part of one domain, with their index and captions;
    ValueError if an example cannot be read."""
    total = _count(data.info, part, first)
    size = min(CHUNK, _fitting(data.info, fields))
    chunks = data.chunks(part, fields, size) if total else ()
    index, captions = _write_files(folder, stem, chunks, total, count)
    if len(index) < total:
        raise ValueError(
            f"Of {total} images of the {part} split {len(index)} can be read: take "
            f"away the files that are cut off. Received: {data.info.name}."
        )
    columns = records.PLACES + 2 * len(records.picture_fields(fields))
    np.save(folder / f"{stem}.npy", np.array(index, np.int64).reshape(-1, columns))
    if "caption" in fields:
        lines = [json.dumps(texts, ensure_ascii=False) + "\n" for texts in captions]
        (folder / f"{stem}.jsonl").write_text("".join(lines), "utf-8")


def _write_files(folder, stem, chunks, total, count):
    """Writes the `count` files of `total` examples, as many in each as in another, or
    one more; returns the rows of their index, and the captions of each."""
    # Here, so that reading needs neither TensorFlow nor Keras.
    import tensorflow as tf

    writer: Any = None
    index, captions, end = [], [], 0
    with contextlib.ExitStack() as closing:
        for row, example in enumerate(_rows(chunks)):
            number = row * count // total
            if not index or number > index[-1][records.FILE]:
                path = folder / records.file_name(stem, number, count)
                closing.close()
                writer = closing.enter_context(tf.io.TFRecordWriter(os.fspath(path)))
                end = 0
            pngs = _pngs(example)
            record = _record(example, pngs).SerializeToString()
            # A record is its length (8 bytes and 4 of checksum), itself, a checksum.
            places = [(end + 12 + record.index(png), len(png)) for png in pngs.values()]
            index.append((number, int(example.get("label", -1)), *sum(places, ())))
            captions.append(example.get("caption"))
            writer.write(record)
            end += 12 + len(record) + 4
    return index, captions


def _rows(chunks):
    """Yields `{field: row}` of chunks `{field: rows}`."""
    for chunk in chunks:
        for row in zip(*chunk.values()):
            yield dict(zip(chunk, row))


def _pngs(example):
    """`{field: bytes}` of the pictures of an example as PNG files; the frames of a clip
    are one below the other in one."""
    from zoo.inputs import pixels

    pngs = {}
    for field, value in example.items():
        if field in examples.PICTURES:
            pngs[field] = pixels.png(value.reshape(-1, *value.shape[-2:]))
    return pngs


def _record(example, pngs):
    """The example as any reader of TFRecords of images expects it."""
    import tensorflow as tf

    features = {
        f"{field}/encoded": tf.train.Feature(bytes_list={"value": [png]})
        for field, png in pngs.items()
    }
    if "label" in example:
        label = tf.train.Feature(int64_list={"value": [int(example["label"])]})
        features["image/class/label"] = label
    if "caption" in example:
        texts = [text.encode() for text in example["caption"]]
        features["caption"] = tf.train.Feature(bytes_list={"value": texts})
    return tf.train.Example(features=tf.train.Features(feature=features))


def require_free(folder: str | os.PathLike) -> pathlib.Path:
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
