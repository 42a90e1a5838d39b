"""Batches for `fit`: one epoch an iteration, in the order of (seed, epoch)."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zoo.data import arguments, examples, shuffling
from zoo.inputs.tensors import Data

if TYPE_CHECKING:
    import tensorflow as tf

PREFETCH = 4  # batches; enough to hide the gather of one batch behind a training step
# `batch(epoch, number)`, a tuple of a part for each column.
Gather: TypeAlias = Callable[[int, int], tuple]


@dataclasses.dataclass
class Plan:
    """How an epoch is cut into batches; `count` fills in the two numbers at the end."""

    batch_size: int
    seed: int
    shuffle: bool
    flip: bool
    drop_remainder: bool
    start_epoch: int = 0
    training: bool = False
    num_examples: int = 0
    num_batches: int = 0

    def __post_init__(self):
        arguments.whole("batch_size", self.batch_size, 1)
        arguments.whole("seed", self.seed, 0, shuffling.MAX_SEED)
        arguments.whole("start_epoch", self.start_epoch, 0)

    def count(self, num_examples: int) -> None:
        """Sets the numbers of a split; ValueError if its batches cannot be filled."""
        full = self.training or self.drop_remainder
        arguments.batch_size(self.batch_size, num_examples, full)
        self.num_examples = num_examples
        self.num_batches = num_examples // self.batch_size
        if num_examples % self.batch_size and not self.drop_remainder:
            self.num_batches += 1

    def rows(self, count: int, epoch: int, domain: int) -> np.ndarray:
        """The rows of an epoch, in their order, of a domain of `count` examples."""
        if self.shuffle:
            return shuffling.rounds(self.num_examples, count, self.seed, epoch, domain)
        return np.arange(self.num_examples) % count

    def mirrored(self, count: int, epoch: int, domain: int) -> np.ndarray:
        """Which of `count` examples are mirrored in an epoch, bool `[count]`."""
        return shuffling.flips(count, self.seed, epoch, domain) & self.flip

    def captions(self, counts: np.ndarray, epoch: int) -> np.ndarray:
        """Which of its captions stands for each example in an epoch. Of what is not
        trained on it is the same one in all epochs, so that scores can be compared."""
        return shuffling.captions(counts, self.seed, epoch if self.training else 0)


def gather(columns: dict[str, Any], plan: Plan, domains: Sequence[str] = ()) -> Gather:
    """Returns `batch(epoch, number)`, which gathers a batch from columns.

    Args:
        columns: `{field: column}`, arrays or what is indexed as they are; never copied
            as a whole. Captions are tuples of texts.
        plan: The `Plan` of the epochs.
        domains: The fields that are not paired; others belong to the first.
    Returns: A function; its batches are tuples of a part for each column, in order.
    """
    domain_of = {f: domains.index(f) if f in domains else 0 for f in columns}
    counts = {domain_of[field]: len(column) for field, column in columns.items()}
    texts = columns.get("caption", ())
    num_texts = np.array([len(row) for row in texts], np.int64)

    @functools.lru_cache(maxsize=1)
    def course(epoch):
        return (
            {d: plan.rows(n, epoch, d) for d, n in counts.items()},
            {d: plan.mirrored(n, epoch, d) for d, n in counts.items() if plan.flip},
            plan.captions(num_texts, epoch),
        )

    def batch(epoch, number):
        orders, mirrored, captions = course(epoch)
        place = slice(number * plan.batch_size, (number + 1) * plan.batch_size)

        def part(field, column):
            rows = orders[domain_of[field]][place]
            if field == "caption":
                chosen = [texts[row][captions[row]] for row in rows]
                return np.array(chosen, dtype=object)
            values = column[rows]
            if plan.flip and field in examples.PICTURES:
                return examples.mirrored(values, mirrored[domain_of[field]][rows])
            return values

        return tuple(part(*each) for each in columns.items())

    return batch


def delivered(batch: Gather, shapes: dict[str, examples.Shape], plan: Plan) -> Data:
    """Wraps `batch(epoch, number)` as what Keras' backend trains on: tf.data, or else a
    `keras.utils.PyDataset`.

    Args:
        batch: As `gather` returns it.
        shapes: `{field: shape of a row}`, in the order of a batch's parts.
        plan: The `Plan` by which `batch` was built.
    """
    # Here, so that arrays() serves who has no backend.
    from zoo import backend
    from zoo.data.batches import Batches, Epochs

    if backend.HAS_TF_DATA:
        return _gathered(batch, shapes, plan)
    epochs = Epochs(plan.start_epoch, plan.num_batches)
    if len(shapes) == 1:
        return Batches(_alone(batch), range(plan.num_batches), epochs)
    return Batches(batch, range(plan.num_batches), epochs)


def _alone(batch):
    """Returns a function as `batch` that returns the only part of a batch."""
    return lambda epoch, number: batch(epoch, number)[0]


class _Clock:
    """The epoch that the next iteration of a data set will walk through."""

    def __init__(self, epoch):
        self.epoch = epoch

    def finish(self, epoch):
        self.epoch = int(epoch) + 1
        return epoch


def _gathered(batch, shapes, plan):
    """Wraps `batch(epoch, number)` as tf.data: an iteration is an epoch, then the next.

    The epoch moves on when the last batch of an iteration is delivered. An iterator
    that is only peeked at, or made and dropped (as Keras' `fit` does), costs none. Only
    where one batch is the whole epoch is a look at it an epoch.
    """
    import tensorflow as tf  # here, so that arrays() serves who has no TensorFlow

    clock = _Clock(plan.start_epoch)
    specs = _signature(shapes, plan)

    def take(epoch, number):
        epoch = clock.epoch if epoch < 0 else int(epoch)
        return np.int64(epoch), *batch(epoch, int(number))

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
    return _counted(data, clock)


def streamed(
    batches: Callable[[int], Iterator[tuple]],
    shapes: dict[str, examples.Shape],
    plan: Plan,
) -> Data:
    """As `delivered` on TensorFlow, of `batches(epoch)`, an iterator of batches."""
    import tensorflow as tf

    clock = _Clock(plan.start_epoch)

    def numbered():
        epoch = clock.epoch
        for number, batch in enumerate(batches(epoch), 1):
            last = number == plan.num_batches
            yield (epoch if last else -1, *batch)

    signature = (tf.TensorSpec((), tf.int64), *_signature(shapes, plan))
    data = tf.data.Dataset.from_generator(numbered, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(plan.num_batches))
    return _counted(data, clock)


def _signature(shapes, plan):
    """The specs of a batch's parts."""
    import tensorflow as tf

    rows = plan.batch_size if plan.drop_remainder else None
    types = {"label": tf.int32, "caption": tf.string}
    return [
        tf.TensorSpec((rows, *(shape or ())), types.get(field, tf.uint8))
        for field, shape in shapes.items()
    ]


def _counted(data, clock):
    """The batches of (the epoch that is finished by it or -1, *batch) elements."""
    import tensorflow as tf

    def deliver(finished, *batch):
        # After the prefetch, so that what was only read ahead does not count.
        tf.cond(
            finished >= 0,
            lambda: tf.numpy_function(clock.finish, [finished], tf.int64),
            lambda: finished,
        )
        if len(batch) == 1:
            return batch[0]
        return batch

    return data.prefetch(PREFETCH).map(deliver).with_options(options())


def options() -> "tf.data.Options":
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
