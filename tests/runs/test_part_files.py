"""Tests runs whose model has a trained model as a part."""

import json
import shutil

import numpy as np
import pytest
import throwaway
import tiny
from tiny_runs import assert_same, prepare, trained

from zoo.commands import repeated
from zoo.files import sums

LATENTS = ["--model=latents", "--image_size=8", "--batch_size=450"]


@pytest.fixture(scope="module", autouse=True)
def known():
    with throwaway.registered():
        yield


@pytest.fixture
def autoencoder(tmp_path):
    """Returns the file of a trained autoencoder."""
    model = tiny.model("ae")
    model.fit(tiny.images(8), verbose=0)
    model.save(tmp_path / "ae.keras")
    return tmp_path / "ae.keras"


@pytest.mark.slow
def test_a_part_is_read_once_and_goes_on_from_the_checkpoint(tmp_path, autoencoder):
    flags = [f"--set=autoencoder={autoencoder}"]
    whole = trained(tmp_path / "whole", "--epochs=2", *flags, base=LATENTS)
    half = trained(tmp_path / "half", "--epochs=1", *flags, base=LATENTS)
    settings = json.loads(half.folder.record.read_text())["settings"]
    digest = sums.sha256(autoencoder)
    file = {"file": str(autoencoder), "sha256": digest}
    assert settings["parts"] == {"autoencoder": file}
    assert settings["config"]["autoencoder"]["name"] == "ae"
    part = half.model.autoencoder
    autoencoder.unlink()
    flags += ["--epochs=2", "--schedule_epochs=1"]
    resumed = trained(tmp_path / "half", *flags, base=LATENTS)
    assert_same(whole, resumed)
    for one, other in zip(part.weights, resumed.model.autoencoder.weights, strict=True):
        np.testing.assert_array_equal(*tiny.values([one, other]))


@pytest.mark.slow
def test_the_command_that_repeats_a_run_names_the_file_of_its_part(
    tmp_path, autoencoder
):
    flag = f"--set=autoencoder={autoencoder}"
    run = trained(tmp_path / "run", "--epochs=1", flag, base=LATENTS)
    line = repeated.command(run.folder.record, ["train"])
    assert flag in line and not [each for each in line if "parts" in each]


@pytest.mark.slow
def test_another_part_is_another_run(tmp_path, autoencoder):
    flags = [f"--set=autoencoder={autoencoder}"]
    trained(tmp_path / "run", "--epochs=1", *flags, base=LATENTS)
    shutil.copy(autoencoder, tmp_path / "copy.keras")
    flags = ["--epochs=2", f"--set=autoencoder={tmp_path / 'copy.keras'}"]
    with pytest.raises(ValueError, match="holds another run: parts autoencoder is"):
        prepare(tmp_path / "run", *flags, base=LATENTS)


@pytest.mark.slow
def test_a_part_that_cannot_be_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    for path, sentence in (
        ("nowhere.keras", "no such file or folder"),
        ("broken.keras", "no complete .keras file"),
    ):
        flags = ["--epochs=1", f"--set=autoencoder={tmp_path / path}"]
        with pytest.raises((ValueError, FileNotFoundError), match=sentence):
            prepare(tmp_path / "run", *flags, base=LATENTS)
    with pytest.raises(ValueError, match="needs the setting 'autoencoder': a tr"):
        prepare(tmp_path / "run", "--epochs=1", base=LATENTS)
    assert not (tmp_path / "run").exists()


def test_data_without_a_field_that_the_model_takes_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match="learns from image, caption, and 'digits' has"
    ):
        prepare(tmp_path / "run", "--epochs=1", base=["--model=captioned"])
    assert not (tmp_path / "run").exists()
