"""Tests which command lines take the recipe of the flagless run, and where recipes
write."""

import json
import pathlib

import pytest

from zoo import commands
from zoo.commands import recipes, reproduce, train

RECIPES = recipes.FOLDER


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--seed=1",
        "--workdir=runs/other",
        "--model=vaegan --dataset=digits",
        "-dataset digits",
        "--model=vaegan --epochs=30",
        "--model=vaegan --workdir=runs/vaegan-digits/",
    ],
)
def test_what_the_run_without_flags_trains_takes_its_recipe(words):
    argv = ["train", *words.split()]
    assert train.with_recipe(argv) == ["train", f"--flagfile={train.RECIPE}", *argv[1:]]


@pytest.mark.parametrize(
    "words",
    [
        "--model=vae",
        "--dataset=fashion_mnist",
        "--model=vaegan --dataset=mnist",
        "--model=vaegan --dataset=digits --workdir=runs/other",
        "--flagfile=mine.flags",
        "--model=vaegan --init_from=runs/vaegan-digits",
        "--from=runs/vaegan-digits/run.json",
    ],
)
def test_what_is_another_run_takes_no_recipe(words):
    argv = ["train", *words.split()]
    assert train.with_recipe(argv) == argv


@pytest.mark.slow
def test_the_named_run_goes_on_with_the_one_without_flags_and_says_so(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    small = ["--set=width=4", "--image_size=8", "--batch_size=450", "--epochs=1"]

    def run(*flags):
        argv = train.with_recipe(["train", *flags, *small])
        assert commands.start(train.VERB, train.main, argv) == 0
        return capsys.readouterr().out

    assert "recipe experiments/recipes/vaegan-digits.flags" in run()
    out = run("--model=vaegan", "--dataset=digits")
    assert "recipe experiments/recipes/vaegan-digits.flags" in out
    assert "goes on after epoch 1 in runs/vaegan-digits" in out
    assert "recipe" not in run("--model=vaegan", "--workdir=runs/other")


def test_no_other_recipe_goes_where_its_model_and_data_alone_would():
    for file in (*RECIPES.glob("*.flags"), *RECIPES.glob("gpu/*.flags")):
        train.VERB.parse(["train", f"--flagfile={file}"])
        workdir = train.VERB.flags.workdir
        own = None if file == train.RECIPE else f"runs/recipe-{file.stem}"
        assert workdir == own, file
        where = pathlib.Path(workdir or train.OURS["workdir"])
        assert reproduce.folder("runs", file.stem) == where


def run_by(command, path):
    """A run folder of which no more is there than what trained it."""
    path.mkdir(parents=True)
    record = {"command": f"python -m experiments.train {command}"}
    (path / "run.json").write_text(json.dumps(record))
    return path


def test_a_run_that_a_recipe_trained_in_the_old_place_is_taken(tmp_path):
    by_recipe = "--flagfile=experiments/recipes/gan-fashion_mnist.flags"
    old = run_by(by_recipe, tmp_path / "gan-fashion_mnist")
    seed = run_by(f"{by_recipe} --seed=1", tmp_path / "gan-fashion_mnist-seed1")
    run_by(f"{by_recipe} --seed=2", tmp_path / "recipe-gan-fashion_mnist-seed2")
    run_by(by_recipe.replace("gan", "wgan"), tmp_path / "recipe-wgan-fashion_mnist")
    assert reproduce.folder(tmp_path, "gan-fashion_mnist") == old
    assert reproduce.folder(tmp_path, "gan-fashion_mnist", "1") == seed
    names = [path.name for path in reproduce.folders(tmp_path, "gan-fashion_mnist")]
    assert names == [old.name, seed.name, "recipe-gan-fashion_mnist-seed2"]
    assert reproduce.recipe_of(old) == "gan-fashion_mnist"
    # A run in the new place comes before it.
    new = run_by(by_recipe, tmp_path / "recipe-gan-fashion_mnist")
    assert reproduce.folder(tmp_path, "gan-fashion_mnist") == new
    assert reproduce.recipe_of(old) is None


@pytest.mark.parametrize(
    "command",
    [
        "--model=gan --dataset=fashion_mnist",
        "--flagfile=experiments/recipes/shoes_gan-fashion_mnist.flags",
    ],
)
def test_a_run_of_other_flags_is_not_taken_for_that_of_a_recipe(command, tmp_path):
    other = run_by(command, tmp_path / "gan-fashion_mnist")
    place = tmp_path / "recipe-gan-fashion_mnist"
    assert reproduce.folder(tmp_path, "gan-fashion_mnist") == place
    assert reproduce.recipe_of(other) is None
