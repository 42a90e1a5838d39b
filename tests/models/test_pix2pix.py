"""Tests pix2pix: what it makes sources of, how it plays, what its answers keep."""

import math

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

import zoo
from zoo.core import losses
from zoo.inputs import pixels, tasks
from zoo.networks import translation

any_backend = pytest.mark.any_backend


def tensor(array):
    return ops.convert_to_tensor(array)


def array(values):
    return np.array(ops.convert_to_numpy(values))


def paired(source_shape=(8, 8, 3), image_shape=(8, 8, 1), **config):
    """Returns the tiny model of pairs, built and compiled."""
    keras.utils.set_random_seed(1)
    model = zoo.get("pix2pix", width=4, task="pairs", **config)
    model.compile()
    model.build(image_shape, source_shape)
    return model


# --- sources --------------------------------------------------------------------------


@any_backend
def test_a_step_of_brightness_is_an_edge_on_both_of_its_sides():
    images = np.full((2, 8, 8, 1), -1, "float32")
    images[:, :, 4:] = [[[[1.0]]], [[[-1 + 1.99 * tasks.EDGE]]]]  # a step too low
    lines = array(tasks.edges(tensor(images)))[..., 0]
    assert (lines[0, :, 3:5] == -1).all() and (lines[1] == 1).all()
    assert (lines[0, :, :3] == 1).all() and (lines[0, :, 5:] == 1).all()
    # Wherever it lies, and whatever side is light; the border is none.
    turned = array(tasks.edges(tensor(-images.swapaxes(1, 2))))[..., 0]
    np.testing.assert_array_equal(turned, lines.swapaxes(1, 2))


@any_backend
def test_edges_are_those_of_the_luma():
    images = np.zeros((1, 8, 8, 3), "float32")
    images[:, :, 4:, 2] = 1.9 * tasks.EDGE / 0.114  # blue alone: a step too low
    assert (array(tasks.edges(tensor(images))) == 1).all()
    images[:, :, 4:, 2] = 2.1 * tasks.EDGE / 0.114
    assert (array(tasks.edges(tensor(images))) == -1).any()


def test_grey_is_the_luma_by_which_files_become_grey():
    from PIL import Image

    images = tiny.images(4, (8, 8, 3))
    grey = array(tasks.grey(tensor(pixels.to_float(images))))
    files = [np.asarray(Image.fromarray(image).convert("L")) for image in images]
    assert abs(pixels.to_uint8(grey)[..., 0].astype(int) - files).max() <= 1


@any_backend
def test_a_coloured_image_keeps_the_luma_of_its_source_and_stays_in_range():
    luma = np.linspace(-1, 1, 4 * 64, dtype="float32").reshape(4, 8, 8, 1)
    answer = 2 * np.random.default_rng(0).random((4, 8, 8, 3), "float32") - 1
    images = array(tasks.coloured(tensor(luma), tensor(answer)))
    np.testing.assert_allclose(array(tasks.grey(tensor(images))), luma, atol=1e-6)
    assert abs(images).max() <= 1 + 1e-6
    colour = answer - array(tasks.grey(tensor(answer)))
    seen, wanted = (images - luma)[0, 4, 4], colour[0, 4, 4]
    np.testing.assert_allclose(seen / wanted, (seen / wanted).mean(), rtol=1e-3)
    again = array(tasks.coloured(tasks.grey(tensor(answer)), tensor(answer)))
    np.testing.assert_allclose(again, answer, atol=1e-5)  # its own colours fit


@any_backend
def test_a_hole_is_a_quarter_lies_within_and_is_known_by_its_grey():
    images = tiny.floats(5, (9, 8, 3))
    u = np.array([[0, 0], [0.999, 0.999], [1, 1], [0.5, 0], [0.3, 0.7]], "float32")
    source = array(tasks.with_hole(tensor(images), tensor(u)))
    hole = (source != images).any(-1)
    assert (hole.sum((1, 2)) == 4 * 4).all()
    assert hole[0, :4, :4].all() and hole[1, 5:, 4:].all() and hole[2, 5:, 4:].all()
    for known in (source, pixels.to_float(pixels.to_uint8(source))):  # or of a file
        filled = array(tasks.filled(tensor(known), tensor(-images)))
        np.testing.assert_array_equal(filled[hole], -images[hole])
        np.testing.assert_array_equal(filled[~hole], known[~hole])


@any_backend
def test_a_hole_is_placed_by_the_seed_of_its_row():
    model = tiny.model("pix2pix", task="fill")
    images = tiny.images(8)
    sources = model.sources(images, seed=3)
    assert len({(row == 0).tobytes() for row in sources}) > 4
    np.testing.assert_array_equal(model.sources(images[2:3], seed=5)[0], sources[2])
    answers = model.translate(sources, seed=0)
    known = abs(sources) >= tasks.NEAR
    np.testing.assert_array_equal(answers[known], sources[known])


