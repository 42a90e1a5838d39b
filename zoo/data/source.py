"""What every source of images offers, and how a split or a subset is cut from it."""

import abc
from collections.abc import Iterable

import numpy as np

from zoo.data import checks
from zoo.inputs import suggestions


class Source(abc.ABC):
    """A data set that is found but not yet read.

    Attributes:
        name: As the user typed it.
        class_names: A name for each label, or None if the set is unlabelled.
        num_examples: `{split: number of examples}`.
        image_shape: `(H, W, C)` as stored; H and W are None if sizes differ.
    """

    name: str
    class_names: tuple[str, ...] | None
    num_examples: dict[str, int]
    image_shape: tuple

    @abc.abstractmethod
    def read(self, split: str, image_size: int | None):
        """Returns uint8 images `[N, H, W, C]` and int32 labels `[N]` or None."""

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`, or None; cheaper than `read` where it can be."""
        return self.read(split, None)[1]

    def is_large(self, image_size: int | None) -> bool:
        """Whether the set should be streamed from disk instead of held in memory."""
        return False

    def shape(self, image_size: int | None) -> tuple:
        """Returns the `(H, W, C)` that `read` gives; ValueError if none of use."""
        height, width, channels = self.image_shape
        if image_size is not None:
            height = width = image_size
        return checks.image_shape(self.name, (height, width, channels))


def tail(num_examples: int) -> int:
    """The size of "the last tenth": at least one example, never all of them."""
    return max(1, num_examples // 10) if num_examples > 1 else 0


def ranges(num_train: int, num_test: int | None) -> dict[str, tuple[int, int]]:
    """Rows `[start, stop)` of each split, for a set that is kept in a fixed order.

    Args:
        num_train: Number of training examples; the last tenth of them is validation.
        num_test: Number of test examples, counted from 0 in rows of their own; None
            if there are none, and then the last tenth of training is the test set.
    """
    test = (0, num_test)
    if num_test is None:
        test = (num_train - tail(num_train), num_train)
        num_train = test[0]
    cut = num_train - tail(num_train)
    return {
        "train": (0, cut),
        "validation": (cut, num_train),
        "train+validation": (0, num_train),
        "test": test,
    }


def by_content(digests: list[bytes]) -> dict[str, np.ndarray]:
    """Rows of each split of a set that comes without splits, by hashes of the content.

    The distinct digests are sorted; the last tenth is the test set, the last tenth of
    the rest is validation. So the split depends on neither names nor order nor chance,
    and copies of one image never lie on both sides of it.
    """
    distinct = sorted(set(digests))
    cuts = ranges(len(distinct), None)
    rank = {digest: number for number, digest in enumerate(distinct)}
    ranks = np.array([rank[digest] for digest in digests], dtype=np.int64)
    return {
        split: np.flatnonzero((ranks >= start) & (ranks < stop))
        for split, (start, stop) in cuts.items()
    }


def chosen(source: Source, classes) -> tuple[int, ...] | None:
    """Returns the labels that `classes` asks for, in its order, or None for all.

    A class is given by its number, or by its name; a string is looked up as a name
    first, then as a number.

    Raises: ValueError: if the set is unlabelled, or a class is unknown or repeated.
    """
    if classes is None:
        return None
    if source.class_names is None:
        raise ValueError(
            f"{source.name!r} has no labels to choose classes by. "
            f"Received: classes={classes!r}."
        )
    single = isinstance(classes, str) or not isinstance(classes, Iterable)
    wanted = [classes] if single else list(classes)
    found = tuple(_label(source, each, classes) for each in wanted)
    if not found or len(set(found)) < len(found):
        raise ValueError(
            f"classes must be different and at least one. Received: {classes!r}."
        )
    return found


def _label(source: Source, wanted, classes) -> int:
    """Returns the label that one entry of `classes` means."""
    names = source.class_names
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    try:
        return checks.whole("class", _number(wanted), 0, len(names) - 1)
    except ValueError:
        listed = ", ".join(f"{i} ({name})" for i, name in enumerate(names[:20]))
        near = suggestions.nearest(wanted, names) if isinstance(wanted, str) else ""
        more = ", ..." if len(names) > 20 else ""
        raise ValueError(
            f"Unknown class {wanted!r} of {source.name!r}"
            f"{near}; classes are {listed}{more}. "
            f"Received: classes={classes!r}."
        ) from None


def _number(wanted):
    """Returns a decimal string as the int it spells, anything else as it is."""
    decimal = isinstance(wanted, str) and wanted.isdecimal()
    return int(wanted) if decimal else wanted


def rows(labels: np.ndarray, keep: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows whose label is in `keep`, and their new labels 0, 1, ..."""
    index = np.flatnonzero(np.isin(labels, keep))
    renumbered = np.full(max(labels.max(initial=0), *keep) + 1, -1, dtype=np.int32)
    renumbered[list(keep)] = np.arange(len(keep))
    return index, renumbered[labels[index]]
