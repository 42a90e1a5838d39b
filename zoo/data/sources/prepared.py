"""Image sets by their tfds name."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from zoo.data import arguments, examples, pipeline, resize, shuffling, source
from zoo.data.sources import building

_SHUFFLE_BUFFER = 10_000  # encoded images held in memory while a large set streams
# Images on the way at a time. Were they as many as cores, a thread would be woken for
# each small image: Fashion-MNIST took 6 s to read in place of 3.
_PARALLEL = 128


class Prepared(source.Source):
    """A data set of tfds whose examples hold one uint8 image and at most one label.

    Validation is the last tenth of tfds' train split. The test split is tfds' test; a
    set without one uses tfds' validation; a set without either gives up the last tenth
    of train, and validation is the last tenth of what is left.
    """

    streams = True

    def __init__(self, name: str, data_dir: arguments.Place, build: bool = True):
        self._builder: Any = building.builder(name, data_dir)
        info = self._builder.info
        self.name = name
        self._image, self._label = _keys(name, info)
        if build:
            building.build(self._builder, name, data_dir)
        elif not self._builder.is_prepared():
            raise FileNotFoundError(
                f"{name} is not built in {building.home(data_dir)}, and nothing shall "
                f"be written: zoo.data.open({name!r}) builds it. Received: {name!r}."
            )
        self.image_shape = info.features[self._image].shape
        self.class_names = None
        if self._label:
            self.class_names = tuple(info.features[self._label].names)
        parts = {part: split.num_examples for part, split in info.splits.items()}
        if "train" not in parts:
            raise ValueError(
                "Only sets of tfds with a train split can be read. "
                f"Received: {name!r} with splits {sorted(parts)}."
            )
        test = next((part for part in ("test", "validation") if part in parts), None)
        self._test = test or "train"
        self._rows = source.ranges(parts["train"], parts.get(test or ""))
        self.num_examples = {s: stop - start for s, (start, stop) in self._rows.items()}

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, C], "label": int32 [N]}`."""
        shape = self.shape(image_size)
        images = np.empty((self.num_examples[split], *shape), dtype=np.uint8)
        labels = np.empty(len(images), dtype=np.int32)
        start = 0
        data = self._decoded(self._encoded(split), shape).batch(1000)
        for batch, numbers in data.as_numpy_iterator():
            images[start : start + len(batch)] = batch
            labels[start : start + len(batch)] = numbers
            start += len(batch)
        if not self._label:
            return {"image": images}
        return {"image": images, "label": self._sound(labels, split)}

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]` without decoding an image, or None."""
        if not self._label:
            return None
        data = (
            self._encoded(split).batch(1000).map(lambda examples: examples[self._label])
        )
        labels = np.concatenate(list(data.as_numpy_iterator()))
        return self._sound(labels.astype(np.int32), split)

    def stream(
        self,
        split: str,
        image_size: tuple[int, int] | None,
        keep: tuple[int, ...] | None,
        plan: pipeline.Plan,
        names: tuple[str, ...],
    ) -> Callable[[int], Iterator[tuple]]:
        """Returns `batches(epoch)` that reads from disk, for a set that is large.

        Files are read in an order drawn from (seed, epoch), then shuffled in a buffer
        of 10,000 images: a function of (seed, epoch), yet not `zoo.data.order`, which
        would have to seek. `keep` lists the labels to keep, or is None; `names` are the
        fields of a batch.
        """
        shape = self.shape(image_size)

        def batches(epoch):
            seed = shuffling.draw(plan.seed, epoch) if plan.shuffle else None
            data = self._encoded(split, seed)
            if keep is not None:
                data = _renumbered(data, self._label, keep, len(self.class_names or ()))
            if plan.shuffle:
                data = data.shuffle(_SHUFFLE_BUFFER, seed=seed)
            data = self._decoded(data, shape).batch(plan.batch_size)
            flips = shuffling.flips(plan.num_examples, plan.seed, epoch) & plan.flip
            for images, labels in data.take(plan.num_batches).as_numpy_iterator():
                turned, flips = flips[: len(images)], flips[len(images) :]
                images = examples.mirrored(images.copy(), turned)
                columns = {"image": images, "label": labels}
                yield tuple(columns[name] for name in names)

        return batches

    def _encoded(self, split, shuffle_seed=None):
        """The split as tf.data of tfds' examples, with images that are not decoded."""
        import tensorflow_datasets as tfds

        start, stop = self._rows[split]
        part = self._test if split == "test" else "train"
        shuffled = shuffle_seed is not None
        config = tfds.ReadConfig(
            options=pipeline.options(),
            enable_ordering_guard=False,  # also sets that tfds keeps in file order
            try_autocache=False,  # the arrays themselves are what is kept
            num_parallel_calls_for_decode=_PARALLEL,
            shuffle_seed=shuffle_seed,
            # One file after the other keeps the order in which the set was built.
            interleave_cycle_length=16 if shuffled else 1,
        )
        return self._builder.as_dataset(
            split=f"{part}[{start}:{stop}]",
            shuffle_files=shuffled,
            decoders={self._image: tfds.decode.SkipDecoding()},
            read_config=config,
        )

    def _decoded(self, data, shape):
        """The examples of `_encoded` as (uint8 image of `shape`, int32 label or -1)."""
        import tensorflow as tf

        feature = self._builder.info.features[self._image]

        def decode(example):
            image = feature.decode_example(example[self._image])
            if shape != feature.shape:
                image = tf.numpy_function(
                    lambda pixels: resize.resize_all(pixels[None], shape[:2])[0],
                    [image],
                    tf.uint8,
                )
            label = tf.cast(example[self._label], tf.int32) if self._label else -1
            return tf.ensure_shape(image, shape), label

        return data.map(decode, num_parallel_calls=_PARALLEL)

    def _sound(self, labels, split):
        """Returns labels that are all known; tfds marks a hidden test set by -1."""
        if labels.min(initial=0) < 0:
            raise ValueError(
                f"The {split} split of {self.name!r} comes without its labels: take "
                f"another split. Received: split={split!r}."
            )
        return labels


def _keys(name, info):
    """Returns the keys of the image and of its class label (or None) in an example."""
    import tensorflow_datasets as tfds

    features = dict(info.features.items()) if hasattr(info.features, "items") else {}
    images = [k for k, v in features.items() if isinstance(v, tfds.features.Image)]
    labels = [k for k, v in features.items() if isinstance(v, tfds.features.ClassLabel)]
    supervised = info.supervised_keys or ()
    image = next(
        (key for key in (*supervised, "image", *images) if key in images), None
    )
    label = next((key for key in (*supervised, "label") if key in labels), None)
    if image is None or features[image].np_dtype != np.uint8:
        raise ValueError(
            "Only sets of tfds whose examples hold a uint8 image can be read. "
            f"Received: {name!r} with features {sorted(features)}."
        )
    return image, label


def _renumbered(data, key, keep, num_classes):
    """Keeps the examples whose label is in `keep`, which are numbered 0, 1, ..."""
    import tensorflow as tf

    numbers = np.full(num_classes, -1, dtype=np.int32)
    numbers[list(keep)] = np.arange(len(keep))
    table = tf.constant(numbers)
    data = data.map(lambda example: example | {key: table[example[key]]})
    return data.filter(lambda example: example[key] >= 0)
