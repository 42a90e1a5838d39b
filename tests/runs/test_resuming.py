"""Tests that every model goes on to the bit after a kill in the middle of an epoch."""

import json
import pathlib
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import tiny
from tiny_runs import assert_same, of, prepare, trained

import zoo
from zoo.files import archives
from zoo.runs import callbacks, circumstances, training
from zoo.runs import folder as runs

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("begun") / "run", "--epochs=1").folder


@pytest.fixture
def begun(first_epoch, tmp_path):
    """Returns the folder of a run of one epoch; each test gets a copy."""
    return shutil.copytree(first_epoch.path, tmp_path / "run")


class KilledError(BaseException):
    """Raised to end a training without a word, as SIGKILL does."""


def killed(monkeypatch, workdir, *flags, at, base):
    """Trains until the step `at` begins, (epoch, batch from 1), and is killed there."""
    begin = callbacks.Clock.on_train_batch_begin

    def clock(self, batch, logs=None):
        begin(self, batch, logs)
        if (self.progress.epoch, self.progress.batch) == at:
            self.kill = True

    def save(self, batch, logs=None):
        checkpoint(self, batch, logs)
        if getattr(self.clock, "kill", False):
            raise KilledError

    checkpoint = callbacks.Checkpoints.on_train_batch_begin
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Clock, "on_train_batch_begin", clock)
        patch.setattr(callbacks.Checkpoints, "on_train_batch_begin", save)
        with pytest.raises(KilledError):
            trained(workdir, *flags, base=base)


@tiny.few("gan")
def test_every_model_goes_on_from_within_an_epoch_to_the_bit(
    name, tmp_path, monkeypatch
):
    whole = trained(tmp_path / "whole", "--epochs=2", base=of(name))
    steps = whole.steps_per_epoch
    flags = ("--epochs=2", f"--checkpoint_every={steps + 1}")
    # The checkpoint within the second epoch is written when its second step begins.
    at = (1, 2)
    killed(monkeypatch, tmp_path / "run", *flags, at=at, base=of(name))
    run = prepare(tmp_path / "run", *flags, base=of(name))
    assert (run.progress.epoch, run.progress.batch) == (1, 1)
    training.train(run)
    assert_same(run, whole)


def in_a_process(workdir, *flags):
    """Trains in a process of its own and waits for its end; returns the run's
    folder."""
    command = [sys.executable, "-m", "experiments.train", f"--workdir={workdir}"]
    subprocess.run([*command, *flags], check=True, cwd=ROOT, capture_output=True)
    return runs.RunFolder(workdir)


def content(folder):
    """Returns what a finished run holds: all variables, and the rows without their
    seconds."""
    with archives.weights(folder.model) as weights, h5py.File(weights) as file:
        variables = {}
        file.visititems(lambda name, item: variables.update({name: item}))
        variables = {
            k: v[()] for k, v in variables.items() if isinstance(v, h5py.Dataset)
        }
    rows = [row | {"seconds": 0} for row in folder.rows()]
    return variables, rows


@tiny.few()  # for the VAE, CI runs it in test_runs.py
def test_every_model_goes_on_in_a_new_process_to_the_bit(name, tmp_path):
    base = of(name)
    whole = content(in_a_process(tmp_path / "whole", "--epochs=2", *base))
    in_a_process(tmp_path / "run", "--epochs=1", *base)
    again = content(in_a_process(tmp_path / "run", "--epochs=2", *base))
    assert len(whole[0]) > 10 and list(again[0]) == list(whole[0])
    assert all(np.array_equal(again[0][key], whole[0][key]) for key in whole[0])
    assert again[1] == whole[1] and len(whole[1]) == 2


@pytest.mark.slow
def test_checkpoints_within_an_epoch_leave_no_trace_in_training(tmp_path):
    flags = ("--epochs=2",)
    run = trained(tmp_path / "run", *flags, "--checkpoint_every=2")
    assert_same(run, trained(tmp_path / "other", *flags))
    assert [file.stem for file in run.folder.saved()] == ["00000004", "00000006"]


@pytest.mark.slow
def test_other_settings_go_on_by_force_and_are_recorded(begun):
    changes = ("--batch_size=300", "--seed=1", "--classes=0,1,2")
    for flag in changes:
        with pytest.raises(ValueError, match="by --force"):
            prepare(begun, "--epochs=2", flag)
    flags = ("--epochs=2", *changes)
    run = trained(begun, *flags, "--force")
    assert [row["epoch"] for row in run.folder.rows()] == [1, 2]
    record = json.loads(run.folder.record.read_text())
    differences = " ".join(record["continued"][0]["forced"])
    assert all(name in differences for name in ("batch_size", "seed", "classes"))
    assert record["settings"] == run.settings.plain()
    assert prepare(begun, *flags).is_finished()


@pytest.mark.slow
def test_other_images_under_the_same_name_go_on_by_force_alone(tmp_path):
    file, rng = tmp_path / "set.npz", np.random.default_rng(0)
    flags = (f"--dataset=npz:{file}", "--batch_size=9")

    def write(images):
        np.savez(file, images=images, labels=np.arange(len(images)) % 2)

    images = rng.integers(0, 256, (40, 8, 8), "uint8")
    write(images)
    trained(tmp_path / "run", "--epochs=1", *flags)
    assert prepare(tmp_path / "run", "--epochs=2", *flags).resumed
    write(rng.integers(0, 256, (40, 8, 8), "uint8"))
    with pytest.raises(ValueError, match="images of .* not those that it began with"):
        prepare(tmp_path / "run", "--epochs=2", *flags)
    run = trained(tmp_path / "run", "--epochs=2", *flags, "--force")
    record = json.loads(run.folder.record.read_text())
    assert "not those that it began with" in record["continued"][0]["forced"][0]
    assert prepare(tmp_path / "run", "--epochs=3", *flags).resumed


@pytest.mark.slow
def test_a_forced_change_of_the_networks_is_refused_by_their_weights(begun):
    with pytest.raises(ValueError, match="variables are not the model's"):
        prepare(begun, "--epochs=2", "--set=latent_dim=3", "--force")


@pytest.mark.slow
def test_another_version_of_the_code_is_warned_about(begun, monkeypatch, caplog):
    caplog.clear()
    prepare(begun, "--epochs=2")
    assert caplog.text == ""
    now = circumstances.circumstances()
    other = now | {"git_commit": "0123", "versions": now["versions"] | {"zoo": "9.9"}}
    monkeypatch.setattr(circumstances, "circumstances", lambda: other)
    prepare(begun, "--epochs=2")
    assert f"zoo was {zoo.__version__} and is 9.9" in caplog.text
    assert "commit was " in caplog.text and "is 0123" in caplog.text
