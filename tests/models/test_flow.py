"""Tests flow matching: the straight path, its velocity, and samplers that follow it."""

import numpy as np
import pytest
import tiny
from keras import ops

import zoo
from zoo.diffusion.denoiser import Denoiser
from zoo.models.flow import Flow

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]


@pytest.fixture(scope="module")
def model(trained):
    return trained("flow").model


def test_the_loss_is_the_squared_error_of_the_velocity(monkeypatch):
    model, x_0 = tiny.model("flow"), tiny.floats(2)
    eps = np.random.standard_normal(x_0.shape).astype("float32")
    t = np.array([0.25, 0.5], "float32")
    seen = []

    def ask(self, network, x_t, *times):
        seen.append((x_t, times[0]))
        return ops.zeros_like(x_t)

    monkeypatch.setattr(Flow, "normal", lambda *_: zoo.backend.tensor(eps))
    monkeypatch.setattr(Flow, "uniform", lambda *_: zoo.backend.tensor(t))
    monkeypatch.setattr(Flow, "ask", ask)
    network_losses, terms = model.objective(zoo.backend.tensor(x_0))
    loss = float(network_losses["unet"])
    np.testing.assert_allclose(loss, ((eps - x_0) ** 2).mean(), rtol=1e-5)
    assert loss == float(ops.mean(terms["velocity"]))
    x_t, times = map(ops.convert_to_numpy, seen[0])
    share = t[:, None, None, None]
    np.testing.assert_allclose(x_t, (1 - share) * x_0 + share * eps, atol=1e-6)
    np.testing.assert_array_equal(times, t)


def test_the_loss_of_images_is_that_of_their_velocity(monkeypatch):
    model, x_0 = tiny.model("flow", prediction="x0"), tiny.floats(3)
    eps = np.random.standard_normal(x_0.shape).astype("float32")
    t = np.array([0.01, 0.05, 0.5], "float32")
    prediction = 0.9 * x_0  # a tenth of the image is missing
    monkeypatch.setattr(Flow, "normal", lambda *_: eps)
    monkeypatch.setattr(Flow, "uniform", lambda *_: t)
    monkeypatch.setattr(Flow, "ask", lambda *_: prediction)
    network_losses, _ = model.objective(x_0)
    share = t[:, None, None, None]
    x_t = (1 - share) * x_0 + share * eps
    square = ((x_t - x_0) / share - (x_t - prediction) / share) ** 2
    square[0] /= 5**2  # its t of 0.01 counts as 0.05
    np.testing.assert_allclose(network_losses["unet"], square.mean(), rtol=1e-4)


@pytest.mark.parametrize("prediction", ["velocity", "x0"])
@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_samples_of_an_exact_network_have_the_moments_of_the_data(
    sampler, prediction, monkeypatch
):
    mean, scale, shape = 0.2, 0.1, (8, 8, 1)
    sizes = {"width": 4, "mult": (1,), "attention": ()}
    model = zoo.get("flow", image_shape=shape, prediction=prediction, **sizes)

    def exact(self, network, x, t, *_):
        t = t[:, None, None, None]
        gain = (1.0 - t) * scale**2 / ((1.0 - t) ** 2 * scale**2 + t**2)
        x_0 = mean + gain * (x - (1.0 - t) * mean)
        return (x - x_0) / t if prediction == "velocity" else x_0

    monkeypatch.setattr(Denoiser, "ask_guided", exact)
    images = model.sample(50, seed=0, sampler=sampler, steps=50)
    np.testing.assert_allclose(images.mean(), mean, atol=0.01)
    np.testing.assert_allclose(images.std(), scale, rtol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_samples_are_addressed_by_seeds(model, sampler):
    images = model.sample(4, seed=0, batch_size=2, sampler=sampler)
    assert images.shape == (4, 8, 8, 1) and np.abs(images).max() <= 1
    again = model.sample(2, seed=1, sampler=sampler)
    np.testing.assert_allclose(again, images[1:3], atol=1e-3)


def test_a_call_takes_a_quarter_of_the_noise_away(model):
    images = tiny.floats(3)
    eps = zoo.backend.normal_of_seeds(np.zeros(1, "int64"), (8, 8, 1))
    x_t = 0.75 * images + 0.25 * ops.convert_to_numpy(eps)
    velocity = model.ask(model.unet_ema, x_t, np.full(3, 0.25))
    expected = np.clip(x_t - 0.25 * ops.convert_to_numpy(velocity), -1, 1)
    np.testing.assert_allclose(model(images), expected, atol=1e-5)


@pytest.mark.slow
def test_a_conditional_flow_is_guided():
    model = tiny.model("flow", num_classes=tiny.NUM_CLASSES)
    model.compile(model.default_optimizers(), run_eagerly=True)
    model.fit(tiny.images(4), tiny.labels(4), verbose=0)
    samples = [model.sample(2, labels=[0, 1], seed=0, guidance=g) for g in (0.0, 3.0)]
    assert (samples[0] != samples[1]).any()


@pytest.mark.slow
@pytest.mark.parametrize("prediction", ["velocity", "x0"])
def test_beyond_black_is_no_error_of_black_with_overshoot(prediction, monkeypatch):
    def ask(network, x, t, labels=None, training=False):  # tells an image of -1.5
        share = t[:, None, None, None]
        return (x + 1.5) / share if prediction == "velocity" else 0.0 * x - 1.5

    black = zoo.backend.tensor(-np.ones((4, 8, 8, 1), "float32"))
    for overshoot in (False, True):
        model = tiny.model("flow", prediction=prediction, overshoot=overshoot)
        monkeypatch.setattr(model, "ask", ask)
        losses = [float(model.objective(x)[0]["unet"]) for x in (black, 0.0 * black)]
        assert (losses[0] == 0) == overshoot and losses[1] > 0


@pytest.mark.slow
def test_inpainting_and_variations(model):
    images, mask = tiny.floats(3), np.zeros((8, 8), bool)
    mask[2:5] = True
    completed = model.inpaint(images, mask, seed=0)
    np.testing.assert_allclose(completed[:, ~mask], images[:, ~mask], atol=1e-6)
    assert (completed[:, mask] != images[:, mask]).mean() > 0.9
    assert model.variations(images, 0.5, seed=0).shape == images.shape


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": 0}, "at least one step.*Received: steps=0"),
        ({"sampler": "ddim"}, "samples by euler, heun. Received: sampler='ddim'"),
        ({"eta": 1.0}, "eta is an option of other models"),
        ({"guidance": 1.0}, "num_classes=0"),
    ],
)
def test_a_wrong_option_is_told(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.sample(1, **options)


@pytest.mark.slow
def test_levels_with_attention_come_back_from_files_and_go_on_to_the_bit(tmp_path):
    model = tiny.model("flow", mult=(1, 2), attention=(1,), patch=1)
    model.compile(model.default_optimizers(), run_eagerly=True)
    tiny.step(model, tiny.images(4))
    model.save(tmp_path / "model.keras")
    loaded = zoo.load(tmp_path / "model.keras")
    for each in (model, loaded):
        tiny.step(each, tiny.images(4))
    for a, b in zip(tiny.state(model), tiny.state(loaded), strict=True):
        np.testing.assert_array_equal(a, b)
