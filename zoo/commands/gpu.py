"""Measures the zoo on JAX beside PyTorch, eager and compiled, on a GPU.

It needs nothing from outside but JAX, Keras and PyTorch: the images are random ones in
memory.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from zoo import commands
from zoo.commands import benchmark

OUTPUTS = {"out": "json", "plot": "png"}

VERB = commands.Verb(
    "gpu",
    __doc__.partition("\n")[0],
    "python -m experiments.gpu --out=gpu",
)
VERB.group("What")
VERB.define("list", "models", benchmark.DEFAULT, "Models to measure.")
VERB.define("list", "batch_size", ["128", "512", "2048"], "Images a step.")
VERB.define(
    "string", "image_size", "32", "Side of the images, in colour, or WIDTHxHEIGHT."
)
VERB.define(
    "integer", "num_images", 16384, "Random images to train on.", lower_bound=64
)
VERB.define("string", "precision", "mixed_bfloat16", "As in the benchmark.")
VERB.group("How long")
VERB.define("integer", "steps", 50, "Training steps a round.", lower_bound=1)
VERB.define("integer", "rounds", 5, "Rounds a side, in turns.", lower_bound=1)
VERB.group("Where")
VERB.define("string", "out", "gpu", "Folder of the tables, .json and .png.")
VERB.define("bool", "dry_run", False, "Only one step of the first model, on any chip.")


def main():
    from zoo.data import arguments

    flags = VERB.flags
    sizes = VERB.numbers("batch_size")
    unknown = set(flags.models) - set(benchmark.DEFAULT)
    if unknown or not flags.models:
        raise ValueError(
            f"--models takes {', '.join(benchmark.DEFAULT)}. "
            f"Received: models={','.join(flags.models)}."
        )
    height, width = arguments.image_size(arguments.parsed_size(flags.image_size))
    if flags.dry_run:
        models, sizes, count, steps, rounds = flags.models[:1], [8], 64, 1, 1
    else:
        models, count = flags.models, flags.num_images
        steps, rounds = flags.steps, flags.rounds
    folder = pathlib.Path(flags.out)
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    shape = (count, height, width, 3)
    images = random.integers(0, 256, shape, dtype="uint8")
    labels = np.arange(count) % 10
    with tempfile.TemporaryDirectory() as temporary:
        data = f"{temporary}/noise.npz"
        np.savez(data, x_train=images, y_train=labels)
        common = [f"--models={','.join(models)}", f"--dataset=npz:{data}"]
        common += [f"--batch_size={','.join(map(str, sizes))}"]
        common += [f"--steps={steps}", f"--rounds={rounds}"]
        common += [f"--precision={flags.precision}"]
        for rival, options in (("eager", []), ("compiled", ["--torch_compile"])):
            print(f"PyTorch {rival}", flush=True)
            paths = [f"--{k}={folder}/{rival}.{v}" for k, v in OUTPUTS.items()]
            code = _benchmark([*common, *options, *paths])
            if code:
                break
    return code


def _benchmark(flags):
    """Runs the benchmark on JAX if no other backend is asked for."""
    environment = {"KERAS_BACKEND": "jax"} | os.environ
    command = [sys.executable, "-m", "zoo", "benchmark", *flags]
    return subprocess.run(command, env=environment).returncode
