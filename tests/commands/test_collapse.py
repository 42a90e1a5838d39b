"""Tests the picture of mode collapse: what it counts, and when it gives up."""

import types

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import commands
from zoo.commands import collapse, processes
from zoo.pretrained import features as presets


class Judge:
    """A classifier that reads the digit from the value of the first pixel."""

    def probabilities(self, images):
        return np.eye(10)[images[:, 0, 0, 0].astype(int)]


def drawing(digits):
    """A model that draws these digits in turn."""

    def sample(count, seed):
        images = np.zeros((count, 8, 8, 1), "float32")
        images[:, 0, 0, 0] = np.resize(digits, count)
        return images

    return types.SimpleNamespace(sample=sample)


@pytest.fixture
def trained(monkeypatch):
    """Replaces training and loading; returns the run folders that were asked for, in
    order."""
    asked = []
    models = {"gan": [1, 7], "r1": [*range(9)], "wgan": [*range(10)]}

    def train(flags, workdir, number):
        asked.append((workdir.name, flags))
        return 0

    def load(folder):
        name = folder.name.removeprefix("recipe-collapse_").removesuffix("-digits")
        return drawing(models[name])

    monkeypatch.setattr(processes, "train", train)
    monkeypatch.setattr(presets, "extractor", lambda dataset: Judge())
    monkeypatch.setattr(zoo, "load", load)
    return asked


def test_classes_are_counted_and_drawn(trained, tmp_path, capsys):
    out = tmp_path / "deep" / "collapse.png"
    argv = ["collapse", f"--out={out}", f"--runs={tmp_path}", "--num_images=100"]
    assert commands.start(collapse.VERB, collapse.main, argv) == 0
    said = capsys.readouterr().out
    assert [f"{n} of 10 digits" in said for n in (2, 9, 10)] == [True] * 3
    assert [name for name, _ in trained] == [
        f"recipe-{n}-digits" for n in collapse.RECIPES
    ]
    with Image.open(out) as picture:
        assert picture.width > 2 * picture.height


def test_a_training_that_fails_leaves_no_picture(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "train", lambda *job: 1)
    argv = ["collapse", f"--out={tmp_path / 'collapse.png'}", f"--runs={tmp_path}"]
    assert commands.start(collapse.VERB, collapse.main, argv) == 1
    assert not list(tmp_path.iterdir())


def test_its_recipes_differ_in_what_they_show_only():
    names = [f"{name}-digits" for name in collapse.RECIPES]
    plain, r1, wgan = (
        set((collapse.reproduce.RECIPES / f"{name}.flags").read_text().splitlines()[2:])
        for name in names
    )
    changed = {line for line in plain ^ r1 if "workdir" not in line}
    assert changed == {"--set=regularizer=r1"}
    assert not [line for line in plain & wgan if "loss" in line]
