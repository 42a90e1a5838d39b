"""Fixtures of all tests: two logical CPUs, and tiny models that are trained once."""

import functools
import gc
import io
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The zoo sets it too, if it is imported first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Threads of PyTorch and BLAS that wait for work would take time from other tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import keras
import pytest
import tiny
import tqdm

from zoo import backend
from zoo.core import bar as progress

GROWTH = 2**30  # bytes
garbage = {"size": 0}  # of the process when the collector last looked for all of it

if backend.NAME == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.framework import ops

    gradients = ops.gradient_registry._registry
    # Replicas need devices, and these cannot change once TensorFlow has started.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )


def pytest_configure(config):
    if "full" not in config.option.markexpr.replace("not full", ""):
        tiny.skip_graph_passes()


def pytest_collection_finish(session):
    """Spares the collector of garbage the objects of the frameworks, which stay, and
    has it look for the rest less often: a sixth of all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    garbage["size"] = _resident()


def pytest_runtest_teardown(item, nextitem):
    """Has the collector look for everything once the process has grown by 1 GB.

    TensorFlow keeps the gradient of each `custom_gradient` for good, and by it the
    graph that it was traced in: one of every model that a test trained.
    """
    if _resident() > garbage["size"] + GROWTH:
        if backend.NAME == "tensorflow":
            for name in [n for n in gradients if n.startswith("CustomGradient-")]:
                del gradients[name]
        gc.collect()
        garbage["size"] = _resident()


def _resident():
    """The bytes of memory that this process holds; 0 where that is not told."""
    try:
        pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * 4096


@pytest.fixture(autouse=True)
def seeded():
    """Makes each test draw and compute the same, whatever tests its process ran
    before."""
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")  # the precision of a training outlives it


@pytest.fixture(scope="session")
def trained():
    """Returns trained(name, **config), which gives a `tiny.Trained`. All tests share
    it, so they must not change it."""
    cache = {}

    def get(name, **changes):
        key = (name, *sorted(changes.items()))
        if key not in cache:
            cache[key] = tiny.Trained(name, **changes)
        return cache[key]

    return get


@pytest.fixture(scope="session")
def two_replicas():
    """Returns the MirroredStrategy of the test process, which a second one would
    abort."""
    if backend.NAME != "tensorflow":
        pytest.skip("replicas are TensorFlow's")
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture
def mixed_bfloat16():
    # `seeded` resets it before the next test.
    keras.config.set_dtype_policy("mixed_bfloat16")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Replaces stderr by a terminal, on which each bar shows at once, and returns
    it."""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    at_once = functools.partialmethod(tqdm.tqdm.__init__, mininterval=0)
    monkeypatch.setattr(tqdm.tqdm, "__init__", at_once)
    monkeypatch.setattr(sys, "stderr", Terminal())
    return sys.stderr
