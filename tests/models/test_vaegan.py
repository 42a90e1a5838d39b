"""Tests the VAE-GAN: three networks, three losses, and the signs of Algorithm 1."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from zoo import backend
from zoo.core import losses


@pytest.fixture(scope="session")
def model():
    return tiny.model("vaegan", gamma=0.5, loss="minimax")


@pytest.fixture
def noise(monkeypatch):
    """Makes every objective use the same noise, and returns it: (eps, z_prior)."""
    random = np.random.default_rng(0)
    pair = [random.normal(size=(4, 3)).astype("float32") for _ in "ab"]
    drawn = []

    def draw(seed, rows, shape):
        drawn.append(pair[len(drawn) % 2])
        return tf.constant(drawn[-1])

    monkeypatch.setattr(backend, "normal", draw)
    return pair


IMAGES = tf.constant(tiny.floats(4))


def gan_of(model):
    return float(model.objective(IMAGES)[1]["gan"])


def gradients(model, function):
    """Returns {network: gradients of the scalar function()}."""
    with tf.GradientTape() as tape:
        loss = function()
    names = model.networks
    variables = {
        n: [v.value for v in model.network(n).trainable_variables] for n in names
    }
    return tape.gradient(loss, variables)


def test_the_terms_are_those_of_algorithm_1(model, noise):
    _, terms = model.objective(IMAGES, training=True)
    z_mean, z_logvar = model.posterior(IMAGES, training=True)
    z = z_mean + tf.exp(z_logvar / 2) * noise[0]
    x_rec = model.decoder(z, training=True)
    x_fake = model.decoder(noise[1], training=True)
    features, _ = model.discriminator(tf.concat([IMAGES, x_rec], 0), training=True)
    f, f_rec = tf.split(features, 2)
    real, rec, fake = (
        model.discriminator(x, training=True)[1] for x in (IMAGES, x_rec, x_fake)
    )
    kl = losses.kl_normal(z_mean, z_logvar)
    np.testing.assert_allclose(terms["kl"], np.mean(kl), rtol=1e-4)
    recon = 0.5 * ((f - f_rec).numpy() ** 2).sum(axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(terms["recon"], recon, rtol=1e-4)
    log_d = tf.math.log_sigmoid
    gan = log_d(real) + log_d(-rec) + log_d(-fake)  # L_GAN, a log-likelihood
    np.testing.assert_allclose(terms["gan"], -np.mean(gan), rtol=1e-4)
    np.testing.assert_allclose(terms["d_real"], tf.sigmoid(real), rtol=1e-4)
    np.testing.assert_allclose(terms["d_fake"], tf.sigmoid(fake), rtol=1e-4)


def test_each_network_has_its_loss_with_its_sign(model, noise):
    network_losses, terms = model.objective(IMAGES)
    kl, recon, gan = (float(terms[term]) for term in ("kl", "recon", "gan"))
    np.testing.assert_allclose(network_losses["encoder"], kl + recon, rtol=1e-5)
    np.testing.assert_allclose(network_losses["decoder"], 0.5 * recon - gan, rtol=1e-5)
    np.testing.assert_allclose(network_losses["discriminator"], gan, rtol=1e-5)


def test_the_encoder_is_moved_by_likeness_and_prior_alone(noise):
    model = tiny.model("vaegan")
    model.compile({name: keras.optimizers.SGD(1e-2) for name in model.networks})

    def own():
        terms = model.objective(IMAGES)[1]
        return terms["kl"] + terms["recon"]

    expected = gradients(model, own)["encoder"]
    before = tiny.values(model.encoder.trainable_variables)
    model.train_step(IMAGES)
    after = tiny.values(model.encoder.trainable_variables)
    for old, new, slope in zip(before, after, expected):
        np.testing.assert_allclose(new - old, -1e-2 * slope, rtol=1e-3, atol=1e-6)


def test_with_gamma_zero_the_decoder_ignores_likeness(noise):
    model = tiny.model("vaegan", gamma=0.0, loss="minimax")
    decoder = gradients(model, lambda: model.objective(IMAGES)[0]["decoder"])["decoder"]
    gan = gradients(model, lambda: model.objective(IMAGES)[1]["gan"])["decoder"]
    for slope, other in zip(decoder, gan):
        np.testing.assert_allclose(slope, -other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("network, sign", [("discriminator", -1), ("decoder", 1)])
def test_discriminator_and_decoder_pull_gan_apart(network, sign, noise):
    model = tiny.model("vaegan", gamma=0.0, loss="minimax")
    model.compile({name: keras.optimizers.SGD(1e-3) for name in model.networks})
    before = gan_of(model)
    # -gan is the discriminator's log-likelihood: the discriminator climbs it, the
    # decoder descends.
    model.update(lambda: ({network: model.objective(IMAGES)[0][network]}, {}))
    assert sign * (gan_of(model) - before) > 0


def test_a_non_saturating_decoder_wants_both_kinds_of_fakes_called_real(noise):
    model = tiny.model("vaegan", gamma=0.0, loss="non_saturating")
    network_losses, _ = model.objective(IMAGES)
    z_mean, z_logvar = model.posterior(IMAGES, training=True)
    z = z_mean + tf.exp(z_logvar / 2) * noise[0]
    expected = 0.0
    for latent in (z, noise[1]):
        x = model.decoder(latent, training=True)
        logits = model.discriminator(x, training=True)[1]
        expected -= np.mean(tf.math.log_sigmoid(logits))
    np.testing.assert_allclose(network_losses["decoder"], expected, rtol=1e-4)


def test_likeness_is_measured_in_the_last_convolutional_level(model):
    features, logits = model.discriminator(IMAGES)
    assert features.shape == (4, 4, 4, 4) and logits.shape == (4, 1)
    conv = [layer for layer in model.discriminator.layers if "conv" in layer.name]
    assert features.shape[1:] == conv[-1].output.shape[1:]


def test_likeness_sees_contrast_brightness_and_blank_images():
    """If they were normalised apart, an image and its half contrast would have equal
    features."""
    model = tiny.model("vaegan", image_shape=(16, 16, 1), width=8)
    images = tf.constant(tiny.floats(16, (16, 16, 1)))

    def likeness(x_rec):
        return float(model.discriminate(images, x_rec, images)[0])

    noisy = images + 0.1 * tf.random.stateless_normal(images.shape, (0, 0))
    assert likeness(images) < 1e-6
    for other in (images / 2, images / 2 + 0.5, 0 * images):
        assert likeness(other) > likeness(noisy)


@pytest.mark.slow
def test_a_drawn_code_differs_from_the_mean_and_follows_its_seed(trained):
    model = trained("vaegan").model
    mean = model.encode(tiny.images(3))
    drawn = model.encode(tiny.images(3), sample=True, seed=2)
    assert (drawn != mean).all()
    again = model.encode(tiny.images(3)[1:], sample=True, seed=3)
    np.testing.assert_allclose(again, drawn[1:], atol=1e-5)
