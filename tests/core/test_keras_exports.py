"""Keras' own ways to export a model, or to make it a layer of another."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

SHAPE = (8, 8, 3)


def answer(folder, images, name="serve"):
    """What the SavedModel in `folder` answers on `images`."""
    saved = tf.saved_model.load(str(folder))  # lives as long as its variables
    outputs = getattr(saved, name, None) or saved.signatures[name]
    outputs = outputs(tf.constant(images))
    return np.array(outputs["output_0"] if isinstance(outputs, dict) else outputs)


def assert_predicts(answers, model, images):
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-6)


@tiny.few("ae", "classifier", "ddpm", "gan")  # one of each kind of answer
def test_a_model_that_was_never_called_exports_what_it_predicts(name, tmp_path):
    model = tiny.model(name)
    model.export(tmp_path, verbose=False)
    for count in (3, 1):
        images = tiny.examples(name, count, kind=tiny.floats)
        assert_predicts(answer(tmp_path, images), model, images)


@pytest.mark.slow
def test_a_saved_model_and_an_archive_answer_as_the_model_does(tmp_path):
    model, images = tiny.model("vae", SHAPE), tiny.floats(3, SHAPE)
    tf.saved_model.save(model, str(tmp_path / "saved"))
    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = keras.InputSpec(shape=(None, *SHAPE), dtype="float32")
    archive.add_endpoint("rebuilt", model.call, [spec])
    archive.write_out(tmp_path / "archive", verbose=False)
    for folder, endpoint in (("saved", "serving_default"), ("archive", "rebuilt")):
        rebuilt = answer(tmp_path / folder, images, endpoint)
        assert_predicts(rebuilt, model, images)


@pytest.mark.slow
def test_a_half_precision_model_exports_float32(tmp_path, mixed_bfloat16):
    model, images = tiny.model("classifier"), tiny.floats(3)
    model.export(tmp_path, verbose=False)
    rebuilt = answer(tmp_path, images)
    np.testing.assert_allclose(rebuilt, model.predict(images, verbose=0), atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_model_is_a_layer_of_another(kind, tmp_path):
    model, images = tiny.model("classifier", SHAPE), tiny.floats(3, SHAPE)
    inputs = keras.Input(SHAPE)
    if kind == "sequential":
        outer = keras.Sequential([inputs, keras.layers.Rescaling(1.0), model])
    else:
        outer = keras.Model(inputs, model(keras.layers.Rescaling(1.0)(inputs)))
    assert_predicts(outer.predict(images, verbose=0), model, images)
    outer.export(tmp_path / "exported", verbose=False)
    assert_predicts(answer(tmp_path / "exported", images), model, images)
    outer.save(tmp_path / "outer.keras")
    loaded = keras.saving.load_model(tmp_path / "outer.keras")
    assert_predicts(loaded.predict(images, verbose=0), model, images)