# --- networks -------------------------------------------------------------------------


def test_the_generator_goes_from_28_to_14_to_7_and_back():
    model = tiny.model("pix2pix", (28, 28, 1))
    shapes = {layer.name: layer.output.shape[1:] for layer in model.generator.layers}
    assert shapes["down_0"] == (14, 14, 4) and shapes["down_1"] == (7, 7, 8)
    assert shapes["up_1_joined"] == (14, 14, 8) and shapes["image"] == (28, 28, 1)
    deep, count = 7 * 7 * 8, 7 * 7 * 8 + 14 * 14 * 4
    assert model.noise_shape == (count,)
    source, noise = tensor(tiny.floats(3, (28, 28, 1))), np.ones((3, count), "float32")
    noise[1, :deep], noise[2, deep:] = -1, -1  # drop all features of a level
    source = ops.concatenate([source[:1]] * 3)
    whole, *others = array(model.answer(source, tensor(noise)))
    assert all((whole != other).any() for other in others)
    assert model.discriminator.output_shape == (None, 12, 12, 1)


@pytest.mark.parametrize(
    "shape", [(8, 8, 1), (9, 30, 3), (17, 23, 1)], ids=["8x8", "9x30", "17x23"]
)
def test_nothing_is_normalised_over_few_positions(shape):
    model = tiny.model("pix2pix", shape)
    for network in (model.generator, model.discriminator):
        norms = [layer for layer in network.layers if "norm" in layer.name]
        assert all(math.prod(n.output.shape[1:3]) >= 9 for n in norms)
    assert model.translate(model.sources(tiny.images(2, shape))).shape == (2, *shape)


