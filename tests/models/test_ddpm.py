"""Tests the DDPM: its loss and levels, labels and guidance, samplers, bound,
completion."""

import resource

import numpy as np
import pytest
import tiny
from keras import ops

import zoo
from zoo import diffusion
from zoo.core import bar as progress
from zoo.diffusion.denoiser import Denoiser
from zoo.models.ddpm import DDPM


@pytest.fixture(scope="module")
def model(trained):
    return trained("ddpm").model


def test_noised_images_have_the_moments_of_both_ends():
    model = zoo.get("ddpm", image_shape=(8, 8, 1))
    x_0 = np.full((500, 8, 8, 1), 0.5, "float32")
    eps = np.random.standard_normal(x_0.shape).astype("float32")
    for t, mean, std in ((0, 0.5, 0.01), (999, 0.0, 1.0)):
        x_t = ops.convert_to_numpy(model.q_sample(x_0, np.full(500, t), eps))
        np.testing.assert_allclose(x_t.mean(), mean, atol=0.02)
        np.testing.assert_allclose(x_t.std(), std, rtol=0.02)


@pytest.mark.parametrize("prediction", ["eps", "x0", "v"])
@pytest.mark.parametrize("min_snr", [0.0, 5.0])
def test_the_loss_is_the_squared_error_of_what_is_told(
    prediction, min_snr, monkeypatch
):
    model = tiny.model("ddpm", prediction=prediction, min_snr=min_snr)
    x_0 = tiny.floats(3)
    eps = np.random.standard_normal(x_0.shape).astype("float32")
    t = np.array([0, 7, 19])
    monkeypatch.setattr(DDPM, "normal", lambda *_: eps)
    monkeypatch.setattr(DDPM, "integers", lambda *_: t)
    monkeypatch.setattr(DDPM, "ask", lambda self, network, x, *_: 0.0 * x)
    network_losses, terms = model.objective(x_0, tiny.labels(3))
    ab = model.alpha_bar[t][:, None, None, None]
    aim = {"eps": eps, "x0": x_0, "v": np.sqrt(ab) * eps - np.sqrt(1 - ab) * x_0}
    errors = (aim[prediction] ** 2).mean(axis=(1, 2, 3))
    snr = (ab / (1 - ab)).ravel()
    if min_snr:
        unit = {"eps": snr, "x0": 1.0, "v": snr + 1}[prediction]
        errors = errors * np.minimum(snr, min_snr) / unit
    np.testing.assert_allclose(network_losses["unet"], errors.mean(), rtol=1e-4)
    np.testing.assert_allclose(terms["denoising"], errors.mean(), rtol=1e-4)


def test_labels_are_withheld_as_often_as_asked():
    model = tiny.model("ddpm", label_dropout=0.25)
    dropped = ops.convert_to_numpy(model.drop_labels(tiny.labels(4000), 4000))
    is_dropped = dropped == tiny.NUM_CLASSES
    assert 0.22 < is_dropped.mean() < 0.28
    np.testing.assert_array_equal(dropped[~is_dropped], tiny.labels(4000)[~is_dropped])


# --- guidance and labels --------------------------------------------------------------


@pytest.mark.slow
def test_guidance_goes_from_no_label_through_the_label_and_on(model):
    x, t = tiny.floats(3), np.array([3, 3, 3])
    labels = np.array([0, 1, 2], "int32")

    def asked(labels, guidance):
        network = model.unet
        guided = model.ask_guided(network, x, t, labels, guidance, 0.6, 0.8)
        return ops.convert_to_numpy(guided)

    null = ops.convert_to_numpy(model.ask(model.unet, x, t))
    label = ops.convert_to_numpy(model.ask(model.unet, x, t, labels))
    assert (label != null).any()
    np.testing.assert_array_equal(asked(labels, 0.0), null)
    np.testing.assert_array_equal(asked(labels, 1.0), label)
    np.testing.assert_allclose(asked(labels, 3.0), 3 * label - 2 * null, atol=1e-5)
    np.testing.assert_array_equal(asked(None, 3.0), null)


