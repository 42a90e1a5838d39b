"""Tests what a denoiser adds noise to: pixels or latents, of any rank."""

import numpy as np
import pytest
import tiny
from keras import ops

from zoo import backend
from zoo.core import ranks
from zoo.diffusion.denoiser import Denoiser
from zoo.diffusion.editing import check_mask
from zoo.models.flow import Flow
from zoo.networks import unet

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]


# There are as many clips as frames, so a number that is meant for a row but applied to
# a frame raises no error and has to be seen in the values.
ROWS = FRAMES = 16
SHAPE = (FRAMES, 8, 8, 3)


def ask(self, network, x, t, labels=None, training=False):
    """Stands in for a network: its answer shows the time and the label of each row."""
    label = self.num_classes if labels is None else ops.cast(labels, "float32")
    share = ops.cast(t, "float32") / 20 + 0.05 * label
    answer = x * ranks.column(share, x)
    outputs = self.outputs
    return ops.concatenate([answer] * outputs, axis=-1) if outputs > 1 else answer


@pytest.fixture
def clips(monkeypatch):
    """clips(name, **config) -> a tiny model that noises clips, without a network."""
    monkeypatch.setattr(Denoiser, "noised_shape", SHAPE)
    monkeypatch.setattr(Denoiser, "ask", ask)
    monkeypatch.setattr(Denoiser, "build_networks", network_of_images)
    return tiny.model


def network_of_images(self, image_shape):
    return {"unet": unet.build_unet(image_shape, 4, (1,), 1, ())}


def some_clips(seed=0):
    return tiny.floats(ROWS * FRAMES, (8, 8, 3), seed).reshape(ROWS, *SHAPE)


LOSSES = {
    "ddpm": ("ddpm", {"min_snr": 5.0}),
    "ddpm, learned": ("ddpm", {"variance": "learned", "prediction": "eps"}),
    "ddpm, overshoot": ("ddpm", {"overshoot": True, "prediction": "x0"}),
    "flow": ("flow", {}),
    "flow, x0": ("flow", {"prediction": "x0"}),
}


@pytest.mark.parametrize("case", LOSSES)
def test_the_loss_of_clips_is_the_mean_of_each_row_s(clips, case, monkeypatch):
    name, config = LOSSES[case]
    model, x_0 = clips(name, num_classes=0, **config), some_clips()
    draws = {
        "normal": np.random.standard_normal(x_0.shape).astype("float32"),
        "uniform": np.random.uniform(size=ROWS).astype("float32"),
        "integers": np.random.randint(0, 20, ROWS),
    }

    def terms(rows):
        for draw, values in draws.items():
            values = backend.tensor(values[rows])
            monkeypatch.setattr(model, draw, lambda *_, v=values: v)
        losses, terms = model.objective(backend.tensor(x_0[rows]))
        return [float(ops.mean(each)) for each in (losses["unet"], *terms.values())]

    by_row = [terms(slice(row, row + 1)) for row in range(ROWS)]
    np.testing.assert_allclose(terms(slice(None)), np.mean(by_row, axis=0), rtol=1e-4)


def test_noised_clips_have_the_noise_of_their_rows(clips):
    model, x_0 = clips("ddpm"), some_clips()
    eps, t = np.random.standard_normal(x_0.shape).astype("float32"), np.arange(ROWS)
    x_t = ops.convert_to_numpy(model.q_sample(x_0, t, eps))
    for row in range(ROWS):
        only = slice(row, row + 1)
        np.testing.assert_array_equal(
            x_t[only], model.q_sample(x_0[only], t[only], eps[only])
        )


