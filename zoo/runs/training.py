"""Training a prepared run to its end, with a way back from steps that failed."""

import contextlib
import dataclasses

from zoo.core import faults
from zoo.drawing import figures
from zoo.inputs import feeds
from zoo.runs import (
    callbacks,
    checksums,
    films,
    health,
    lines,
    preparing,
    reports,
    workers,
)
from zoo.runs.quality import Quality
from zoo.runs.trackers import OWN, Trackers

NUM_RECONSTRUCTIONS = 32
PICTURES = {"image": reports.Pictures, "clip": films.Films}  # by what a model makes
ENDLESS = 10**6  # epochs, where only the budget ends a run
MOST_ROLLBACKS = 3


@workers.lost_workers_named()
def train(run, log=OWN, others=()):
    """Trains until the epochs or the budget end, then writes model and curves.

    Args:
        run: The `Run` of `preparing.prepare`.
        log: Names of `trackers` that hear of each epoch.
        others: Callbacks of Keras, a user's; a run that goes on begins with new ones.
    Raises:
        NotFiniteError: where a step makes NaN or infinity and no rollback is left.
        BlockingIOError: if another process trains in the folder now.
        ValueError: if one has trained there since `run` was prepared.
    """
    with run.folder.held():
        run.folder.require_unchanged(run.snapshot)
        while not run.is_finished():
            try:
                _fit(run, log, others)
                break
            except faults.NotFiniteError as fault:
                _roll_back(run, fault)
        run.folder.clear()
        run.model.save(run.folder.model)
        rows = run.folder.rows()
        if rows:
            figures.save_curves(run.folder.curves, rows)
        checksums.write(run.folder)


def _roll_back(run, fault):
    """Puts `run` back to its last checkpoint, the learning rates of the networks that
    `fault` names halved; raises the fault if that is not wanted or was done enough."""
    if run.settings.on_nan != "rollback" or not fault.networks:
        raise fault
    halved = dict(run.progress.halved)
    for network in fault.networks:
        halved[network] = halved.get(network, 0) + 1
    times = max(halved[network] for network in fault.networks)
    if times > MOST_ROLLBACKS:
        raise fault.after_rollbacks(MOST_ROLLBACKS)
    checkpoint, progress = run.folder.latest()
    rates = f"rate{'s' * (len(fault.networks) > 1)} of {' and '.join(fault.networks)}"
    sentence = (
        f"step {fault.step} was not finite: back to step {progress.step}, the learning "
        f"{rates} halved ({times} of {MOST_ROLLBACKS})"
    )
    print(sentence, flush=True)
    run.progress = dataclasses.replace(progress, halved=halved)
    run.continuation = {"rolled_back": sentence}
    preparing.begin(run, checkpoint)


def _fit(run, log, others):
    """Fits from the progress of `run` on, with all that goes on beside the steps."""
    settings, folder = run.settings, run.folder
    logs = Trackers(run, log)
    kind = workers if settings.strategy == "multi_worker" else callbacks
    clock = kind.Clock(run.progress, settings.minutes, run.steps_per_epoch)
    interrupt = kind.Interrupt(folder, clock)
    line = lines.Line(settings, run.progress, run.steps_per_epoch)
    watchers = [
        clock,
        workers.Finite(clock) if kind is workers else faults.Finite(),
        *([Quality(settings, run.images, _prompts(run))] if settings.frechet else []),
        reports.Record(run, _facts(run), logs),
        PICTURES[run.model.makes](run, NUM_RECONSTRUCTIONS, logs),
        health.Health(settings, run.images),
        *others,
        callbacks.Checkpoints(folder, settings, clock, logs),
        *([line] if run.is_chief else []),
        interrupt,
    ]
    with interrupt, contextlib.closing(logs), contextlib.closing(line):
        _fit_epochs(run, watchers)


def _facts(run):
    """What run.json tells beside the settings and the circumstances."""
    return {
        "parameters": run.parameters(),
        "image_shape": run.model.image_shape,
        "steps_per_epoch": run.steps_per_epoch,
        "data": run.data,
        "rules": run.dataset.info.rules,
    }


def _fit_epochs(run, watchers):
    """Fits to the end; an epoch that was left in the middle is finished first."""
    settings, progress = run.settings, run.progress
    how = {"validation_data": run.validation, "callbacks": watchers, "verbose": 0}
    how["shuffle"] = False  # the data set shuffles
    if progress.batch:
        rest = run.train.skip(progress.batch * run.model.joined_batches)
        epoch = progress.epoch
        span = {"initial_epoch": epoch, "epochs": epoch + 1}
        if int(rest.cardinality()) == 1:
            # As arrays: of a data set the look that `fit` takes would be the epoch.
            feed = feeds.look(rest, layout=run.model.layout)
            span["batch_size"], rest = feed.rows, feed.first
        run.model.fit(rest, **span, **how)
    if not run.model.stop_training and not run.is_finished():
        last = settings.epochs or ENDLESS
        run.model.fit(run.train, initial_epoch=progress.epoch, epochs=last, **how)


def _prompts(run):
    """Captions by which samples are measured, or None for a model that takes none."""
    if "caption" not in run.dataset.fields:
        return None
    return run.dataset.prompts(run.settings, run.settings.frechet)
