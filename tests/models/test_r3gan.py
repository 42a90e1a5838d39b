"""Tests r3gan: its loss of pairs, its penalties and their weight, its networks."""

import math

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

from zoo import backend
from zoo.adversarial import penalties
from zoo.core import losses
from zoo.networks import r3gan

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]


def logits(*numbers):
    return backend.tensor(np.array(numbers, "float32")[:, None])


def test_the_loss_of_pairs_does_not_change_with_a_constant_and_swaps_with_its_sides():
    real, fake = logits(1.0, -2.0, 0.5), logits(0.3, 0.7, -4.0)
    expected = np.mean(np.log1p(np.exp(-np.array([0.7, -2.7, 4.5]))))
    loss = float(losses.relativistic(real, fake))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    shifted = losses.relativistic(real + 100.0, fake + 100.0)
    np.testing.assert_allclose(float(shifted), loss, rtol=1e-4)
    swapped = np.mean(np.log1p(np.exp(np.array([0.7, -2.7, 4.5]))))
    np.testing.assert_allclose(losses.relativistic(fake, real), swapped, rtol=1e-5)
    equal = losses.relativistic(logits(3.0, 3.0), logits(3.0, 3.0))
    np.testing.assert_allclose(float(equal), math.log(2), rtol=1e-6)
    assert np.isfinite(float(losses.relativistic(logits(-1e4), logits(1e4))))


def blind(model):
    """Makes the discriminator give 0 to each image."""
    model.discriminator.layers[-1].kernel.assign(
        0.0 * model.discriminator.layers[-1].kernel
    )


def test_a_discriminator_that_tells_nothing_costs_log_2_on_both_sides():
    model = tiny.model("r3gan")
    blind(model)
    network_losses, terms = model.objective(backend.tensor(tiny.floats(4)))
    for value in (*network_losses.values(), terms["d_loss"], terms["g_loss"]):
        np.testing.assert_allclose(float(value), math.log(2), rtol=1e-6)
    assert float(terms["r1"]) == float(terms["r2"]) == 0
    np.testing.assert_allclose(ops.convert_to_numpy(terms["d_pair"]), 0.5)


def test_the_penalties_are_halves_of_mean_squares_at_real_and_generated_images():
    model, images = tiny.model("r3gan"), backend.tensor(tiny.floats(4))
    states = tiny.values(model.seed_states())
    network_losses, terms = model.discriminator_objective(images)
    critic = lambda x: model.discriminator(x, training=True)  # noqa: E731
    for variable, value in zip(model.seed_states(), states):
        variable.assign(value)
    x_fake = model.generate(4)
    for name, x in (("r1", images), ("r2", x_fake)):
        expected = float(penalties.r1(critic, x))
        np.testing.assert_allclose(float(terms[name]), expected, rtol=1e-4)
        assert expected > 0
    total = float(terms["d_loss"]) + float(terms["r1"]) + float(terms["r2"])
    np.testing.assert_allclose(float(network_losses["discriminator"]), total, rtol=1e-5)


def test_gamma_falls_along_half_a_cosine_and_stays():
    model = tiny.model("r3gan", gamma=2.0, gamma_end=0.2, gamma_steps=100)
    for step, expected in ((0, 2.0), (50, 1.1), (100, 0.2), (500, 0.2)):
        model.optimizer.iterations.assign(step)
        np.testing.assert_allclose(float(model.penalty_of_step()), expected, rtol=1e-5)
    assert tiny.model("r3gan", gamma=2.0, gamma_steps=0).penalty_of_step() == 2.0


@pytest.mark.parametrize("shape", [(28, 28, 1), (30, 22, 3), (64, 64, 3)])
def test_blocks_begin_as_nothing_and_images_have_any_size(shape):
    model = tiny.model("r3gan", shape, width=8, max_width=16, blocks=2, expansion=2)
    lasts = [
        layer.kernel
        for network in (model.generator, model.discriminator)
        for layer in network.layers
        if hasattr(layer, "kernel") and not tiny.values([layer.kernel])[0].any()
    ]
    levels = {28: 3, 30: 3, 64: 5}[shape[0]]
    assert len(lasts) == 2 * 2 * levels
    assert model.sample(2, seed=0).shape == (2, *shape)
    terms = tiny.step(model, tiny.images(4, shape))
    assert np.isfinite(list(terms.values())).all()
    assert all(tiny.values([kernel])[0].any() for kernel in lasts)


def test_the_other_layers_of_a_block_begin_by_the_number_of_blocks():
    x = keras.Input((8, 8, 64))
    block = keras.Model(x, r3gan.residual(x, 2, count=16))
    first, second, last = (each for each in block.layers if hasattr(each, "kernel"))
    for layer, inputs in ((first, 64), (second, 9 * 128)):
        expected = r3gan.GAIN * 16**-0.25 / math.sqrt(inputs)
        deviation = tiny.values([layer.kernel])[0].std()
        np.testing.assert_allclose(deviation, expected, rtol=0.05)
    assert not last.use_bias and not tiny.values([last.kernel])[0].any()


def test_a_sum_over_pixels_is_weighted_by_each_pixel_and_channel():
    layer = r3gan.WeightedSum()
    x = tiny.floats(2, (3, 5, 4))
    result = ops.convert_to_numpy(layer(backend.tensor(x)))
    expected = (x * tiny.values([layer.kernel])[0]).sum((1, 2))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_samples_lie_between_black_and_white():
    model = tiny.model("r3gan")
    for network in (model.generator, model.generator_ema):
        network.layers[-1].kernel.assign(50.0 * network.layers[-1].kernel)
    samples = model.sample(8, seed=0)
    assert samples.min() == -1 and samples.max() == 1
    np.testing.assert_array_equal(np.abs(model.decode(np.ones((2, 3)))).max(), 1)


def test_wrong_settings_are_refused_in_sentences():
    for name in ("blocks", "expansion", "width"):
        assert f"{name} of at least 1" in refusal(tiny.model, "r3gan", **{name: 0})
    for name in ("gamma", "gamma_end"):
        assert f"{name} of at least 0" in refusal(tiny.model, "r3gan", **{name: -1.0})
    assert "gamma_steps" in refusal(tiny.model, "r3gan", gamma_steps=-1)
