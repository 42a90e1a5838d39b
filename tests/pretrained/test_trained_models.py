"""Tests presets, models that come trained by name: they are what was stored, learn on
with pictures of other sizes, and are refused in a sentence when something is wrong."""

import dataclasses
import hashlib
import io
import json
import logging
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import shelf
import tiny
from verbs import ROOT, called

import zoo
from zoo.commands import evaluate, playground, sample, train, verify
from zoo.core import lending
from zoo.evaluation import preset_scores, subject
from zoo.pretrained import presets
from zoo.pretrained.presets import building, record, weights
from zoo.runs import preset_runs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of this test's presets."""
    monkeypatch.chdir(tmp_path)
    return shelf.use(monkeypatch, tmp_path / "presets")


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: " ".join(each.getMessage() for each in caplog.records)


# --- those that come with the zoo -----------------------------------------------------


def test_all_presets_are_small_and_whole():
    files = list(presets.FOLDER.glob("*"))
    assert sum(file.stat().st_size for file in files) <= record.MOST_BYTES_IN_ALL
    for name in presets.names():
        preset = presets.find(name)
        digest = hashlib.sha256(preset.archive.read_bytes()).hexdigest()
        assert digest == preset.sha256
        assert preset.archive.stat().st_size <= record.MOST_BYTES
        assert sum(preset.weights.values()) <= record.MOST_WEIGHTS
        assert (
            preset.scores and preset.licence and preset.path.with_suffix(".md").exists()
        )


def test_a_weight_that_is_a_single_number_is_kept(folder):
    model = tiny.model("vae", likelihood="gaussian")
    (scale,) = [v for v in model.decoder.weights if v.shape == ()]
    scale.assign(0.25)
    preset = shelf.store(model, folder)
    again = building.build(preset)
    (kept,) = [v for v in again.decoder.weights if v.shape == ()]
    assert float(kept) == 0.25


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.names())
def test_a_preset_of_each_model_answers(name):
    if not presets.names(name):
        with pytest.raises(ValueError, match="no such preset"):
            zoo.get(name, weights="fashion_mnist")
        return
    model = zoo.get(name, weights=presets.names(name)[0])
    if not model.can("sample"):
        shape = model.shape_of_field(model.takes[0])
        answers = model.predict(tiny.images(64, shape), verbose=0)
    elif model.can("prompts"):
        answers = model.sample(prompts=["a star"] * 64, seed=0)
    else:
        answers = model.sample(64, seed=0)
    assert len(answers) == 64 and np.isfinite(answers).all() and answers.std() > 0.01


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("model", zoo.names())
def test_the_scores_of_a_preset_are_those_of_its_card(model):
    for name in presets.names(model):
        preset = presets.find(name)
        scores = preset_scores.measure(preset, building.build(preset)).scores
        assert preset_scores.differences(preset, scores) == []


# --- storing and reading --------------------------------------------------------------


@tiny.few("cgan", "vae", "classifier", "pix2pix")
def test_a_preset_is_the_model_in_half_precision(name, folder):
    model = tiny.model(name)
    for variable in model.weights:  # averages other than what they are averages of
        variable.assign(variable + 0.01)
    for average in model._averages:
        network = model.network(f"{average}_ema")
        network.set_weights([w + 0.02 for w in network.get_weights()])
    shelf.store(model, folder)
    preset = zoo.get(name, weights="digits")
    for own, stored in lending.weights(model).items():
        for a, b in zip(stored, lending.weights(preset)[own]):
            np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-6)
    for average in model._averages:
        raw, mean = preset.network(average), preset.network(f"{average}_ema")
        assert all(map(np.array_equal, raw.get_weights(), mean.get_weights()))
    assert preset.get_config() == model.get_config() and preset.compiled


@tiny.few("cgan", "vae")
def test_no_weight_of_a_model_is_forgotten(name):
    model = tiny.model(name)
    lent = {id(v) for each in lending.variables(model).values() for v in each}
    averages = {
        id(v) for a in model._averages for v in model.network(f"{a}_ema").weights
    }
    assert {id(v) for v in model.weights} == lent | averages


