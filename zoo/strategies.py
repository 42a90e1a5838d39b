"""Strategies of `tf.distribute` by name; TensorFlow is imported only when one is made.

A model must be made inside the strategy's scope, and the last incomplete batch must be
dropped: a replica without rows makes the loss NaN.
"""

import contextlib
import os

import keras

NAMES = ("auto", "one_device", "mirrored", "multi_worker")


def create(name="auto"):
    """Strategy named `name`, or None where one device does the work.

    "auto" is "mirrored" with two or more GPUs under TensorFlow, otherwise "one_device".

    Raises: ValueError: if the name is unknown or the strategy cannot work here.
    """
    if name == "parameter_server":
        raise ValueError(
            "Keras 3 cannot train under ParameterServerStrategy, not even a plain "
            "model; use --strategy=mirrored or multi_worker. "
            "Received: strategy='parameter_server'."
        )
    if name not in NAMES:
        raise ValueError(
            f"A strategy is one of {', '.join(NAMES)}. Received: strategy={name!r}."
        )
    on_tensorflow = keras.backend.backend() == "tensorflow"
    if name == "one_device" or (name == "auto" and not on_tensorflow):
        return None
    if not on_tensorflow:
        raise ValueError(
            f"Strategy {name!r} needs the TensorFlow backend. Received: "
            f"KERAS_BACKEND={keras.backend.backend()}."
        )
    return _create(name)


def _create(name):
    import tensorflow as tf

    if name == "auto":
        several = len(tf.config.list_logical_devices("GPU")) > 1
        return tf.distribute.MirroredStrategy() if several else None
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if not os.environ.get("TF_CONFIG"):
        raise ValueError(
            "Strategy 'multi_worker' needs the environment variable TF_CONFIG with "
            "the workers' addresses and this worker's index. Received: none."
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def scope(strategy):
    """Context manager in which models are made for `strategy` (None: one device)."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()
