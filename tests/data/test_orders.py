"""Tests that batches are those of released versions, because a resumed run must get the
same ones to the bit."""

import hashlib

import numpy as np
import pytest

import zoo.data
from zoo import backend

pytestmark = pytest.mark.any_backend
BATCHES = {  # what is loaded: (start of a SHA-256 of two epochs, options of `load`)
    "training": ("585aa4eb81aa0130", {}),
    "another seed": (
        "8c94cacf65721a1a",
        {"seed": 7, "batch_size": 100, "start_epoch": 3},
    ),
    "flipped": (
        "f0382f1e1d878ae4",
        {"seed": 2, "flip": True, "batch_size": 50, "drop_remainder": True},
    ),
    "chosen": (
        "a4bae19db8a173eb",
        {"classes": (3, 1), "image_size": 8, "batch_size": 64, "flip": True},
    ),
    "in order": ("d92ba6ab1ebdae6d", {"shuffle": False, "flip": True}),
    "no labels": ("8b6effa46ed3fdf4", {"labels": False, "seed": 5}),
    "validation": ("8ef99d209317253e", {"split": "validation"}),
    "both parts": ("4a751bde340d69ba", {"split": "train+validation", "image_size": 32}),
    "test": ("74e2858fc48cd0af", {"split": "test", "batch_size": 100, "shuffle": True}),
}


PIPELINES = ["tf.data", "PyDataset"] if backend.HAS_TF_DATA else ["PyDataset"]


@pytest.fixture(params=PIPELINES)
def pipeline(request, monkeypatch):
    """Makes `load` return what it does on TensorFlow, then on Keras' other backends."""
    monkeypatch.setattr(backend, "HAS_TF_DATA", request.param == "tf.data")


def digest(batches):
    """Returns the start of a SHA-256 of all that two epochs yield, with shapes and
    types."""
    sha = hashlib.sha256()
    for _ in range(2):
        for batch in batches:
            for part in batch if isinstance(batch, tuple) else (batch,):
                array = np.asarray(part)
                sha.update(f"{array.shape} {array.dtype}".encode())
                sha.update(array.tobytes())
    return sha.hexdigest()[:16]


@pytest.mark.parametrize("case", BATCHES)
def test_digits_come_in_the_batches_of_released_versions(case, pipeline):
    released, options = BATCHES[case]
    assert digest(zoo.data.load("digits", **options)) == released
