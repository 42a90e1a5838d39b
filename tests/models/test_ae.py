"""Tests the autoencoder: one loss, and a bottleneck."""

import numpy as np
import pytest
import tiny

import zoo

pytestmark = pytest.mark.any_backend


@pytest.mark.slow
@pytest.mark.eager
def test_both_networks_descend_the_squared_error_of_each_pixel(trained):
    model = trained("ae").model
    images = tiny.floats(10)
    losses, terms = model.objective(images, training=False)
    error = np.mean((images - model.reconstruct(images)) ** 2)
    np.testing.assert_allclose(float(terms["mse"]), error, rtol=1e-5)
    assert losses["encoder"] is losses["decoder"] is terms["mse"]


def test_the_code_is_a_bottleneck(trained):
    model = trained("ae").model
    assert model.encoder.output_shape == (None, 3)
    assert model.decoder.input_shape == (None, 3)


@pytest.mark.parametrize("hidden", [0, 5])
def test_a_dense_layer_beside_the_code_is_optional(hidden):
    model = tiny.model("ae", hidden=hidden)
    widths = [layer.units for layer in model.encoder.layers if hasattr(layer, "units")]
    assert widths == ([hidden] if hidden else []) + [3]


def test_evaluation_weighs_a_partial_batch_by_its_images(trained):
    model = trained("ae").model
    images = tiny.floats(10)
    whole = model.evaluate(images, batch_size=10, return_dict=True)
    parts = model.evaluate(images, batch_size=4, return_dict=True)
    np.testing.assert_allclose(parts["mse"], whole["mse"], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.eager
def test_the_error_falls_in_training():
    model = zoo.get("ae", image_shape=(8, 8, 1), latent_dim=8, width=8)
    images, _ = zoo.data.arrays("digits", image_size=8)
    history = model.fit(images[:64], batch_size=8, epochs=15, verbose=0).history["mse"]
    assert history[-1] < 0.4 * history[0]
