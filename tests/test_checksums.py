"""Is a run whole, and can it be repeated? What verify and --from answer."""

import json

import numpy as np
import pytest
import tiny
from tiny_runs import TINY, rows, trained

import experiments
import zoo
from experiments import repeated, train, verify
from zoo import checksums


@pytest.fixture
def run(tmp_path):
    return trained(tmp_path / "run", "--epochs=2", "--checkpoint_every=2")


def checked(folder, capsys):
    """Exit code and output of `experiments.verify`."""
    argv = ["verify", f"--workdir={folder}"]
    code = experiments.start(verify.VERB, verify.main, argv)
    return code, capsys.readouterr().out


def test_a_finished_run_agrees_with_its_checksums(run, capsys):
    (run.folder.path / "evaluation.json").write_text("{}")  # put beside it: not its
    code, out = checked(run.folder.path, capsys)
    assert code == 0 and "WRONG" not in out
    told = run.folder.checksums.read_text().splitlines()
    assert f"{len(told)} of {len(told)} files agree" in out
    names = {line.split("  ")[1] for line in told}
    wanted = {"run.json", "metrics.csv", "model.keras", "model.best.keras"}
    assert wanted <= names and "checkpoints/00000006.keras" in names


@pytest.mark.parametrize("name", ["model.keras", "checkpoints/00000006.keras"])
def test_a_changed_file_and_a_missing_one_are_told(run, capsys, name):
    file = run.folder.path / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    run.folder.curves.unlink()
    (run.folder.samples / "0009.png").write_text("mine")
    code, out = checked(run.folder.path, capsys)
    assert code == 1
    wrong = [line for line in out.splitlines() if line.startswith("WRONG")]
    ends = (f"{name}: another content", "curves.png: missing")
    for end in (*ends, "0009.png: not in SHA256SUMS"):
        assert any(line.endswith(end) for line in wrong)
    assert any("no complete .keras file" in line and name in line for line in wrong)


def test_an_unfinished_run_is_checked_for_what_it_has(run, capsys):
    run.folder.checksums.unlink()
    run.folder.metrics.write_text("epoch,step\n1,3\n1,3\n")
    code, out = checked(run.folder.path, capsys)
    assert code == 1 and "not finished" in out
    wrong = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1 and "one an epoch is not so" in wrong[0]
    run.folder.record.write_text("{")
    assert "WRONG" in checked(run.folder.path, capsys)[1].splitlines()[0]


def test_a_folder_without_a_run_is_named(tmp_path, capsys):
    argv = ["verify", f"--workdir={tmp_path}"]
    assert experiments.start(verify.VERB, verify.main, argv) == 1
    assert "holds no run" in capsys.readouterr().err


def test_going_on_takes_the_checksums_away_until_it_has_ended(run):
    again = trained(run.folder.path, "--epochs=3", "--checkpoint_every=2")
    assert all(sound for sound, _ in checksums.check(again.folder))


def test_a_run_is_repeated_from_its_record_to_the_bit(run, capsys):
    record = run.folder.record
    code = experiments.start(train.VERB, train.main, ["train", f"--from={record}"])
    assert code == 0, capsys.readouterr().err
    again = type(run.folder)(f"{run.folder.path}-again")
    same = ("settings", "parameters", "image_shape", "steps_per_epoch")
    one, two = (json.loads(each.record.read_text()) for each in (run.folder, again))
    one["settings"].pop("workdir"), two["settings"].pop("workdir")
    assert all(one[key] == two[key] for key in same)
    model = run.folder.model, again.model
    weights = [tiny.state(zoo.load(path)) for path in model]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    assert [r["val_recon"] for r in again.rows()] == [r["val_recon"] for r in rows(run)]


def test_flags_take_the_place_of_the_settings_of_a_record(tmp_path):
    settings = {
        "model": "ddpm",
        "config": {"mult": [1, 2], "dropout": 0.1, "num_classes": None},
        "classes": ["a,b", "c"],
        "learning_rate": {"unet": 1e-05},
        "flip": False,
        "minutes": None,
        "monitor_mode": "min",
        "workdir": "runs/x",
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


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"settings": 3}', '{"settings": {}}']
)
def test_a_file_that_is_no_record_is_refused(tmp_path, capsys, text):
    file = tmp_path / "run.json"
    file.write_text(text)
    argv = ["train", f"--from={file}"]
    assert experiments.start(train.VERB, train.main, argv) == 1
    err = capsys.readouterr().err
    assert "no run's run.json" in err and err.count("\n") == 1
