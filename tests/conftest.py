"""What all tests share: two logical CPUs, and tiny models trained once."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tiny

from zoo import backend

if backend.NAME == "tensorflow":
    import tensorflow as tf

    # Replicas need devices, and devices are fixed when TensorFlow initialises.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )


@pytest.fixture(scope="session")
def trained():
    """trained(name, **config) -> `tiny.Trained`, one for all tests: do not change
    it."""
    cache = {}

    def get(name, **changes):
        key = (name, *sorted(changes.items()))
        if key not in cache:
            cache[key] = tiny.Trained(name, **changes)
        return cache[key]

    return get


@pytest.fixture(scope="session")
def two_replicas():
    """The MirroredStrategy of the test process: a second one would abort it."""
    if backend.NAME != "tensorflow":
        pytest.skip("replicas are TensorFlow's")
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture
def mixed_bfloat16():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(policy)
