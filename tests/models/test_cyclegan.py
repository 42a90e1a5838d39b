"""Tests cyclegan: its game, the pool of its images, both ways, its known maps."""

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

import zoo
from zoo.adversarial import pool as pools
from zoo.core.schedules import Schedule
from zoo.inputs import tasks
from zoo.networks import residual

any_backend = pytest.mark.any_backend


def tensor(array):
    return ops.convert_to_tensor(array)


def array(values):
    return np.array(ops.convert_to_numpy(values))


def of_domains(source_shape=(8, 8, 3), image_shape=(8, 8, 1), **config):
    """Returns the tiny model of two domains, built and compiled."""
    keras.utils.set_random_seed(1)
    settings = tiny.CONFIGS["cyclegan"] | {"task": "domains"} | config
    model = zoo.get("cyclegan", **settings)
    model.compile()
    model.build(image_shape, source_shape)
    return model


# --- the game -------------------------------------------------------------------------


class Identity:
    """Stands for a network that returns what it gets, or the same score always."""

    def __init__(self, score=None):
        self.score = score

    def __call__(self, x, training=False):
        return x if self.score is None else ops.zeros_like(x) + self.score


def with_networks(model, **stand_ins):
    """Returns the model with other networks, which Keras does not track."""
    for name, network in stand_ins.items():
        model._tracker.unlock()
        delattr(model, name)
        model.__dict__[name] = network
    return model


def test_generators_that_change_nothing_lose_by_the_judgement_alone():
    model = tiny.model("cyclegan")
    same, unsure = Identity(), Identity(0.5)
    with_networks(model, generator=same, back_generator=same)
    with_networks(model, discriminator=unsure, back_discriminator=unsure)
    x, y = tensor(tiny.floats(4)), tensor(tiny.floats(4, seed=1))
    _, terms = model.generator_objective(x, y)
    assert float(terms["cycle"]) == float(terms["identity"]) == 0
    np.testing.assert_allclose(float(terms["g_loss"]), 2 * 0.25, rtol=1e-6)
    losses, terms = model.discriminator_objective(x, y, x, y)
    for loss in losses.values():
        np.testing.assert_allclose(float(loss), 0.5 * (0.25 + 0.25), rtol=1e-6)
    np.testing.assert_allclose(float(terms["d_loss"]), 0.5, rtol=1e-6)
    np.testing.assert_allclose(float(terms["d_real"]), 0.5, rtol=1e-6)


def test_the_losses_are_those_of_the_docstring_and_weigh_both_ways_alike():
    model = of_domains((8, 8, 1), cycle_weight=3.0, identity_weight=2.0)
    x, y = tensor(tiny.floats(4)), tensor(tiny.floats(4, seed=1))
    there, back = model.generator, model.back_generator
    ways = []
    for a, b, way, home, judge in (
        (x, y, there, back, model.discriminator),
        (y, x, back, there, model.back_discriminator),
    ):
        fooled = ((array(judge(way(a))) - 1) ** 2).mean()
        cycle = abs(array(home(way(a))) - array(a)).mean()
        ways.append(fooled + 3 * cycle + 2 * abs(array(way(b)) - array(b)).mean())
    losses, terms = model.generator_objective(x, y)
    np.testing.assert_allclose(float(losses["generator"]), sum(ways), rtol=1e-5)
    assert losses["generator"] is losses["back_generator"]
    real, fake = (array(model.discriminator(z)) for z in (y, there(x)))
    wanted = 0.5 * (((real - 1) ** 2).mean() + (fake**2).mean())
    losses, _ = model.discriminator_objective(x, y, *model.fakes(x, y))
    np.testing.assert_allclose(float(losses["discriminator"]), wanted, rtol=1e-5)


def test_domains_of_other_channels_have_no_identity_and_go_both_ways():
    model = of_domains()
    sources, images = tiny.images(6, (8, 8, 3)), tiny.images(6)
    terms = tiny.step(model, (sources, images))
    assert terms["identity"] == 0 and terms["cycle"] > 0
    assert model.translate(sources).shape == (6, 8, 8, 1)
    assert model.translate(images, back=True).shape == (6, 8, 8, 3)
    assert model.takes == ("source", "image") and not model.can("sources")


# --- the pool -------------------------------------------------------------------------


