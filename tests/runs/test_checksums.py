"""Tests whether verify notices that a run is not whole, and whether --from repeats
it."""

import json
import shutil

import numpy as np
import pytest
import tiny
from tiny_runs import TINY, trained

import zoo
from zoo import commands
from zoo.commands import repeated, train, verify
from zoo.runs import checksums
from zoo.runs.folder import RunFolder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "run"
    return trained(path, "--epochs=2", "--checkpoint_every=2").folder


@pytest.fixture
def folder(whole, tmp_path):
    """Returns the `RunFolder` of a finished run; each test gets a copy."""
    return RunFolder(shutil.copytree(whole.path, tmp_path / "run"))


def checked(folder, capsys):
    """Returns the exit code and the output of `experiments.verify`."""
    argv = ["verify", f"--workdir={folder}"]
    code = commands.start(verify.VERB, verify.main, argv)
    return code, capsys.readouterr().out


@pytest.mark.slow
def test_a_finished_run_agrees_with_its_checksums(folder, capsys):
    # A file that is not the run's own.
    (folder.path / "evaluation.json").write_text("{}")
    code, out = checked(folder.path, capsys)
    assert code == 0 and "WRONG" not in out
    lines = folder.checksums.read_text().splitlines()
    assert f"{len(lines)} of {len(lines)} files agree" in out
    names = {line.split("  ")[1] for line in lines}
    wanted = {"run.json", "metrics.csv", "model.keras", "model.best.keras"}
    assert wanted <= names and "checkpoints/00000006.keras" in names


@pytest.mark.parametrize("name", ["model.keras", "checkpoints/00000006.keras"])
def test_a_changed_file_and_a_missing_one_are_told(folder, capsys, name):
    file = folder.path / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    folder.curves.unlink()
    (folder.samples / "0009.png").write_text("mine")
    code, out = checked(folder.path, capsys)
    assert code == 1
    wrong = [line for line in out.splitlines() if line.startswith("WRONG")]
    ends = (f"{name}: another content", "curves.png: missing")
    for end in (*ends, "0009.png: not in SHA256SUMS"):
        assert any(line.endswith(end) for line in wrong)
    assert any("no complete .keras file" in line and name in line for line in wrong)


def test_a_file_s_name_is_told_on_one_line_that_no_terminal_obeys(folder, capsys):
    (folder.samples / "a\n\x1b[2J.png").write_text("mine")
    code, out = checked(folder.path, capsys)
    assert code == 1 and "\x1b" not in out
    assert r"a\n\x1b[2J.png: not in SHA256SUMS" in out.splitlines()[-1]


def test_a_finished_run_without_its_checksums_is_told(folder, capsys):
    folder.checksums.unlink()
    code, out = checked(folder.path, capsys)
    assert code == 1 and "missing, though the run is done" in out


def test_a_version_of_an_export_is_checked(folder, tmp_path, capsys):
    model = zoo.load(folder.path)
    version = zoo.export(model, tmp_path / "export", ["decode"], warmup=False)
    code, out = checked(version, capsys)
    assert code == 0 and "5 of 5 files agree" in out
    facts = json.loads((version / "zoo.json").read_text())
    assert facts["model"] == "vae" and facts["step"] == 6
    assert facts["config"] == model.config
    with open(version / "saved_model.pb", "ab") as file:
        file.write(b"x")
    code, out = checked(version, capsys)
    assert code == 1 and "saved_model.pb: another content" in out


def test_an_unfinished_run_is_checked_for_what_it_has(folder, capsys):
    record = json.loads(folder.record.read_text())
    record["settings"]["epochs"] = 3
    folder.record.write_text(json.dumps(record))
    folder.checksums.unlink()
    folder.metrics.write_text("epoch,step\n1,3\n1,3\n")
    code, out = checked(folder.path, capsys)
    assert code == 1 and "not finished" in out
    wrong = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1 and "one an epoch is not so" in wrong[0]
    folder.metrics.write_text("epoch,step\n1,3\n")
    code, out = checked(folder.path, capsys)
    assert code == 1 and "1 rows of 2 epochs" in out
    folder.metrics.unlink()
    code, out = checked(folder.path, capsys)
    assert code == 1 and "0 rows of 2 epochs" in out
    folder.record.write_text("{")
    assert "WRONG" in checked(folder.path, capsys)[1].splitlines()[0]


