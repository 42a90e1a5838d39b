"""Measures the times of exported models that docs/serving.md reports.

PYTHONPATH=.:tests python tests/tools/serving_speed.py
"""

import tempfile
import time

import loader
import numpy as np
import tiny

import zoo

SHAPE = (28, 28, 1)
IMAGES, STEPS, TURNS = 16, 50, 4


def main():
    print("| model | export, s | cold load, s |\n|---|---|---|")
    for name in tiny.names_of_images():
        model = zoo.get(name, image_shape=SHAPE)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            path = zoo.export(model, folder)
            exported = time.perf_counter() - start
            _, _, loaded = loader.served(path, [])
        print(f"| `{name}` | {exported:.1f} | {loaded:.2f} |", flush=True)
    served, sampled = sampling()
    print(f"{IMAGES} images of a ddpm in {STEPS} steps: {served:.2f} s served,")
    print(f"{sampled:.2f} s by model.sample, ratio {served / sampled:.2f}")


def sampling():
    """Returns the least seconds of a served sample and of `model.sample`. They are
    measured in turns, so that other work on the machine slows down both."""
    model = zoo.get("ddpm", image_shape=SHAPE)
    seeds, served, sampled = np.arange(IMAGES), [], []
    model.sample(IMAGES, seed=0, steps=STEPS)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        path = zoo.export(model, folder, ["sample"], steps=STEPS)
        for _ in range(TURNS):
            cases = [("sample", {"seed": seeds})] * 3
            _, _, _, times = loader.run(path, cases)
            served += times[1:]  # the first call plans the graph
            for _ in range(2):
                start = time.perf_counter()
                model.sample(IMAGES, seed=0, steps=STEPS)
                sampled.append(time.perf_counter() - start)
    return min(served), min(sampled)


if __name__ == "__main__":
    main()
