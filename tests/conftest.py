"""What all tests share: two logical CPUs, and tiny models trained once."""

import functools
import io
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the zoo does, if it is first
# Threads that wait for work, of PyTorch and BLAS, would take the other tests' time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import keras
import pytest
import tiny
import tqdm

from zoo import backend
from zoo.core import bar as progress

if backend.NAME == "tensorflow":
    import tensorflow as tf

    # Replicas need devices, and devices are fixed when TensorFlow initialises.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )


@pytest.fixture(autouse=True)
def seeded():
    """Each test draws and computes the same, whichever tests its process ran before."""
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")  # a training's precision outlives it


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
    keras.config.set_dtype_policy("mixed_bfloat16")  # `seeded` takes it back


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """What stands in for stderr: a terminal, on which each bar shows at once."""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    at_once = functools.partialmethod(tqdm.tqdm.__init__, mininterval=0)
    monkeypatch.setattr(tqdm.tqdm, "__init__", at_once)
    monkeypatch.setattr(sys, "stderr", Terminal())
    return sys.stderr