def test_a_folder_without_a_run_is_named(tmp_path, capsys):
    argv = ["verify", f"--workdir={tmp_path}"]
    assert commands.start(verify.VERB, verify.main, argv) == 1
    assert "holds no run" in capsys.readouterr().err


@pytest.mark.slow
def test_going_on_takes_the_checksums_away_until_it_has_ended(folder):
    again = trained(folder.path, "--epochs=3", "--checkpoint_every=2")
    assert all(sound for sound, _ in checksums.check(again.folder))


@pytest.mark.slow
def test_the_same_command_again_makes_no_changed_file_right(folder, capsys):
    (picture, *_) = folder.samples.glob("*.png")
    picture.write_bytes(picture.read_bytes()[:-1])
    folder.model.unlink()
    trained(folder.path, "--epochs=2", "--checkpoint_every=2")
    code, out = checked(folder.path, capsys)
    wrong = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert code == 1 and wrong == [f"WRONG  {picture}: another content"]


@pytest.mark.slow
def test_a_run_is_repeated_from_its_record_to_the_bit(whole, capsys):
    record = whole.record
    code = commands.start(train.VERB, train.main, ["train", f"--from={record}"])
    assert code == 0, capsys.readouterr().err
    folders = whole, RunFolder(f"{whole.path}-again")
    one, two = (json.loads(each.record.read_text()) for each in folders)
    one["settings"].pop("workdir"), two["settings"].pop("workdir")
    same = ("settings", "parameters", "image_shape", "steps_per_epoch")
    assert all(one[key] == two[key] for key in same)
    weights = [tiny.state(zoo.load(each.model)) for each in folders]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    rows = [[row["val_recon"] for row in each.rows()] for each in folders]
    assert rows[0] == rows[1]


def test_flags_take_the_place_of_the_settings_of_a_record(tmp_path):
    settings = {
        "model": "ddpm",
        "config": {"mult": [1, 2], "dropout": 0.1, "num_classes": None},
        "classes": ["a,b", "c"],
        "learning_rate": {"unet": 1e-05},
        "flip": False,
        "minutes": None,
        "monitor_mode": "min",
        "workdir": "runs/x/",
    }
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"settings": settings}))
    argv = repeated.command(file, ["train", f"--from={file}", "--flip"])
    assert argv[:-2] == [
        "train",
        "--model=ddpm",
        "--set=mult=[1, 2]",
        "--set=dropout=0.1",
        '--classes="a,b",c',
        "--learning_rate=unet=1e-05",
        "--flip=False",
        "--workdir=runs/x-again",
    ]
    train.VERB.parse([*argv, *TINY[:1]])
    assert train.VERB.flags.classes == ["a,b", "c"] and train.VERB.flags.flip
    assert (
        train.VERB.flags.model == "vae" and train.VERB.flags.workdir == "runs/x-again"
    )


@pytest.mark.parametrize("name", ["flagfile", "force", "from", "dataset=x --seed"])
def test_a_record_sets_nothing_but_settings(whole, tmp_path, capsys, name):
    record = json.loads(whole.record.read_text())
    record["settings"][name] = "/etc/passwd"
    (tmp_path / "run.json").write_text(json.dumps(record))
    argv = ["train", f"--from={tmp_path}/run.json", "--dry_run"]
    assert commands.start(train.VERB, train.main, argv) == 1
    err = capsys.readouterr().err
    assert repr(name) in err and "does not know" in err and "nologin" not in err


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"settings": 3}', '{"settings": {}}']
)
def test_a_file_that_is_no_record_is_refused(tmp_path, capsys, text):
    file = tmp_path / "run.json"
    file.write_text(text)
    argv = ["train", f"--from={file}"]
    assert commands.start(train.VERB, train.main, argv) == 1
    err = capsys.readouterr().err
    assert "no run's run.json" in err and err.count("\n") == 1
