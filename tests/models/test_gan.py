"""Tests the GAN: fresh noise, turns, losses by name, and the generator's average."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from zoo import backend
from zoo.core import losses


@pytest.fixture
def noise(monkeypatch):
    """Returns a list that gets all noise that is drawn."""
    drawn, normal = [], backend.normal

    def record(*args):
        drawn.append(normal(*args))
        return drawn[-1]

    monkeypatch.setattr(backend, "normal", record)
    return drawn


def test_each_player_draws_fresh_noise_in_each_step(noise):
    model = tiny.model("gan")
    for _ in range(2):
        tiny.step(model, tiny.images(4))
    assert [z.shape for z in noise] == [(4, 3)] * 4
    assert len({z.numpy().tobytes() for z in noise}) == 4


def test_the_generator_plays_against_the_discriminator_that_has_just_moved(noise):
    model = tiny.model("gan")
    sgd = {name: keras.optimizers.SGD(0.5) for name in model.networks}
    model.compile(sgd)
    generator = model.generator.get_weights()
    discriminator = model.discriminator.get_weights()
    terms = tiny.step(model, tiny.images(4))

    def g_loss():
        model.generator.set_weights(generator)
        fake = model.generator(noise[1], training=True)
        logits = model.discriminator(fake, training=True)
        return float(losses.generator_loss(logits))

    np.testing.assert_allclose(terms["g_loss"], g_loss(), rtol=1e-5)
    model.discriminator.set_weights(discriminator)
    assert abs(terms["g_loss"] - g_loss()) > 1e-3


@pytest.mark.parametrize(
    "loss", ["non_saturating", "minimax", "least_squares", "hinge"]
)
def test_each_player_descends_the_loss_by_its_name(loss, noise):
    model = tiny.model("gan", loss=loss)
    images = tf.constant(tiny.floats(4))
    network_losses, terms = model.objective(images, training=True)
    logits = [
        model.discriminator(x, training=True)
        for x in (images, *(model.generator(z, training=True) for z in noise))
    ]
    expected = losses.discriminator_loss(logits[0], logits[1], loss)
    np.testing.assert_allclose(network_losses["discriminator"], expected, rtol=1e-5)
    expected = losses.generator_loss(logits[2], loss)
    np.testing.assert_allclose(network_losses["generator"], expected, rtol=1e-5)
    np.testing.assert_array_equal(terms["d_loss"], network_losses["discriminator"])
    np.testing.assert_array_equal(terms["g_loss"], network_losses["generator"])
    for term, logit in (("d_real", logits[0]), ("d_fake", logits[1])):
        np.testing.assert_allclose(terms[term], tf.sigmoid(logit), rtol=1e-5)


def test_the_average_follows_its_decay_which_grows_with_the_steps():
    model = tiny.model("gan", ema_decay=0.25)
    average = tiny.values(model.generator_ema.weights)
    for value, start in zip(average, tiny.values(model.generator.weights)):
        np.testing.assert_array_equal(value, start)
    for step in (1, 2, 3):
        tiny.step(model, tiny.images(4))
        decay = min(0.25, (1 + step) / (10 + step))
        for index, now in enumerate(tiny.values(model.generator.weights)):
            average[index] = decay * average[index] + (1 - decay) * now
        for value, expected in zip(tiny.values(model.generator_ema.weights), average):
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)
    assert not model.generator_ema.trainable_variables


def test_samples_come_from_the_average_unless_asked_otherwise(trained):
    model = trained("gan").model
    z = backend.normal_of_seeds(keras.ops.arange(4, dtype="int64"), (3,))
    for ema, network in ((True, model.generator_ema), (False, model.generator)):
        expected = network(z, training=False)
        np.testing.assert_allclose(
            model.sample(4, seed=0, ema=ema), expected, atol=1e-6
        )
    assert (model.sample(4, seed=0) != model.sample(4, seed=0, ema=False)).any()


def test_a_decay_of_zero_keeps_no_average():
    model = tiny.model("gan", ema_decay=0.0)
    assert not hasattr(model, "generator_ema")
    tiny.step(model, tiny.images(4))
    assert model.sample(2, seed=0).shape == (2, 8, 8, 1)


def test_the_dense_networks_of_2014_play_the_same_game():
    model = tiny.model("gan", image_shape=(9, 8, 3), architecture="mlp")
    kinds = {type(layer).__name__ for layer in model._flatten_layers()}
    assert not {"Conv2D", "Conv2DTranspose", "BatchNormalization"} & kinds
    terms = tiny.step(model, tiny.images(4, (9, 8, 3)))
    assert np.isfinite(list(terms.values())).all()
    assert model.sample(2, seed=0).shape == (2, 9, 8, 3)


def test_the_networks_keep_the_rules_of_dcgan():
    model = tiny.model("gan", image_shape=(32, 32, 3))
    layers = {n: model.network(n).layers for n in model.networks}
    for name, activation in (("generator", "relu"), ("discriminator", "leaky_relu")):
        kinds = [type(layer).__name__ for layer in layers[name]]
        assert "BatchNormalization" in kinds and "MaxPooling2D" not in kinds
        assert ("LeakyReLU" in kinds) == (activation == "leaky_relu")
    first = [type(layer).__name__ for layer in layers["discriminator"][1:3]]
    assert first == ["Conv2D", "LeakyReLU"]  # no batch statistics of the images
    assert layers["generator"][-1].activation is keras.activations.tanh
    kernel = np.concatenate(
        [value.ravel() for value in tiny.values(model.weights) if value.ndim == 4]
    )
    np.testing.assert_allclose(kernel.std(), 0.02, rtol=0.1)


def test_each_network_needs_its_own_optimizer():
    model = tiny.model("gan")
    with pytest.raises(ValueError, match="keys discriminator, generator") as error:
        model.compile("adam")
    assert "Received" in str(error.value)
    with pytest.raises(ValueError, match="exactly discriminator, generator"):
        model.compile({"generator": "adam"})
    with pytest.raises(ValueError, match="Received: critic, generator"):
        model.compile(dict.fromkeys(("critic", "generator"), "adam"))
    with pytest.raises(ValueError, match="brings its own losses"):
        model.compile(loss="mse")
