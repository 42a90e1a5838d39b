"""Strategies by name: several devices train one model.

A model must be made inside the strategy's scope, and the last incomplete batch must be
dropped: a replica without rows makes the loss NaN.
"""

import contextlib

from zoo import backend

NAMES = ("auto", "one_device", "mirrored", "multi_worker")
REFUSED = {
    "parameter_server": "Keras 3 cannot train under ParameterServerStrategy, not even "
    "a plain model; use --strategy=mirrored.",
    # Keras' fit fails under MultiWorkerMirroredStrategy (tensorflow#72388), and its
    # workers must agree on who writes the run folder.
    "multi_worker": "Training on several workers is not there yet; several GPUs of one "
    "machine work with --strategy=mirrored.",
}


def create(name="auto"):
    """Strategy named `name`, or None where one device does the work.

    "auto" is "mirrored" with two or more GPUs, otherwise "one_device".

    Raises: ValueError: if the name is unknown or the strategy cannot work here.
    """
    if name in REFUSED:
        raise ValueError(f"{REFUSED[name]} Received: strategy={name!r}.")
    if name not in NAMES:
        raise ValueError(
            f"A strategy is one of {', '.join(NAMES)}. Received: strategy={name!r}."
        )
    if name == "one_device" or (name == "auto" and backend.num_accelerators() < 2):
        return None
    return backend.mirrored()


def scope(strategy):
    """Context manager in which models are made for `strategy` (None: one device)."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()
