"""Batches for `fit`: one epoch an iteration, in the order of (seed, epoch)."""

import dataclasses
import functools

import numpy as np

from zoo.data import checks, shuffling

PREFETCH = 4  # batches; enough to hide the gather of one batch behind a training step


@dataclasses.dataclass
class Plan:
    """How an epoch is cut into batches; `count` fills in the two numbers at the end."""

    batch_size: int
    seed: int
    shuffle: bool
    flip: bool
    drop_remainder: bool
    num_examples: int = 0
    num_batches: int = 0

    def __post_init__(self):
        checks.whole("batch_size", self.batch_size, 1)
        checks.whole("seed", self.seed, 0, shuffling.MAX_SEED)

    def count(self, num_examples: int, training: bool) -> None:
        """Sets the numbers of a split; ValueError if its batches cannot be filled."""
        full = training or self.drop_remainder
        checks.batch_size(self.batch_size, num_examples, full)
        self.num_examples = num_examples
        self.num_batches = num_examples // self.batch_size
        if num_examples % self.batch_size and not self.drop_remainder:
            self.num_batches += 1


def gather(images, labels, plan):
    """Returns `batch(epoch, number)`, which gathers a batch from arrays in memory.

    Args:
        images: uint8 `[N, H, W, C]`; never copied as a whole.
        labels: int32 `[N]`, or None.
        plan: The `Plan` of the epochs.
    Returns: A function; its batches are tuples of images and, if there are any, labels.
    """

    @functools.lru_cache(maxsize=1)
    def course(epoch):
        rows = np.arange(len(images))
        if plan.shuffle:
            rows = shuffling.order(len(images), plan.seed, epoch)
        mirrored = shuffling.flips(len(images), plan.seed, epoch) if plan.flip else None
        return rows, mirrored

    def batch(epoch, number):
        rows, mirrored = course(epoch)
        index = rows[number * plan.batch_size :][: plan.batch_size]
        chosen = images[index]
        if plan.flip:
            turned = mirrored[index]
            chosen[turned] = chosen[turned, :, ::-1]
        return (chosen,) if labels is None else (chosen, labels[index])

    return batch


class _Clock:
    """The epoch that the next iteration of a data set will walk through."""

    def __init__(self, epoch):
        self.epoch = epoch

    def finish(self, epoch):
        self.epoch = int(epoch) + 1
        return epoch


def gathered(batch, shape, labelled, plan, start_epoch):
    """Wraps `batch(epoch, number)` as tf.data: an iteration is an epoch, then the next.

    The epoch moves on when the last batch of an iteration is delivered. An iterator
    that is only peeked at, or made and dropped (as Keras' `fit` does), costs none. Only
    where one batch is the whole epoch is a look at it an epoch.

    Args:
        batch: As `gather` returns it.
        shape: `(H, W, C)` of the images.
        labelled: Whether to yield the labels beside the images.
        plan: The `Plan` by which `batch` was made.
        start_epoch: Epoch of the first iteration.
    """
    import tensorflow as tf  # here, so that arrays() serves who has no TensorFlow

    clock = _Clock(start_epoch)
    specs = _signature(shape, labelled, plan)

    def take(epoch, number):
        epoch = clock.epoch if epoch < 0 else int(epoch)
        return np.int64(epoch), *batch(epoch, int(number))[: 1 + labelled]

    def step(epoch, number):
        epoch, *tensors = tf.numpy_function(
            take, [epoch, number], [tf.int64, *(spec.dtype for spec in specs)]
        )
        epoch.set_shape(())
        for tensor, spec in zip(tensors, specs):
            tensor.set_shape(spec.shape)
        is_last = number == plan.num_batches - 1
        return epoch, (tf.where(is_last, epoch, -1), *tensors)

    # `scan` carries on the epoch at which the iteration began. A generator, with its
    # functions, would take twice as long to begin: as long as a step.
    data = tf.data.Dataset.range(plan.num_batches).scan(np.int64(-1), step)
    return _delivered(data, labelled, clock)


def streamed(batches, shape, labelled, plan, start_epoch):
    """As `gathered`, of `batches(epoch)`, which returns an iterator of batches."""
    import tensorflow as tf

    clock = _Clock(start_epoch)

    def numbered():
        epoch = clock.epoch
        for number, batch in enumerate(batches(epoch), 1):
            last = number == plan.num_batches
            yield (epoch if last else -1, *batch[: 1 + labelled])

    signature = (tf.TensorSpec((), tf.int64), *_signature(shape, labelled, plan))
    data = tf.data.Dataset.from_generator(numbered, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(plan.num_batches))
    return _delivered(data, labelled, clock)


def _signature(shape, labelled, plan):
    """The specs of a batch."""
    import tensorflow as tf

    rows = plan.batch_size if plan.drop_remainder else None
    images = tf.TensorSpec((rows, *shape), tf.uint8)
    return [images] + [tf.TensorSpec((rows,), tf.int32)] * labelled


def _delivered(data, labelled, clock):
    """The batches of (the epoch that is finished by it or -1, *batch) elements."""
    import tensorflow as tf

    def deliver(finished, *batch):
        # After the prefetch, so that what was only read ahead does not count.
        tf.cond(
            finished >= 0,
            lambda: tf.numpy_function(clock.finish, [finished], tf.int64),
            lambda: finished,
        )
        return batch if labelled else batch[0]

    return data.prefetch(PREFETCH).map(deliver).with_options(options())


def options():
    """The tf.data options of every pipeline here."""
    import tensorflow as tf

    chosen = tf.data.Options()
    # With autotune, the end of fit() waits for the tuner's thread, whose period doubles
    # up to 60 s: fits took up to twice their time (TensorFlow 2.21, half of all
    # processes). So nothing is tuned, and the prefetch is set by hand.
    chosen.autotune.enabled = False
    chosen.deterministic = True
    # Batches come from memory: there are no files to hand out among workers.
    chosen.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return chosen
