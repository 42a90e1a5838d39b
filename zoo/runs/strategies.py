"""Strategies by name: several devices, or several workers, train one model.

A model must be made inside the strategy's scope, and the last incomplete batch must be
dropped: a replica without rows makes the loss NaN.
"""

import contextlib
import json
import os

from zoo.runs import rendezvous

NAMES = ("auto", "one_device", "mirrored", "multi_worker")
REFUSED = {
    "parameter_server": "Keras 3 cannot train under ParameterServerStrategy, not even "
    "a plain model; use --strategy=mirrored or multi_worker.",
}


def create(name="auto"):
    """Strategy named `name`, or None where one device does the work.

    "auto" is "mirrored" with two or more GPUs, otherwise "one_device". "multi_worker"
    waits for all workers that TF_CONFIG names, and has to come before any computation.

    Raises:
        ValueError: if the name is unknown or the strategy cannot work here.
        OSError: if a worker's port is taken, or one does not come.
    """
    require(name)
    from zoo import backend  # slow: a name that is wrong need not wait for it

    if name == "multi_worker":
        rendezvous.meet(*cluster())
        return backend.multi_worker()
    if name == "one_device" or (name == "auto" and backend.num_accelerators() < 2):
        return None
    return backend.mirrored()


def require(name):
    """Raises ValueError unless `name` is a strategy's that can work, and TF_CONFIG
    tells the workers of one that has some; imports no framework."""
    if name in REFUSED:
        raise ValueError(f"{REFUSED[name]} Received: strategy={name!r}.")
    if name not in NAMES:
        raise ValueError(
            f"A strategy is one of {', '.join(NAMES)}. Received: strategy={name!r}."
        )
    if name == "multi_worker":
        cluster()


def scope(strategy):
    """Context manager in which models are made for `strategy` (None: one device)."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def cluster():
    """Returns the addresses of all workers and our index, as TF_CONFIG tells them.

    Raises: ValueError: if it tells no such thing.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        (kind, addresses), index = *config["cluster"].items(), config["task"]["index"]
        sound = kind == config["task"]["type"] == "worker" and bool(addresses[index])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        sound = False
    if not sound:
        raise ValueError(
            "--strategy=multi_worker finds its workers in the variable TF_CONFIG, "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", '
            '"index": 0}}, which experiments.launch sets. '
            f"Received: TF_CONFIG={text!r}."
        )
    return addresses, index
