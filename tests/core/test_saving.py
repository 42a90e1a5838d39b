"""Tests files of models: they are complete or absent, and refused unless every variable
fits."""

import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo.core import registry
from zoo.files import archives, atomic, folders


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Returns a `.keras` file of the tiny autoencoder."""
    path = tmp_path_factory.mktemp("saved") / "ae.keras"
    tiny.model("ae").save(path)
    return path


def edited(saved, target, change):
    """Writes `saved` to `target` with `change` applied to its config and with correct
    checksums; returns `target`."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(target, "w") as new:
        for item in (name for name in old.namelist() if name != archives.CHECKSUMS):
            content = old.read(item)
            if item == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config)
            new.writestr(item, content)
    archives.seal(target, {})
    return target


@pytest.mark.slow
def test_a_folder_stands_for_the_finished_model_in_it(saved, tmp_path):
    os.link(saved, tmp_path / "model.keras")
    assert zoo.load(tmp_path).registry_name == "ae"
    assert zoo.load(str(tmp_path)).built


def test_a_missing_file_or_an_empty_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        zoo.load(tmp_path / "nothing.keras")
    with pytest.raises(FileNotFoundError, match="no finished model"):
        zoo.load(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_cut_off_file_is_refused(saved, tmp_path, share):
    content = saved.read_bytes()
    cut = tmp_path / "cut.keras"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="no complete .keras file"):
        zoo.load(cut)


def test_a_file_with_a_flipped_byte_in_its_weights_is_refused(saved, tmp_path):
    with zipfile.ZipFile(saved) as archive:
        weights = archive.getinfo("model.weights.h5")
    content = bytearray(saved.read_bytes())
    content[weights.header_offset + weights.compress_size // 2] ^= 0xFF
    flipped = tmp_path / "flipped.keras"
    flipped.write_bytes(content)
    with pytest.raises(ValueError, match="Received: "):
        zoo.load(flipped)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: c["config"].update(hidden=0), "not the model's: .* left over"),
        (lambda c: c["config"].update(latent_dim=4), "not the model's: .* missing"),
        (lambda c: c["config"].update(latents=4), "did you mean 'latent_dim'"),
        (lambda c: c.update(registered_name="zoo>wae"), "no such model"),
        (lambda c: c.update(registered_name="Functional"), "no model of the zoo"),
        (lambda c: c.update(build_config=None), "a model without weights"),
        (
            lambda c: c["compile_config"]["optimizer"].update(
                encoder=keras.optimizers.serialize(keras.optimizers.SGD())
            ),
            "not the model's: .* left over",
        ),
    ],
    ids=["layer", "shape", "setting", "name", "foreign", "unbuilt", "optimizer"],
)
def test_a_file_that_does_not_fit_is_refused(saved, tmp_path, change, words):
    path = edited(saved, tmp_path / "edited.keras", change)
    with pytest.raises(ValueError, match=words):
        zoo.load(path)


