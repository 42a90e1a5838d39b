"""Tests adaptive augmentation: what it does to images, and how often."""

import contextlib

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from refusals import refusal

import zoo
from zoo import backend
from zoo.adversarial import penalties
from zoo.inputs import augment

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]

ADVERSARIAL = ["gan", "cgan", "bigan", "vaegan", "vaegan_hybrid", "wgan", "stylegan"]
ADVERSARIAL += ["r3gan"]
NEVER = 0.999  # a gate that stays shut at p = 1/2


def draws(rows=4, seed=0):
    """Returns random numbers of `augment.ada`."""
    rng = np.random.default_rng(seed)
    u = rng.random((rows, augment.NUM_ADA_UNIFORM), "float32")
    return u, rng.standard_normal((rows, augment.NUM_ADA_NORMAL), "float32")


def only(*changes, rows=4):
    """Returns random numbers of `augment.ada` that make these changes at p = 1/2."""
    u, normal = draws(rows)
    gates = [0.0 if name in changes else NEVER for name in augment.GATES]
    u[:, : len(augment.GATES)] = gates
    return u, normal


def changed(images, p, u, normal):
    tensors = [backend.tensor(np.asarray(x, "float32")) for x in (images, u, normal)]
    return ops.convert_to_numpy(augment.ada(tensors[0], p, *tensors[1:]))


@pytest.mark.parametrize("shape", [(8, 8, 1), (7, 10, 3), (28, 28, 3)])
def test_without_a_probability_images_stay_as_they_are_to_the_bit(shape):
    images = tiny.floats(4, shape)
    np.testing.assert_array_equal(changed(images, 0.0, *draws()), images)
    assert (changed(images, 1.0, *draws()) != images).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("change", ["flip", "quarter", "move"])
@pytest.mark.parametrize("shape", [(8, 8, 3), (16, 12, 3)])
def test_flips_quarter_turns_and_moves_lose_no_pixel(change, shape):
    images = tiny.floats(16, shape)
    result = changed(images, 0.5, *only(change, rows=16))
    assert (result != images).any()
    for before, after in zip(images, result):
        rows = [x.reshape(-1, 3).tolist() for x in (before, after)]
        assert sorted(rows[0]) == sorted(rows[1])


def test_a_quarter_turn_and_a_whole_move_are_those_of_numpy():
    images = tiny.floats(4, (8, 8, 3))
    u, normal = only("quarter")
    choice = len(augment.GATES) + augment.CHOICES.index("quarter")
    u[:, choice] = [0.1, 0.3, 0.6, 0.9]
    result = changed(images, 0.5, u, normal)
    for quarters, (before, after) in enumerate(zip(images, result)):
        turned = [np.rot90(before, sign * quarters) for sign in (1, -1)]
        assert any((after == each).all() for each in turned)
    u, normal = only("move")
    u[:, len(augment.GATES) + augment.CHOICES.index("down")] = 0.99
    u[:, len(augment.GATES) + augment.CHOICES.index("right")] = 0.5
    moved = changed(images, 0.5, u, normal)
    np.testing.assert_array_equal(moved, np.roll(images, 1, axis=1))


def test_turns_keep_a_disc_and_colours_keep_what_they_should():
    y, x = np.mgrid[:15, :15] - 7.0
    disc = np.exp(-(x**2 + y**2) / 8.0)[None, :, :, None] * np.ones((4, 1, 1, 3))
    result = changed(disc, 0.5, *only("before"))
    middle = slice(4, 11)  # the corners are turned out of the image
    np.testing.assert_allclose(
        result[:, middle, middle], disc[:, middle, middle], atol=0.04
    )
    assert (result != disc).any()
    images = tiny.floats(4, (8, 8, 3))
    result = changed(images, 0.5, *only("hue", "saturation"))
    assert np.abs(result - images).max() > 0.1
    np.testing.assert_allclose(result.mean(axis=3), images.mean(axis=3), atol=1e-5)
    u, normal = only("luma")
    u[:, len(augment.GATES) + augment.CHOICES.index("luma")] = 0.2
    result = changed(images, 0.5, u, normal)
    grey = images.mean(axis=3, keepdims=True)
    np.testing.assert_allclose(result, images - 2 * grey, atol=1e-5)
    result = changed(images, 0.5, *only("hue"))
    norm = [np.square(x).sum(axis=3) for x in (images, result)]
    np.testing.assert_allclose(*norm, rtol=1e-3, atol=1e-5)


def test_grey_images_are_neither_turned_nor_inverted():
    images = tiny.floats(4)
    kinds = ("quarter", "before", "after", "luma", "hue", "saturation")
    np.testing.assert_array_equal(changed(images, 0.5, *only(*kinds)), images)


@pytest.mark.parametrize("shape", [(8, 8), (7, 12), (28, 28)])
def test_grey_images_move_as_those_in_colour(shape):
    images, kinds = tiny.floats(16, (*shape, 1)), augment.UPRIGHT
    for changes in (*([kind] for kind in kinds), kinds):
        numbers = only(*changes, rows=16)
        coloured = changed(np.repeat(images, 3, axis=3), 0.5, *numbers)
        result = changed(images, 0.5, *numbers)
        assert (result != images).any()
        np.testing.assert_allclose(result, coloured[..., :1], atol=1e-5)


