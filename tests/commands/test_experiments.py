"""Tests the verbs as a user types them, on the embedded digits."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from verbs import ROOT, called, start, typed

from zoo import commands
from zoo.commands import outputs, sample, train
from zoo.runs.defaults import EPOCHS
from zoo.runs.folder import RunFolder

TINY = ["--model=vae", "--set=width=4", "--set=hidden=8", "--batch_size=450"]
TINY += ["--image_size=8", "--epochs=2"]


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Returns the folder and the output of a tiny run."""
    folder = tmp_path_factory.mktemp("runs")
    out = typed("train", *TINY, "--workdir=tiny", cwd=folder)
    return folder / "tiny", out


@pytest.mark.slow
def test_train_prints_a_line_an_epoch_and_what_it_made(run):
    folder, out = run
    lines = out.splitlines()
    assert "\r" not in out and "\b" not in out
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == [
        "1/2",
        "2/2",
    ]
    paths = [line.split()[-1] for line in lines if "tiny/" in line]
    assert "tiny/model.keras" in paths
    assert all((folder.parent / path).exists() for path in paths)
    record = json.loads((folder / "run.json").read_text())
    assert record["command"].startswith("python -m experiments.train --model=vae")


def test_same_command_finds_the_run_finished(run, capsys):
    folder, _ = run
    before = (folder / "metrics.csv").read_text()
    assert called(train, *TINY, f"--workdir={folder}") == 0
    assert "epoch 1/2" not in capsys.readouterr().out
    assert (folder / "metrics.csv").read_text() == before


@pytest.mark.slow
def test_sample_writes_a_grid(run):
    folder, _ = run
    typed("sample", f"--workdir={folder}", "--num_images=9", cwd=folder.parent)
    assert not (folder.parent / "samples.png").exists()
    picture = Image.open(folder / "samples.png")
    assert picture.width == picture.height > 250


def test_sample_writes_an_array_and_a_folder(run, tmp_path, capsys):
    folder, _ = run
    model = f"--workdir={folder / 'model.keras'}"
    array, pictures = tmp_path / "new" / "images.npz", tmp_path / "pictures"
    assert called(sample, model, "--num_images=3", "--seed=5", f"--out={array}") == 0
    assert called(sample, model, "--num_images=2", "--seed=6", f"--out={pictures}") == 0
    images = np.load(array)["images"]
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.uint8
    assert sorted(path.name for path in pictures.iterdir()) == [
        "000006.png",
        "000007.png",
    ]
    picture = np.asarray(Image.open(pictures / "000006.png"))
    assert abs(picture.astype(int) - images[1, ..., 0]).max() <= 1


def test_what_is_made_of_a_run_goes_into_its_folder_unless_told_otherwise():
    assert outputs.path(None, "runs/a", "x.png") == pathlib.Path("runs/a/x.png")
    neighbour = pathlib.Path("runs/a/model.best.x.png")
    assert outputs.path(None, "runs/a/model.best.keras", "x.png") == neighbour
    assert outputs.path("y.png", "runs/a", "x.png") == pathlib.Path("y.png")


