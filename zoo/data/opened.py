"""A data set that is opened once and then read as arrays or as batches."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data import arguments, examples, pipeline, shuffling
from zoo.data import source as sources
from zoo.inputs import memory
from zoo.inputs.tensors import Data


@dataclasses.dataclass(frozen=True)
class Info:
    """What a data set holds.

    Attributes:
        name: As the user typed it.
        image_shape: `(H, W, C)`, or `(T, H, W, C)` of a set of clips.
        num_classes, class_names: None if the set is unlabelled.
        num_examples: `{split: number}`, `{split: {field: number}}` if its domains are
            not paired.
        fields: `{field: shape of a row}`, None for captions.
        rules: By which picture files became images: "fit", "background" and "bits" of
            `zoo.inputs.pictures.Rules`, so that other pictures can be read alike. None
            where the images come as arrays.
    """

    name: str
    image_shape: tuple[int, ...]
    num_classes: int | None
    class_names: tuple[str, ...] | None
    num_examples: dict[str, Any]
    fields: dict[str, examples.Shape] | None = None
    rules: dict[str, Any] | None = None

    def __post_init__(self):
        if self.fields is None:
            label = {} if self.class_names is None else {"label": ()}
            shapes = {"image": self.image_shape} | label
            object.__setattr__(self, "fields", shapes)  # as frozen classes are set


class DataSet:
    """A data set of chosen classes and size; `zoo.data.open` returns it.

    Args:
        source: The `Source`.
        classes: Classes to keep, by number or name, or None for all.
        image_size: (height, width) in pixels, or None for as stored.
        options: Those of the source's options that were given; kept, so that a run can
            record them.

    Raises: ValueError: if the size or a class is of no use.
    """

    def __init__(
        self,
        source: sources.Source,
        classes: arguments.Classes = None,
        image_size: tuple[int, int] | None = None,
        options: Mapping[str, Any] | None = None,
    ):
        self.source, self.image_size = source, image_size
        self.options = dict(options or {})
        self._shapes = source.shapes(image_size)
        self._keep = sources.chosen(source, classes)
        self._classes = classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """A name for each label, or None if the set is unlabelled."""
        names = self.source.class_names
        if names is None or self._keep is None:
            return names
        return tuple(names[label] for label in self._keep)

    @functools.cached_property
    def info(self) -> Info:
        """What the set holds, told without decoding its images where that can be."""
        names = self.class_names
        return Info(
            self.source.name,
            self._shapes[examples.main(self._shapes)],
            None if names is None else len(names),
            names,
            {
                split: self._num_examples(self.source, split)
                for split in arguments.PARTS
            },
            self._shapes,
            self.source.rules,
        )

    def arrays(self, split: str = "train") -> dict[str, np.ndarray]:
        """Returns one split as `{field: array}`, all its fields, in the form that
        `zoo.data.examples` tells; an unlabelled set has no "label".

        Raises: ValueError: if the split holds nothing, or is none.
        """
        return self._columns(self.source, arguments.split(split), whole=True)

    def batches(
        self,
        split: str = "train",
        batch_size: int = 128,
        seed: int = 0,
        shuffle: bool | None = None,
        flip: bool = False,
        drop_remainder: bool = False,
        start_epoch: int = 0,
        labels: bool = True,
        fields: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Data:
        """Returns the batches of a split; for the arguments see `zoo.data.load`.

        A batch is a tuple of its fields, or the only one. A label that the set lacks is
        left out. Flips mirror all pictures of an example alike. Of several captions one
        is drawn by (seed, epoch, index of the example); of what is not trained on, the
        same in all epochs. Where domains are not paired, each has an order of its own:
        an epoch is the larger one, and the smaller begins anew. A `limit` takes so many
        of all examples, the same for any seed.

        Sets of more than 2 GiB of pixels are not held in memory but read from disk:
        folders and records in the same order, those of tfds in another order of (seed,
        epoch), see `Prepared.stream`. What is unpacked as a whole, an npz file, is
        refused if it does not fit into the memory that is free, and so are `arrays`.

        Raises: ValueError: in one sentence, what cannot be used and why.
        """
        training = arguments.split(split).startswith("train")
        shuffle = training if shuffle is None else shuffle
        self._require_possible(flip, limit)
        plan = pipeline.Plan(
            batch_size, seed, shuffle, flip, drop_remainder, start_epoch, training
        )
        names = examples.chosen(self.source.name, self._shapes, fields, labels)
        source = self._for_batches
        if self._is_streamed:
            plan.count(self._num_examples(source, split))
            make = source.stream(split, self.image_size, self._keep, plan, names)
            return self._named(pipeline.streamed(make, self._specs(names), plan))
        columns = _limited(self._columns(source, split), names, limit)
        plan.count(max(map(len, columns.values())))
        make = pipeline.gather(columns, plan, source.domains)
        return self._named(pipeline.delivered(make, self._specs(names), plan))

    def chunks(
        self, split: str, names: tuple[str, ...], size: int
    ) -> Iterator[dict[str, Any]]:
        """Yields `{field: array}` of `size` rows after the other, in the order of the
        set, without holding a set in memory that is large; captions as in `arrays`.

        Args:
            split: Name of the split.
            names: Fields that share their rows.
            size: Rows a chunk; the last may have fewer.
        """
        source = self._for_batches
        if self._is_streamed:
            plan = pipeline.Plan(size, 0, False, False, False)
            plan.count(self._num_examples(source, split))
            make = source.stream(split, self.image_size, self._keep, plan, names)
            yield from (dict(zip(names, batch)) for batch in make(0))
            return
        columns = self._columns(source, split)
        parts = [_chunks(columns[name], size) for name in names]
        for part in zip(*parts, strict=True):
            yield dict(zip(names, part))

    def _named(self, batches):
        """Batches that know their class names, as those of Keras' own folders do."""
        batches.class_names = self.class_names
        return batches

    def _require_possible(self, flip, limit):
        """Raises ValueError if mirrored pictures would be untrue to their fields, or a
        part is asked for of a set that stays on disk."""
        if flip and self.source.unmirrored:
            raise ValueError(
                f"{self.source.name!r} cannot be mirrored: its {self.source.unmirrored}"
                ". Received: flip=True."
            )
        if limit is not None and self._is_streamed:
            raise ValueError(
                f"{self.source.name!r} is read from disk, and no part of it can be "
                f"taken: choose classes, or a smaller image_size. Received: {limit}."
            )

    @property
    def _is_streamed(self):
        """Whether batches are read from disk one by one."""
        source = self._for_batches
        return source.streams and source.is_large(self.image_size)

    @functools.cached_property
    def _for_batches(self):
        return self.source.for_batches()

    def _specs(self, names):
        return {name: self._shapes[name] for name in names}

    def _columns(self, source, split, whole=False):
        """The checked columns of a split, of the chosen classes; unless `whole`, what
        is too large for memory may stay on disk."""
        name, domains = source.name, source.domains
        if whole or not source.is_large(self.image_size):
            size = source.size(split, self.image_size)
            memory.require(size, name, "take a smaller image_size, or fewer classes")
        read = source.read if whole else source.columns
        columns = examples.paired(name, read(split, self.image_size), domains)
        if self._keep is not None:
            rows, labels = sources.rows(columns["label"], self._keep)
            for field in set(columns) - set(domains[1:]):
                columns[field] = _taken(columns[field], rows)
            columns["label"] = labels
        if not all(map(len, columns.values())):
            raise ValueError(
                f"The {split} split of {name!r} holds no images. "
                f"Received: split={split!r}, classes={self._classes!r}."
            )
        return columns

    def _num_examples(self, source, split):
        """The number of examples of a split that are of the chosen classes."""
        number = source.num_examples[split]
        if self._keep is None:
            return number
        kept = len(sources.rows(source.labels(split), self._keep)[0])
        return number | {source.domains[0]: kept} if source.domains else kept


def _chunks(column, size):
    """The rows of a column, `size` of them at a time."""
    if hasattr(column, "chunks"):
        return column.chunks(size)
    starts = range(0, len(column), size)
    return (column[np.arange(n, min(n + size, len(column)))] for n in starts)


def _limited(columns, names, limit):
    """The columns of these names, each with `limit` rows drawn from all: columns of the
    same length keep rows that belong together."""
    chosen = {name: columns[name] for name in names}
    for name, column in chosen.items():
        if limit is not None and len(column) > limit:
            rows = np.sort(shuffling.order(len(column), 0, 0)[:limit])
            chosen[name] = _taken(column, rows)
    return chosen


def _taken(column, rows):
    """The rows of a column, which stay on disk if they lie there."""
    return column.chosen(rows) if hasattr(column, "chosen") else column[rows]
