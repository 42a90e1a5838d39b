"""Finished runs of recipes on Fashion-MNIST, and what is read of them once."""

import dataclasses
import functools
import pathlib

import numpy as np

import zoo
from zoo import data
from zoo.commands import reproduce
from zoo.inputs import pixels
from zoo.pretrained import features as presets

DATASET = "fashion_mnist"


@dataclasses.dataclass(frozen=True)
class Runs:
    """Where the finished runs are, and how they are measured.

    Attributes:
        folder: Folder of the runs of recipes.
        seed: Of binarisation, importance samples and images.
        k: Importance samples an image.
    """

    folder: pathlib.Path
    seed: int = 0
    k: int = 1000

    def path(self, name):
        """Returns the run folder of a recipe."""
        return reproduce.folder(self.folder, f"{name}-{DATASET}")

    def is_finished(self, name):
        """Whether the training of a recipe has ended."""
        return (self.path(name) / "model.keras").exists()

    def load(self, name):
        """Returns the trained model of a recipe."""
        return zoo.load(self.path(name))

    @functools.cached_property
    def test(self):
        """The 10,000 test images, uint8, and their labels."""
        return data.arrays(DATASET, "test")

    @functools.cached_property
    def judge(self):
        """The classifier of zoo/pretrained/weights, which says what is on images."""
        return presets.extractor(DATASET)

    def drawn(self, path):
        """10,000 samples of the model in a folder, uint8, and the labels asked for: of
        a conditional model each class as often, as among the test images; else None."""
        if path not in self._drawn:
            model = zoo.load(path)
            labels = np.arange(10_000) % 10 if model.can("labels") else None
            samples = model.sample(10_000, labels=labels, seed=self.seed)
            self._drawn[path] = pixels.to_uint8(samples), labels
        return self._drawn[path]

    @functools.cached_property
    def _drawn(self):
        return {}