@pytest.mark.slow
def test_class_names_and_free_settings_are_taken(folder):
    model = tiny.model("ddpm")
    model.class_names = list("abcd")
    shelf.store(model, folder)
    preset = zoo.get("ddpm", weights="ddpm/digits", steps=2, image_shape=(8, 8, 1))
    assert preset.config["steps"] == 2 and preset.class_names == tuple("abcd")
    assert preset.sample(2, labels=["a", "c"], seed=0).shape == (2, 8, 8, 1)
    with pytest.raises(ValueError, match="may be others: .*guidance.*num_timesteps=30"):
        zoo.get("ddpm", weights="digits", num_timesteps=30)


def test_presets_are_listed(folder):
    shelf.store(tiny.model("gan"), folder)
    (row,) = zoo.presets()
    assert row["name"] == "gan/digits" and row["data"] == "digits"
    assert row["weights"] == tiny.model("gan").count_params() - sum(
        w.size for w in tiny.model("gan").network("generator_ema").get_weights()
    )
    assert row["licence"] == "Apache-2.0" and row["about"] == "A tiny model"


@pytest.mark.parametrize(
    "options, message",
    [
        ({"weights": "digit"}, r"did you mean 'gan/digits'\?.*Received: 'gan/digit'"),
        ({"weights": "vae/digits"}, "of another model. Received: model='gan'"),
        ({"width": 8}, "was trained with width=4; .*Received: width=8"),
        ({"widht": 4}, "did you mean 'width'"),
        ({"image_shape": (16, 16, 1)}, "of images of 8x8x1; .*image_shape=.16, 16, 1"),
    ],
)
def test_what_a_preset_is_not_is_a_sentence(folder, options, message):
    shelf.store(tiny.model("gan"), folder)
    with pytest.raises(ValueError, match=message):
        zoo.get("gan", **{"weights": "digits"} | options)


def test_without_any_preset_the_sentence_says_so(folder):
    with pytest.raises(ValueError, match="None comes with this zoo.*'vae/digits'"):
        zoo.get("vae", weights="digits")


def test_a_wrong_name_needs_no_framework():
    code = "import sys, zoo\ntry: zoo.get('vae', weights='nowhere')\n"
    code += "except ValueError: print('keras' in sys.modules)"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert out == "False\n"


# --- damaged and hostile files --------------------------------------------------------


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"version": 99}, "newer version of the zoo.*of version 99"),
        ({"version": "1"}, "its 'version' cannot be"),
        ({"model": "os"}, "its 'model' cannot be"),
        ({"file": "../gan-digits.npz"}, "its 'file' cannot be"),
        ({"name": "gan/other"}, "its 'name' cannot be"),
        ({"config": []}, "its 'config' cannot be"),
        ({"sha256": "0" * 64}, "damaged .its sha256 is another"),
        ({"file": "nowhere.npz"}, "damaged .there is no such file"),
        ({"config": tiny.CONFIGS["gan"] | {"width": 8}}, "not those of its model"),
    ],
)
def test_a_damaged_preset_is_a_sentence(folder, changes, message):
    preset = shelf.store(tiny.model("gan"), folder)
    shelf.write(dataclasses.replace(preset, **changes))
    with pytest.raises(ValueError, match=message):
        zoo.get("gan", weights="digits")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1}', "[" * 100_000])
def test_words_that_are_none_are_a_sentence(folder, text):
    shelf.store(tiny.model("gan"), folder).path.write_text(text)
    with pytest.raises(ValueError, match="file of the preset is damaged"):
        zoo.get("gan", weights="digits")


def archive_of(members, compression=zipfile.ZIP_STORED):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        for name, blob in members.items():
            archive.writestr(name, blob)
    return memory.getvalue()


