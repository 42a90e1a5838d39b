"""Measures what the data cost: processor time of a batch against that of a training
step.

    PYTHONPATH=.:tests python tests/tools/loading_speed.py [MODEL ...]

Batches of 128 images of each named set, in epochs as `fit` walks through them, first
alone and then trained on, in turn. `cifar10`, where it cannot be had, is random pixels
of its shape and number. A batch loaded beside a step takes the processor that a CPU
would train with, so what counts is processor time, of all threads.
"""

import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import zoo

BATCH, ROUNDS = 128, 5
LOADED, TRAINED = 400, 20  # fewest batches per round


def stand_in(folder):
    """Writes the training split of a set of CIFAR-10's shape; returns its name."""
    draw = np.random.default_rng(0)
    path = os.path.join(folder, "cifar10.npz")
    images = draw.integers(0, 256, (50_000, 32, 32, 3), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(50_000) % 10)
    return f"npz:{path}"


def spent(work, *arguments):
    """Returns the processor seconds per batch of `work`, which returns its number of
    batches."""
    began = time.process_time()
    count = work(*arguments)
    return (time.process_time() - began) / count


def walk(data):
    """Takes whole epochs of together at least `LOADED` batches; returns how many
    batches."""
    taken = 0
    while taken < LOADED:
        for _ in data:
            taken += 1
    return taken


def measure(title, name, model_name):
    """Prints the line of a model on a data set."""
    data = zoo.data.load(name, "train", batch_size=BATCH, drop_remainder=True)
    keras.utils.set_random_seed(0)
    info = zoo.data.info(name)
    config = zoo.registry.resolve(zoo.registry.find(model_name), {})
    if "num_classes" in config:
        config["num_classes"] = info.num_classes
    model = zoo.get(model_name, image_shape=info.image_shape, **config)
    model.compile()
    endless = data.repeat().take(TRAINED)

    def train():
        model.fit(endless, verbose=0)
        return TRAINED

    walk(data), train()  # the first time, data are read and graphs made
    rounds = [(spent(walk, data), spent(train)) for _ in range(ROUNDS)]
    batch, step = (1e3 * statistics.median(side) for side in zip(*rounds))
    share = f"{batch / step:.1%}"
    print(
        f"{title:<17}{model_name:<12}{batch:>11.2f}{step:>11.1f}{share:>8}", flush=True
    )
    keras.utils.clear_session()


def main(names):
    print(f"{'':<29}{'ms a batch':>11}{'ms a step':>11}{'share':>8}")
    with tempfile.TemporaryDirectory() as folder:
        sets = {"digits": "digits", "fashion_mnist": "fashion_mnist"}
        sets["cifar10's shape"] = stand_in(folder)
        for title, name in sets.items():
            for model_name in names:
                measure(title, name, model_name)


if __name__ == "__main__":
    main(sys.argv[1:] or ["ae", "vae", "gan"])