def test_a_failing_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "ae.keras"
    path.write_text("old")

    def fail(model, filepath, **kwargs):
        with open(filepath, "w") as file:
            file.write("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(OSError, match="No space"):
        tiny.model("ae").save(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_file_appears_under_its_name_only_when_complete(tmp_path):
    path = tmp_path / "file.txt"
    with atomic.replaced(path) as temporary:
        with open(temporary, "w") as file:
            file.write("new")
        assert not path.exists() and temporary.endswith(".txt")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_files_and_folders_are_on_the_disk_before_they_appear(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def recorded(handle):
        fsync(handle)
        path = os.readlink(f"/proc/self/fd/{handle}")
        there = (tmp_path / "file").exists() or (tmp_path / "folder").exists()
        synced.append((os.path.relpath(path, tmp_path), there))

    monkeypatch.setattr(os, "fsync", recorded)
    with atomic.replaced(tmp_path / "file") as file:
        pass
    assert synced == [(os.path.basename(file), False), (".", True)]
    (tmp_path / "file").unlink()
    synced.clear()
    with folders.appearing(tmp_path / "folder", ".folder-") as folder:
        (folder / "in").mkdir()
        (folder / "in" / "file").touch()
    names = [f"{folder.name}{rest}" for rest in ("/in", "/in/file", "")]
    assert synced == [*((name, False) for name in names), (".", True)]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_files_and_folders_are_for_whom_the_umask_says(tmp_path, mask):
    before = os.umask(mask)
    try:
        with atomic.replaced(tmp_path / "file.txt"):
            pass
        with folders.appearing(tmp_path / "folder", ".folder-"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


def test_another_suffix_than_keras_is_refused(tmp_path):
    with pytest.raises(ValueError, match="saved as a .keras file. Received"):
        tiny.model("ae").save(tmp_path / "ae.h5")


@pytest.mark.slow
def test_a_file_is_kept_or_replaced_as_asked(saved, tmp_path):
    model, path = zoo.load(saved), tmp_path / "ae.keras"
    path.write_text("old")
    with pytest.raises(FileExistsError, match="overwrite=True replaces it. Received"):
        model.save(path, overwrite=False)
    assert path.read_text() == "old"
    model.save(path)
    assert zoo.load(path).built
    path.unlink()
    model.save(path, overwrite=False)
    assert zoo.load(path).built


def test_a_model_that_was_never_compiled_comes_back_so(tmp_path):
    model = registry.find("ae")(**tiny.CONFIGS["ae"])
    model.build((8, 8, 1))
    model.save(tmp_path / "ae.keras")
    for load in (zoo.load, keras.saving.load_model):
        loaded = load(tmp_path / "ae.keras")
        assert not loaded.compiled
        for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_missing_folder_is_named(saved, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder. Received: .*nothing"):
        zoo.load(saved).save(tmp_path / "nothing" / "ae.keras")


@pytest.mark.slow
def test_a_model_trained_by_a_schedule_loads_in_a_process_that_only_imports_zoo(
    tmp_path,
):
    from zoo.core.schedules import Schedule

    model = zoo.get("ae", image_shape=(8, 8, 1), **tiny.CONFIGS["ae"])
    model.compile(keras.optimizers.Adam(Schedule("cosine", 1e-3, 10, 0)))
    model.save(tmp_path / "model.keras")
    code = f"import zoo; print(zoo.load({str(tmp_path / 'model.keras')!r}).name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "ae", done.stderr


@pytest.mark.slow
def test_saving_makes_no_optimizer_of_its_own(trained, tmp_path, monkeypatch):
    model = trained("gan").model
    keras.utils.clear_session()  # Keras forgets all optimizers that it knows
    model.save(tmp_path / "first.keras")
    optimizers = []
    plain = keras.optimizers.Optimizer.__init__

    def counted(self, *args, **options):
        optimizers.append(self)
        plain(self, *args, **options)

    monkeypatch.setattr(keras.optimizers.Optimizer, "__init__", counted)
    model.save(tmp_path / "second.keras")
    assert not optimizers


def fitted(model):
    """Trains `model` on a batch; returns its state."""
    model.fit(tiny.images(), batch_size=10, shuffle=False, verbose=0)
    return tiny.state(model)


@pytest.mark.slow
@pytest.mark.any_backend
@pytest.mark.parametrize("is_compiled_anew", [False, True])
def test_what_is_frozen_stays_so_in_a_file_and_can_thaw(is_compiled_anew, tmp_path):
    model = tiny.model("vae")
    fitted(model)
    layer = next(layer for layer in model.decoder.layers if layer.weights)
    model.encoder.trainable = layer.trainable = False
    if is_compiled_anew:
        model.compile()
    frozen = [*model.encoder.weights, *layer.weights]
    before, learned = tiny.values(frozen), tiny.values(model.decoder.trainable_weights)
    fitted(model)
    for old, new in zip(before, tiny.values(frozen), strict=True):
        np.testing.assert_array_equal(old, new)
    news = tiny.values(model.decoder.trainable_weights)
    assert all((old != new).any() for old, new in zip(learned, news, strict=True))

    model.save(tmp_path / "frozen.keras")
    again = zoo.load(tmp_path / "frozen.keras")
    for old, new in zip(fitted(model), fitted(again), strict=True):
        np.testing.assert_array_equal(old, new)
    again.encoder.trainable = True
    old = tiny.values(again.encoder.trainable_weights)
    fitted(again)
    assert (old[0] != tiny.values(again.encoder.trainable_weights)[0]).any()