@pytest.mark.skipif(not backend.HAS_TF_DATA, reason="it is served, by TensorFlow")
def test_guidance_of_each_row_guides_its_clip(clips):
    model, x = clips("ddpm", (8, 8, 3), num_classes=4), some_clips()
    t, labels = np.full(ROWS, 3), tiny.labels(ROWS)
    scales = np.linspace(0.0, 3.0, ROWS).astype("float32")

    def guided(x, t, labels, scales):
        return model.ask_guided(None, x, t, labels, scales, 0.6, 0.8)

    rows = [backend.tensor(each) for each in (x, t, labels, scales)]
    of_all = ops.convert_to_numpy(backend.compiled(guided)(*rows))
    for row in range(ROWS):
        only = slice(row, row + 1)
        rows = [backend.tensor(each[only]) for each in (x, t, labels)]
        alone = ops.convert_to_numpy(guided(*rows, float(scales[row])))
        np.testing.assert_allclose(of_all[only], alone, atol=1e-5)


SAMPLERS = {"ddpm": ("ddpm", "ddim", "heun"), "flow": ("euler", "euler", "heun")}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_clips_are_sampled_and_edited_row_by_row(clips, name):
    model, seeds = clips(name, num_classes=0), np.arange(ROWS, dtype="int64")
    images, mask = some_clips(), np.zeros((ROWS, FRAMES, 8, 8, 1), "float32")
    for row in range(ROWS):
        mask[row, row:] = 1.0
    ways = {
        "generation": (seeds,),
        "variation": (seeds, images),
        "inpainting": (seeds, images, mask),
    }
    for sampler, (way, rows) in zip(SAMPLERS[name], ways.items()):
        options = {"sampler": sampler, "steps": 3}
        of_all = model.descend(way, ROWS, *rows, **options)
        assert of_all.shape == images.shape
        one_by_one = model.descend(way, 1, *rows, **options)
        np.testing.assert_allclose(of_all, one_by_one, atol=1e-5)
    known = np.broadcast_to(mask == 0, images.shape)
    np.testing.assert_allclose(of_all[known], images[known], atol=1e-6)


@pytest.mark.slow
def test_the_bound_of_clips_is_each_row_s(clips):
    model, seeds = clips("ddpm", num_classes=0), np.arange(ROWS, dtype="int64")
    rows = seeds, some_clips()
    of_all = model.in_batches("bits", ROWS, *rows, k=3)
    one_by_one = model.in_batches("bits", 1, *rows, k=3)
    assert of_all.shape == (ROWS,) and len(set(of_all)) == ROWS
    np.testing.assert_allclose(of_all, one_by_one, rtol=1e-4)


def test_a_mask_of_clips_is_of_one_or_of_all():
    shape = (ROWS, *SHAPE)
    one = np.zeros(SHAPE[:-1])
    one[3:] = 1
    for mask in (one, np.tile(one, (ROWS, 1, 1, 1))):
        np.testing.assert_array_equal(check_mask(mask, shape)[5, ..., 0], one)
    with pytest.raises(ValueError, match=r"shape \[16, 8, 8\] or \[16, 16, 8, 8\]"):
        check_mask(np.zeros((8, 8)), shape)


# --- validation -----------------------------------------------------------------------


def measured(model, count=16, batch_size=4):
    """Returns the monitored term of `count` images, measured in batches."""
    data = tiny.images(count), tiny.labels(count)
    options = {"batch_size": batch_size, "verbose": 0, "return_dict": True}
    return model.evaluate(*data, **options)[model.monitor]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddpm", "flow"])
def test_validation_repeats_itself_and_leaves_training_alone(name):
    model = tiny.model(name)
    before = tiny.state(model)
    assert measured(model) == measured(model)
    for was, now in zip(before, tiny.state(model), strict=True):
        np.testing.assert_array_equal(was, now)
    # Each batch has noise of its own, so the same images in two batches give two
    # values.
    images, labels = tiny.images(4), tiny.labels(4)
    twice = [np.concatenate([each, each]) for each in (images, labels)]
    once = model.evaluate(images, labels, batch_size=4, verbose=0)
    assert model.evaluate(*twice, batch_size=4, verbose=0) != once


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddpm", "flow"])
def test_training_with_validation_is_training_without(name):
    data, states = (tiny.images(8), tiny.labels(8)), []
    for validation in (None, data):
        model = tiny.model(name)
        options = {"batch_size": 4, "shuffle": False, "verbose": 0}
        model.fit(*data, epochs=2, validation_data=validation, **options)
        states.append(tiny.state(model))
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_validation_measures_the_network_that_is_sampled():
    model = tiny.model("flow")
    of_average = measured(model)
    model.unet.set_weights([0.5 * each for each in model.unet.get_weights()])
    assert measured(model) == of_average
    model.unet_ema.set_weights(model.unet.get_weights())
    of_half = measured(model)
    assert of_half != of_average
    plain = tiny.model("flow", ema_decay=0.0)
    plain.unet.set_weights(model.unet.get_weights())
    assert measured(plain) == pytest.approx(of_half, rel=1e-5)


