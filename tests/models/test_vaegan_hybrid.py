"""Tests the hybrid: a VAE, and a generator whose images the discriminator sees."""

import numpy as np
import tensorflow as tf
import tiny

from zoo.core import losses


def test_the_vae_descends_its_pixels_and_the_generator_what_the_discriminator_says():
    model = tiny.model("vaegan_hybrid", alpha=2.0, gamma=0.5)
    noise, normal = [], model.normal
    model.normal = lambda *shape: noise.append(normal(*shape)) or noise[-1]
    images = tf.constant(tiny.floats(6))
    network_losses, terms = model.objective(images)
    eps, z_prior = noise
    z_mean, z_logvar = model.posterior(images, training=True)
    z = z_mean + tf.exp(0.5 * z_logvar) * eps
    error = tf.reduce_mean(
        losses.squared_error(images, model.decoder(z, training=True))
    )
    expected = terms["kl"] + 2.0 * error
    np.testing.assert_allclose(network_losses["encoder"], expected, rtol=1e-4)
    assert network_losses["encoder"] is network_losses["decoder"]
    np.testing.assert_allclose(terms["mse"], error / 64, rtol=1e-4)
    x_rec = model.generator(z, training=True)
    x_fake = model.generator(z_prior, training=True)
    recon, realism, gan, _ = model.discriminate(images, x_rec, x_fake)
    expected = 0.5 * recon + realism
    np.testing.assert_allclose(network_losses["generator"], expected, rtol=1e-4)
    np.testing.assert_allclose(network_losses["discriminator"], gan, rtol=1e-4)


def test_what_users_see_comes_from_the_generator():
    model = tiny.model("vaegan_hybrid")
    z = np.ones((2, 3), "float32")
    x_fake = model.generator(z, training=False)
    np.testing.assert_allclose(model.decode(z), x_fake, atol=1e-6)
    assert np.abs(model.decode(z) - model.decoder(z, training=False)).max() > 1e-4
