"""Runs that take seconds, for the tests, started as a user would start them."""

from unittest import mock

import keras
import numpy as np
import tiny

from zoo.commands import train as verb
from zoo.core import registry
from zoo.drawing import figures
from zoo.runs import preparing, training

TINY = [
    "--model=vae",
    "--set=width=4",
    "--set=hidden=8",
    "--set=latent_dim=2",
    "--image_size=8",
    "--batch_size=450",  # three steps per epoch
]


def of(name):
    """Returns the flags of the tiny model `name` of `tests/tiny.py` on digits, which
    move for a model of clips."""
    config = tiny.CONFIGS[name].items()
    sets = [f"--set={k}={value}" for k, value in config if k != "num_classes"]
    data = ["--image_size=8", "--batch_size=450"]
    if registry.find(name).makes == "clip":
        data = ["--dataset=moving:digits", f"--frames={tiny.FRAMES}"]
        data += ["--image_size=25", "--classes=0", "--batch_size=350"]
    return [f"--model={name}", *data, *sets]


def prepare(workdir, *flags, base=TINY):
    """Returns the run that a user would start in a new process."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(12345)
    verb.VERB.parse(["train", *base, f"--workdir={workdir}", *flags])
    return preparing.prepare(verb.VERB.flags.flag_values_dict())


def trained(workdir, *flags, base=TINY):
    run = prepare(workdir, *flags, base=base)
    with blank_curves():
        training.train(run)
    return run


def blank_curves():
    """Has runs write an empty file in place of their curves, which take a fifth of the
    time of a tiny run to draw."""
    return mock.patch.object(figures, "save_curves", lambda path, rows: path.touch())


def state(run):
    """Returns all that training changes: weights, optimizers, random numbers."""
    return tiny.state(run.model)


def rows(run):
    return [
        {key: value for key, value in row.items() if key != "seconds"}
        for row in run.folder.rows()
    ]


def assert_same(run, other):
    assert all(np.array_equal(a, b) for a, b in zip(state(run), state(other)))
    assert rows(run) == rows(other)