def test_each_change_has_a_probability_of_its_own():
    images = np.repeat(tiny.floats(1), 600, axis=0)
    u, normal = draws(600)
    gates = [i for i, name in enumerate(augment.GATES) if name != "brightness"]
    u[:, gates] = NEVER
    share = (changed(images, 0.3, u, normal) != images).any(axis=(1, 2, 3)).mean()
    assert abs(share - 0.3) < 0.06


def test_a_penalty_goes_through_the_changes_to_the_image_and_has_a_gradient():
    images, u, normal = map(backend.tensor, (tiny.floats(4, (8, 8, 3)), *draws()))

    def critic(x):
        x = augment.ada(x, 0.7, u, normal)
        return 0.5 * ops.sum(ops.square(x), axis=(1, 2, 3))[:, None]

    gradient = ops.convert_to_numpy(backend.input_gradient(critic, images))
    step = np.zeros((4, 8, 8, 3), "float32")
    step[:, 3, 4, 1] = 0.05
    ends = [critic(images + backend.tensor(sign * step)) for sign in (1, -1)]
    slope = ops.convert_to_numpy(ends[0] - ends[1])[:, 0] / 0.1
    np.testing.assert_allclose(gradient[:, 3, 4, 1], slope, rtol=1e-2, atol=1e-3)

    model = tiny.model("gan", (8, 8, 3), regularizer="r1", augment="ada")
    model.ada_count.assign(400_000)
    # From a gradient by the image to one by the weights: the second derivative.
    start = tiny.values(model.discriminator.trainable_variables)
    terms = tiny.step(model, tiny.images(4, (8, 8, 3)))
    end = tiny.values(model.discriminator.trainable_variables)
    assert np.isfinite(terms["gp"]) and terms["gp"] > 0
    assert all(np.isfinite(x).all() for x in end)
    assert any((x != y).any() for x, y in zip(start, end))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("gan", "ada"), ("gan", "diff"), *((n, "ada") for n in ("vaegan", "stylegan"))],
)
def test_r1_is_by_the_image_itself_with_ada_and_by_the_changed_one_with_diff(
    name, kind, monkeypatch
):
    calls, plain = [], penalties.r1
    monkeypatch.setattr(
        penalties, "r1", lambda *args: calls.append(args) or plain(*args)
    )
    weight = {} if name == "stylegan" else {"regularizer": "r1"}
    model = tiny.model(name, augment=kind, **weight)
    if kind == "ada":
        model.ada_count.assign(model.ada_images)
    images = backend.tensor(tiny.floats(4))
    model.objective(images)
    critic, x = calls[0]
    assert (tiny.values([x])[0] == tiny.floats(4)).all() == (kind == "ada")
    logits = model.discriminator(x, training=True)
    logits = logits[-1] if name == "vaegan" else logits
    is_plain = np.allclose(*tiny.values([critic(x), logits]), atol=1e-6)
    assert is_plain == (kind == "diff")


# --- how often ------------------------------------------------------------------------


def p_of(model):
    return float(model.p_augment)


def test_half_a_million_images_that_all_seem_real_raise_p_from_0_to_1():
    model = tiny.model("gan", augment="ada")
    images, sign = np.zeros((5000, 1)), {"real_sign": backend.tensor(np.ones(1))}
    for step in range(100):
        assert p_of(model) == np.float32(step) / np.float32(100)
        model.adapt_p(sign, images)
    assert p_of(model) == 1
    model.adapt_p(sign, images)
    assert p_of(model) == 1
    below = {"real_sign": backend.tensor(np.full(1, 0.59))}
    model.adapt_p(below, images)
    assert p_of(model) == np.float32(0.99)
    for _ in range(110):
        model.adapt_p(below, images)
    assert p_of(model) == 0


@pytest.mark.parametrize("kind", ["ada", "diff"])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_every_adversarial_model_trains_on_changed_images(name, kind):
    model = tiny.model(name, augment=kind, ada_target=0.999, ada_images=40)
    data = (tiny.images(4), tiny.labels(4))
    for _ in range(2):
        terms = tiny.step(model, data)
    assert np.isfinite(list(terms.values())).all() and set(terms) == set(model.terms)
    assert ("p_augment" in terms) == ("real_sign" in terms) == (kind == "ada")
    if kind == "ada":
        signs = np.array([-1, 1]) * (np.abs(terms["real_sign"]) <= 1)
        assert signs.all() and p_of(model) in np.float32([0, 0.1, 0.2])


