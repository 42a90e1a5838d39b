"""Tests the verb that makes films, on untrained tiny models and on kept pictures."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tiny
import tiny_runs
from untrained import folder_of
from verbs import ROOT, called

import zoo
from zoo.commands import film
from zoo.core import saving
from zoo.core.capabilities import models_that_can
from zoo.drawing import films, plots
from zoo.inputs import pixels
from zoo.runs import grids

SHORT = ["--seconds=1", "--fps=6", "--num_images=3"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(name) -> the run folder of an untrained model of that name."""
    folders = tmp_path_factory.mktemp("runs")

    def of(name):
        folder = folders / name
        if not folder.exists():
            model = saving.load(folder_of(folder, name))
            for weights in model.weights:
                if "kernel" in weights.path:  # images differ then, as after training
                    weights.assign((20 if name == "gan" else 3) * weights)
            model.save(folder / "model.keras")
        return folder

    return of


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    """Has a model, and what was compiled for it, serve all tests."""
    load, models = zoo.load, {}

    def loaded(path):
        if str(path) not in models:
            models[str(path)] = load(path)
        return models[str(path)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "load", loaded)
        yield


@pytest.fixture
def pictured(tmp_path):
    """Returns the folder of a run that kept pictures of the epochs 1, 2 and 10; and
    their images `[3, 64, 8, 6, 1]`."""
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 8, 6, 1), np.uint8)
    folder = tmp_path / "run"
    (folder / "samples").mkdir(parents=True)
    record = {"settings": {"epochs": 10, "model": "gan"}, "image_shape": [8, 6, 1]}
    (folder / "run.json").write_text(json.dumps(record))
    for epoch, each in zip((1, 2, 10), images):
        plots.save_grid(folder / "samples" / f"{epoch:04d}.png", each, columns=8)
    return folder, images


def frames_of(folder, name, fps=6):
    return films.read(folder / name, fps)


def assert_shows(frame, images, columns=8, text=True):
    """Asserts that a frame of a GIF is a grid of `images`, greys but for rounding."""
    expected = films.draw(images[None], [""] if text else None, columns)[0]
    frame, expected = (x[films.STRIP * text :].astype(int) for x in (frame, expected))
    assert frame.shape[:2] == expected.shape[:2]
    assert abs(frame - expected).max() <= 3


# --- training -------------------------------------------------------------------------


def test_a_training_shows_the_pictures_of_its_epochs_in_order(pictured, capsys):
    folder, images = pictured
    assert called(film, f"--workdir={folder}", *SHORT[:2], "--kind=training") == 0
    out = capsys.readouterr().out
    assert re.search(r"training: 6 frames of \d+x\d+, \d+\.\d MB", out)
    assert out.endswith(f"written: {folder / 'training.gif'}\n")
    frames = frames_of(folder, "training.gif")
    assert len(frames) == 6 + round(6 * film.PAUSE)
    for number in range(3):
        assert_shows(frames[2 * number], images[number])
    assert (frames[1] == frames[0]).all() and (frames[5:] == frames[5]).all()


def test_a_training_may_show_fewer_images(pictured):
    folder, images = pictured
    flags = [f"--workdir={folder}", "--kind=training", *SHORT, "--columns=2"]
    assert called(film, *flags, f"--out={folder / 'a.gif'}") == 0
    assert_shows(frames_of(folder, "a.gif")[0], images[0, :3], columns=2)


def test_a_training_needs_no_framework(pictured):
    folder, _ = pictured
    script = "import sys; from zoo.commands import film, start\n"
    script += f"code = start(film.VERB, film.main, ['film', '--workdir={folder}', "
    script += "'--kind=training'])\n"
    script += "assert not {'keras', 'tensorflow'} & set(sys.modules)\nsys.exit(code)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert (folder / "training.gif").exists()


def test_of_an_autoencoder_the_reconstructions_are_the_film(pictured):
    folder, images = pictured
    for file in (folder / "samples").glob("*.png"):
        file.rename(file.with_name(f"{file.stem}_reconstructions.png"))
    assert called(film, f"--workdir={folder}", "--kind=training", *SHORT[:2]) == 0
    assert_shows(frames_of(folder, "training.gif")[0], images[0])


@pytest.mark.slow
def test_a_run_keeps_what_a_film_of_it_takes(tmp_path):
    flags = ["--epochs=2", "--image_every=1"]
    tiny_run = tiny_runs.trained(tmp_path / "run", *flags)
    pictures = grids.files(tiny_run.folder)
    assert list(pictures) == [1, 2]
    images = grids.images(pictures[2], tiny_run.model.image_shape)
    expected = pixels.to_uint8(tiny_run.model.sample(64, seed=0))
    assert abs(images.astype(int) - expected).max() <= 1
    assert called(film, f"--workdir={tmp_path / 'run'}", "--kind=training") == 0