def test_who_closes_the_output_gets_no_traceback():
    script = "import sys\nfrom zoo import commands\n"
    script += "verb = commands.Verb('x', 'Prints.', 'x')\n"
    script += "main = lambda: [print('line', n) for n in range(100_000)] and 0\n"
    script += "sys.exit(commands.start(verb, main, ['x']))"
    command = f'{sys.executable} -c "$SCRIPT" | head -1'
    environment = os.environ | {"SCRIPT": script, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("line 0\n", "")


def test_dry_run_tells_and_writes_nothing(tmp_path, capsys):
    assert called(train, *TINY, f"--workdir={tmp_path / 'run'}", "--dry_run") == 0
    out = capsys.readouterr().out
    assert "latent_dim=32" in out and "encoder " in out and "8x8x1" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("has", [True, False])
def test_a_processor_without_bfloat16_is_told(
    precision, has, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(train.machine, "has_bfloat16", lambda: has)
    flags = [f"--precision={precision}", f"--workdir={tmp_path / 'run'}", "--dry_run"]
    assert called(train, *TINY, *flags) == 0
    is_told = "no instructions for bfloat16" in capsys.readouterr().out
    assert is_told == (precision == "mixed_bfloat16" and not has)


def test_flags_come_from_a_recipe_too(tmp_path, capsys):
    recipe = tmp_path / "tiny.flags"
    recipe.write_text("# A comment.\n" + "\n".join(TINY))
    flags = [f"--flagfile={recipe}", f"--workdir={tmp_path / 'run'}", "--dry_run"]
    assert called(train, *flags) == 0
    assert re.search("batch_size +450\n", capsys.readouterr().out)


@pytest.mark.parametrize("verb", [train, sample])
def test_help_is_grouped_and_tells_defaults(verb, capsys):
    assert called(verb, "--help") == 0
    out = capsys.readouterr().out
    assert "What:" in out and "Where:" in out and "[" in out
    assert max(map(len, out.splitlines())) <= 88


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--model=vea"], "did you mean 'vae'"),
        (["--dataset=digts"], "digits"),
        (["--classes=5,11"], "Unknown class '11'"),
        (["--set=latent_dims=2"], "did you mean 'latent_dim'"),
        (["--set=latent_dim=big"], "an integer"),
        (["--set=latent_dim"], "key=value"),
        (["--batch_size=0"], "at least 1"),
        (["--batch_size=5000"], "at most"),
        (["--image_size=4"], "8 to 512"),
        (["--epochs=0"], "at least 1"),
        (["--minutes=0"], "more than 0"),
        (["--steps_per_execution=0"], "at least 1"),
        (["--gradient_accumulation_steps=0"], "at least 1"),
        (["--monitor=val_rekon"], "did you mean 'val_recon'"),
        (["--monitor=val_recon", "--novalidation"], "no such term"),
        (["--monitor=frechet"], "no such term"),
        (["--frechet=1"], "at least 2"),
        (["--frechet=9", "--model=ae", "--set=latent_dim=2"], "'ae' makes none"),
        (["--learning_rate=critic=1"], "encoder, decoder"),
        (["--schedule=cosin"], "constant, cosine, linear"),
        (["--schedule=linear", "--warmup=100"], "shorter"),
        (["--strategy=parameter_server"], "cannot train"),
        (["--strategy=multi_worker"], "experiments.launch"),
        (["--precision=float16"], "mixed_bfloat16"),
        (["--modle=vae"], "Did you mean"),
        (["vae"], "--name=value"),
        (["--dataset=npz:nowhere.npz"], "nowhere.npz"),
        (["--dataset=folder:nowhere"], "nowhere"),
        (["--flagfile=nowhere.flags"], "nowhere.flags"),
    ],
)
def test_wrong_flag_of_train_is_one_sentence(flags, sentence, tmp_path, capsys):
    assert called(train, *TINY, f"--workdir={tmp_path / 'run'}", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "images, labels, sentence",
    [
        (np.zeros((20, 8, 8, 2), "uint8"), None, "channel"),
        (np.zeros((20, 8, 8, 4), "uint8"), None, "channel"),
        (np.zeros((20, 8), "uint8"), None, "shape"),
        (np.full((20, 8, 8, 1), np.nan, "float32"), None, "nan"),
        (np.full((20, 8, 8, 1), 900.0, "float32"), None, "900"),
        (np.zeros((0, 8, 8, 1), "uint8"), None, "images"),
    ],
)
def test_wrong_data_are_one_sentence(images, labels, sentence, tmp_path, capsys):
    arrays = {"images": images} | ({} if labels is None else {"labels": labels})
    np.savez(tmp_path / "data.npz", **arrays)
    flags = [f"--dataset=npz:{tmp_path / 'data.npz'}", f"--workdir={tmp_path / 'run'}"]
    assert called(train, "--model=vae", "--batch_size=4", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and "Received" in err and err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_missing_labels_are_one_sentence(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 255, (20, 8, 8, 1)).astype("uint8")
    np.savez(tmp_path / "data.npz", images=images)
    flags = [f"--dataset=npz:{tmp_path / 'data.npz'}", f"--workdir={tmp_path / 'run'}"]
    assert called(train, "--model=classifier", "--batch_size=4", *flags) == 1
    err = capsys.readouterr().err
    assert "labels" in err and err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--num_images=0"], "at least 1"),
        (["--num_images=-3"], "at least 1"),
        (["--seed=-1"], "from 0"),
        (["--steps=3"], "has no such option"),
        (["--labels=1"], "takes no labels"),
        (["--labels=one"], "have numbers alone"),
        (["--labels="], "by number or name, e.g. 0,1,Bag. Received: labels=."),
        (["--workdir=nowhere"], "nowhere"),
        (["--out=samples.jpg"], ".npz"),
    ],
)
def test_wrong_flag_of_sample_is_one_sentence(run, flags, sentence, tmp_path, capsys):
    folder, _ = run
    out = tmp_path / "samples.png"
    assert called(sample, f"--workdir={folder}", f"--out={out}", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert not out.exists()


@pytest.mark.slow
def test_sample_takes_the_options_of_a_denoising_model(tmp_path, capsys):
    import tiny

    model, out = tiny.model("ddpm"), tmp_path / "images.npz"
    model.save(tmp_path / "model.keras")
    file = f"--workdir={tmp_path}/model.keras"
    flags = ["--num_images=2", "--sampler=heun", "--steps=3", f"--out={out}"]
    assert called(sample, file, *flags) == 0
    images = model.sample(2, seed=0, sampler="heun", steps=3)
    drawn = np.load(out)["images"]
    assert np.abs(drawn / 127.5 - 1 - images).max() <= 0.01
    assert called(sample, file, "--sampler=euler", f"--out={out}") == 1
    assert "euler" in capsys.readouterr().err


def test_checkpoint_of_another_model_is_refused(run, tmp_path, capsys):
    folder, _ = run
    flags = ["--model=ae", f"--init_from={folder}", f"--workdir={tmp_path / 'run'}"]
    assert called(train, *flags) == 1
    assert "those of 'vae'" in capsys.readouterr().err


@pytest.mark.slow
def test_terminated_run_goes_on_where_it_stopped(tmp_path):
    flags = [*TINY, "--epochs=40", "--workdir=run"]
    process = start("train", *flags, cwd=tmp_path)
    for _ in range(6):  # the header has three lines
        process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert "goes on from here" in out
    out = typed("train", *flags, "--epochs=41", "--image_every=100", cwd=tmp_path)
    assert out.startswith("goes on after epoch")
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows[1:]] == list(range(1, 42))


