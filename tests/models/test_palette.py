"""Tests the palette: what it learns, what its answers keep, how many it has."""

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

import zoo
from zoo.inputs import tasks
from zoo.models import palette
from zoo.networks import upscaling

any_backend = pytest.mark.any_backend


def tensor(array):
    return ops.convert_to_tensor(array)


def array(values):
    return np.array(ops.convert_to_numpy(values))


def paired(source_shape=(8, 8, 3), image_shape=(8, 8, 1), **config):
    """Returns the tiny model of pairs, built and compiled."""
    keras.utils.set_random_seed(1)
    settings = tiny.CONFIGS["palette"] | {"task": "pairs"} | config
    model = zoo.get("palette", **settings)
    model.compile()
    model.build(image_shape, source_shape)
    return model


def answered(model, sources, **options):
    """Returns the answers to float sources by the seeds 0, 1, ..., without a graph."""
    return array(model.to_target(tensor(sources), np.arange(len(sources)), **options))


def knowing(model, images):
    """Makes the network of a model answer the v of `images`, whatever it sees."""

    def ask(network, x, t, source=None, training=False):
        alpha, sigma = (ops.sqrt(g)[:, None, None, None] for g in (t, 1.0 - t))
        return (alpha * x - images) / sigma

    model.ask = ask
    return model


# --- levels of noise ------------------------------------------------------------------


def test_noise_rises_as_in_the_paper():
    betas = 1 - palette.GAMMA / np.append(1.0, palette.GAMMA[:-1])
    np.testing.assert_allclose(betas[[0, -1]], [1e-6, 0.01], rtol=1e-6)
    np.testing.assert_allclose(np.diff(betas), np.diff(betas).mean(), rtol=1e-4)
    assert len(betas) == 2000


@any_backend
def test_gamma_is_drawn_evenly_from_all_levels_and_between_them():
    model = tiny.model("palette")
    gamma, alpha, sigma = map(array, model.random_level(4000, ops.zeros((1, 2, 2, 1))))
    assert gamma.shape == (4000,) and alpha.shape == sigma.shape == (4000, 1, 1, 1)
    np.testing.assert_allclose(alpha[:, 0, 0, 0] ** 2, gamma, atol=1e-6)
    np.testing.assert_allclose(alpha**2 + sigma**2, 1.0, atol=1e-6)
    assert gamma.min() > palette.GAMMA[-1] and gamma.max() <= 1
    assert len(np.unique(gamma)) > 3000  # more than there are levels
    variance = 1 - palette.GAMMA
    middle = (np.append(0.0, variance[:-1]) + variance) / 2
    error = variance.std() / np.sqrt(4000)
    assert abs((1 - gamma).mean() - middle.mean()) < 4 * error


def test_the_network_is_told_gamma_on_the_way_down():
    levels = zoo.get("palette").levels(5)
    np.testing.assert_allclose(levels.t, levels.alpha**2)
    np.testing.assert_allclose(levels.t[0], palette.GAMMA[-1])
    np.testing.assert_allclose(levels.alpha**2 + levels.sigma**2, 1.0)
    assert levels.alpha[-1] == 1 and levels.sigma[-1] == 0


# --- what is learned ------------------------------------------------------------------


def test_the_network_sees_the_source_in_front_of_the_image():
    model = paired((8, 8, 3), (8, 8, 1))
    images, gamma = model.unet.inputs
    assert images.shape == (None, 8, 8, 4) and gamma.shape == (None,)
    assert model.unet.output_shape == (None, 8, 8, 1)
    x, source = tensor(tiny.floats(2)), tensor(tiny.floats(2, (8, 8, 3), seed=1))
    gamma = tensor(np.array([0.25, 0.5], "float32"))
    whole = model.unet([ops.concatenate([source, x], -1), 1000.0 * gamma])
    np.testing.assert_array_equal(model.ask(model.unet, x, gamma, source), whole)
    others = (
        model.ask(model.unet, x, gamma, -source),
        model.ask(model.unet, -x, gamma, source),
    )
    assert all((array(other) != array(whole)).any() for other in others)


