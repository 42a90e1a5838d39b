"""What every source of images offers, and how a split or a subset is cut from it."""

import abc
import dataclasses
import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from absl import logging

from zoo.data import arguments, examples, pipeline
from zoo.inputs import classes as naming
from zoo.inputs import pictures, suggestions

STREAM_ABOVE = 2 * 2**30  # bytes of uint8 pixels: larger sets stay on disk


@dataclasses.dataclass(frozen=True)
class Option:
    """What a user may choose about a source, beside its name.

    Attributes:
        default: What holds if nothing is chosen.
        meaning: A sentence for help pages.
        choices: All values that are allowed; empty if the source itself checks.
    """

    default: Any
    meaning: str
    choices: tuple = ()


class Source(abc.ABC):
    """A data set that is found but not yet read.

    Attributes:
        options: `{name: Option}`, the keywords of the constructor beside the path.
        domains: The fields whose rows are not paired, each with a number and an order
            of its own; other fields belong to the first. Empty if all are paired.
        parts: What may stand behind its name, as in kind:PART; "" for the name alone.
        unmirrored: Why its pictures must not be mirrored, or None if they may.
        streams: Whether `stream` reads sets that are large.
        name: As the user typed it.
        class_names: A name for each label, or None if the set is unlabelled.
        num_examples: `{split: number of examples}`; of unpaired domains, `{split:
            {field: number}}`.
        image_shape: `(H, W, C)` as stored; H and W are None if sizes differ.
        rules: By which picture files became images, `pictures.Rules` but for size and
            channels; None where the images come as arrays.
    """

    options: ClassVar[dict[str, Option]] = {}
    domains: tuple[str, ...] = ()
    parts: ClassVar[tuple[str, ...]] = ("",)
    unmirrored: str | None = None
    streams: bool = False
    name: str
    class_names: tuple[str, ...] | None
    num_examples: dict[str, Any]
    image_shape: tuple
    rules: dict[str, Any] | None = None

    @staticmethod
    def check(which: str, options: Mapping[str, Any]) -> None:
        """Raises ValueError if the value of an option is of no use, as far as `choices`
        do not tell that already. Nothing is read.

        Args:
            which: What stands behind the name of the kind.
            options: The values of options.
        """
        if "background" in options:
            pictures.is_grey(options["background"])

    @staticmethod
    def makes_domains(domains: Any) -> bool:
        """Whether the set itself makes these domains; else they are two classes."""
        return False

    @abc.abstractmethod
    def read(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns `{field: array}` of a split, in the form that `zoo.data.examples`
        tells; without a label if the set is unlabelled.

        Args:
            split: One of `arguments.SPLITS`.
            image_size: (height, width) in pixels to resize to, or None for as stored.
        """

    def columns(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """As `read`, but what is too large for memory may stay on disk: an object that
        is indexed by row numbers, as an array is."""
        return self.read(split, image_size)

    def stream(
        self,
        split: str,
        image_size: tuple | None,
        keep: tuple[int, ...] | None,
        plan: pipeline.Plan,
        names: tuple[str, ...],
    ) -> Callable[[int], Iterator[tuple]]:
        """Returns `batches(epoch)`, an iterator of tuples, of a set that is large.

        Args:
            split, image_size: As for `read`.
            keep: The labels to keep, or None for all.
            plan: The `pipeline.Plan`.
            names: The fields of a batch.
        """
        raise TypeError(f"{type(self).__name__} does not define stream.")

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`, or None; cheaper than `read` where it can be."""
        return self.read(split, None).get("label")

    def labelled(self, split: str) -> dict[str, np.ndarray]:
        """Returns `{"label": int32 [N]}`, or nothing if the set is unlabelled."""
        labels = self.labels(split)
        return {} if labels is None else {"label": labels}

    def for_batches(self) -> "Source":
        """Returns the source that batches come from: the same examples in the same
        order, where there is a faster way to many of them."""
        return self

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`, None for captions."""
        shapes: dict[str, examples.Shape] = {"image": self.image_shape}
        return shapes if self.class_names is None else shapes | {"label": ()}

    def shapes(self, image_size: tuple | None) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row that read gives}`; ValueError if one is of no
        use. All pictures have the size that is asked for."""
        shapes = self.fields()
        if image_size is not None:
            for field in examples.PICTURES:
                if field in shapes:
                    *frames, _, _, channels = shapes[field]
                    shapes[field] = (*frames, *image_size, channels)
        return {
            field: examples.checked_shape(self.name, field, shape)
            for field, shape in shapes.items()
        }

    def shape(self, image_size: tuple | None) -> tuple:
        """Returns the row shape of the image, or clip; ValueError if of no use."""
        shapes = self.shapes(image_size)
        return shapes[examples.main(shapes)]

    def size(self, split: str, image_size: tuple | None) -> int:
        """Returns the bytes that all pictures of a split take in memory."""
        shapes, numbers = self.shapes(image_size), self.num_examples[split]
        return sum(
            math.prod(shapes[field]) * (numbers[field] if self.domains else numbers)
            for field in shapes
            if field in examples.PICTURES
        )

    def is_large(self, image_size: tuple | None) -> bool:
        """Whether the training images are too many to be held in memory."""
        return self.size("train", image_size) > STREAM_ABOVE

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Returns the fields that share their rows, by the first of them: one group, or
        one for each domain."""
        names = tuple(self.fields())
        if not self.domains:
            return {examples.main(names): names}
        first, *others = self.domains
        own = tuple(name for name in names if name not in others)
        return {first: own} | {field: (field,) for field in others}


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
    test = (0, num_test or 0)
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


def text_digest(text: str) -> bytes:
    """Returns a hash of a text, for `by_content` of what it names."""
    return hashlib.sha256(text.encode()).digest()


def by_content(
    digests: list[bytes], ready: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Rows of each split of a set that comes without splits, by hashes of the content.

    The distinct digests are sorted; the last tenth is the test set, the last tenth of
    the rest is validation. So the split depends on neither names nor order nor chance,
    and copies of one image never lie on both sides of it.

    Args:
        digests: A hash of each row.
        ready: Those of "validation" and "test" that are not to be cut off.
    """
    distinct = sorted(set(digests))
    end = len(distinct)
    test = end if "test" in ready else end - tail(end)
    cut = test if "validation" in ready else test - tail(test)
    cuts = {
        "train": (0, cut),
        "validation": (cut, test),
        "train+validation": (0, test),
        "test": (test, end),
    }
    rank = {digest: number for number, digest in enumerate(distinct)}
    ranks = np.array([rank[digest] for digest in digests], dtype=np.int64)
    return {
        split: np.flatnonzero((ranks >= start) & (ranks < stop))
        for split, (start, stop) in cuts.items()
    }


def chosen(
    source: Source, classes: arguments.Classes, argument: str = "classes"
) -> tuple[int, ...] | None:
    """Returns the labels that `classes` asks for, in its order, or None for all; errors
    call it by its `argument`.

    A class is given by its number, or by its name; a string is looked up as a name
    first, then as a number.

    Raises: ValueError: if the set is unlabelled, or a class is unknown or repeated.
    """
    if classes is None:
        return None
    if source.class_names is None:
        raise ValueError(
            f"{source.name!r} has no labels to choose classes by. "
            f"Received: {argument}={classes!r}."
        )
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        wanted = [classes]
    else:
        wanted = list(classes)
    labels = tuple(_label(source, each, classes, argument) for each in wanted)
    if not labels or len(set(labels)) < len(labels):
        raise ValueError(
            f"{argument} must be different and at least one. Received: {classes!r}."
        )
    return labels


def _label(source: Source, wanted, classes, argument) -> int:
    """Returns the label that one entry of `classes` means."""
    names = source.class_names or ()
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    try:
        label = arguments.whole("class", _number(wanted), 0, len(names) - 1)
        if str(wanted) in names and names[label] != str(wanted):
            logging.warning(
                "Class %d of %r is the one called %r, by its position; the one called "
                "'%d' is %s=('%d',).",
                *(label, source.name, names[label], label, argument, label),
            )
        return label
    except ValueError:
        near = suggestions.nearest(wanted, names) if isinstance(wanted, str) else ""
        raise ValueError(
            f"Unknown class {wanted!r} of {source.name!r}"
            f"{near}; classes are {naming.listed(names)}. "
            f"Received: {argument}={classes!r}."
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
