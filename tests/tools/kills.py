"""Kills a training again and again, mostly while it saves, and checks what is left.

    PYTHONPATH=.:tests python tests/tools/kills.py 50 /tmp/kills

After each kill all checkpoints must be whole, none of an earlier step than before, and
metrics.csv must hold one row an epoch. In the end the run must equal one that was never
killed: weights, optimizers, random state and rows, to the bit.
"""

import io
import os
import pathlib
import random
import signal
import sys
import time

import h5py
import numpy as np

from zoo import commands
from zoo.commands import train as verb
from zoo.files import archives, atomic
from zoo.runs.folder import RunFolder

FLAGS = ["--model=vae", "--set=width=4", "--set=hidden=8", "--set=latent_dim=2"]
FLAGS += ["--image_size=8", "--batch_size=450", "--flip", "--checkpoint_every=1"]
FLAGS += ["--image_every=1000000"]
LONGEST = 120.0  # most seconds until a kill


def begun(workdir, *flags):
    """Starts a training in a process of its own and returns its id. The process is
    forked, so that TensorFlow is imported only once; it has not run before."""
    child = os.fork()
    if child:
        return child
    with open(workdir.with_suffix(".log"), "a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    argv = ["train", *FLAGS, f"--workdir={workdir}", *flags]
    os._exit(commands.start(verb.VERB, verb.main, argv))


def finished(workdir, *flags):
    """Trains until the end."""
    _, status = os.waitpid(begun(workdir, *flags), 0)
    log = workdir.with_suffix(".log")
    assert status == 0, log.read_text()


def kill_one(workdir, chance):
    """Starts a training and kills it: four times of five within 30 ms after it began to
    write a file, otherwise at any time. Returns whether it was writing."""
    child = begun(workdir, "--minutes=1000")
    began, wait = time.monotonic(), chance.uniform(0, 12)
    writes, in_a_save = chance.randint(1, 12), chance.random() < 0.8
    seen = before = set(partial(workdir))
    while time.monotonic() - began < (LONGEST if in_a_save else wait):
        seen = seen | set(partial(workdir))
        if in_a_save and len(seen - before) >= writes:
            time.sleep(chance.uniform(0, 0.03))
            break
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    log = workdir.with_suffix(".log")
    assert os.WTERMSIG(status) == signal.SIGKILL, log.read_text()
    return bool(set(partial(workdir)) - before)


def partial(workdir):
    """Returns the names of the files that are being written."""
    for folder in (workdir, workdir / "checkpoints"):
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            continue
        yield from (name for name in names if name.startswith(atomic.TEMPORARY))


def look(folder, before):
    """Checks what a kill left and returns the progress of the last checkpoint."""
    for file in folder.saved():
        archives.verify(file)
    _, progress = folder.latest()
    assert progress.step >= before.step, (progress, before)
    epochs = [row["epoch"] for row in folder.rows()]
    assert epochs == list(range(1, len(epochs) + 1)), epochs
    assert len(epochs) >= progress.epoch, (epochs, progress)
    return progress


def weights(file):
    """Returns {name: array} of all variables in a `.keras` file."""
    variables = {}
    with archives.weights(file) as opened, h5py.File(io.BytesIO(opened.read())) as all_:
        all_.visititems(
            lambda name, item: variables.update(
                {name: item[()]} if isinstance(item, h5py.Dataset) else {}
            )
        )
    return variables


def same(run, other):
    """Asserts that two runs have the same models and rows."""
    for file, its in ((run.model, other.model), (run.best, other.best)):
        one, two = weights(file), weights(its)
        assert one.keys() == two.keys()
        assert all(np.array_equal(one[name], two[name]) for name in one)
    plain = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in each.rows()]
        for each in (run, other)
    ]
    assert plain[0] == plain[1]


def main(count, where, seed=0):
    where.mkdir(parents=True, exist_ok=True)
    folder, chance = RunFolder(where / "killed"), random.Random(seed)
    progress, writing = folder.latest()[1], 0
    for number in range(1, count + 1):
        writing += kill_one(folder.path, chance)
        progress = look(folder, progress)
        print(f"kill {number}: step {progress.step}, {writing} in a write", flush=True)
    last = f"--epochs={progress.epoch + 1}"
    finished(folder.path, last)
    whole = RunFolder(where / "whole")
    finished(whole.path, last)
    same(folder, whole)
    assert not list(folder.path.rglob(f"{atomic.TEMPORARY}*"))
    print(f"{count} kills, {writing} in a write, {progress.epoch} epochs: as if none")


if __name__ == "__main__":
    main(int(sys.argv[1]), pathlib.Path(sys.argv[2]))
