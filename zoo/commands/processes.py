"""Runs trainings in processes of their own, so that none leaves anything for the
next."""

import contextlib
import io
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent import futures

from absl import logging

from zoo import commands
from zoo.commands import train as verb


def train(flags, workdir, number):
    """Runs `experiments.train` into `workdir`; returns its exit code.

    Args:
        flags: The other flags, as typed.
        number: Which training of how many, such as "1/4", to say so.
    Raises: KeyboardInterrupt: if the training was interrupted.
    """
    print(f"[{number}] {workdir}", flush=True)
    command = [sys.executable, "-m", "zoo", "train", *flags]
    start = time.perf_counter()
    code = subprocess.run([*command, f"--workdir={workdir}"]).returncode
    minutes = (time.perf_counter() - start) / 60
    print(f"[{number}] exit code {code} after {minutes:.1f} minutes", flush=True)
    if code in (130, 143):
        raise KeyboardInterrupt
    return code


def train_all(jobs):
    """Trains several models; none twice, and none before all were checked.

    Args:
        jobs: {run folder: flags of `experiments.train` without --workdir}.
    Raises: ValueError, OSError: if a command line is wrong or a training fails.
    """
    from zoo.runs import preparing

    finished = []
    for workdir, flags in jobs.items():
        verb.VERB.parse(["train", *flags, f"--workdir={workdir}"])
        run = preparing.prepare(verb.VERB.flags.flag_values_dict())
        if run.is_finished() and run.folder.model.is_file():
            finished.append(workdir)
    for number, (workdir, flags) in enumerate(jobs.items(), 1):
        if workdir not in finished and train(flags, workdir, f"{number}/{len(jobs)}"):
            raise ValueError(f"The training failed. Received: {workdir}.")


def train_side_by_side(jobs, workers=2):
    """Trains many small models quietly, each worker one after the other: of trainings
    of seconds, starting a process for each would take the longest.

    Args:
        jobs: As of `train_all`; a finished run is left as it is.
        workers: Processes.
    Raises: ValueError, OSError: if a command line is wrong or a training fails; the
        trainings that have not begun then never do.
    """
    # TensorFlow does not work after a fork.
    context = multiprocessing.get_context("spawn")
    threads = max((os.cpu_count() or 1) // workers, 1)
    pool = futures.ProcessPoolExecutor(workers, context, _begin, (threads,))
    try:
        running = {
            pool.submit(_train_quietly, [*flags, f"--workdir={workdir}"]): workdir
            for workdir, flags in jobs.items()
        }
        for number, done in enumerate(futures.as_completed(running), 1):
            done.result()
            print(f"[{number}/{len(jobs)}] {running[done]}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(threads):
    """Prepares a worker, which must leave the other cores to the other workers."""
    commands.import_quietly()
    from zoo import backend

    backend.limit_threads(threads)


def _train_quietly(flags):
    """Runs in a worker: trains as `experiments.train` does, but prints nothing."""
    from zoo.runs import preparing, training

    logging.set_verbosity(logging.ERROR)
    verb.VERB.parse(["train", *flags])
    with contextlib.redirect_stdout(io.StringIO()):
        run = preparing.prepare(verb.VERB.flags.flag_values_dict())
        if not (run.is_finished() and run.folder.model.is_file()):
            training.train(run)