def array_file(array):
    memory = io.BytesIO()
    np.save(memory, array, allow_pickle=True)
    return memory.getvalue()


ZEROS = np.zeros(4, "float32")


@pytest.mark.parametrize(
    "blob",
    [
        b"no archive",
        archive_of({"a.0000.npy": array_file(np.array([{}], object))}),
        archive_of({"a.0000.npy": array_file(ZEROS).replace(b"(4,)", b"(9,)")}),
        archive_of({"a.0000.npy": array_file(ZEROS)}, zipfile.ZIP_DEFLATED),
        archive_of({"a.0001.npy": array_file(ZEROS)}),
        archive_of({"a.0000.npy": b""}),
        archive_of({"../x": b"text"}),
        archive_of({"a.0000.npy": array_file(np.zeros(2, "complex64"))}),
    ],
)
def test_an_archive_of_anything_else_is_a_sentence(tmp_path, blob):
    file = tmp_path / "a.npz"
    digest = weights.write(file, blob)
    with pytest.raises(ValueError, match="weights of the preset are damaged"):
        weights.read(file, digest)


def test_each_changed_byte_of_the_weights_is_noticed(folder):
    preset = shelf.store(tiny.model("gan"), folder)
    blob = bytearray(preset.archive.read_bytes())
    blob[len(blob) // 2] ^= 1
    preset.archive.write_bytes(blob)
    with pytest.raises(ValueError, match="sha256 is another"):
        zoo.get("gan", weights="digits")
    assert called(verify, "--weights=gan/digits") == 1


def test_weights_that_half_precision_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="half precision"):
        weights.packed({"network": [np.full((2, 2), 1e6, "float32")]})
    with pytest.raises(ValueError, match="at most 3,000,000 bytes"):
        weights.packed({"network": [np.zeros((2000, 1000), "float32")]})


# --- learning on ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("form", ["arrays", "set"])
def test_a_preset_learns_on_with_more_classes_and_colours(folder, log, form):
    model = tiny.model("cgan")
    model.class_names = list("abcd")
    shelf.store(model, folder)
    preset = zoo.get("cgan", weights="digits")
    kept = preset.network("generator").get_weights()
    colours, labels = tiny.images(12, (8, 8, 3)), np.arange(12) % 6
    data = (colours, labels)
    if form == "set":
        data = tiny.batches(data, 6)
        data.class_names = list("uvwxyz")
    preset.fit(data, epochs=1, batch_size=6, verbose=0)
    assert preset.image_shape == (8, 8, 3) and preset.config["num_classes"] == 6
    assert preset.sample(6, labels=range(6), seed=0).shape == (6, 8, 8, 3)
    assert preset.class_names == (tuple("uvwxyz") if form == "set" else None)
    assert "Begin anew" in log() and "generator/" in log() and not preset.adapts
    own = preset.network("generator").get_weights()
    near = [a.shape == b.shape and abs(a - b).max() < 0.05 for a, b in zip(kept, own)]
    assert 0 < sum(near) < len(near)  # some layers learned on, others began anew
    with pytest.raises(ValueError, match="8x8x3|channels"):  # once, not ever after
        preset.fit(tiny.images(12), np.arange(12) % 6, verbose=0)


@pytest.mark.slow
def test_a_preset_learns_on_as_it_is_where_the_data_fit(folder, log):
    shelf.store(tiny.model("gan"), folder, without=["discriminator"])
    preset = zoo.get("gan", weights="digits")
    network = preset.network("generator")
    preset.fit(tiny.images(8), epochs=1, batch_size=4, verbose=0)
    assert preset.network("generator") is network
    assert (
        "Begin anew" in log() and "discriminator" in log() and "generator" not in log()
    )


