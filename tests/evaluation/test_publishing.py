"""Tests how a finished run becomes a preset, and which runs do not."""

import json
import os
import shutil

import numpy as np
import pytest
import shelf
import tiny_runs
from PIL import Image
from untrained import FEW, cache  # noqa: F401
from verbs import called

import zoo
from zoo import evaluation
from zoo.commands import publish, verify
from zoo.evaluation import cards, sheets
from zoo.pretrained import presets

TINY = tiny_runs.of("gan")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Returns the folder of a tiny GAN's run on digits, finished and measured."""
    path = tmp_path_factory.mktemp("runs") / "gan-digits"
    tiny_runs.trained(path, "--epochs=1", base=TINY)
    evaluation.evaluate(path, FEW).write()
    return path


@pytest.fixture
def copy(run, tmp_path):
    """Returns a copy of the run, which a test may spoil."""
    return shutil.copytree(run, tmp_path / "run")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shelf.use(monkeypatch, tmp_path / "presets")


@pytest.mark.slow
def test_a_finished_run_becomes_a_preset(run, folder, capsys):
    assert called(publish, f"--workdir={run}", "--limit=It is tiny") == 0
    assert "gan/digits: " in capsys.readouterr().out
    names = {file.name for file in folder.iterdir()}
    assert names == {f"gan-digits.{kind}" for kind in ("json", "npz", "png", "md")}
    preset, model = presets.find("gan/digits"), zoo.load(run)
    made = zoo.get("gan", weights="digits").sample(9, seed=3)
    np.testing.assert_allclose(made, model.sample(9, seed=3), atol=0.01)
    scores = json.loads((run / "evaluation.json").read_text())
    assert preset.scores == scores["scores"] and preset.protocol == scores["protocol"]
    assert "single precision" in preset.scores_of
    card = (folder / "gan-digits.md").read_text()
    words = [preset.sha256, "It is tiny", "CC BY 4.0", "Frechet distance", "width=4"]
    words += [preset.commands["train"], "experiments.publish", 'weights="digits"']
    assert all(word in card for word in words)
    with Image.open(folder / "gan-digits.png") as sheet:
        assert min(sheet.size) > 8 * 8
    assert preset.settings["data_dir"] is None
    (row,) = zoo.presets()
    assert row["name"] == "gan/digits" and row["data"] == "digits"


@pytest.mark.slow
def test_rounded_weights_are_measured_and_verified(run, folder, capsys):
    flags = [f"--workdir={run}", "--without=discriminator", "--scores"]
    assert called(publish, *flags) == 0
    preset = presets.find("gan/digits")
    assert "half precision" in preset.scores_of and list(preset.weights) == [
        "generator"
    ]
    assert "discriminator are not in the file" in preset.limits[0]
    assert called(verify, "--weights=gan/digits", "--scores") == 0
    assert "scores agree" in capsys.readouterr().out
    path = folder / "gan-digits.json"
    content = json.loads(path.read_text())
    content["scores"]["frechet"] *= 1.1
    path.write_text(json.dumps(content))
    assert called(verify, "--weights=gan/digits", "--scores") == 1
    assert "WRONG  frechet is" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_without_an_end_scores_or_whole_files_is_no_preset(copy, folder, capsys):
    def refused(word, *flags):
        assert called(publish, f"--workdir={copy}", *flags) == 1
        assert word in capsys.readouterr().err
        assert not list(folder.glob("*.json"))

    refused("is called gan/NAME", "--name=vae/digits")
    refused("is called gan/NAME", "--name=gan/../x")
    refused("did you mean 'discriminator'", "--without=discriminater")
    refused("at least one network", "--without=discriminator,generator")
    scores = json.loads((copy / "evaluation.json").read_text())
    scores["details"]["file_sha256"] = "0" * 64
    (copy / "evaluation.json").write_text(json.dumps(scores))
    refused("not those of its model.keras")
    del scores["details"]["file_sha256"]  # as before 0.4.0
    (copy / "evaluation.json").write_text(json.dumps(scores))
    os.utime(copy / "evaluation.json", (0, 0))
    refused("not those of its model.keras")
    (copy / "evaluation.json").rename(copy / "other.json")
    refused("has no scores (evaluation.json); `python -m experiments.evaluate")
    (copy / "curves.png").write_text("another")
    refused("curves.png: another content")
    (copy / "SHA256SUMS").unlink()
    refused("SHA256SUMS: missing")
    (copy / "model.keras").unlink()
    refused("run that is finished")


@pytest.mark.slow
def test_too_many_weights_are_told_by_network(run, folder, capsys, monkeypatch):
    monkeypatch.setattr("zoo.pretrained.presets.record.MOST_WEIGHTS", 100)
    assert called(publish, f"--workdir={run}") == 1
    error = capsys.readouterr().err
    assert "at most 100 weights" in error
    assert "discriminator " in error and "--without=NETWORK" in error
    assert not folder.exists()


@pytest.mark.slow
def test_a_slim_file_is_the_model_without_its_optimizers(run, tmp_path, capsys):
    out = tmp_path / "slim.keras"
    assert called(publish, f"--workdir={run}", "--slim", f"--out={out}") == 0
    assert str(out) in capsys.readouterr().out
    slim, model = zoo.load(out), zoo.load(run)
    assert out.stat().st_size < 0.8 * (run / "model.keras").stat().st_size
    assert not slim.compiled
    assert np.array_equal(slim.sample(4, seed=1), model.sample(4, seed=1))
    assert all(map(np.array_equal, slim.get_weights(), model.get_weights()))
    slim.fit(np.zeros((4, 8, 8, 1), "uint8"), epochs=1, verbose=0)


def test_the_licence_of_the_data_is_known_or_asked_for():
    assert "MIT" in cards.licence("fashion_mnist")
    assert cards.licence("moving:digits") == cards.licence("digits")
    with pytest.raises(ValueError, match="--licence says.*dataset='folder:mine'"):
        cards.licence("folder:mine")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, kinds", [("cgan", 1), ("ae", 2), ("pix2pix", 3), ("classifier", 0)]
)
def test_a_sheet_shows_what_a_model_makes(name, kinds, trained):
    rows = sheets.rows(trained(name).model, shelf.SETTINGS)
    assert len(rows or ()) == kinds
    assert len({len(images) for images in rows or ()}) <= 1
