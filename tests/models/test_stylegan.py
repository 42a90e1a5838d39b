"""Tests stylegan: truncation, mixing, projection, its lazy penalty and mean style."""

import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

import zoo
from zoo import backend

pytestmark = pytest.mark.any_backend


def lively(**changes):
    """Returns a tiny model whose noise is seen and whose styles differ."""
    model = tiny.model("stylegan", **changes)
    for variable in model.synthesis_ema.weights + model.synthesis.weights:
        if variable.name == "strength":
            variable.assign(0.3)
    model.w_mean.assign(np.array([0.1, 0.4, -0.2]))
    return model


def style_mean(model):
    return ops.convert_to_numpy(model.w_mean)


@pytest.fixture(scope="module")
def model():
    return lively()


def test_truncation_leads_from_all_images_to_the_mean_style(model):
    w = model.styles(backend.tensor(np.arange(3)), truncation=0.0)
    mean = np.broadcast_to(style_mean(model), (3, model.levels, 3))
    np.testing.assert_array_equal(ops.convert_to_numpy(w), mean)
    plain = model.sample(4, seed=2)
    np.testing.assert_array_equal(model.sample(4, seed=2, truncation=1), plain)
    assert (model.sample(4, seed=2, truncation=0.5) != plain).any()


def test_a_mixture_has_coarse_levels_of_one_seed_and_fine_ones_of_another(model):
    coarse, fine = model.sample(2, seed=0), model.sample(2, seed=7)
    seeds = [0, 1], [7, 8]
    np.testing.assert_array_equal(model.mix(*seeds, level=0), fine)
    np.testing.assert_array_equal(model.mix(*seeds, level=model.levels), coarse)
    between = model.mix(*seeds, level=1)
    assert (between != coarse).any() and (between != fine).any()


def test_a_projection_finds_styles_of_an_image(model):
    w = np.random.default_rng(0).normal(size=(2, model.levels, 3))
    images, told = model.synthesize(w), []
    styles = model.project(images, 60, progress=lambda *at: told.append(at))
    assert [step for step, _ in told] == list(range(1, 61))
    error = ((model.synthesize(styles) - images) ** 2).mean()
    assert error < 0.3 * told[0][1]


@pytest.mark.eager
def test_a_lazy_penalty_comes_in_its_turn_and_counts_as_often():
    model, images = tiny.model("stylegan", r1_every=3), tiny.images(4)
    terms = [tiny.step(model, images)["gp"] for _ in range(4)]
    # Reported are means of all steps so far.
    sums = np.array(terms) * [1, 2, 3, 4]
    assert np.diff(sums)[2] > 0
    np.testing.assert_allclose(np.diff(sums)[:2], 0, atol=1e-5)
    dense = tiny.model("stylegan", r1_every=1)
    np.testing.assert_allclose(terms[0], 3 * tiny.step(dense, images)["gp"], rtol=1e-4)


def test_a_share_of_the_images_of_training_has_two_styles():
    model = tiny.model("stylegan", (28, 28, 1), mixing=0.75)
    w = ops.convert_to_numpy(model.new_styles(2000))
    changes = (w[:, 1:] != w[:, :-1]).any(axis=-1)
    assert changes.sum(axis=1).max() == 1
    np.testing.assert_allclose(changes.mean(axis=0), 0.75 / 2, atol=0.04)


def test_the_mapping_moves_a_hundred_times_slower_than_the_others():
    optimizers = tiny.model("stylegan").optimizers
    rates = {name: float(each.learning_rate) for name, each in optimizers.items()}
    assert rates["discriminator"] == rates["synthesis"]
    np.testing.assert_allclose(rates["mapping"], rates["synthesis"] / 100)


def test_the_mean_style_is_that_of_the_averaged_mapping():
    model = tiny.model("stylegan")
    bias = model.mapping_ema.layers[-1].bias
    bias.assign(bias + 5.0)  # now it is another one than the mapping
    for _ in range(5):
        model._move_w_mean(512)
    z = model.noise(backend.tensor(np.arange(2000)))
    mean = ops.convert_to_numpy(model.mapping_ema(z)).mean(axis=0)
    np.testing.assert_allclose(style_mean(model), mean, atol=0.2)
    assert np.abs(ops.convert_to_numpy(model.mapping(z)).mean(axis=0) - mean).min() > 1


def test_sizes_have_a_lowest_level_of_4_to_7_pixels():
    assert tiny.model("stylegan", (28, 28, 1)).levels == 3
    assert tiny.model("stylegan", (64, 48, 3)).levels == 4


def test_wrong_questions_are_answered_in_sentences(model):
    for value in (1.5, -0.1, float("nan"), "much"):
        assert "in [0, 1]" in refusal(model.sample, 1, truncation=value)
    assert "in [0, 1]" in refusal(model.mix, [0], [1], 1, truncation=2)
    assert f"{model.levels + 1}" in refusal(model.mix, [0], [1], model.levels + 1)
    assert "one fine seed" in refusal(model.mix, [0], [1, 2], 1)
    size = "for images of 8x8x1. Received: 12x12x1"
    assert size in refusal(model.project, tiny.images(1, (12, 12, 1)))
    assert "steps" in refusal(model.project, tiny.images(1), 0)
    assert "shape [1, 3]" in refusal(model.synthesize, np.zeros((1, 3)))
    for wanted in ("mix", "project"):
        with pytest.raises(ValueError, match=f"cannot {wanted}.*: stylegan"):
            tiny.model("gan").require(wanted)
    assert "mixing in [0, 1)" in refusal(zoo.get, "stylegan", mixing=1.5)
