"""Tests `zoo` as a command, its doors in experiments/, and what an installation has."""

import configparser
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
from verbs import ROOT

import zoo
from zoo import __main__ as front
from zoo.commands import recipes, verbs
from zoo.runs import circumstances

FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
SOURCES = ("zoo", "experiments", "pyproject.toml", "setup.py", "README.md", "LICENSE")


def asked(*words, cwd=ROOT, root=ROOT):
    """Returns exit code, output, lines of errors and imported modules of `python -m zoo
    WORDS`, where the zoo lies in `root`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "zoo", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    lines = done.stderr.splitlines()
    times = [line for line in lines if line.startswith("import time:")]
    errors = [line for line in lines if line not in times]
    return done.returncode, done.stdout, errors, {line.split()[-1] for line in times}


def test_each_verb_has_a_door_and_each_door_a_verb():
    doors = {file.stem for file in (ROOT / "experiments").glob("*.py")} - {"__init__"}
    assert doors == set(verbs.names().values())
    for name in doors:
        text = (ROOT / "experiments" / f"{name}.py").read_text()
        assert f'commands.enter("{name}")' in text and len(text.splitlines()) == 6
    assert {"train", "sample", "play", "playground", "tour"} <= set(verbs.names())
    assert not set(verbs.names()) & {*zoo.names(), *front.HELP}


@pytest.mark.parametrize("word", sorted(set(verbs.names()) - {"playground"}))
def test_the_help_says_what_a_verb_is_for_as_the_verb_itself(word):
    verb = importlib.import_module(f"zoo.commands.{verbs.names()[word]}").VERB
    assert verbs.purposes()[word] == " ".join(verb.purpose.split())
    assert verb.name == verbs.names()[word]


@pytest.mark.parametrize("words", ["help", "train --help", "nonsense"])
def test_a_reader_that_has_seen_enough_is_no_traceback(words):
    ends = {"help": 141, "train --help": 141, "nonsense": 1}
    command = f"{sys.executable} -m zoo {words} | true; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = {"env": env, "capture_output": True, "text": True}
    done = subprocess.run(["bash", "-c", command], **run)
    assert done.returncode == ends[words] and "Traceback" not in done.stderr


@pytest.mark.parametrize("word", front.HELP)
def test_help_lists_all_verbs_without_a_framework(word):
    code, out, errors, modules = asked(word)
    assert code == 0 and not errors and not modules & FRAMEWORKS
    words = [line.split()[0] for line in out.splitlines() if line[:2] == "  "]
    assert set(verbs.purposes()) <= set(words)
    assert "starts python -m zoo train with" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 88


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["trian"], "zoo: There is no such verb or model (did you mean 'train'?)"),
        (["plya", "--port=0"], "zoo: There is no such verb or model (did you mean"),
        (["qqqq"], "`python -m zoo help` lists the verbs"),
        (["../train"], "zoo: There is no such"),
        (["vaegam"], "zoo: There is no such model (did you mean 'vaegan'?)"),
        (["vae", "gan"], "zoo: A model is described without more words. Received: gan"),
        (["train", "--model=vaegam"], "train: There is no such model (did you mean"),
        (["train", "--epoch=1"], "train: "),
        (["sample", "--workdir=x/vae-digits"], "`python -m zoo train --model=vae"),
        (["launch", "--workers=0"], "launch: --workers is at least 1"),
    ],
)
def test_a_wrong_word_is_a_sentence_before_a_framework_is_imported(words, sentence):
    code, out, errors, modules = asked(*words)
    assert code == 1 and not out and not modules & FRAMEWORKS
    (error,) = errors
    assert sentence in error


def test_a_verb_tells_its_flags_and_its_example_as_it_was_called():
    code, out, _, modules = asked("train", "--help")
    assert code == 0 and not modules & FRAMEWORKS
    assert "\n  python -m zoo train --model=vaegan" in out
    assert "python -m zoo launch" in out and "experiments" not in out
    door = subprocess.run(
        [sys.executable, "-m", "experiments.train", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "\n  python -m experiments.train --model=vaegan" in door.stdout


def test_only_verbs_are_named_anew():
    text = "python -m experiments.train, experiments.tar, experiments/recipes, x"
    expected = "zoo train, experiments.tar, experiments/recipes, x"
    assert verbs.addressed(text, "zoo") == expected


@pytest.mark.parametrize(
    "program, recorded",
    [("/opt/bin/zoo", "zoo train --seed=1"), ("a.py", "python a.py train --seed=1")],
)
def test_a_run_records_the_command_as_typed(program, recorded, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program, "train", "--seed=1"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert circumstances.circumstances()["command"] == recorded
    assert front.program() == ("zoo" if recorded[:3] == "zoo" else "python -m zoo")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Returns a folder with all that a wheel of the zoo holds."""
    folder = tmp_path_factory.mktemp("wheel")
    source, packages = folder / "source", folder / "packages"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in SOURCES:
        path = ROOT / name
        copy = shutil.copy if path.is_file() else shutil.copytree
        options = {} if path.is_file() else {"ignore": ignored}
        source.mkdir(exist_ok=True)
        copy(path, source / name, **options)
    code = "from setuptools import build_meta; build_meta.build_wheel('..')"
    subprocess.run(
        [sys.executable, "-c", code], cwd=source, check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return packages


@pytest.mark.slow
def test_a_wheel_holds_one_package_with_all_files_and_the_recipes(installed):
    (about,) = installed.glob("*.dist-info")
    assert {each.name for each in installed.iterdir()} == {"zoo", about.name}
    entries = configparser.ConfigParser()
    entries.read(about / "entry_points.txt")
    module, _, function = entries["console_scripts"]["zoo"].partition(":")
    assert getattr(importlib.import_module(module), function) is front.main
    kept = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "zoo", "experiments/recipes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split()
    files = {name.replace("experiments/recipes", "zoo/recipes") for name in kept}
    packed = {file for file in installed.glob("zoo/**/*") if file.is_file()}
    assert {file.relative_to(installed).as_posix() for file in packed} == files


@pytest.mark.slow
def test_an_installed_zoo_names_recipes_where_they_lie(installed, tmp_path):
    asking = ("sample", "--workdir=x/collapse_gan-digits")
    code, _, (error,), modules = asked(*asking, cwd=tmp_path, root=installed)
    assert code == 1 and not modules & FRAMEWORKS
    recipe = installed / "zoo/recipes/collapse_gan-digits.flags"
    assert recipe.is_file() and f"--flagfile={recipe.as_posix()} " in error
    assert not list(tmp_path.iterdir())


def test_a_clone_names_recipes_from_its_root():
    assert ROOT / "experiments" / "recipes" == recipes.FOLDER
    named = recipes.typed(recipes.FOLDER / "quick" / "ae.flags")
    assert pathlib.PurePath(named) == pathlib.PurePath(
        "experiments/recipes/quick/ae.flags"
    )