@pytest.mark.slow
def test_two_replicas_measure_what_one_does(two_replicas):
    with two_replicas.scope():
        both = tiny.model("ddpm")
    assert measured(both) == pytest.approx(measured(tiny.model("ddpm")), rel=1e-5)


# --- latents --------------------------------------------------------------------------


class Folded(Flow):
    """A flow of latents, which are blocks of 2x2 pixels times 4, so that they exceed
    [-1, 1]."""

    noises_pixels = False
    left = None  # the shapes that `leave` was given, where a test records them

    @property
    def noised_shape(self):
        height, width, channels = self.image_shape
        return height // 2, width // 2, 4 * channels

    def enter(self, images):
        return 4.0 * unet.fold(images, 2)

    def leave(self, x):
        if self.left is not None:
            self.left.append(tuple(x.shape[1:]))
        return unet.unfold(x, 2) / 4.0


@pytest.fixture
def folded():
    model = Folded(steps=3, width=4, mult=(1,), attention=(), num_classes=4)
    model.compile()
    model.build((8, 8, 1))
    return model


@pytest.mark.slow
def test_the_network_and_the_noise_are_of_what_is_noised(folded):
    assert folded.unet.output_shape == (None, 4, 4, 4)
    noise = folded.noise_of(np.arange(2))(0)
    assert noise.shape == (2, 4, 4, 4)
    terms = folded.fit(tiny.images(4), tiny.labels(4), verbose=0).history
    assert np.isfinite(terms["velocity"]).all()


def test_latents_are_not_clipped(folded, monkeypatch):
    """Stands in for a network that always answers the velocity 3: the image is then 3 /
    4."""

    def three(self, network, x, t, *_):
        return (x - 3.0) / ranks.column(t, x)

    monkeypatch.setattr(Denoiser, "ask_guided", three)
    np.testing.assert_allclose(folded.sample(2, seed=0), 0.75, atol=1e-5)
    np.testing.assert_allclose(folded(tiny.images(2)), 0.75, atol=1e-5)


@pytest.mark.slow
def test_latents_leave_once_after_the_loop(folded):
    object.__setattr__(folded, "left", left := [])
    images = folded.sample(3, seed=0)
    assert images.shape == (3, 8, 8, 1) and np.abs(images).max() <= 1
    assert left == [(4, 4, 4)]  # once, when the graph is made, and not in each step


@pytest.mark.slow
def test_trajectories_leave_level_by_level(folded):
    path = folded.sample(2, seed=0, trajectory=True)
    assert path.shape == (2, 4, 8, 8, 1)
    np.testing.assert_allclose(
        np.clip(path[:, -1], -1, 1), folded.sample(2, seed=0), atol=1e-5
    )
    start = backend.normal_of_seeds(np.arange(2), (4, 4, 4))
    np.testing.assert_allclose(path[:, 0], folded.leave(start), atol=1e-6)


@pytest.mark.slow
def test_editing_enters_and_leaves(folded):
    images, mask = tiny.floats(3), np.zeros((8, 8), bool)
    mask[:, 5:] = True  # the mask's edge cuts through blocks
    edited = folded.inpaint(images, mask, seed=0)
    np.testing.assert_array_equal(edited[:, :, :5], images[:, :, :5])
    assert (edited[:, :, 5:] != images[:, :, 5:]).mean() > 0.9
    varied = folded.variations(images, 1 / 3, seed=0)
    assert varied.shape == images.shape and (varied != images).any()
