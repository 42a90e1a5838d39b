"""Which command lines take the recipe of the flagless run, and where recipes go."""

import pathlib

import pytest

import experiments
from experiments import train

RECIPES = pathlib.Path(train.__file__).parent / "recipes"


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


def test_the_named_run_goes_on_with_the_one_without_flags_and_says_so(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    small = ["--set=width=4", "--image_size=8", "--batch_size=450", "--epochs=1"]

    def run(*flags):
        argv = train.with_recipe(["train", *flags, *small])
        assert experiments.start(train.VERB, train.main, argv) == 0
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
