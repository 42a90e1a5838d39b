"""Tests of the commands that mix styles and search for those of images."""

import numpy as np
import pytest
import tiny
from PIL import Image
from refusals import refusal
from untrained import folder_of
from verbs import called

import zoo
from zoo import backend
from zoo.commands import mix, project, sample
from zoo.evaluation import styles

pytestmark = pytest.mark.skipif(
    not backend.HAS_TF_DATA, reason="a verb is the same on all backends"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of an untrained model of digits."""
    return folder_of(tmp_path_factory.mktemp("runs") / "stylegan", "stylegan")


def refused(capsys, verb, *flags):
    assert called(verb, *flags) == 1
    return capsys.readouterr().err


def test_a_table_of_mixtures_has_the_images_that_it_mixes_at_its_sides():
    model = tiny.model("stylegan")
    table = styles.mixed(model, [3, 4], [7, 8, 9], 1, 0.5)
    assert table.shape == (3, 4, 8, 8, 1) and (table[0, 0] == 1).all()
    own = {seed: model.sample(1, seed=seed, truncation=0.5)[0] for seed in (4, 9)}
    np.testing.assert_allclose(table[2, 0], own[4], atol=1e-5)
    np.testing.assert_allclose(table[0, 3], own[9], atol=1e-5)
    mixture = model.mix([4], [9], 1, 0.5)[0]
    np.testing.assert_allclose(table[2, 3], mixture, atol=1e-5)
    assert "from 0 to 2. Received: 3" in refusal(styles.mixed, model, [0], [1], 3)


def test_a_picture_of_mixtures_is_drawn(run, capsys):
    assert called(mix, f"--workdir={run}", "--coarse=0,1", "--fine=2") == 0
    assert capsys.readouterr().out == f"written: {run / 'mixing.png'}\n"
    assert Image.open(run / "mixing.png").height > 300
    error = refused(capsys, mix, f"--workdir={run}", "--level=4")
    assert error == "mix: level is an integer from 0 to 3. Received: 4.\n"


@pytest.mark.slow
def test_a_projection_tells_how_far_it_is_and_is_drawn(run, capsys):
    flags = [f"--workdir={run}", "--images=3,5", "--steps=20"]
    assert called(project, *flags) == 0
    *steps, written = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1]) for line in steps] == list(range(2, 21, 2))
    errors = [float(line.split()[-1]) for line in steps]
    assert errors[-1] < errors[0]
    assert written == f"written: {run / 'projection.png'}"
    assert (run / "projection.png").stat().st_size > 1000
    error = refused(capsys, project, f"--workdir={run}", "--images=100000")
    assert "A test image's number" in error


def test_samples_of_a_command_keep_to_the_mean_style(run, tmp_path, capsys):
    flags = [f"--workdir={run}", "--num_images=2", "--seed=3", "--truncation=0.25"]
    out = tmp_path / "samples.npz"
    assert called(sample, *flags, f"--out={out}") == 0
    wanted = zoo.load(run).sample(2, seed=3, truncation=0.25)
    wanted = np.clip((wanted + 1) * 127.5, 0, 255)
    assert np.abs(np.load(out)["images"] - wanted).max() <= 1


def test_a_model_without_styles_names_those_that_have_them(tmp_path, capsys):
    run = folder_of(tmp_path / "gan", "gan")
    for verb in (mix, project):
        error = refused(capsys, verb, f"--workdir={run}")
        assert f"'gan' cannot {verb.VERB.name}. Models that can: stylegan." in error
    error = refused(capsys, sample, f"--workdir={run}", "--truncation=0.5")
    assert "has no such option" in error
