"""Tests what hears of a run's epochs beside its own files: trackers and callbacks."""

import csv
import subprocess
import sys
import textwrap

import keras
import pytest
import tiny_runs

from zoo.commands import train as verb
from zoo.runs import plugins, trackers, training


class Listener:
    """A tracker that keeps what it hears."""

    heard, keys, failing = [], [], ()

    def __init__(self, title, facts, key):
        self._fail("init")
        self.key = key or f"key of {title}"
        self.keys.append(key)
        self.heard.append(("facts", facts["model"], facts["config.latent_dim"]))

    def _fail(self, method):
        if method in self.failing:
            raise RuntimeError("the service has gone away")

    def scalars(self, epoch, values):
        self._fail("scalars")
        self.heard.append(("scalars", epoch, values))

    def picture(self, epoch, tag, picture):
        self.heard.append(("picture", epoch, tag, picture.dtype.name))

    def close(self):
        self.heard.append(("close",))


@pytest.fixture
def listener(monkeypatch):
    for name in ("heard", "keys"):
        monkeypatch.setattr(Listener, name, [])
    monkeypatch.setitem(trackers.KINDS, "mlflow", Listener)
    return Listener


def run(folder, *flags, log=("csv", "mlflow"), others=()):
    with tiny_runs.blank_curves():
        training.train(tiny_runs.prepare(folder, *flags), log, others)
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_tracker_hears_each_epoch_and_goes_on_with_the_run_that_it_had(
    listener, tmp_path
):
    run(tmp_path, "--epochs=1")
    rows = run(tmp_path, "--epochs=2", "--image_every=1")
    assert listener.keys == [None, f"key of {tmp_path.name}"]
    scalars = [values for kind, *values in listener.heard if kind == "scalars"]
    assert [epoch for epoch, _ in scalars] == [1, 2]
    for row, (_, values) in zip(rows, scalars, strict=True):
        assert float(row["elbo"]) == pytest.approx(values["elbo"])
        assert "val_elbo" in values
    assert ("picture", 2, "samples", "uint8") in listener.heard
    assert listener.heard[0] == ("facts", "vae", "2")
    assert listener.heard.count(("close",)) == 2
    # Nobody asked for TensorBoard's files.
    assert not list(tmp_path.rglob("*tfevents*"))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["init", "scalars"])
def test_a_tracker_that_fails_costs_a_warning_and_no_epoch(
    method, listener, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(Listener, "failing", (method,))
    with caplog.at_level("WARNING", logger="absl"):
        rows = run(tmp_path, "--epochs=2")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    messages = [m for m in caplog.messages if "hears no more" in m]
    assert messages == [
        "mlflow hears no more of this run, which trains on: the service has gone away"
    ]


def test_trackers_that_there_are_not_or_that_are_not_installed_are_said(monkeypatch):
    with pytest.raises(
        ValueError, match="did you mean .wandb.*Received: log=csv,wandbb"
    ):
        trackers.require(["csv", "wandbb"])
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install 'mlflow.*Received: log=mlflow"):
        trackers.require(["mlflow"])
    trackers.require(["csv", "tensorboard"])


class Counter(keras.callbacks.Callback):
    epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append((epoch, logs["elbo"]))


@pytest.mark.slow
def test_a_callback_of_ones_own_is_called_with_the_terms(tmp_path, monkeypatch):
    monkeypatch.setattr(Counter, "epochs", [])
    others = plugins.callbacks([f"{__name__}:Counter"])
    rows = run(tmp_path, "--epochs=1", log=["csv"], others=others)
    assert Counter.epochs == [(0, pytest.approx(float(rows[0]["elbo"])))]


def test_a_callback_is_found_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_alarms.py").write_text(
        "import keras\ndef alarm():\n    return keras.callbacks.TerminateOnNaN()\n"
    )
    (callback,) = plugins.callbacks(["my_alarms:alarm"])
    assert isinstance(callback, keras.callbacks.TerminateOnNaN)


@pytest.mark.parametrize(
    "name, message",
    [
        ("alarm", "A callback is module:name"),
        ("no_such_module:Alarm", "ModuleNotFoundError"),
        ("keras:NoSuchName", "AttributeError"),
        ("keras.callbacks:EarlyStopping.x", "AttributeError"),
        ("math:pi", "not of type float"),
        ("builtins:dict", "not of type dict"),
    ],
)
def test_a_name_that_means_no_callback_is_refused(name, message):
    with pytest.raises(ValueError, match=f"{message}(.|\n)*Received: callbacks={name}"):
        plugins.callbacks([name])


def test_the_command_line_knows_both_flags():
    verb.VERB.parse(["train", "--log=mlflow,csv", "--callbacks=mine:Alarm"])
    assert verb.VERB.flags.log == ["mlflow", "csv"]
    assert verb.VERB.flags.callbacks == ["mine:Alarm"]


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(trackers.KINDS))
def test_the_tracker_itself_keeps_a_run_on_this_machine(name, tmp_path):
    pytest.importorskip(name)
    script = f"""
        import os, pathlib, sys
        os.environ["WANDB_MODE"] = "offline"
        os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
        sys.path[:0] = {sys.path!r}
        from types import SimpleNamespace
        import numpy as np
        from zoo.runs import trackers

        settings = SimpleNamespace(workdir="runs/x", plain=lambda: {{"seed": 0}})
        folder = SimpleNamespace(logs=pathlib.Path("logs"))
        progress = SimpleNamespace(epoch=0)
        for epoch in (1, 2):  # the second goes on with the run of the first
            run = SimpleNamespace(
                settings=settings, folder=folder, progress=progress, is_chief=True
            )
            heard = trackers.Trackers(run, [{name!r}])
            heard.scalars(epoch, {{"loss": 0.5 / epoch}})
            heard.picture(epoch, "samples", np.zeros((8, 8, 3), "uint8"))
            assert heard.others, "the tracker failed"
            heard.close()
            assert heard.others, "the tracker failed at its end"
        if {name!r} == "mlflow":
            import json, mlflow
            key = json.loads(pathlib.Path("logs/trackers.json").read_text())["mlflow"]
            history = mlflow.MlflowClient().get_metric_history(key, "loss")
            assert [m.value for m in history] == [0.5, 0.25]
        else:
            assert len(set(pathlib.Path("wandb").glob("offline-run-*"))) == 2
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
