"""A name becomes images: as NumPy arrays, or as batches that any model trains on.

    zoo.data.load("fashion_mnist", "train", batch_size=128, classes=(5, 7, 9))
    images, labels = zoo.data.arrays("digits", "test")

Names are `digits`, any image set of tfds (`fashion_mnist`, `mnist`, `cifar10`, ...),
`folder:PATH`, `npz:PATH` and `records:PATH`. Images are uint8 0..255, `[N, H, W, C]`, C
1 or 3; labels are int32 from 0. Every set has the splits train, validation (the last
tenth of train) and test, and train+validation is both as one. Nothing here imports
TensorFlow before it is needed: `load` on Keras' TensorFlow backend needs it, a set that
only tfds can read, and `write_records`.
"""

import dataclasses

from zoo.data import checks, pipeline, source
from zoo.data.shuffling import flips, order
from zoo.data.sources import building, prepared, recording
from zoo.data.sources.digits import Digits
from zoo.data.sources.folder import Folder
from zoo.data.sources.idx import Idx
from zoo.data.sources.npz import Npz
from zoo.data.sources.records import Records

__all__ = ["Info", "arrays", "flips", "info", "load", "names", "order", "write_records"]


@dataclasses.dataclass(frozen=True)
class Info:
    """What a data set holds; `num_classes` and `class_names` are None if unlabelled."""

    name: str
    image_shape: tuple[int, int, int]
    num_classes: int | None
    class_names: tuple[str, ...] | None
    num_examples: dict[str, int]


def names() -> tuple[str, ...]:
    """The names to show in a catalogue; every other image set of tfds works too."""
    return ("digits", *building.ORIGINS, "folder:PATH", "npz:PATH", "records:PATH")


def arrays(name, split="train", classes=None, image_size=None, data_dir=None):
    """Returns one split as uint8 images `[N, H, W, C]` and int32 labels `[N]` or None.

    Args:
        name: Name of the data set, `folder:PATH`, `npz:PATH` or `records:PATH`.
        split: "train", "validation" (the last tenth of train), "train+validation" (both
            as one) or "test".
        classes: Classes to keep, by number or name; they become labels 0, 1, ... in
            the order given. All by default.
        image_size: Side in pixels, 8 to 256, to resize to with antialiasing.
        data_dir: Where tfds keeps its sets. Default: $ZOO_DATA_DIR, else tfds' own.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    found = _open(name, data_dir)
    return _read(found, checks.split(split), classes, checks.image_size(image_size))


def load(
    name,
    split="train",
    batch_size=128,
    classes=None,
    image_size=None,
    seed=0,
    shuffle=None,
    drop_remainder=False,
    flip=False,
    data_dir=None,
    start_epoch=0,
    labels=True,
):
    """Returns tf.data batches, uint8 images `[B, H, W, C]` and int32 labels `[B]`; on
    Keras' backends other than TensorFlow, the same in a `keras.utils.PyDataset`.

    An unlabelled set yields images only. Each full iteration is one epoch and the next
    iteration is the next epoch, so `model.fit` sees a new order each time; a set loaded
    with `start_epoch=e` goes on as one that has already been iterated e times.

    Args:
        name, split, classes, image_size, data_dir: As for `arrays`.
        batch_size: Examples a batch, at most those of a training set.
        seed: The order of epoch e is `order(num_examples, seed, e)`.
        shuffle: Whether to shuffle. Default: only what is trained on.
        drop_remainder: Whether to drop a last batch that is smaller.
        flip: Whether to mirror the examples `flips(num_examples, seed, e)`.
        start_epoch: Epoch of the first iteration.
        labels: False to yield images only.

    Sets of more than 2 GiB of pixels are not held in memory but read from disk; those
    of tfds have then another order of (seed, epoch), see `Prepared.stream`, records the
    same.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    # Here, so that arrays() serves who has no backend.
    from zoo import backend
    from zoo.data.batches import Batches, Epochs

    checks.split(split)
    checks.image_size(image_size)
    checks.whole("start_epoch", start_epoch, 0)
    training = split.startswith("train")
    shuffle = training if shuffle is None else shuffle
    plan = pipeline.Plan(batch_size, seed, shuffle, flip, drop_remainder)
    found = _open(name, data_dir, through_tfds=backend.HAS_TF_DATA)
    labelled = labels and found.class_names is not None
    shape = found.shape(image_size)
    large = found.is_large(image_size)
    if large and isinstance(found, prepared.Prepared):
        keep = source.chosen(found, classes)
        plan.count(_num_kept(found, split, keep), training)
        batches = found.stream(split, image_size, keep, plan)
        return pipeline.streamed(batches, shape, labelled, plan, start_epoch)
    images, numbers = _read(found, split, classes, image_size, lazily=large)
    plan.count(len(images), training)
    batch = pipeline.gather(images, numbers if labelled else None, plan)
    if backend.HAS_TF_DATA:
        return pipeline.gathered(batch, shape, labelled, plan, start_epoch)
    epochs = Epochs(start_epoch, plan.num_batches)
    return Batches(batch if labelled else _only(batch), range(plan.num_batches), epochs)


