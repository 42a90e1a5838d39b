"""Tests the front door: what `import zoo` and `python -m zoo` do without a
framework."""

import importlib
import json
import os
import pathlib
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo.core import describe, registration, registry
from zoo.core.headers import Header
from zoo.core.model import ImageModel

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")
every_model = pytest.mark.parametrize("name", zoo.names())


def process(code, *arguments):
    """Runs Python code in a new process and returns the process when it has ended."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def output(code, *arguments):
    """Returns what Python code prints in a new process, as JSON."""
    done = process(code, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- without a framework --------------------------------------------------------------


def test_names_and_descriptions_need_no_framework():
    code = f"""
import json, sys
import zoo
descriptions = [str(zoo.describe(name)) for name in zoo.names()]
imported = [name for name in {FRAMEWORKS} if name in sys.modules]
print(json.dumps([zoo.names(), descriptions, imported]))
"""
    names, descriptions, imported = output(code)
    assert imported == []
    assert names == zoo.names()
    classes = (describe.description(name, registry.find(name)()) for name in names)
    assert descriptions == list(map(str, classes))


@pytest.mark.parametrize("call", ["get", "describe"])
def test_an_unknown_name_is_told_before_a_framework_is_imported(call):
    code = f"""
import json, sys
import zoo
try:
    zoo.{call}("vaegam")
except ValueError as error:
    print(json.dumps([str(error), "keras" in sys.modules]))
"""
    message, is_imported = output(code)
    assert "did you mean 'vaegan'" in message and not is_imported


@pytest.mark.slow
def test_arrays_of_a_data_set_need_no_tensorflow():
    code = """
import json, sys
import zoo
images, labels = zoo.data.arrays("digits", "test")
print(json.dumps([list(images.shape[1:]), "tensorflow" in sys.modules]))
"""
    assert output(code) == [[28, 28, 1], False]


@pytest.mark.parametrize("arguments", [(), ("vaegan",), ("vaegam",)])
def test_the_catalogue_says_nothing_but_what_was_asked(arguments):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "zoo", *arguments],
        capture_output=True,
        text=True,
    )
    lines = done.stderr.splitlines()
    modules = {line.split()[-1] for line in lines if line.startswith("import time:")}
    assert "zoo.core.registry" in modules and not modules & set(FRAMEWORKS)
    notes = [line for line in lines if not line.startswith("import time:")]
    if arguments == ("vaegam",):
        assert done.returncode == 1 and len(notes) == 1
        assert notes[0].startswith("zoo: There is no such model (did you mean 'vaegan'")
    else:
        assert done.returncode == 0 and notes == []
        assert "Larsen et al. 2016" in done.stdout


# --- what a file says and what its class is -------------------------------------------


@every_model
def test_a_file_is_called_as_the_model_that_it_registers(name):
    assert registry.find(name).__module__ == f"zoo.models.{name}"


@every_model
def test_a_header_says_what_the_class_is(name):
    model, header = registry.find(name)(), Header(name, f"zoo.models.{name}")
    assert header.config == model.config
    for default, value in zip(header.config.values(), model.config.values()):
        assert type(default) is type(value)
    assert describe.description(name, header) == describe.description(name, model)


@every_model
def test_each_setting_is_described(name):
    about = zoo.describe(name)
    assert about.settings.keys() == about.config.keys()
    assert all(about.settings.values())
    for key, default in about.config.items():
        assert f"{key}={default!r}" in str(about)


@pytest.mark.slow
def test_ones_own_model_is_known_and_a_name_of_the_zoo_is_taken():
    code = """
import json
import os
import zoo
from zoo.core.model import ImageModel
from zoo.core.registry import register

@register("vault")
class Vault(ImageModel):
    networks = ("door",)
    def __init__(self, width: int = 4):
        super().__init__()

messages = []
for wrong in (lambda: zoo.get("vaultt"), lambda: register("vae")(Vault)):
    try:
        wrong()
    except ValueError as error:
        messages.append(str(error))
