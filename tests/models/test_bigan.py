"""Tests BiGAN: pairs that belong together, and one game for three networks."""

import numpy as np
import pytest
import tensorflow as tf
import tiny

from zoo.core import losses


def test_the_discriminator_judges_an_image_with_its_code_and_a_code_with_its_image():
    model = tiny.model("bigan")
    network = model.discriminator
    noise, normal = [], model.normal
    model.normal = lambda *shape: noise.append(normal(*shape)) or noise[-1]
    images = tf.constant(tiny.floats(5))
    network_losses, _ = model.objective(images)
    z = model.encoder(images, training=True)
    x_fake = model.generator(noise[0], training=True)
    real = network([images, z], training=True)
    fake = network([x_fake, noise[0]], training=True)
    expected = losses.bce(real, True) + losses.bce(fake, False)
    np.testing.assert_allclose(network_losses["discriminator"], expected, rtol=1e-4)
    expected = losses.bce(real, False) + losses.bce(fake, True)
    np.testing.assert_allclose(network_losses["generator"], expected, rtol=1e-4)
    assert network_losses["encoder"] is network_losses["generator"]
    # The same image with the code of another one is another pair and has another score.
    crossed = network([images, z[::-1]], training=True)
    assert np.abs(crossed - real).max() > 1e-4


def test_a_stochastic_encoder_draws_its_code():
    model = tiny.model("bigan", encoder="stochastic")
    tiny.step(model, tiny.images(8))
    images = tiny.images(4)
    mean = model.encode(images)
    assert mean.shape == (4, 3)
    draws = [model.encode(images, sample=True, seed=seed) for seed in (0, 0, 9)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).all() and (draws[0] != mean).all()


@pytest.mark.slow
def test_codes_come_from_the_averages():
    model = tiny.model("bigan")
    for _ in range(3):
        tiny.step(model, tiny.images(8))
    images = tf.constant(tiny.floats(4))
    z = model.encoder_ema(images, training=False)
    np.testing.assert_allclose(model.encode(images.numpy()), z, atol=1e-6)
    assert np.abs(z - model.encoder(images, training=False)).max() > 1e-5
    x_rec = model.generator_ema(z, training=False)
    np.testing.assert_allclose(model.reconstruct(images.numpy()), x_rec, atol=1e-5)