@any_backend
@pytest.mark.parametrize("prediction", ["v", "eps", "x0"])
def test_the_loss_is_the_squared_error_of_what_is_predicted(prediction):
    model = tiny.model("palette", prediction=prediction, overshoot=False)
    x_0, eps = tensor(tiny.floats(4)), tensor(tiny.floats(4, seed=1))
    model.normal = lambda rows, shape: eps
    seen = {}

    def ask(network, x, t, source, training):
        seen.update(x=array(x), gamma=array(t), source=array(source))
        return ops.zeros_like(x)

    model.ask = ask
    network_losses, terms = model.objective(x_0)
    np.testing.assert_array_equal(seen["source"], array(tasks.edges(x_0)))
    alpha, sigma = (
        np.sqrt(g)[:, None, None, None] for g in (seen["gamma"], 1 - seen["gamma"])
    )
    x_0, eps = array(x_0), array(eps)
    np.testing.assert_allclose(seen["x"], alpha * x_0 + sigma * eps, atol=1e-4)
    wanted = {"v": alpha * eps - sigma * x_0, "eps": eps, "x0": x_0}[prediction]
    np.testing.assert_allclose(terms["denoising"], (wanted**2).mean(), rtol=1e-4)
    assert network_losses == {"unet": terms["denoising"]}


def test_of_a_hole_nothing_but_the_hole_is_learned():
    model = tiny.model("palette", task="fill", overshoot=False, prediction="x0")
    x_0 = tensor(tiny.floats(6))
    u = model.uniform(6, (2,))
    model.uniform = lambda rows, shape: u if shape else ops.zeros(6)
    source = tasks.with_hole(x_0, u)
    model.ask = lambda network, x, t, source, training: ops.zeros_like(x)
    _, terms = model.objective(x_0)
    in_hole = array(x_0)[array(source) != array(x_0)]
    assert in_hole.size == 6 * 16
    np.testing.assert_allclose(terms["denoising"], (in_hole**2).mean(), rtol=1e-5)


@pytest.mark.full
@pytest.mark.slow
def test_it_learns_to_turn_sources_into_their_images():
    model = paired((8, 8, 1), dropout=0.0, width=8, ema_decay=0.9)
    model.compile({"unet": keras.optimizers.Adam(1e-2)})
    levels = np.arange(0, 256, 16, "uint8")[:, None, None, None]
    sources = np.broadcast_to(levels, (16, 8, 8, 1))
    model.fit((sources, 255 - sources), epochs=80, batch_size=16, verbose=0)
    answers = model.translate(sources, seed=0)
    wanted = -(sources / 127.5 - 1)
    assert abs(answers - wanted).mean() < 0.5 * abs(wanted).mean()


# --- answers --------------------------------------------------------------------------


@any_backend
@pytest.mark.parametrize("sampler", palette.Palette.samplers)
def test_by_every_sampler_one_who_knows_the_image_comes_to_it(sampler):
    images = tiny.floats(2)
    model = knowing(tiny.model("palette"), tensor(images))
    answers = answered(model, tiny.floats(2), sampler=sampler, steps=4)
    np.testing.assert_allclose(answers, images, atol=1e-4)


@any_backend
def test_a_source_has_as_many_answers_as_are_asked_for():
    model = tiny.model("palette")
    sources = model.sources(tiny.images(3))
    answers = model.translate(sources, seed=5, samples=4)
    assert answers.shape == (3, 4, 8, 8, 1) and answers.dtype == np.float32
    assert len({answer.tobytes() for row in answers for answer in row}) == 12
    np.testing.assert_allclose(
        model.translate(sources, seed=5), answers[:, 0], atol=1e-5
    )
    one = model.translate(sources[2:], seed=7, samples=2)  # whatever the batch
    np.testing.assert_allclose(one[0], answers[2, :2], atol=1e-4)


def test_answers_under_a_bar_are_those_of_one_graph():
    model, how = tiny.model("palette"), {"sampler": "ddpm", "steps": 4}
    sources = model.sources(tiny.images(3))
    in_parts = model.translate(sources, seed=0, **how)
    np.testing.assert_allclose(in_parts, answered(model, sources, **how), atol=1e-5)
    assert (answered(model, sources, sampler="ddpm", steps=2) != in_parts).any()


