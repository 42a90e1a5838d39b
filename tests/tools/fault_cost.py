"""Measures which share of a training step the fault checks take.

    PYTHONPATH=.:tests python tests/tools/fault_cost.py [MODEL ...]

Of each model at its defaults (28x28, a batch of 64) two copies train in turn, one of
them without the checks. The lower quartiles of their processor times on one thread are
compared. The checks on the host come on top; `Finite` limits them to a share of the
time.
"""

import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tiny

import zoo
from zoo.core import faults

BATCH = 64
SECONDS = 20  # seconds per model


def model(name, checked):
    keras.utils.set_random_seed(0)
    model = zoo.get(name, image_shape=(28, 28, 1))
    if not checked:
        model.faults.look_at_terms = model.faults.look_at_network = lambda *a: None
    return tf.function(lambda x, y: model.train_step((x, y)), autograph=False)


def main(names):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.uniform(-1, 1, (BATCH, 28, 28, 1)).astype("float32"))
    labels = tf.constant(rng.integers(0, 10, BATCH))
    ratios = []
    for name in names:
        steps = [model(name, checked) for checked in (True, False)]
        for _ in range(3):
            for step in steps:
                step(images, labels)
        took, order = {step: [] for step in steps}, steps
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            for step in order:
                start = time.process_time()
                step(images, labels)
                took[step].append(time.process_time() - start)
            order = order[::-1]
        checked, plain = (statistics.quantiles(took[step])[0] for step in steps)
        ratios.append(checked / plain)
        count, share = len(took[steps[0]]), 100 * (checked / plain - 1)
        both = f"{1e3 * plain:8.2f} ms, checked {1e3 * checked:8.2f} ms"
        print(f"{name:<14}{both}, {share:+.2f} % ({count} steps each)", flush=True)
        keras.utils.clear_session()
    mean = statistics.geometric_mean(ratios)
    print(f"mean {100 * (mean - 1):+.2f} %, host at most {100 * faults.SHARE:.1f} %")


if __name__ == "__main__":
    main(sys.argv[1:] or tiny.names_of_images())