@pytest.mark.slow
def test_guidance_0_ignores_labels_in_samples(model):
    samples = [
        model.sample(2, labels=labels, seed=0, guidance=0.0)
        for labels in ([0, 1], [2, 3])
    ]
    np.testing.assert_array_equal(*samples)
    samples = [model.sample(2, labels=labels, seed=0) for labels in ([0, 1], [2, 3])]
    assert (samples[0] != samples[1]).any()


@pytest.mark.slow
def test_without_labels_each_is_drawn_from_its_seed(model):
    labels = ops.convert_to_numpy(model.labels_of(np.arange(40)))
    assert set(labels) == set(range(tiny.NUM_CLASSES))
    np.testing.assert_array_equal(model.labels_of(np.arange(30, 40)), labels[30:])
    drawn = model.sample(3, seed=4)
    np.testing.assert_array_equal(model.sample(3, seed=4, labels=labels[4:7]), drawn)


def test_wrong_labels_are_told(model):
    with pytest.raises(ValueError, match="Received: label 4"):
        model.sample(1, labels=[4])
    with pytest.raises(ValueError, match=r"Received: int64 of shape \[3\]"):
        model.sample(2, labels=[0, 1, 2])
    with pytest.raises(ValueError, match="learns from labels"):
        tiny.model("ddpm").fit(tiny.images(4), verbose=0)


# --- samplers -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"sampler": "ddpm", "steps": 20},
        {"sampler": "ddpm", "variance": "posterior"},
        {"sampler": "ddim", "eta": 1.0},
        {"sampler": "heun"},
        {"sampler": "dpmpp_2m", "guidance": 2.0},
    ],
    ids=str,
)
def test_every_sampler_is_addressed_by_seeds(model, options):
    images = model.sample(4, seed=0, batch_size=2, **options)
    assert images.shape == (4, 8, 8, 1) and np.abs(images).max() <= 1
    again = model.sample(2, seed=1, **options)
    np.testing.assert_allclose(again, images[1:3], atol=1e-3)
    assert len({image.tobytes() for image in images}) == 4


def test_ddpm_draws_fresh_noise_at_each_step_and_for_each_seed(model):
    noise = model.noise_of(np.arange(3))
    drawn = np.stack([ops.convert_to_numpy(noise(k)) for k in range(3)])
    assert len({each.tobytes() for row in drawn for each in row}) == 9
    start = ops.convert_to_numpy(zoo.backend.normal_of_seeds(np.arange(3), (8, 8, 1)))
    assert not (start == drawn[0]).any()
    np.testing.assert_array_equal(
        model.noise_of(np.arange(1, 3))(ops.convert_to_tensor(2)), drawn[2, 1:]
    )


@pytest.mark.slow
def test_the_trajectory_ends_in_the_sample(model):
    passed = model.sample(2, seed=0, trajectory=True)
    assert passed.shape == (2, 5, 8, 8, 1)
    np.testing.assert_allclose(passed[:, -1], model.sample(2, seed=0), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["ddpm", "heun", "dpmpp_2m"])
def test_a_bar_on_a_terminal_leaves_the_images_as_they_are(
    model, sampler, monkeypatch, request
):
    options = {"seed": 0, "batch_size": 2, "sampler": sampler, "steps": 7}
    silent = model.sample(3, **options)
    monkeypatch.setattr(progress, "PARTS", 3)
    terminal = request.getfixturevalue("terminal")
    np.testing.assert_array_equal(model.sample(3, **options), silent)
    output = terminal.getvalue()
    assert "3 images" in output and "/14 " in output  # two batches of 7 steps
    assert output.rsplit("\r", 2)[1].isspace()  # the bar is wiped out at the end