def test_what_makes_no_film_of_a_training_is_one_sentence(pictured, capsys):
    folder, images = pictured
    flags = [f"--workdir={folder}", "--kind=training"]

    def refusal():
        assert called(film, *flags) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "Received: " in error
        assert not list(folder.glob("*.gif"))
        return error

    first, second, last = sorted((folder / "samples").iterdir())
    last.write_bytes(last.read_bytes()[:100])
    assert f"damaged, or none of this run's images. Received: {last}" in refusal()
    plots.save_grid(last, images[0, :40], columns=8)
    assert "different numbers of images" in refusal()
    last.unlink()
    second.unlink()
    assert "--image_every=1. Received: 1" in refusal()
    first.unlink()
    assert "--image_every=1. Received: 0" in refusal()
    record = folder / "run.json"
    record.write_text(record.read_text().replace('"gan"', '"classifier"'))
    assert "'classifier' draws no pictures" in (error := refusal())
    assert "Models that do: ae, bigan, cgan, cyclegan, ddpm" in error


def test_a_model_outside_a_run_has_no_training(tmp_path, capsys):
    file = tmp_path / "a" / "gan.keras"
    file.parent.mkdir()
    tiny.model("gan", (8, 8, 1)).save(file)
    assert called(film, f"--workdir={file}", "--kind=training") == 1
    assert "lies in none" in capsys.readouterr().err


# --- walk -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [pytest.param("gan", marks=pytest.mark.slow), "vae"])
def test_a_walk_begins_with_the_samples_of_its_seeds_and_closes(name, run):
    folder = run(name)
    flags = [f"--workdir={folder}", *SHORT[1:], "--seconds=3", "--seed=5"]
    assert called(film, *flags) == 0  # what these models are known for
    frames = frames_of(folder, "walk.gif")
    assert len(frames) == 18  # without a pause
    samples = zoo.load(folder).sample(9, seed=5)
    assert_shows(frames[0], samples[:3], text=False)
    assert_shows(frames[6], samples[3:6], text=False)
    assert_shows(frames[12], samples[6:], text=False)
    assert abs(samples[:3] - samples[3:6]).mean() > 0.1
    moves = abs(np.diff(frames[[*range(18), 0]].astype(int), axis=0)).mean((1, 2, 3))
    assert moves[-1] <= 1.5 * moves[:-1].max()


@pytest.mark.slow
def test_a_walk_of_an_autoencoder_leads_through_encodings(run):
    folder = run("ae")
    assert called(film, f"--workdir={folder}", *SHORT) == 0
    images = zoo.data.arrays("digits", "test")[0][:3]
    expected = zoo.load(folder).reconstruct(images)
    assert_shows(frames_of(folder, "walk.gif")[0], expected, text=False)


# --- denoising ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddpm", "flow"])
def test_a_denoising_leads_from_noise_to_the_samples(name, run):
    folder = run(name)
    assert called(film, f"--workdir={folder}", *SHORT, "--steps=5") == 0
    frames = frames_of(folder, "denoising.gif")
    path = zoo.load(folder).sample(3, seed=0, steps=5, trajectory=True)
    assert path.shape[1] == 6
    for number in range(6):
        assert_shows(frames[number], path[:, number])
    assert (frames[6:] == frames[5]).all() and len(frames) == 6 + 9


@pytest.mark.slow
def test_a_denoising_takes_labels_in_turn(run, monkeypatch, capsys):
    labels = []
    folder = run("flow")
    model = zoo.load(folder)
    sample = type(model).sample

    def kept(self, *arguments, **options):
        labels.extend(options.get("labels", ()))
        return sample(self, *arguments, **options | {"labels": None})

    monkeypatch.setattr(type(model), "sample", kept)
    flags = [f"--workdir={folder}", *SHORT, "--labels=7,2", "--steps=5"]
    assert called(film, *flags, f"--out={folder / 'a.gif'}") == 0, capsys.readouterr()
    assert labels == [7, 2, 7]


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, flags, expected",
    [
        ("cgan", ["--kind=walk"], "'cgan' cannot decode. Models that can: ae, bigan"),
        ("vae", ["--kind=denoising"], "Models that do: ddpm, flow"),
        ("classifier", [], "'classifier' draws no pictures"),
        ("vae", ["--num_images=1000000000"], "ask for fewer, or for less time"),
        pytest.param(
            *("flow", ["--num_images=1000000000"], "ask for fewer. Received: "),
            marks=pytest.mark.slow,
        ),
        ("vae", ["--steps=3"], "--steps is of a denoising"),
        pytest.param(
            *("flow", ["--sampler=ddim"], "'flow' samples by euler, heun"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_a_model_cannot_do_is_one_sentence(name, flags, expected, run, capsys):
    folder = run(name)
    before = sorted(folder.iterdir())
    record = folder / "run.json"
    settings = json.loads(record.read_text())
    settings["settings"]["model"] = name
    record.write_text(json.dumps(settings))
    assert called(film, f"--workdir={folder}", *flags) == 1
    error = capsys.readouterr().err
    assert expected in error and error.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_an_mp4_without_its_package_is_told_before_the_model_is_loaded(
    run, monkeypatch, capsys
):
    monkeypatch.setattr(films.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(zoo, "load", lambda path: pytest.fail("loaded"))
    assert called(film, f"--workdir={run('gan')}", "--out=a.mp4") == 1
    assert "pip install '.[video]'" in capsys.readouterr().err


def test_models_are_known_by_options_of_their_samples():
    assert models_that_can("trajectory") == ["ddpm", "flow", "latent_diffusion"]
    assert "cgan" in models_that_can("sample") and not models_that_can("fly")