@any_backend
@pytest.mark.parametrize(
    "task, shape, tells",
    [
        ("colour", (8, 8, 3), tasks.grey),
        ("fill", (8, 8, 1), None),
        ("upscale", (8, 8, 1), lambda images: upscaling.block_mean(images, 4)),
    ],
)
def test_an_answer_keeps_what_its_source_tells(task, shape, tells):
    free = tiny.model("palette", shape, task=task, consistent=False)
    sources = free.sources(tiny.images(4, shape), seed=3)
    model = knowing(tiny.model("palette", shape, task=task), 0.0)
    free = knowing(free, 0.0)
    known = abs(sources) >= tasks.NEAR if task == "fill" else ...
    for each, is_kept in ((model, True), (free, False)):
        answers = answered(each, sources)
        told = array(tells(tensor(answers))) if tells else answers
        assert (abs(told - sources)[known].max() < 1e-4) == is_kept


@any_backend
def test_small_sources_become_large_images_and_files_know_it(tmp_path):
    model = tiny.model("palette", (8, 16, 3), task="upscale", scale=2)
    assert model.source_shape == (4, 8, 3) and model.takes == ("image", "label")
    sources = model.sources(tiny.images(2, (8, 16, 3)))
    assert sources.shape == (2, 4, 8, 3)
    model.save(tmp_path / "model.keras")
    loaded = zoo.load(tmp_path / "model.keras")
    answers = [answered(each, sources) for each in (model, loaded)]
    assert answers[0].shape == (2, 8, 16, 3)
    np.testing.assert_array_equal(*answers)


def test_sources_may_have_other_channels_and_files_keep_them(tmp_path):
    model = paired()
    assert model.takes == ("source", "image") and not model.can("sources")
    model.save(tmp_path / "pairs.keras")
    loaded = zoo.load(tmp_path / "pairs.keras")
    assert loaded.source_shape == (8, 8, 3) and loaded.image_shape == (8, 8, 1)
    sources = tiny.floats(2, (8, 8, 3))
    np.testing.assert_array_equal(*(answered(m, sources) for m in (model, loaded)))


def test_a_call_is_the_translation_of_what_it_makes_of_images():
    model, images = tiny.model("palette"), tiny.images(3)
    sources = model.sources(images)
    wanted = [answered(model, source[None])[0] for source in sources]
    np.testing.assert_allclose(array(model(images)), wanted, atol=1e-5)


def test_holes_are_placed_by_seeds():
    model, images = tiny.model("palette", task="fill"), tiny.images(8)
    sources = model.sources(images, seed=3)
    assert len({(row == 0).tobytes() for row in sources}) > 4
    np.testing.assert_array_equal(model.sources(images[2:3], seed=5)[0], sources[2])


# --- what is refused ------------------------------------------------------------------


def test_what_does_not_fit_is_refused_in_a_sentence():
    assert "one of 'edges', " in refusal(zoo.get, "palette", task="paint")
    assert "as large as its source" in refusal(paired, (16, 16, 1))
    assert "three channels" in refusal(
        zoo.get("palette", task="colour").build, (8, 8, 1)
    )
    large = zoo.get("palette", task="upscale")
    assert "scale=4 divides" in refusal(large.build, (30, 28, 1))
    assert "sources only" in refusal(paired().fit, tiny.images(2, (8, 8, 3)))
    assert "1 to 2000 steps" in refusal(zoo.get, "palette", steps=2001)
    assert "width of at least 1" in refusal(zoo.get, "palette", width=0)
    assert "dropout in [0, 1)" in refusal(zoo.get, "palette", dropout=1.0)


def test_questions_that_have_no_answer_are_refused_in_a_sentence():
    model, sources = tiny.model("palette"), tiny.images(2)
    refusal(model.translate, tiny.images(2, (16, 16, 1)))
    refusal(model.translate, tiny.images(2, (8, 8, 3)))
    assert "samples" in refusal(model.translate, sources, samples=0)
    assert "one way only" in refusal(model.translate, sources, back=True)
    with pytest.raises(ValueError, match="takes no labels"):
        model.translate(sources, labels=[0, 1])
    sentence = refusal(model.translate, sources, guidance=2.0)
    assert "Options: sampler, steps, eta." in sentence
    assert "samples by dpmpp_2m, " in refusal(model.translate, sources, sampler="euler")
    assert "eta is an option of ddim" in refusal(model.translate, sources, eta=0.5)
    assert "1 to 2000 steps" in refusal(model.translate, sources, steps=0)
    for ask in (model.sample, lambda: model.inpaint(sources, np.ones((8, 8)))):
        with pytest.raises(ValueError, match="'palette' cannot .*Models that can: "):
            ask()
    assert "learns from pairs" in refusal(paired().sources, sources)
