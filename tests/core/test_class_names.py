"""Tests that a model keeps the names of its classes, and takes them as labels."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
import tiny_runs
from verbs import called

import zoo
from zoo import backend
from zoo.commands import request, sample
from zoo.inputs import classes
from zoo.pages.playground.player import Player
from zoo.runs import folder
from zoo.serving import rows

NAMES = ("Bag", "Dress", "7")


@pytest.fixture(scope="module")
def model():
    model = zoo.get("cgan", image_shape=(8, 8, 1), num_classes=3, width=2, latent_dim=2)
    model.class_names = NAMES
    return model


@pytest.mark.parametrize("has_tf_data", [True, False])
def test_fit_learns_names_from_a_data_set_that_knows_them(has_tf_data, monkeypatch):
    monkeypatch.setattr(backend, "HAS_TF_DATA", has_tf_data)
    data = zoo.data.load("digits", classes=("7", "1"), image_size=8, batch_size=100)
    assert data.class_names == ("7", "1")
    model = zoo.get("cgan", num_classes=2, width=2, latent_dim=2)
    model._learn_names(data)
    assert model.class_names == ("7", "1")
    model.class_names = ("seven", "one")
    model._learn_names(data)  # what a user says stands
    assert model.class_names == ("seven", "one")
    other = zoo.get("cgan", num_classes=3)
    other._learn_names(data)
    assert other.class_names is None


class Data:
    def __init__(self, *names):
        self.class_names = names or None


@pytest.mark.parametrize("data", [Data(), Data("a"), Data("a", "a"), Data("a", ""), {}])
def test_names_of_other_classes_or_equal_ones_are_none(data):
    assert classes.names_of(data, 2) is None
    assert classes.names_of(Data("a", "b"), 2) == ("a", "b")
    assert classes.names_of(Data("a", "b"), None) is None


@pytest.mark.slow
def test_fit_on_named_batches_ends_with_names_in_the_file(tmp_path):
    data = zoo.data.load("digits", classes=("7", "1"), image_size=8, batch_size=250)
    model = zoo.get("classifier", num_classes=2, width=2)
    model.fit(data, verbose=0)
    model.save(tmp_path / "m.keras")
    assert zoo.load(tmp_path / "m.keras").class_names == ("7", "1")


@pytest.mark.slow
def test_files_keep_names_and_older_files_have_none(model, tmp_path):
    file = tmp_path / "m.keras"
    model.save(file)
    assert zoo.load(file).class_names == NAMES
    assert keras.saving.load_model(file).class_names == NAMES
    assert folder.kept_class_names(file) == list(NAMES)
    assert "class_names" not in model.get_config()
    unnamed = zoo.get("cgan", image_shape=(8, 8, 1), num_classes=3, width=2)
    unnamed.save(tmp_path / "unnamed.keras")
    with zipfile.ZipFile(tmp_path / "unnamed.keras") as archive:
        content = json.loads(archive.read("config.json"))
    assert "class_names" not in content["build_config"]  # as an older zoo wrote it
    assert zoo.load(tmp_path / "unnamed.keras").class_names is None
    assert folder.kept_class_names(tmp_path / "unnamed.keras") is None


def test_labels_may_be_names(model):
    by_number = model.sample(labels=[1, 0, 2, 2], seed=3)
    for labels in (
        ["Dress", "Bag", "7", "2"],  # "7" is a name; "2" is none, and so a number
        np.array(["Dress", "Bag", "7", "2"]),
        ["Dress", 0, "7", np.int64(2)],
    ):
        np.testing.assert_array_equal(model.sample(labels=labels, seed=3), by_number)
    alone = model.sample(labels="Dress", seed=3)
    np.testing.assert_allclose(alone, by_number[:1], atol=1e-5)


@pytest.mark.parametrize(
    "labels, way",
    [
        (["Bga"], "did you mean 'Bag'.*0 .Bag., 1 .Dress.*Received: label 'Bga'"),
        (["9"], r"Labels lie in \[0, 3\)"),
        ([["Bag"]], "one integer an image|Labels"),
        ([None], "Labels|labels"),
    ],
)
def test_labels_that_mean_no_class_are_refused(model, labels, way):
    with pytest.raises(ValueError, match=way):
        model.sample(labels=labels)


def test_a_model_without_names_says_how_it_gets_them():
    with pytest.raises(ValueError, match="numbers alone; model.class_names = "):
        classes.numbers(["Bag"], None)
    assert classes.numbers(["2", 1], None) == [2, 1]


@pytest.mark.parametrize(
    "names", ["abc", ("a", "b"), ("a", "b", "b"), ("a", "b", ""), ("a", "b", 3), 3]
)
def test_names_that_are_not_one_for_each_class_are_refused(model, names):
    with pytest.raises(ValueError, match="3 different texts"):
        model.class_names = names
    assert model.class_names == NAMES


def test_a_model_without_classes_has_no_names():
    with pytest.raises(ValueError, match="knows classes"):
        zoo.get("gan").class_names = ("a", "b")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a tiny run on two digits."""
    place = tmp_path_factory.mktemp("runs") / "cgan-digits"
    flags = "--classes=7,1", "--epochs=1", "--batch_size=250"
    return tiny_runs.trained(place, *flags, base=tiny_runs.of("cgan")).folder.path


@pytest.mark.slow
def test_a_run_keeps_the_names_of_its_data_set(run):
    assert zoo.load(run).class_names == ("7", "1")
    assert folder.kept_class_names(run) == ["7", "1"]


@pytest.mark.slow
def test_the_command_line_takes_names(run, tmp_path, capsys):
    model = zoo.load(run)
    model.class_names = ("seven", "one")
    model.save(tmp_path / "m.keras")
    for labels, out in (("one,0", "names.npz"), ("1,0", "numbers.npz")):
        flags = f"--workdir={tmp_path / 'm.keras'}", f"--out={tmp_path / out}"
        assert called(sample, *flags, "--num_images=3", f"--labels={labels}") == 0
    by_name, by_number = (
        np.load(tmp_path / out)["images"] for out in ("names.npz", "numbers.npz")
    )
    np.testing.assert_array_equal(by_name, by_number)
    assert called(sample, f"--workdir={tmp_path / 'm.keras'}", "--labels=on") == 1
    assert "did you mean 'one'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_player_without_data_knows_the_names_of_its_file(run, tmp_path):
    shutil.copy(run / "model.keras", tmp_path / "alone.keras")
    assert Player(tmp_path / "alone.keras").class_names == ["7", "1"]


@pytest.mark.slow
def test_an_export_tells_the_names_and_a_request_takes_them(model, tmp_path):
    path = zoo.export(model, tmp_path, ["sample"], warmup=False)
    names = rows.kept_class_names(path / "zoo.json")
    assert names == list(NAMES)
    assert request._labels(["Dress", "0"], names) == [1, 0]
    with pytest.raises(ValueError, match="did you mean 'Bag'"):
        request._labels(["Bga"], names)
    request.VERB.parse(["request", "--labels=Dress"])
    with pytest.raises(ValueError, match="whole numbers"):
        request._labels(["Dress"], None)


def test_a_long_list_of_names_is_cut():
    text = classes.listed([f"{number:03d}" for number in range(1000)])
    assert text.endswith("19 (019), ...") and len(text) < 300