@pytest.mark.parametrize("depth, side", [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch(depth, side, monkeypatch):
    # Their own mean ties all positions together.
    monkeypatch.setattr(translation, "normalize", lambda x, name: x)
    build = translation.build_patch_discriminator
    network = build((96, 96, 1), 2, depth)
    rows = network.output_shape[1]
    base = np.zeros((1, 96, 96, 1), "float32")
    start = array(network(base))[0, rows // 2, rows // 2]
    images = np.repeat(base, 96, axis=0)
    images[np.arange(96), np.arange(96)] = 1.0  # a row of light pixels each
    scores = array(network(images))[:, rows // 2, rows // 2, 0]
    assert np.ptp(np.flatnonzero(scores != start)) + 1 == side


def test_patches_are_larger_on_larger_images():
    model = zoo.get("pix2pix")
    depths = [model._depth((side, 200)) for side in (28, 47, 48, 127, 128)]
    assert depths == [1, 1, 2, 2, 3]


@any_backend
def test_noise_drops_the_share_that_is_set_and_keeps_the_mean():
    x = ops.ones((50, 4, 4, 6))
    noise = np.random.default_rng(0).standard_normal((50, 100)).astype("float32")
    dropped, rest = translation.drop(x, tensor(noise), 0.3)
    dropped = array(dropped)
    assert abs((dropped == 0).mean() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / dropped.size)
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 0.7, rtol=1e-6)
    assert rest.shape == (50, 4)


@any_backend
def test_a_row_is_answered_whatever_its_batch():
    model = tiny.model("pix2pix", (16, 16, 1))
    sources = model.sources(tiny.images(4, (16, 16, 1)))
    answers = model.translate(sources, seed=5)
    one = model.translate(sources[2:3], seed=7)
    np.testing.assert_allclose(one[0], answers[2], atol=1e-5)
    assert (model.translate(sources, seed=9) != answers).any()
    two = model.translate(sources, seed=5, samples=2)
    np.testing.assert_allclose(two[:, 0], answers, atol=1e-5)
    assert (two[:, 1] != answers).any()


def test_without_dropout_a_source_has_one_answer():
    model = tiny.model("pix2pix", dropout=0.0)
    sources = model.sources(tiny.images(4))
    answers = [model.translate(sources, seed=seed) for seed in (0, 9)]
    np.testing.assert_array_equal(*answers)


def test_a_call_is_the_translation_of_what_it_makes_of_images():
    model, images = tiny.model("pix2pix", (16, 16, 1)), tiny.images(3, (16, 16, 1))
    sources = model.sources(images)
    wanted = [model.translate(source[None], seed=0)[0] for source in sources]
    np.testing.assert_allclose(array(model(images)), wanted, atol=1e-5)


# --- losses ---------------------------------------------------------------------------


def constant(model):
    """Makes the discriminator of a model answer 0 whatever it sees."""
    weights = model.discriminator.get_layer("score").weights
    for variable in weights:
        variable.assign(ops.zeros_like(variable))


def test_the_losses_are_those_of_the_paper():
    model = tiny.model("pix2pix", dropout=0.0)
    images = tensor(tiny.floats(6))
    source = tasks.edges(images)
    x_fake = model.generator(source)
    real, fake = (model.discriminator([source, x]) for x in (images, x_fake))
    network_losses, terms = model.objective(images)
    judged = 0.5 * losses.bce(real, True) + 0.5 * losses.bce(fake, False)
    np.testing.assert_allclose(network_losses["discriminator"], judged, rtol=1e-5)
    l1 = abs(array(images) - array(x_fake)).mean()
    np.testing.assert_allclose(terms["l1"], l1, rtol=1e-5)
    wanted = array(losses.bce(fake, True)) + 100 * l1
    np.testing.assert_allclose(network_losses["generator"], wanted, rtol=1e-5)
    constant(model)
    network_losses, terms = model.objective(images)
    np.testing.assert_allclose(network_losses["discriminator"], np.log(2), rtol=1e-5)
    np.testing.assert_allclose(
        network_losses["generator"], np.log(2) + 100 * l1, rtol=1e-5
    )


def test_a_discriminator_that_knows_nothing_teaches_nothing():
    model = tiny.model("pix2pix", l1_weight=0)
    constant(model)
    model.compile({n: keras.optimizers.SGD(1.0) for n in model.networks})
    before = tiny.values(model.generator.trainable_variables)
    images = tensor(tiny.floats(4))
    model.update(model.generator_objective, images)
    after = tiny.values(model.generator.trainable_variables)
    assert all((a == b).all() for a, b in zip(before, after))


def test_without_the_game_pixels_alone_teach():
    model = tiny.model("pix2pix", gan_weight=0, l1_weight=10)
    network_losses, terms = model.objective(tensor(tiny.floats(4)))
    np.testing.assert_allclose(network_losses["generator"], 10 * terms["l1"])


# --- training -------------------------------------------------------------------------


def test_it_learns_to_turn_sources_into_their_images():
    model = paired((8, 8, 1), dropout=0.0)
    model.compile({n: keras.optimizers.Adam(1e-2) for n in model.networks})
    levels = np.arange(0, 256, 16, "uint8")[:, None, None, None]
    sources = np.broadcast_to(levels, (16, 8, 8, 1))
    data = (sources, 255 - sources)
    terms = model.fit(data, epochs=40, batch_size=16, verbose=0).history
    assert terms["l1"][-1] < terms["l1"][0] / 2


def test_a_step_after_loading_is_that_without_it(tmp_path):
    model = tiny.model("pix2pix", task="fill")  # whose holes are random
    batch = tiny.images(4), tiny.labels(4)
    tiny.step(model, batch)
    model.save(tmp_path / "model.keras")
    loaded = zoo.load(tmp_path / "model.keras")
    assert loaded.source_shape == (8, 8, 1) and loaded.task == "fill"
    model.reset_metrics()
    assert tiny.step(loaded, batch) == tiny.step(model, batch)
    for one, other in zip(tiny.state(loaded), tiny.state(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_sources_may_have_other_channels_and_files_keep_them(tmp_path):
    model = paired()
    assert model.takes == ("source", "image")
    model.save(tmp_path / "pairs.keras")
    loaded = zoo.load(tmp_path / "pairs.keras")
    assert loaded.source_shape == (8, 8, 3) and loaded.image_shape == (8, 8, 1)
    sources = tiny.images(2, (8, 8, 3))
    answers = [m.translate(sources, seed=1) for m in (model, loaded)]
    np.testing.assert_array_equal(*answers)


# --- what is refused ------------------------------------------------------------------


def test_what_does_not_fit_is_refused_in_a_sentence():
    assert "as large as its source" in refusal(paired, (16, 16, 1))
    grey = zoo.get("pix2pix", task="colour")
    assert "three channels" in refusal(grey.build, (8, 8, 1))
    wide = zoo.get("pix2pix", receptive_field="34")
    assert "no larger than the image" in refusal(wide.build, (28, 28, 1))
    assert "sources only" in refusal(paired().fit, tiny.images(2, (8, 8, 3)))
    assert "dropout in [0, 1)" in refusal(zoo.get, "pix2pix", dropout=1.0)


def test_sources_of_another_kind_are_refused_in_a_sentence():
    colour = tiny.model("pix2pix", (8, 8, 3), task="colour")
    assert colour.source_shape == (8, 8, 1)
    refusal(colour.translate, tiny.images(2, (8, 8, 3)))
    refusal(colour.translate, tiny.images(2, (16, 16, 1)))
    assert "one way only" in refusal(colour.translate, tiny.images(2), back=True)
    assert "no such option" in refusal(colour.translate, tiny.images(2), task="fill")
    sentence = refusal(paired().sources, tiny.images(2))
    assert "learns from pairs" in sentence