@pytest.mark.slow
def test_a_model_that_learned_on_is_saved_and_loaded(folder, tmp_path):
    shelf.store(tiny.model("vae"), folder)
    preset = zoo.get("vae", weights="digits")
    preset.fit(tiny.images(8, (8, 8, 3)), epochs=1, batch_size=4, verbose=0)
    preset.save(tmp_path / "own.keras")
    again = zoo.load(tmp_path / "own.keras")
    expected = preset.sample(3, seed=1)
    np.testing.assert_allclose(again.sample(3, seed=1), expected, atol=1e-5)
    assert int(again.optimizer.iterations) == 2


@pytest.mark.slow
def test_where_no_layer_fits_nothing_is_called_trained(folder):
    shelf.store(tiny.model("vae"), folder)
    preset = zoo.get("vae", weights="digits")
    with pytest.raises(ValueError, match="No layer of the trained 'vae' fits"):
        lending.take(preset, {})


@pytest.mark.slow
def test_a_training_begins_with_a_preset(folder, tmp_path, capsys, log):
    shelf.store(tiny.model("cgan"), folder)
    flags = ["--init_from=cgan/digits", "--dataset=digits", "--image_size=8"]
    flags += ["--epochs=1", "--batch_size=450", f"--workdir={tmp_path / 'run'}"]
    assert called(train, *flags) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["settings"]["init_from"] == "cgan/digits"
    assert record["settings"]["config"]["num_classes"] == 10
    assert record["settings"]["config"]["width"] == 4
    assert "Begin anew" in log()
    assert called(train, *flags[1:], "--init_from=cgan/digts") == 1
    assert "did you mean 'cgan/digits'" in capsys.readouterr().err


# --- verbs ----------------------------------------------------------------------------


@pytest.mark.slow
def test_verbs_take_a_preset_in_the_place_of_a_run(folder, capsys):
    model = tiny.model("cgan")
    model.class_names = list("abcd")
    shelf.store(model, folder)
    flags = ["--weights=cgan/digits", "--num_images=4"]
    assert called(sample, *flags, "--labels=a,d") == 0
    place = pathlib.Path("runs", "presets", "cgan-digits")
    assert (place / "samples.png").is_file()
    assert f"4 images: {place / 'samples.png'}" in capsys.readouterr().out
    stamp = (place / "model.keras").stat().st_mtime_ns
    assert called(sample, *flags, "--out=other.png") == 0
    assert (place / "model.keras").stat().st_mtime_ns == stamp
    measured = subject.find(place)
    assert measured.dataset == "digits" and measured.where["image_size"] == 8
    preset = zoo.get("cgan", weights="digits")
    expected = preset.sample(4, seed=0)
    np.testing.assert_allclose(measured.model.sample(4, seed=0), expected, atol=1e-5)


@pytest.mark.slow
def test_a_newer_preset_takes_the_place_of_the_older(folder):
    shelf.store(tiny.model("gan"), folder)
    place = preset_runs.place("gan/digits")
    before = (place / "model.keras").read_bytes()
    shelf.store(tiny.model("gan", width=5), folder)
    assert preset_runs.place("gan/digits") == place
    assert (place / "model.keras").read_bytes() != before
    assert zoo.load(place).config["width"] == 5
    record = json.loads((place / "run.json").read_text())
    del record["preset"]
    (place / "run.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="folder of a preset holds another run"):
        preset_runs.place("gan/digits")


def test_words_that_name_no_preset_are_told_at_once(folder, capsys):
    shelf.store(tiny.model("gan"), folder)
    for verb in (sample, evaluate, playground, verify):
        assert called(verb, "--weights=gan/digts") == 1
        assert "did you mean 'gan/digits'" in capsys.readouterr().err
    folder.parent.joinpath("run").mkdir()
    (folder.parent / "run" / "run.json").write_text("{}")
    assert called(sample, "--weights=gan/digits", "--workdir=run") == 1
    assert "choose one. Received: workdir=run" in capsys.readouterr().err


def test_a_preset_is_verified(folder, capsys):
    shelf.store(tiny.model("gan"), folder)
    assert called(verify, "--weights=gan/digits") == 0
    assert "gan-digits.npz: whole" in capsys.readouterr().out
