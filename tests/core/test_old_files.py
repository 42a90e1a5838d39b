"""Files and run folders of version 0.1.0 (commit 577ed0f) stay of use.

`files_of_577ed0f.tar.xz` holds a tiny `.keras` file of every model, what each answered
then, and a run of two epochs beside its weights after a third. Another processor rounds
in other ways, so that numbers agree but for roundings.
"""

import pathlib
import tarfile

import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo import backend

ARCHIVE = pathlib.Path(__file__).with_name("files_of_577ed0f.tar.xz")
NAMES = ["ae", "bigan", "cgan", "classifier", "ddpm", "flow", "gan", "vae", "vaegan"]
NAMES += ["vaegan_hybrid", "wgan", "wgan_gp"]


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Returns the folder of the unpacked files."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(ARCHIVE) as archive:
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # 3.11.4
        archive.extractall(folder, **safe)
    return folder / "577ed0f"


@pytest.mark.slow
@pytest.mark.any_backend
@pytest.mark.eager
@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_old_gives_what_it_gave(name, old):
    model = zoo.load(old / f"{name}.keras")
    answers = np.load(old / "answers.npz")
    answer = keras.ops.convert_to_numpy(model(tiny.images(2)))
    # Inpainting adds noise to images.
    if backend.NAME == "tensorflow" or not model.can("inpaint"):
        np.testing.assert_allclose(answer, answers[f"{name}/call"], atol=1e-4)
    if model.can("encode"):
        codes = model.encode(tiny.images(2))
        np.testing.assert_allclose(codes, answers[f"{name}/encode"], atol=1e-4)
    # Every backend draws other numbers for a seed.
    if model.can("sample") and backend.NAME == "tensorflow":
        samples = model.sample(2, seed=0)
        np.testing.assert_allclose(samples, answers[f"{name}/sample"], atol=1e-3)
    assert int(model.optimizer.iterations) == 0
    if backend.NAME == "tensorflow":
        model.run_eagerly = True  # making a graph takes longer than training
        model.fit(tiny.images(4), tiny.labels(4), verbose=0)
        assert int(model.optimizer.iterations) == 1


@pytest.mark.slow
@pytest.mark.skipif(not backend.HAS_TF_DATA, reason="reads it with TensorFlow")
def test_the_model_of_an_old_file_is_exported_by_keras(old, tmp_path):
    import tensorflow as tf

    model, images = zoo.load(old / "ae.keras"), tiny.floats(3)
    model.export(tmp_path, verbose=False)
    saved = tf.saved_model.load(str(tmp_path))
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(saved.serve(images), expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not backend.HAS_TF_DATA, reason="the run drew TensorFlow's numbers")
def test_a_run_of_old_goes_on_as_it_would_have(old):
    from zoo import commands
    from zoo.commands import train

    folder = old / "run"
    flags = ["--model=vae", "--dataset=digits", "--image_size=8", "--batch_size=256"]
    flags += [f"--set={key}=2" for key in ("width", "hidden", "latent_dim")]
    flags += ["--epochs=3", f"--workdir={folder}"]
    assert commands.start(train.VERB, train.main, ["train", *flags]) == 0
    model, expected = zoo.load(folder), np.load(old / "run_after_three_epochs.npz")
    for index, value in enumerate(model.get_weights()):
        np.testing.assert_allclose(value, expected[str(index)], rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not backend.HAS_TF_DATA, reason="an export is TensorFlow's")
def test_a_file_of_old_is_exported(old, tmp_path):
    zoo.export(zoo.load(old / "gan.keras"), tmp_path / "gan", warmup=False)
    assert (tmp_path / "gan" / "1" / "saved_model.pb").is_file()