@any_backend
def test_a_pool_fills_and_then_gives_half_of_its_images_for_new_ones():
    size, rows, generator = 50, 20, np.random.default_rng(0)
    pool, count = tensor(np.zeros((size, 1, 1, 1), "float32")), tensor(np.int32(0))
    held, old, total = np.zeros(0), 0, 0
    for step in range(60):
        new = 1 + step * rows + np.arange(rows, dtype="float32")
        images, u = new.reshape(-1, 1, 1, 1), generator.random((rows, 2), "float32")
        judged, pool, count = pools.exchanged(pool, count, tensor(images), tensor(u))
        judged, now = array(judged).ravel(), array(pool).ravel()
        if step < 3:  # it has room
            np.testing.assert_array_equal(judged, new)
            full = min(20 * step + 20, size)
            np.testing.assert_array_equal(now[:full], np.arange(full) + 1)
        else:
            is_old = judged != new
            np.testing.assert_array_equal(is_old, u[:, 0] < 0.5)
            assert set(judged[is_old]) <= set(held)
            assert set(held) - set(now) == set(judged[is_old])
            assert set(now) - set(held) <= set(new[is_old])
            old, total = old + is_old.sum(), total + rows
        held = now
        assert int(count) == min(20 * step + 20, size)
    assert abs(old / total - 0.5) < 4 * 0.5 / np.sqrt(total)


def test_training_moves_the_pools_and_measuring_does_not():
    model = tiny.model("cyclegan", pool=6)
    tiny.step(model, (tiny.images(4), tiny.labels(4)))
    pool = array(model.image_pool)
    assert int(model.image_count) == int(model.source_count) == 4
    assert (abs(pool[:4]).max((1, 2, 3)) > 0).all() and not pool[4:].any()
    model.evaluate(tiny.images(4), verbose=0)
    np.testing.assert_array_equal(array(model.image_pool), pool)
    assert not tiny.model("cyclegan", pool=0).states


# --- networks, maps, rates ------------------------------------------------------------


@pytest.mark.eager
@any_backend
@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 31, 3)], ids=["28x28", "9x31"])
def test_a_generator_answers_in_the_size_of_its_source(shape):
    network = residual.build_generator(shape, 2, 4, 1)
    assert tuple(network(tensor(tiny.floats(2, shape))).shape) == (2, *shape[:2], 2)


@pytest.mark.eager
@any_backend
def test_an_even_image_gets_an_even_answer_up_to_its_border():
    network = residual.build_generator((28, 28, 1), 1, 4, 2)
    answer = array(network(tensor(np.full((1, 28, 28, 1), 0.3, "float32"))))
    np.testing.assert_allclose(answer, answer[0, 14, 14, 0], atol=1e-5)


@any_backend
def test_the_known_maps_lead_home():
    images = tiny.floats(3, (8, 10, 3))
    striped = array(tasks.striped(tensor(images)))
    sign = np.array([1, 1, -1, -1] * 2 + [1, 1])[:, None]
    np.testing.assert_array_equal(striped, sign * images)
    np.testing.assert_array_equal(tasks.striped(tensor(striped)), images)
    model = tiny.model("cyclegan", task="stripes")
    float_images = tiny.floats(3)
    wanted = array(tasks.striped(tensor(float_images)))
    np.testing.assert_allclose(model.sources(float_images), wanted, atol=1e-6)
    negative = tiny.model("cyclegan").sources(float_images)
    np.testing.assert_allclose(negative, -float_images, atol=1e-6)


@any_backend
def test_the_rate_is_whole_for_a_half_and_then_falls_in_a_line():
    schedule = Schedule("half_linear", 2.0, 200)
    rates = [float(schedule(step)) for step in (0, 99, 100, 150, 199, 200, 300)]
    np.testing.assert_allclose(rates, [2, 2, 2, 1, 0.02, 0, 0], atol=1e-6)


# --- what is refused ------------------------------------------------------------------


def test_what_does_not_fit_is_refused_in_a_sentence():
    model = zoo.get("cyclegan", task="domains")
    sentence = refusal(model.build, (8, 8, 1), (16, 16, 1))
    assert "as large as its source" in sentence and "16x16x1" in sentence
    with pytest.raises(ValueError, match="pool"):
        zoo.get("cyclegan", pool=-1)
    model = of_domains()
    assert "8x8x3" in refusal(model.translate, tiny.images(2))
    assert "8x8x1" in refusal(model.translate, tiny.images(2, (8, 8, 3)), back=True)


def test_a_known_map_has_no_identity_loss_unless_it_is_asked_for():
    assert zoo.get("cyclegan").identity_weight == 0
    assert zoo.get("cyclegan", task="domains").identity_weight == 5
    assert zoo.get("cyclegan", identity_weight=2.0).identity_weight == 2