@pytest.mark.slow
def test_no_flags_train_a_vaegan_on_digits_in_two_minutes(tmp_path):
    began, few = time.monotonic(), 4
    out = typed("train", f"--epochs={few}", cwd=tmp_path)
    seconds = time.monotonic() - began
    _, *later = RunFolder(tmp_path / "runs/vaegan-digits").rows()
    epoch = min(row["seconds"] for row in later)
    # The limit is half as long again as alone, because another test may use one of two
    # cores.
    assert seconds + (EPOCHS["digits"] - few) * epoch < 180
    assert "runs/vaegan-digits/model.keras" in out
    assert (tmp_path / "runs/vaegan-digits/samples/0001.png").exists()


@pytest.mark.slow
def test_a_gan_trains_without_a_term_to_monitor_and_keeps_no_best_model(
    tmp_path, capsys
):
    flags = ["--model=gan", "--set=width=4", "--image_size=8", "--batch_size=450"]
    flags += ["--epochs=1", f"--workdir={tmp_path / 'run'}"]
    assert called(train, *flags) == 0
    assert (tmp_path / "run/model.keras").exists()
    assert not (tmp_path / "run/model.best.keras").exists()
    assert called(train, *flags, "--monitor=d_los") == 1
    assert "did you mean 'd_loss'" in capsys.readouterr().err


@pytest.mark.slow
def test_reproduce_trains_recipes_in_turn_and_goes_on(tmp_path, capsys, monkeypatch):
    from zoo.commands import reproduce

    for name in ("a", "b"):
        recipe = tmp_path / f"{name}.flags"
        lines = ["--model=ae", "--image_size=8", "--set=width=4", "--set=hidden=4"]
        recipe.write_text("\n".join([*lines, "--epochs=1", "--batch_size=450"]))
    monkeypatch.setattr(reproduce, "RECIPES", tmp_path)
    argv = ["reproduce", f"--runs={tmp_path}/runs", "--recipes=a", "--seeds=0,1"]
    assert commands.start(reproduce.VERB, reproduce.main, argv) == 0
    folders = sorted(folder.name for folder in (tmp_path / "runs").iterdir())
    assert folders == ["recipe-a", "recipe-a-seed1"]
    written = (tmp_path / "runs/recipe-a/checkpoints").stat().st_mtime_ns
    argv[2] = "--recipes=a,b"
    argv[3] = "--seeds=0"
    assert commands.start(reproduce.VERB, reproduce.main, argv) == 0
    assert (tmp_path / "runs/recipe-b/model.keras").exists()
    assert (tmp_path / "runs/recipe-a/checkpoints").stat().st_mtime_ns == written
    capsys.readouterr()
    for wrong, sentence in (("--recipes=c", "there are a, b"), ("--seeds=x", "whole")):
        argv = ["reproduce", wrong]
        assert commands.start(reproduce.VERB, reproduce.main, argv) == 1
        assert sentence in capsys.readouterr().err