def test_elsewhere_sampling_is_silent(model, monkeypatch, capfd):
    monkeypatch.setattr(progress, "DELAY", 0.0)
    model.sample(2, seed=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_steps():
    changes = {"num_timesteps": 1000, "patch": 8, "num_classes": 0}
    model = tiny.model("ddpm", image_shape=(64, 64, 3), **changes)

    def peak(steps):
        model.sample(64, seed=0, sampler="ddpm", steps=steps)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before = peak(10)
    assert peak(200) - before < 150  # MiB; all x_t together would take 600


@pytest.mark.slow
def test_the_average_is_sampled_unless_told_otherwise(model):
    assert (model.sample(1, seed=0) != model.sample(1, seed=0, ema=False)).any()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": 0}, "1 to 20 steps. Received: steps=0"),
        ({"steps": 21}, "1 to 20 steps. Received: steps=21"),
        ({"sampler": "euler"}, "samples by ddpm, ddim, heun, dpmpp_2m. Received"),
        ({"sampler": "heun", "eta": 1.0}, "eta is an option of ddim. Received: eta="),
        ({"sampler": "ddpm", "variance": "none"}, 'variance is "beta", "posterior"'),
        ({"eta": 1.5}, r"eta lies in \[0, 1\]. Received: eta=1.5"),
        ({"guidance": -1.0}, "guidance is at least 0"),
        ({"guidence": 1.0}, "did you mean 'guidance'"),
        ({"guidance": float("nan")}, "guidance is at least 0, and finite. Received"),
        ({"guidance": float("inf")}, "guidance is at least 0, and finite. Received"),
        ({"guidance": "2"}, "finite. Received: guidance='2'"),
        ({"guidance": np.ones(1)}, "for all images. Received: guidance as a ndarray"),
        ({"sampler": ["ddim"]}, "for all images. Received: sampler as a list"),
        ({"eta": "much"}, r"eta lies in \[0, 1\]. Received: eta='much'"),
        ({"eta": float("nan")}, r"eta lies in \[0, 1\]. Received: eta=nan"),
    ],
)
def test_a_wrong_option_is_told(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.sample(1, **options)


def test_without_labels_nothing_guides():
    model = tiny.model("ddpm", num_classes=0)
    with pytest.raises(ValueError, match="num_classes=0.*guidance=2.0"):
        model.sample(1, guidance=2.0)
    with pytest.raises(ValueError, match="takes no labels"):
        model.sample(1, labels=[0])
    assert not model.needs_labels
    # It takes no notice of the labels.
    tiny.step(model, (tiny.images(4), tiny.labels(4)))


def test_settings_that_cannot_work_are_told():
    for config, message in (
        ({"steps": 1001}, "1 to 1000 steps"),
        ({"mult": ()}, "multiplier of at least 1"),
        ({"attention": (-1,)}, "from 0. Received"),
        ({"label_dropout": 1.0}, r"label_dropout in \[0, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            zoo.get("ddpm", **config)


@pytest.mark.slow
def test_other_models_refuse_options_of_sampling(trained):
    with pytest.raises(ValueError, match="'gan' has no such option.*'steps'"):
        trained("gan").model.sample(1, steps=3)


# --- one step, the bound --------------------------------------------------------------


def test_a_call_takes_a_quarter_of_the_noise_away(model):
    images = tiny.floats(3)
    t = round(0.25 * 19)
    eps = zoo.backend.normal_of_seeds(np.zeros(1, "int64"), (8, 8, 1))
    x_t = model.q_sample(images, np.full(3, t), eps)
    output = model.ask(model.unet_ema, x_t, np.full(3, t))
    ab = model.alpha_bar[t]
    expected = np.clip(np.sqrt(ab) * x_t - np.sqrt(1 - ab) * output, -1, 1)
    np.testing.assert_allclose(model(images), expected, atol=1e-4)


@pytest.mark.slow
def test_the_bound_of_an_exact_network_is_the_entropy_in_bits(monkeypatch):
    scale, shape = 0.25, (8, 8, 1)
    sizes = {"width": 4, "mult": (1,), "attention": ()}
    model = zoo.get("ddpm", image_shape=shape, variance="learned", **sizes)

    def exact(self, network, x, t, *_):
        ab = ops.take(self.alpha_bar.astype("float32"), ops.cast(t, "int32"))
        ab = ab[:, None, None, None]
        eps = ops.sqrt(1.0 - ab) * x / (ab * scale**2 + 1.0 - ab)
        return ops.concatenate([eps, ops.ones_like(eps)], axis=-1)  # v = 1: beta

    monkeypatch.setattr(Denoiser, "ask_guided", exact)
    pixels = np.random.standard_normal((64, *shape)) * scale
    images = np.clip((pixels + 1) * 127.5, 0, 255).round().astype("uint8")
    bits = model.nll(images)
    assert bits.shape == (64,) and bits.dtype == np.float32
    values = np.arange(256) / 127.5 - 1
    p = np.exp(-((values / scale) ** 2) / 2)
    entropy = -np.log2((p / p.sum())[images]).mean()
    np.testing.assert_allclose(bits.mean(), entropy, rtol=0.01)
    looser = model.nll(images, k=50).mean()
    assert bits.mean() < looser < 2 * entropy


@pytest.mark.slow
def test_the_bound_belongs_to_the_image_and_its_seed(model):
    images = tiny.images(4)
    bits = model.nll(images, k=3, batch_size=2)
    assert (bits > 0).all()
    again = model.nll(images[1:3], k=3, seed=1)
    np.testing.assert_allclose(again, bits[1:3], rtol=1e-4)
    labelled = model.nll(images, labels=tiny.labels(4), k=3, batch_size=2)
    assert (labelled != bits).any()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"k": 0}, "k is an integer from 1 to 20. Received: 0"),
        ({"k": 21}, "k is an integer from 1 to 20. Received: 21"),
        ({"k": [1]}, r"k is an integer from 1 to 20. Received: \[1\]"),
        ({"batch_size": 0}, "batch_size is an integer from 1. Received: 0"),
    ],
)
def test_a_bound_that_cannot_be_is_told(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.nll(tiny.images(2), **options)


def test_the_bound_is_of_pixels_of_8_bits(model):
    images = tiny.images(2)
    bits = model.nll(images, k=2)
    np.testing.assert_allclose(model.nll(tiny.floats(2), k=2), bits, rtol=1e-5)
    for wrong in (images / 255.0, tiny.floats(2) * 0.9):
        with pytest.raises(ValueError, match="that of 8-bit pixels.*Received: floats"):
            model.nll(wrong, k=2)


# --- learned variance -----------------------------------------------------------------


def test_the_bound_s_terms_of_random_timesteps_have_the_bound_as_mean(monkeypatch):
    scale, shape = 0.25, (8, 8, 1)
    changes = {"patch": 1, "mult": (1,), "attention": (), "num_classes": 0}
    model = tiny.model("ddpm", variance="learned", prediction="eps", **changes)

    def exact(self, network, x, t, *_):
        ab = ops.take(self.alpha_bar.astype("float32"), ops.cast(t, "int32"))
        ab = ab[:, None, None, None]
        eps = ops.sqrt(1.0 - ab) * x / (ab * scale**2 + 1.0 - ab)
        return ops.concatenate([eps, ops.ones_like(eps)], axis=-1)  # v = 1: beta

    monkeypatch.setattr(Denoiser, "ask", exact)
    pixels = np.random.standard_normal((200, *shape)) * scale
    images = np.clip((pixels + 1) * 127.5, 0, 255).round().astype("uint8")
    bits = model.nll(images).mean()
    x_0 = np.repeat(images / np.float32(127.5) - 1, 20, axis=0)
    t = np.tile(np.arange(20), 200)
    monkeypatch.setattr(DDPM, "integers", lambda *_: t)
    _, terms = model.objective(x_0)
    np.testing.assert_allclose(terms["vlb"], bits, rtol=0.01)


@pytest.mark.slow
def test_a_learned_variance_moves_by_the_bound_alone():
    model = tiny.model("ddpm", variance="learned", num_classes=0)
    assert model.terms == ("denoising", "vlb")
    last = model.unet.get_layer("last")
    before = last.get_weights()[0]
    terms = tiny.step(model, tiny.images(4))
    assert (
        set(terms) == {"denoising", "vlb"} and np.isfinite(list(terms.values())).all()
    )
    assert (last.get_weights()[0] != before).mean() > 0.9
    images = model.sample(2, seed=0, sampler="ddpm")
    assert np.isfinite(images).all() and np.abs(images).max() <= 1
    other = model.sample(2, seed=0, sampler="ddpm", variance="beta")
    assert (images != other).any()


def test_guidance_leaves_the_learned_variance_alone():
    model = tiny.model("ddpm", variance="learned")
    x, t, labels = tiny.floats(3), np.full(3, 3), np.array([0, 1, 2], "int32")
    label = ops.convert_to_numpy(model.ask(model.unet, x, t, labels))
    null = ops.convert_to_numpy(model.ask(model.unet, x, t))
    guided = model.ask_guided(model.unet, x, t, labels, 3.0, 0.6, 0.8)
    guided = ops.convert_to_numpy(guided)
    np.testing.assert_allclose(guided[..., 1:], label[..., 1:], atol=1e-6)
    expected = 3 * label[..., :1] - 2 * null[..., :1]
    np.testing.assert_allclose(guided[..., :1], expected, atol=1e-5)


def test_a_model_without_a_learned_variance_says_so(model):
    with pytest.raises(ValueError, match="has learned no variance"):
        model.sample(1, sampler="ddpm", variance="learned")


# --- completion and variations --------------------------------------------------------


@pytest.mark.parametrize("sampler", ["ddpm", "dpmpp_2m"])
def test_inpainting_makes_the_masked_pixels_and_keeps_the_others(model, sampler):
    images, mask = tiny.floats(4), np.zeros((8, 8), bool)
    mask[:, 4:] = True
    completed = model.inpaint(images, mask, seed=0, batch_size=2, sampler=sampler)
    np.testing.assert_allclose(completed[:, :, :4], images[:, :, :4], atol=1e-6)
    assert (completed[:, :, 4:] != images[:, :, 4:]).mean() > 0.9
    assert np.abs(completed).max() <= 1
    again = model.inpaint(images[1:3], mask, seed=1, sampler=sampler)
    np.testing.assert_allclose(again, completed[1:3], atol=1e-3)


def test_inpainting_does_not_look_under_the_mask(model):
    images, mask = tiny.floats(2), np.zeros((8, 8), bool)
    mask[:, 4:] = True
    hidden = np.where(mask[..., None], -images, images)
    completed = [model.inpaint(each, mask, seed=0) for each in (images, hidden)]
    np.testing.assert_array_equal(*completed)


@pytest.mark.slow
def test_resampling_goes_down_the_ladder_again(model, monkeypatch):
    looks = []
    real = diffusion.SAMPLERS["ddim"]

    def counted(predict, x, levels, **options):
        looks.append(int((~levels.rises).sum()))
        return real(predict, x, levels, **options)

    monkeypatch.setitem(diffusion.SAMPLERS, "ddim", counted)
    images, mask = tiny.floats(2), np.ones((8, 8))
    fresh = tiny.model("ddpm")
    completed = [
        fresh.inpaint(images, mask, seed=0, steps=7, resampling=times, jump=3)
        for times in (1, 2)
    ]
    assert looks == [7, 13]  # two stretches of three steps are repeated once
    assert (completed[0] != completed[1]).any()
    with pytest.raises(ValueError, match="resampling is a whole number from 1"):
        model.inpaint(images, mask, resampling=0)
    with pytest.raises(ValueError, match="no such option.*Received: 'strength'"):
        model.inpaint(images, mask, strength=0.5)


def test_each_image_may_have_its_own_mask(model):
    images, masks = tiny.floats(3), np.zeros((3, 8, 8))
    masks[1] = 1
    completed = model.inpaint(images, masks, seed=0)
    for one in (completed, model.inpaint(images, masks[..., None], seed=0)):
        np.testing.assert_allclose(one[[0, 2]], images[[0, 2]], atol=1e-6)
        assert (one[1] != images[1]).any()


@pytest.mark.parametrize("shape", [(8, 7), (2, 8, 8), (3, 8, 8, 3), (8,)])
def test_a_mask_of_another_shape_is_told(model, shape):
    with pytest.raises(ValueError, match=r"has the shape \[8, 8\] or \[3, 8, 8\]"):
        model.inpaint(tiny.images(3), np.ones(shape))


@pytest.mark.parametrize(
    "mask",
    [None, "abc", 1.0, [[1], [1, 2]], np.full((8, 8), "a"), np.full((8, 8), np.nan)],
)
def test_what_is_no_mask_is_told(model, mask):
    with pytest.raises(ValueError, match="^A mask .*Received: "):
        model.inpaint(tiny.images(3), mask)


@pytest.mark.slow
def test_variations_stray_with_their_strength(model):
    images = tiny.floats(4)
    distance = [
        np.abs(model.variations(images, strength, seed=0) - images).mean()
        for strength in (0.25, 1.0)
    ]
    assert distance[0] < distance[1]
    for strength in (0.0, 1.5, float("nan"), "half", [0.5]):
        with pytest.raises(ValueError, match=r"strength lies in \(0, 1\]"):
            model.variations(images, strength)


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_batches_of_images_to_edit_hold_at_least_one(model, size):
    message = f"batch_size is an integer from 1. Received: {size}"
    with pytest.raises(ValueError, match=message):
        model.variations(tiny.images(2), batch_size=size)
    with pytest.raises(ValueError, match=message):
        model.inpaint(tiny.images(2), np.ones((8, 8)), batch_size=size)


def test_the_schedule_is_the_config_s():
    for schedule in diffusion.SCHEDULES:
        betas = diffusion.SCHEDULES[schedule](20)
        model = tiny.model("ddpm", schedule=schedule)
        np.testing.assert_array_equal(model.alpha_bar, diffusion.alpha_bars(betas))


def exact_answer(model, x_0):
    """Returns the `ask` of a network that always predicts an image of the one colour
    `x_0`."""

    def ask(network, x, t, labels=None, training=False):
        alpha, sigma = model.alpha_sigma(ops.cast(t, "int32"), x)
        eps = (x - alpha * x_0) / sigma
        return diffusion.target(model.prediction, x_0, eps, alpha, sigma)

    return ask


@pytest.mark.parametrize("prediction", ["eps", "x0", "v"])
def test_beyond_black_is_no_error_of_black_with_overshoot(prediction, monkeypatch):
    black = -np.ones((4, 8, 8, 1), "float32")
    grey = np.zeros_like(black)
    for overshoot in (False, True):
        model = tiny.model("ddpm", prediction=prediction, overshoot=overshoot)
        monkeypatch.setattr(model, "ask", exact_answer(model, -1.5))
        labels = tiny.labels(4)
        losses = [float(model.objective(x, labels)[0]["unet"]) for x in (black, grey)]
        assert (losses[0] == 0) == overshoot and losses[1] > 0


@pytest.mark.slow
def test_guidance_weighs_guesses_within_black_and_white_with_overshoot(monkeypatch):
    """Predictions of -1.5 without a label and of -1 with it are both black."""
    x, t, labels = tiny.floats(2), np.array([3, 3]), np.array([0, 1], "int32")
    for overshoot, expected in ((False, -0.5), (True, -1.0)):
        model = tiny.model("ddpm", num_classes=2, prediction="v", overshoot=overshoot)
        guess = np.repeat([-1.5, -1.0], 2).astype("float32")[:, None, None, None]
        monkeypatch.setattr(model, "ask", exact_answer(model, guess))
        alpha, sigma = model.alpha_sigma(t, x)
        output = model.ask_guided(None, x, t, labels, 2.0, alpha[:1], sigma[:1])
        x_0, _ = diffusion.interpret("v", output, x, alpha, sigma)
        np.testing.assert_allclose(x_0, np.full(x.shape, expected), atol=1e-5)
