"""Several workers on TensorFlow: what each sees of the data, and what they tell each
other. The contract stands in `zoo/backend`."""

import functools

import keras
import numpy as np
import tensorflow as tf

CHUNK = 2**22  # bytes that the chief sends at once, each as an int32
# What a collective operation ends in when another worker has gone.
WORKER_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
)


def multi_worker():
    return tf.distribute.MultiWorkerMirroredStrategy()


def has_workers(strategy):
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def distributed(model, x, y=None, batch_size=None, shuffle=False):
    strategy = model.distribute_strategy
    by_workers, count = has_workers(strategy), strategy.num_replicas_in_sync
    is_opaque = isinstance(x, keras.utils.PyDataset)  # Keras alone draws its batches
    if by_workers and is_opaque:
        raise ValueError(
            "Several workers share out the batches of a tf.data set, or arrays. "
            f"Received: a PyDataset, {type(x).__name__}."
        )
    if is_opaque or (count == 1 and not by_workers):
        return x, y
    if not hasattr(x, "element_spec"):
        if by_workers and shuffle:
            raise ValueError(
                "Each worker would shuffle arrays in its own way: pass shuffle=False, "
                "or a tf.data set that is the same on all. Received: shuffle=True."
            )
        size = batch_size or 32
        _require_divisible(size, count)
        rows = tf.data.Dataset.from_tensor_slices(x if y is None else (x, y))
        count_of_rows = len(tf.nest.flatten(x)[0])
        rows = rows.shuffle(count_of_rows) if shuffle else rows
        x = rows.batch(min(size, count_of_rows), drop_remainder=by_workers)
    x = _divisible(x, count)
    return (_parts(strategy, x) if by_workers else x), None


def _require_divisible(size, count):
    if size % count:
        raise ValueError(
            f"A batch is shared out equally among {count} replicas. "
            f"Received: a batch of {size} images."
        )


def _divisible(data, count):
    """Returns `data` with batches that `count` divides: without the last rows of one,
    or, where there are fewer rows than `count`, with some of them twice.

    A replica with fewer rows would weigh each more, and one with none divide by 0.
    """
    sizes = {spec.shape[0] for spec in tf.nest.flatten(data.element_spec)}
    if None not in sizes:
        _require_divisible(max(sizes), count)
        return data

    def fitted(x):
        rows = tf.shape(x)[0]
        return tf.gather(x, tf.range(tf.maximum(rows // count, 1) * count) % rows)

    # As many batches as before: of a set whose number of batches is not known, Keras
    # begins a step more, which counts.
    return data.map(lambda *batch: tf.nest.map_structure(fitted, _one_or_all(batch)))


def _one_or_all(batch):
    return batch if len(batch) > 1 else batch[0]


def _parts(strategy, data):
    """Returns `data`, which yields global batches, as this worker's replicas see it:
    replica r of n takes the r-th of n equal parts of each batch.

    TensorFlow's own sharding would make one step of the parts of several batches.
    """
    count = strategy.num_replicas_in_sync

    def of_worker(context):
        local = count // context.num_input_pipelines
        first = context.input_pipeline_id * local

        def own(x):
            parts = tf.reshape(x, tf.concat([[count, -1], tf.shape(x)[1:]], 0))
            parts = tf.ensure_shape(parts, [count, None, *x.shape[1:]])
            return parts[first : first + local]

        def own_of_all(*batch):
            return tf.nest.map_structure(own, _one_or_all(batch))

        return data.map(own_of_all).unbatch()

    batches = data.cardinality().numpy()
    data = strategy.distribute_datasets_from_function(of_worker)
    data._cardinality = batches  # TensorFlow counts the parts of all our replicas
    return data


def gathered(strategy, numbers):
    if not has_workers(strategy):
        return [list(numbers)]
    resolver = strategy.cluster_resolver
    rows = np.zeros((len(resolver.cluster_spec().job_tasks("worker")), len(numbers)))
    rows[resolver.task_id] = numbers
    return _sum_over_workers(strategy)(rows).numpy().tolist()


def from_chief(strategy, content):
    if not has_workers(strategy):
        return content
    is_chief = strategy.cluster_resolver.task_id == 0
    content = content if is_chief else b""
    size = int(gathered(strategy, [len(content)])[0][0])
    received = bytearray()
    while len(received) < size:
        # The sum of the chief's bytes and the others' zeros.
        part = np.zeros(min(CHUNK, size - len(received)), "int32")
        if is_chief:
            part[:] = np.frombuffer(content, "uint8", len(part), len(received))
        total = _sum_over_workers(strategy)(part)
        received += total.numpy().astype("uint8").tobytes()
    return bytes(received)


@functools.cache
def _sum_over_workers(strategy):
    """An array -> its sum over all workers, one graph for each shape."""

    @tf.function(reduce_retracing=True)
    def graph(x):
        return strategy.reduce("SUM", x, axis=None)

    return lambda array: graph(tf.constant(array))