def _only(batch):
    """Returns a function as `batch` that returns images alone."""
    return lambda epoch, number: batch(epoch, number)[0]


def info(name, classes=None, image_size=None, data_dir=None):
    """Returns the `Info` of a data set without decoding its images, where that can be.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    found = _open(name, data_dir)
    shape = found.shape(checks.image_size(image_size))
    keep = source.chosen(found, classes)
    class_names = found.class_names
    if keep is not None:
        class_names = tuple(class_names[label] for label in keep)
    splits = [split for split in checks.SPLITS if "+" not in split]
    num_examples = {split: _num_kept(found, split, keep) for split in splits}
    num_classes = None if class_names is None else len(class_names)
    return Info(name, shape, num_classes, class_names, num_examples)


def write_records(
    name, folder, classes=None, image_size=None, data_dir=None, shards=None
):
    """Writes a data set into `folder`, which is then the set `records:FOLDER`.

    Args:
        name, classes, image_size, data_dir: As for `arrays`.
        folder: A name that is free, or an empty folder.
        shards: Files of the training split. Default: one for 64 MiB of pixels.
    Returns: The set's `Info`, and {split: number of files}.
    Raises: ValueError, FileNotFoundError, FileExistsError: in one sentence, what is
        wrong with the set or the folder.
    """
    recording.require_free(folder)
    told = info(name, classes, image_size, data_dir)
    where = {"classes": classes, "image_size": image_size, "data_dir": data_dir}

    def batches(split, batch_size):
        size = min(batch_size, told.num_examples[split])
        found = load(name, split, size, shuffle=False, **where)
        if hasattr(found, "as_numpy_iterator"):  # as tf.data has it
            found = found.as_numpy_iterator()
        for batch in found:
            yield (batch, None) if told.class_names is None else batch

    return told, recording.write(name, folder, batches, told, shards)


def _open(name, data_dir, through_tfds=False):
    """Returns the source that `name` means.

    MNIST's idx files, where they are at hand, are read without TensorFlow, or, for who
    needs TensorFlow anyhow, built into a tfds set: the same examples in the same order.
    """
    if not isinstance(name, str):
        raise ValueError(f"A data set is given by its name. Received: {name!r}.")
    kind, _, path = name.partition(":")
    by_path = {"folder": Folder, "npz": Npz, "records": Records}
    if kind in by_path:
        return by_path[kind](path)
    if name == "digits":
        return Digits()
    files = building.at_hand(name, data_dir)
    if files and not through_tfds:
        return Idx(name, files)
    return prepared.Prepared(name, data_dir)


def _read(found, split, classes, image_size, lazily=False):
    """Returns the images and labels of a split, of the chosen classes; `lazily`, the
    images as `Records` reads them when they are wanted."""
    keep = source.chosen(found, classes)
    found.shape(image_size)  # refuses sizes and channels that no model takes
    read = found.lazily if lazily else found.read
    images, labels = read(split, image_size)
    if keep is not None:
        rows, labels = source.rows(labels, keep)
        images = images.chosen(rows) if lazily else images[rows]
    if not len(images):
        raise ValueError(
            f"The {split} split of {found.name!r} holds no images. "
            f"Received: split={split!r}, classes={classes!r}."
        )
    return images, labels


def _num_kept(found, split, keep):
    """The number of examples of a split that are of the chosen classes."""
    if keep is None:
        return found.num_examples[split]
    return len(source.rows(found.labels(split), keep)[0])
