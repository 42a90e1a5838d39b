"""Tests srgan: its small images, what its answers keep, when the game begins."""

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

import zoo
from zoo.core import losses
from zoo.inputs import pixels
from zoo.networks import upscaling

any_backend = pytest.mark.any_backend


def tensor(array):
    return ops.convert_to_tensor(array)


def array(values):
    return np.array(ops.convert_to_numpy(values))


def changed(model):
    """Returns the model with a generator that adds something, as after training."""
    for variable in model.generator.trainable_variables:
        noise = np.random.default_rng(1).normal(size=variable.shape)
        variable.assign(ops.convert_to_numpy(variable) + 0.3 * noise)
    return model


# --- small images and large ones ------------------------------------------------------


@any_backend
@pytest.mark.parametrize("scale", [2, 4])
def test_a_small_image_has_the_means_of_the_blocks(scale):
    images = tiny.floats(3, (8, 12, 3))
    small = array(upscaling.block_mean(tensor(images), scale))
    assert small.shape == (3, 8 // scale, 12 // scale, 3)
    for row in range(8 // scale):
        block = images[:, row * scale : (row + 1) * scale, scale : 2 * scale]
        np.testing.assert_allclose(small[:, row, 1], block.mean((1, 2)), atol=1e-6)


@any_backend
def test_an_enlarged_image_repeats_pixels_and_its_small_version_is_it_again():
    images = tiny.floats(2, (3, 5, 3))
    large = array(upscaling.enlarge(tensor(images), 4))
    np.testing.assert_array_equal(large, images.repeat(4, axis=1).repeat(4, axis=2))
    again = array(upscaling.block_mean(tensor(large), 4))
    np.testing.assert_allclose(again, images, atol=1e-6)


@pytest.mark.eager
@any_backend
@pytest.mark.parametrize("scale", [2, 4])
def test_the_small_version_of_an_answer_is_its_source(scale):
    model = changed(tiny.model("srgan", (16, 8, 3), scale=scale))
    sources = tiny.floats(3, model.source_shape)
    answers = model.enlarged(tensor(sources))
    assert answers.shape == (3, 16, 8, 3)
    small = array(upscaling.block_mean(answers, scale))
    np.testing.assert_allclose(small, sources, atol=1e-5)
    free = changed(tiny.model("srgan", (16, 8, 3), scale=scale, consistent=False))
    small = array(upscaling.block_mean(free.enlarged(tensor(sources)), scale))
    assert abs(small - sources).max() > 0.01


def test_an_untrained_generator_adds_next_to_nothing():
    model = tiny.model("srgan", (16, 16, 1))
    images = tiny.images(4, (16, 16, 1))
    sources = model.sources(images)
    answers = model.translate(sources)
    large = sources.repeat(2, axis=1).repeat(2, axis=2)
    assert 0 < abs(answers - large).max() < 0.05
    np.testing.assert_allclose(array(model(images)), answers, atol=1e-6)


def test_answers_stay_in_range_and_training_may_leave_it():
    model = changed(tiny.model("srgan", (16, 16, 1)))
    sources = model.sources(255 * (tiny.images(4, (16, 16, 1)) > 127).astype("uint8"))
    answers = model.translate(sources)
    assert abs(answers).max() == 1
    raw = array(model.enlarged(tensor(sources)))
    assert abs(raw).max() > 1
    np.testing.assert_allclose(answers, raw.clip(-1, 1), atol=1e-6)


def test_no_layer_normalises_the_generator():
    names = [layer.name for layer in tiny.model("srgan").generator.layers]
    assert not [name for name in names if "norm" in name]


# --- losses ---------------------------------------------------------------------------


def test_the_losses_are_those_of_the_docstring():
    model = changed(tiny.model("srgan", game_from=0, l1_weight=3.0, gan_weight=0.5))
    images = tensor(tiny.floats(6))
    x_fake = model.enlarged(model.small(images))
    real, fake = (model.discriminator(x) for x in (images, x_fake))
    network_losses, terms = model.objective(images)
    judged = array(0.5 * losses.bce(real, True) + 0.5 * losses.bce(fake, False))
    d_loss, g_loss = (array(network_losses[name]) for name in model.networks)
    np.testing.assert_allclose(d_loss, judged, rtol=1e-5)
    l1 = abs(array(images) - array(x_fake)).mean()
    np.testing.assert_allclose(array(terms["l1"]), l1, rtol=1e-5)
    wanted = 3 * l1 + 0.5 * array(losses.bce(fake, True))
    np.testing.assert_allclose(g_loss, wanted, rtol=1e-5)


def test_the_game_begins_at_its_step_and_pixels_alone_teach_before():
    model = tiny.model("srgan", game_from=2, gan_weight=0.5)
    images = tensor(tiny.floats(4))
    shares = []
    for _ in range(4):
        _, terms = model.generator_objective(images)
        shares.append(float(array(terms["g_loss"]) - array(terms["l1"])))
        model.optimizer.iterations.assign_add(1)
    assert abs(np.array(shares[:2])).max() < 1e-6 and min(shares[2:]) > 0.1


def test_without_the_game_the_discriminator_rests():
    model = tiny.model("srgan", gan_weight=0)
    assert model.terms == ("g_loss", "l1")
    before = tiny.values(model.discriminator.variables)
    terms = tiny.step(model, (tiny.images(4), tiny.labels(4)))
    assert set(terms) == {"g_loss", "l1"} and terms["g_loss"] == terms["l1"]
    for one, other in zip(tiny.values(model.discriminator.variables), before):
        np.testing.assert_array_equal(one, other)


def test_it_learns_what_blocks_look_like_within():
    model = tiny.model("srgan", gan_weight=0, width=8)
    model.compile({n: keras.optimizers.Adam(1e-2) for n in model.networks})
    ramps = np.linspace(0, 255, 8)[None, None, :, None]
    images = (ramps * np.linspace(0.2, 1, 16)[:, None, None, None]).astype("uint8")
    images = np.broadcast_to(images, (16, 8, 8, 1))
    l1 = model.fit(images, epochs=30, batch_size=16, verbose=0).history["l1"]
    assert l1[-1] < l1[0] / 3


# --- pictures of any size -------------------------------------------------------------


@pytest.mark.eager
@any_backend
def test_a_picture_of_any_size_is_enlarged_alike_in_one_piece_and_in_tiles():
    model = changed(tiny.model("srgan", (16, 16, 3)))
    pictures = tiny.images(2, (20, 33, 3))
    whole = model.upscale(pictures, tile=40)
    assert whole.shape == (2, 40, 66, 3) and whole.dtype == np.float32
    for tile in (13, 17):  # a margin of 6 on both sides leaves a middle of 1 and of 5
        np.testing.assert_allclose(model.upscale(pictures, tile), whole, atol=1e-5)
    small = model.sources(tiny.images(2, (16, 16, 3)))
    np.testing.assert_allclose(model.upscale(small), model.translate(small), atol=1e-5)


def test_a_pixel_depends_on_no_pixel_beyond_the_margin():
    model = changed(tiny.model("srgan", (16, 16, 1), scale=4, blocks=2))
    dark = np.zeros((1, 31, 31, 1), "uint8")
    light = dark.copy()
    light[0, 15, 15] = 255
    differs = (model.upscale(dark, 200) != model.upscale(light, 200))[0, ..., 0]
    rows = np.flatnonzero(differs.any(axis=1)) // 4 - 15
    margin = upscaling.margin(2)
    assert -margin <= rows.min() < -2 and 2 < rows.max() <= margin


def test_pictures_that_cannot_be_enlarged_are_refused_in_a_sentence():
    model = tiny.model("srgan", (16, 16, 3))
    assert "[N, h, w, 3]" in refusal(model.upscale, tiny.images(2, (8, 8, 1)))
    pictures = tiny.images(1, (40, 40, 3))
    sentence = refusal(model.upscale, pictures, tile=12)
    assert "wider than twice the 6 pixels" in sentence and "tile=12" in sentence
    assert "NaN" in refusal(model.upscale, np.full((1, 8, 8, 3), np.nan, "float32"))
    with pytest.raises(ValueError, match="no networks yet: call fit"):
        zoo.get("srgan").upscale(pictures)


# --- what is refused ------------------------------------------------------------------


def test_what_does_not_fit_is_refused_in_a_sentence():
    sentence = refusal(zoo.get("srgan", scale=4).build, (30, 28, 1))
    assert "that scale=4 divides" in sentence
    model = tiny.model("srgan", (16, 16, 3))
    assert "8x8x3" in refusal(model.translate, tiny.images(2, (16, 16, 3)))
    assert "8x8x3" in refusal(model.translate, tiny.images(2, (8, 8, 1)))
    large = pixels.to_uint8(model.translate(tiny.images(2, (8, 8, 3))))
    assert large.shape == (2, 16, 16, 3)