def test_p_moves_in_training_alone(monkeypatch):
    model = tiny.model("gan", augment="ada", ada_images=100)
    calls, plain = [], augment.ada
    monkeypatch.setattr(augment, "ada", lambda *args: calls.append(1) or plain(*args))
    model.compile(model.default_optimizers(), run_eagerly=True)
    model.ada_count.assign(50)
    model.evaluate(tiny.images(4), verbose=0)
    model.objective(backend.tensor(tiny.floats(4)), training=False)
    assert p_of(model) == 0.5 and not calls
    model.objective(backend.tensor(tiny.floats(4)))
    assert p_of(model) == 0.5 and len(calls) == 3
    tiny.step(model, tiny.images(4))
    assert p_of(model) in np.float32([0.46, 0.54]) and len(calls) == 6


def trained(strategy=None, parts=1):
    """Returns a gan after three batches, whose p has moved each time."""
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = tiny.model("gan", augment="ada", ada_target=0.01, ada_images=100)
        model.ada_count.assign(50)
        sgd = {n: keras.optimizers.SGD(0.3) for n in model.networks}
        model.compile(sgd, run_eagerly=True, gradient_accumulation_steps=parts)
    batches = tiny.batches((tiny.floats(24),), 8 // parts)
    return model, model.fit(batches, shuffle=False, verbose=0).history


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize("name", ["gan", "stylegan"])
def test_a_graph_moves_p_as_single_steps_do(name):
    states = []
    for eagerly in (True, False):
        model = tiny.model(name, augment="ada", ada_images=100)
        sgd = {n: keras.optimizers.SGD(0.01) for n in model.networks}
        model.compile(sgd, run_eagerly=eagerly)
        model.ada_count.assign(50)
        model.fit(tiny.floats(12), batch_size=4, shuffle=False, verbose=0)
        states.append(tiny.values([model.ada_count, *model.trainable_variables]))
    assert states[0][0] != 50
    for one, other in zip(*states, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_two_replicas_have_the_p_of_one(two_replicas):
    (one, logs), (two, logs_of_two) = trained(), trained(two_replicas)
    counts = tiny.values([one.ada_count, two.ada_count])
    assert counts[0] == counts[1] != 50
    assert -1 < logs["real_sign"][0] < 1  # not the same on all rows
    for term in one.terms:
        np.testing.assert_allclose(logs_of_two[term], logs[term], rtol=1e-4, atol=1e-5)


def test_parts_of_a_batch_move_p_once():
    model = trained(parts=2)[0]
    assert int(model.ada_count) in {50 + 8 * moves for moves in (-3, -1, 1, 3)}


@pytest.mark.parametrize("name", ["gan", "stylegan"])
def test_a_model_that_is_loaded_goes_on_with_its_p_to_the_bit(name, tmp_path):
    model = tiny.model(name, augment="ada", ada_images=30)
    model.ada_count.assign(15)
    data = (tiny.images(4), tiny.labels(4))
    tiny.step(model, data)
    model.save(tmp_path / "model.keras")
    loaded = zoo.load(tmp_path / "model.keras")
    assert p_of(loaded) == p_of(model) not in (0.5, 0.0)
    for each in (model, loaded):
        tiny.step(each, data)
    for one, other in zip(tiny.state(model), tiny.state(loaded), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_image_and_its_equal_copy_have_equal_features_under_changes():
    model = tiny.model("vaegan", augment="ada")
    model.ada_count.assign(500_000)
    x = backend.tensor(tiny.floats(4))
    recon, *_ = model.discriminate(x, x, x)
    assert float(recon) == 0


# --- settings -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gan", "cgan"])
def test_the_former_setting_means_diff(name):
    states = []
    for settings in ({"diff_augment": True}, {"augment": "diff"}):
        model = tiny.model(name, **settings)
        tiny.step(model, (tiny.images(4), tiny.labels(4)))
        states.append(tiny.state(model))
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)
    adaptive = tiny.model(name, diff_augment=True, augment="ada")
    assert adaptive.augmentation == "ada"


def test_wrong_settings_are_refused_in_sentences():
    for target in (0.0, 1.0, -0.2, 1.5):
        words = refusal(tiny.model, "gan", augment="ada", ada_target=target)
        assert "ada_target in (0, 1)" in words and str(target) in words
    for images in (0, -5, 2**31):
        words = refusal(tiny.model, "wgan", augment="ada", ada_images=images)
        assert "ada_images from 1 to 1,000,000,000" in words and str(images) in words
    assert "'none', 'diff', 'ada'" in refusal(tiny.model, "gan", augment="often")
    for p in (-0.1, 1.5, float("nan")):
        words = refusal(augment.ada, tiny.floats(1), p, *draws(1))
        assert "in [0, 1]" in words and str(p) in words


def test_a_set_of_one_image_is_refused():
    model = tiny.model("gan", augment="ada")
    words = "at least 2 images"
    assert words in refusal(model.fit, tiny.images(1), verbose=0)
    assert words in refusal(model.fit, tiny.batches((tiny.images(1),), 4), verbose=0)
    model.compile(model.default_optimizers(), run_eagerly=True)
    model.fit(tiny.images(2), batch_size=1, verbose=0)
    model.fit(tiny.batches((tiny.images(2),), 1), verbose=0)
    assert int(model.optimizer.iterations) == 4
