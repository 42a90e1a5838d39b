"""Tests what a run prints: the header, a line per epoch, the time left, warnings
once."""

import io
import logging
import os
import pathlib
import subprocess
import sys
import types

import pytest
import tiny
from absl import logging as absl_logging
from tiny_runs import TINY, of, prepare, trained

from zoo import commands
from zoo.runs import Progress, health, lines, reports, training
from zoo.runs.folder import RunFolder

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_the_header_tells_model_data_and_steps(tmp_path):
    run = prepare(tmp_path / "run", "--epochs=4", "--minutes=2")
    model, data, steps = reports.header(run)
    total = run.model.count_params()
    assert model.startswith(f"model  vae: {total:,} weights (encoder ")
    assert (
        data == "data   digits: 1,350 images of 8x8x1 to train on, 150 to validate on"
    )
    assert "3 an epoch, 4 epochs: 12 in all, at most 2 min; pictures: " in steps
    assert steps.endswith(str(run.folder.samples))
    flags = ("--novalidation", "--classes=0,1", "--batch_size=50")
    run = prepare(tmp_path / "run", "--minutes=2", *flags)
    _, data, steps = reports.header(run)
    images = sum(len(batch[0]) for batch in run.train)
    assert f"digits: {images} images of 8x8x1 to train on, no to validate" in data
    assert "epochs" not in steps


class Closed(io.StringIO):
    """A stdout that nobody reads any longer."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.slow
def test_the_line_of_an_epoch_is_printed_when_the_epoch_is_saved(tmp_path, monkeypatch):
    run = prepare(tmp_path / "run", "--epochs=2")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Closed())
        with pytest.raises(BrokenPipeError):
            training.train(run)
    assert run.folder.latest()[1].epoch == len(run.folder.rows()) == 1
    assert prepare(tmp_path / "run", "--epochs=2").progress.epoch == 1


@pytest.mark.slow
@pytest.mark.parametrize("end, code", [("| head -1", 141), (">&-", 0), ("2>&-", 0)])
def test_an_output_that_nobody_reads_is_no_traceback(end, code, tmp_path):
    train = [sys.executable, "-m", "experiments.train", *TINY, "--epochs=2"]
    command = f"set -o pipefail; {' '.join(train)} --workdir={tmp_path}/run {end}"
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    epochs = len(RunFolder(tmp_path / "run").rows())
    assert RunFolder(tmp_path / "run").latest()[1].epoch == epochs
    assert epochs == (1 if "head" in end else 2)


def paced(monkeypatch, progress, settings, seconds):
    """Returns what a `Pace` of 10 steps per epoch says after steps at these times."""
    pace = lines.Pace(types.SimpleNamespace(**settings), progress, 10)
    for second in seconds:
        monkeypatch.setattr(lines.time, "perf_counter", lambda now=second: now)
        progress.batch += 1
        pace.step()
    return pace.left()


def test_the_time_left_is_that_of_the_steps_after_the_first(monkeypatch):
    def left(epochs, minutes, seconds=(0, 60, 62, 64), spent=0.0):
        settings = {"epochs": epochs, "minutes": minutes}
        return paced(monkeypatch, Progress(seconds=spent), settings, seconds)

    assert left(1, None) == "about 12 s left"  # 6 steps of 2 s
    assert left(100, None) == "about 33 min left"
    assert left(1000, None) == "about 5.6 h left"
    assert left(100, 3) == left(None, 3) == "about 3 min left"
    assert left(None, 3, spent=150.0) == "about 30 s left"
    assert left(None, 3, spent=180.0) == ""
    assert left(5, None, seconds=(0,)) == ""


@pytest.mark.slow
def test_a_line_tells_the_time_left_until_the_last(tmp_path, capsys):
    trained(tmp_path / "run", "--epochs=3")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in printed] == ["1/3", "2/3", "3/3"]
    assert ["about" in line for line in printed] == [True, True, False]


@pytest.mark.slow
def test_a_log_gets_lines_within_a_long_epoch(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(lines.Line, "PAUSE", 0.0)
    trained(tmp_path / "run", "--epochs=1")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in printed[:3]] == [
        "step 1/3",
        "step 2/3",
        "step 3/3",
    ]


@pytest.mark.slow
def test_a_terminal_gets_a_bar_within_an_epoch(tmp_path, capsys, request):
    # Taken late, because pytest replaces stderr before the test.
    terminal = request.getfixturevalue("terminal")
    trained(tmp_path / "run", "--epochs=2")
    drawn = terminal.getvalue()
    assert "epoch 1/2" in drawn and "2/3 [" in drawn and "steps" in drawn
    printed = capsys.readouterr().out
    assert "\r" not in printed and printed.count("epoch") == 2


@pytest.mark.slow
def test_an_epoch_that_the_budget_cut_is_told_by_its_steps(tmp_path):
    run = trained(tmp_path / "run", "--epochs=4", "--minutes=1e-9")
    first = reports.summarise(run)[0]
    assert first.startswith("trained 0 epochs and 1 of 3 steps of the next, 1 steps, ")
    run = trained(tmp_path / "run", "--epochs=4")
    assert reports.summarise(run)[0].startswith("trained 4 epochs, 12 steps")


def test_a_warning_stands_once_and_without_marks(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [])
    commands.warn_plainly()
    for name in ("a.png", "b.png", "a.png"):
        absl_logging.warning("%s cannot be read.", name)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["warning: a.png cannot be read.", "warning: b.png cannot be read."]


@pytest.mark.slow
def test_mode_collapse_is_warned_of_once_while_it_lasts(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(health, "PATIENCE", 1)
    run = prepare(tmp_path / "run", "--learning_rate=0", "--epochs=3", base=of("gan"))
    network = run.model.averaged_network("generator")
    network.set_weights([weight * 0 for weight in network.get_weights()])
    training.train(run)
    assert caplog.text.count("mode collapse") == 1


def test_what_was_well_meanwhile_is_warned_of_again(caplog):
    watcher = health.Health(types.SimpleNamespace(), tiny.images(4))
    for number, is_wrong in enumerate((True, True, False, True)):
        watcher._warn("critic", is_wrong, f"Epoch {number}.")
    assert [record.getMessage() for record in caplog.records] == [
        "Epoch 0.",
        "Epoch 3.",
    ]


@pytest.mark.slow
def test_a_run_of_two_kinds_of_pictures_counts_those_of_the_smaller(tmp_path):
    model = ["--model=cyclegan", "--set=task=domains", "--set=width=2"]
    flags = ["--domains=5,7", "--image_size=8", "--batch_size=20"]
    run = prepare(tmp_path / "run", *flags, base=[*model, "--set=blocks=1"])
    assert (
        "135 images of 8x8x1 to train on, 14 to validate on" in reports.header(run)[1]
    )
