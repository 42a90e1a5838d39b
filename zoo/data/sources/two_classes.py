"""Two classes of any labelled set as two domains that are not paired."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data import arguments, examples, source

OPTION = source.Option(None, "Two classes as two unpaired domains, e.g. 5,7 [none].")


class TwoClasses(source.Source):
    """The images of one class are the sources, those of another the images.

    Splits are those of the set. Its other fields are left out.

    Args:
        whole: The labelled `Source`.
        classes: Two classes, by number or name, as "5,7" or (5, 7).

    Raises: ValueError: if these are no two classes of the set.
    """

    domains = ("source", "image")
    class_names = None

    def __init__(self, whole: source.Source, classes: str | Sequence[str | int]):
        self.name, self.rules = whole.name, whole.rules
        self.image_shape, self.unmirrored = whole.image_shape, whole.unmirrored
        self._whole = whole
        self._labels = _two(whole, classes)
        self.num_examples = {}
        for split in arguments.PARTS:
            labels = whole.labels(split)
            numbers = [int(np.sum(labels == label)) for label in self._labels]
            self.num_examples[split] = dict(zip(self.domains, numbers))
        train, validation = (self.num_examples[s] for s in ("train", "validation"))
        both = {field: train[field] + validation[field] for field in self.domains}
        self.num_examples[arguments.BOTH] = both

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`."""
        return dict.fromkeys(self.domains, self.image_shape)

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"source": uint8 [M, H, W, C], "image": uint8 [N, H, W, C]}`.

        Raises: ValueError: if the whole set is too large, and read in its own order.
        """
        return {
            field: images[np.arange(len(images))]
            for field, images in self._parts(split, image_size).items()
        }

    def columns(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """As `read`, but what is too large for memory stays on disk."""
        if not self.is_large(image_size):
            return self.read(split, image_size)
        return self._parts(split, image_size)

    def labels(self, split: str) -> None:
        """Returns None: domains have no labels."""

    def for_batches(self) -> source.Source:
        """Returns the same domains of the source that batches come from."""
        domains = copy.copy(self)
        domains._whole = self._whole.for_batches()
        return domains

    def _parts(self, split, image_size):
        """`{field: column}` of the two classes."""
        if self._whole.streams and self._whole.is_large(image_size):
            raise ValueError(
                f"{self.name!r} is too large to be held in memory: write its records "
                "by experiments.prepare, and choose domains of these. "
                f"Received: domains={self._labels}."
            )
        columns = self._whole.columns(split, image_size)
        images, parts = columns["image"], {}
        for field, label in zip(self.domains, self._labels):
            rows = np.flatnonzero(columns["label"] == label)
            on_disk = hasattr(images, "chosen")
            parts[field] = images.chosen(rows) if on_disk else images[rows]
        return parts


def _two(whole, classes):
    """The labels of two classes; ValueError if they are none."""
    wanted = classes
    if isinstance(classes, str):
        wanted = [word.strip() for word in classes.split(",")]
    if whole.class_names is None or "image" not in whole.fields() or whole.domains:
        raise ValueError(
            f"domains are two classes of a set of labelled images, and {whole.name!r} "
            f"is none. Received: domains={classes!r}."
        )
    labels = source.chosen(whole, wanted, "domains")
    if labels is None or len(labels) != 2:
        raise ValueError(
            "domains are two classes, e.g. 5,7: the source and the image. "
            f"Received: domains={classes!r}."
        )
    return labels
