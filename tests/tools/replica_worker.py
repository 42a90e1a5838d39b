"""One of two workers that train tiny models, for `test_workers.py`.

python replica_worker.py OUT NAME ...     # with TF_CONFIG; writes OUT/NAME.npz
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tiny

from zoo.runs import strategies


def train(name, strategy):
    """Returns the weights, the terms of the epoch, and one draw of noise of each
    worker."""
    with strategies.scope(strategy):
        model = tiny.model(name)
        # Adam would hide a gradient that is too large by a factor.
        sgd = {n: keras.optimizers.SGD(0.3, clipnorm=0.5) for n in model.networks}
        model.compile(sgd, run_eagerly=True)
    images = tiny.examples(name, 24, kind=tiny.floats)
    data = tf.data.Dataset.from_tensor_slices((images, tiny.labels(24)))
    data = data.batch(8, drop_remainder=True)
    validation = data.take(2)
    how = {"validation_data": validation, "shuffle": False, "verbose": 0}
    logs = model.fit(data, **how).history
    return tiny.values(model.weights), {term: logs[term][0] for term in logs}


if __name__ == "__main__":
    out, *names = sys.argv[1:]
    strategy = strategies.create("multi_worker")
    for name in names:
        weights, logs = train(name, strategy)
        index = strategies.cluster()[1]
        arrays = {f"weight_{i:04d}": weight for i, weight in enumerate(weights)}
        np.savez(f"{out}/{name}-{index}.npz", **arrays, **logs)
