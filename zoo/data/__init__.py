"""A name becomes images: as NumPy arrays, or as batches that any model trains on.

    zoo.data.load("fashion_mnist", "train", batch_size=128, classes=(5, 7, 9))
    images, labels = zoo.data.arrays("digits", "test")

Names are `digits`, any image set of tfds (`fashion_mnist`, `mnist`, `cifar10`, ...),
`folder:PATH` and `npz:PATH`. Images are uint8 0..255, `[N, H, W, C]`, C 1 or 3; labels
are int32 from 0. Every set has the splits train, validation (the last tenth of train)
and test, and train+validation is both as one. Nothing here imports TensorFlow before it
is needed: `load` on Keras' TensorFlow backend needs it, and a set that only tfds can
read.
"""

import dataclasses

from zoo.data import building, checks, pipeline, prepared
from zoo.data import source as sources
from zoo.data.digits import Digits
from zoo.data.folder import Folder
from zoo.data.idx import Idx
from zoo.data.npz import Npz
from zoo.data.shuffling import flips, order

__all__ = ["Info", "arrays", "flips", "info", "load", "names", "order"]


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
    return ("digits", *building.ORIGINS, "folder:PATH", "npz:PATH")


def arrays(name, split="train", classes=None, image_size=None, data_dir=None):
    """Returns one split as uint8 images `[N, H, W, C]` and int32 labels `[N]` or None.

    Args:
        name: Name of the data set, or `folder:PATH`, or `npz:PATH`.
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

    Sets of more than 2 GiB of pixels are not held in memory but read from disk; their
    order is another function of (seed, epoch), see `Prepared.stream`.

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
    if found.is_large(image_size):
        keep = sources.chosen(found, classes)
        plan.count(_num_kept(found, split, keep), training)
        epoch_of = found.stream(split, image_size, keep, plan)
    else:
        images, numbers = _read(found, split, classes, image_size)
        plan.count(len(images), training)
        batch = pipeline.gather(images, numbers if labelled else None, plan)
        count = range(plan.num_batches)
        if not backend.HAS_TF_DATA:
            epochs = Epochs(start_epoch, plan.num_batches)
            return Batches(batch if labelled else _only(batch), count, epochs)

        def epoch_of(epoch):
            return (batch(epoch, number) for number in count)

    shape = found.shape(image_size)
    return pipeline.dataset(epoch_of, shape, labelled, plan, start_epoch)


def _only(batch):
    """Returns a function as `batch` that returns images alone."""
    return lambda epoch, number: batch(epoch, number)[0]


def info(name, classes=None, image_size=None, data_dir=None):
    """Returns the `Info` of a data set without decoding its images, where that can be.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    found = _open(name, data_dir)
    shape = found.shape(checks.image_size(image_size))
    keep = sources.chosen(found, classes)
    class_names = found.class_names
    if keep is not None:
        class_names = tuple(class_names[label] for label in keep)
    splits = [split for split in checks.SPLITS if "+" not in split]
    num_examples = {split: _num_kept(found, split, keep) for split in splits}
    num_classes = None if class_names is None else len(class_names)
    return Info(name, shape, num_classes, class_names, num_examples)


def _open(name, data_dir, through_tfds=False):
    """Returns the source that `name` means.

    MNIST's idx files, where they are at hand, are read without TensorFlow, or, for who
    needs TensorFlow anyhow, built into a tfds set: the same examples in the same order.
    """
    if not isinstance(name, str):
        raise ValueError(f"A data set is given by its name. Received: {name!r}.")
    kind, _, path = name.partition(":")
    if kind in ("folder", "npz"):
        return {"folder": Folder, "npz": Npz}[kind](path)
    if name == "digits":
        return Digits()
    files = building.at_hand(name, data_dir)
    if files and not through_tfds:
        return Idx(name, files)
    return prepared.Prepared(name, data_dir)


def _read(found, split, classes, image_size):
    """Returns the images and labels of a split, of the chosen classes."""
    keep = sources.chosen(found, classes)
    found.shape(image_size)  # refuses sizes and channels that no model takes
    images, labels = found.read(split, image_size)
    if keep is not None:
        rows, labels = sources.rows(labels, keep)
        images = images[rows]
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
    return len(sources.rows(found.labels(split), keep)[0])