print(json.dumps([zoo.names(), str(zoo.describe("vault")), *messages]))
"""
    names, description, miss, clash = output(code)
    assert names == sorted([*zoo.names(), "vault"])
    assert "width=4" in description and "networks      door" in description
    assert "did you mean 'vault'" in miss
    # The module is imported only then.
    assert "'vae' is taken by zoo.models.vae.VAE" in clash


# --- Keras finds the zoo's classes ----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("first, second", [("zoo", "keras"), ("keras", "zoo")])
def test_keras_loads_what_was_saved_in_a_new_process(first, second, tmp_path):
    model = tiny.model("vaegan")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", model.sample(2, seed=0))
    network = tiny.model("vae").encoder
    # The layer of the zoo, not of Keras.
    assert "Conv2D" in {type(layer).__name__ for layer in network.layers}
    rate = zoo.schedules.Schedule("cosine", 1e-3, steps=10)
    network.compile(keras.optimizers.Adam(rate), loss="mse")
    network.save(tmp_path / "network.keras")
    code = f"""
import json, sys
import {first}
import {second}
import numpy as np

loaded = [keras.saving.load_model(file) for file in sys.argv[1:3]]
same = np.array_equal(loaded[0].sample(2, seed=0), np.load(sys.argv[3]))
rate = loaded[1].optimizer.get_config()["learning_rate"]
print(json.dumps([same, rate["config"]]))
"""
    rewrite(tmp_path / "network.keras", b"zoo.core.schedules", b"zoo.schedules")
    files = (tmp_path / f for f in ("model.keras", "network.keras", "images.npy"))
    assert output(code, *files) == [True, rate.get_config()]


def rewrite(file, new, old):
    """Writes the `old` place of a class into a file, as an earlier version did."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert new in members["config.json"]
    members["config.json"] = members["config.json"].replace(new, old)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_keras_knows_every_class_that_a_file_registers():
    for module in registration.classes().values():
        importlib.import_module(module)
    registered = keras.saving.get_custom_objects()
    own = {n for n, c in registered.items() if c.__module__.startswith("zoo.")}
    assert own == registration.classes().keys()
    assert all(registered[f"zoo>{n}"] is registry.find(n) for n in zoo.names())


# --- what the front door hands out ----------------------------------------------------


def test_the_front_door_hands_out_each_name():
    assert set(zoo.__all__) <= set(dir(zoo))
    assert zoo.latents is importlib.import_module("zoo.core.latents")
    assert zoo.schedules is importlib.import_module("zoo.core.schedules")
    assert zoo.strategies is importlib.import_module("zoo.runs.strategies")
    assert zoo.load is importlib.import_module("zoo.core.saving").load
    assert zoo.export is importlib.import_module("zoo.serving").export
    for file in pathlib.Path(zoo.__file__).parent.glob("*/__init__.py"):
        room = file.parent.name
        assert getattr(zoo, room) is importlib.import_module(f"zoo.{room}")
    assert issubclass(registry.find("vae"), ImageModel)
    with pytest.raises(AttributeError, match="no attribute 'modells'"):
        zoo.modells  # noqa: B018


# --- verbs check their words first ----------------------------------------------------


@pytest.mark.parametrize(
    "verb, flags, message",
    [
        (
            "evaluate",
            ["--workdir=runs/vae-no_set"],
            "There is no such file or folder; `python -m experiments.train --model=vae "
            "--dataset=no_set --workdir=runs/vae-no_set` trains it.",
        ),
        (
            "sample",
            ["--workdir=x/collapse_gan-digits"],
            "`python -m experiments.train --flagfile=experiments/recipes/"
            "collapse_gan-digits.flags --workdir=x/collapse_gan-digits` trains it.",
        ),
        ("export", ["--workdir=x/y"], "There is no such file or folder. Received"),
        ("compare", ["--models=vae,gam"], "did you mean 'gan'"),
        ("train", ["--model=vaegam"], "did you mean 'vaegan'"),
    ],
)
def test_a_verb_tells_a_wrong_word_without_a_framework(verb, flags, message):
    command = [sys.executable, "-X", "importtime", "-m", f"experiments.{verb}", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    modules = {line.split()[-1] for line in lines if line.startswith("import time:")}
    assert "zoo.core.registry" in modules and not modules & set(FRAMEWORKS)
    (sentence,) = (line for line in lines if not line.startswith("import time:"))
    assert done.returncode == 1 and sentence.startswith(f"{verb}: ")
    assert message in sentence


@pytest.mark.slow
def test_a_verb_is_quiet_when_it_comes_to_need_a_framework(tmp_path):
    tiny.model("ae").save(tmp_path / "model.keras")
    flags = [f"--workdir={tmp_path}", "--latent=prior", f"--out={tmp_path}/out.png"]
    command = [sys.executable, "-m", "experiments.sample", *flags]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("sample: 'ae' has no prior to sample from")
