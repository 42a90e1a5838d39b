"""Measures what several steps in one compiled call gain: `fit` with
steps_per_execution.

    PYTHONPATH=.:tests python tests/tools/execution_speed.py [MODEL ...]

Each model at its defaults trains on digits (28x28, batches of 16: of larger ones a call
is a smaller part), by single steps and by 4 and 16 steps a call in turn, without and
with XLA. Told is the median ratio of neighbouring epochs of 32 steps in processor time,
on one thread: below 1 is a gain.
"""

import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import zoo
from zoo import backend

COUNTS = (1, 4, 16)
BATCH, STEPS, ROUNDS = 16, 32, 5


def epoch(model, data):
    """Returns the seconds of an epoch of `fit`, without what comes before and after
    it."""
    times = []
    hooks = {"on_epoch_begin": lambda *_: times.append(time.process_time())}
    hooks["on_epoch_end"] = hooks["on_epoch_begin"]
    clock = keras.callbacks.LambdaCallback(**hooks)
    model.fit(data, verbose=0, callbacks=[clock])
    return times[1] - times[0]


def main(names):
    backend.limit_threads(1)
    data = zoo.data.load("digits", "train", batch_size=BATCH).repeat().take(STEPS)
    print(f"{'':<14}{'jit':<6}{'ms a step':>10}" + "".join(f"{n:>8}" for n in COUNTS))
    for name in names:
        for jit in (False, True):
            models = []
            for count in COUNTS:
                keras.utils.set_random_seed(0)
                model = zoo.get(name, image_shape=(28, 28, 1))
                model.compile(steps_per_execution=count, jit_compile=jit)
                models.append(model)
                epoch(model, data)
            rounds = [[epoch(model, data) for model in models] for _ in range(ROUNDS)]
            ratios = [[t / times[0] for t in times] for times in rounds]
            step = 1e3 * statistics.median(times[0] for times in rounds) / STEPS
            cells = "".join(f"{statistics.median(r):>8.2f}" for r in zip(*ratios))
            jitted = "on" if jit else "off"
            print(f"{name:<14}{jitted:<6}{step:>10.1f}{cells}", flush=True)
            keras.utils.clear_session()


if __name__ == "__main__":
    main(sys.argv[1:] or ["classifier", "vae", "gan"])
