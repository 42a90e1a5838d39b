"""Tests the recurrent model of clips: its equations, what it may know of the future,
its answers, and what it refuses."""

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from scipy import special, stats

import zoo
from zoo.core import losses
from zoo.networks import recurrent

pytestmark = pytest.mark.any_backend
T = tiny.FRAMES
CLIP = tiny.shape_of("rnn_vaegan")


@pytest.fixture(scope="module")
def model():
    """The tiny model, untrained: its weights are random, so nothing is learned away."""
    return tiny.model("rnn_vaegan")


def clips(count=T, seed=0):
    return tiny.floats(count, CLIP, seed)


def tensors(*arrays):
    return [ops.convert_to_tensor(array) for array in arrays]


# --- equations ------------------------------------------------------------------------


def test_a_step_is_that_of_the_lstm_and_many_are_as_many_single_ones():
    network = recurrent.build_step("step", 3, 4, 2, 5)
    random = np.random.default_rng(0)
    for variable in network.weights:
        variable.assign(random.normal(size=variable.shape))
    w = tiny.values(network.weights)
    x = random.normal(size=(2, 7, 3)).astype("float32")
    states = [np.zeros((2, 4), "float32")] * 4
    mine, theirs = list(states), list(states)
    for t in range(7):
        y, *theirs = network(tensors(x[:, t], *theirs))
        value = x[:, t] @ w[0] + w[1]
        for layer in range(2):
            kernel, recurrent_kernel, bias = w[2 + 3 * layer : 5 + 3 * layer]
            h, c = mine[2 * layer : 2 * layer + 2]
            gates = value @ kernel + h @ recurrent_kernel + bias
            i, f, g, o = np.split(gates, 4, axis=1)
            c = special.expit(f) * c + special.expit(i) * np.tanh(g)
            value = special.expit(o) * np.tanh(c)
            mine[2 * layer : 2 * layer + 2] = value, c
        value = np.concatenate([value, x[:, t]], axis=1) @ w[-2] + w[-1]
        np.testing.assert_allclose(ops.convert_to_numpy(y), value, atol=1e-5)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, ops.convert_to_numpy(b), atol=1e-5)


def objective_of(model, monkeypatch, x, shown):
    """The terms of the objective, and the g and x_rec that it computed, for z of the
    posterior's mean and so many shown frames of each clip."""
    seen = {}
    with monkeypatch.context() as patch:
        zeros = lambda rows, shape: ops.zeros((len(x), *shape))  # noqa: E731
        patch.setattr(type(model), "normal", lambda self, *how: zeros(*how))
        number = ops.convert_to_tensor(np.asarray(shown, "int32"))
        patch.setattr(type(model), "integers", lambda *how: number)
        decode = type(model).to_frames

        def to_frames(self, g, training=False):
            seen["g"], seen["x_rec"] = g, decode(self, g, training)
            return seen["x_rec"]

        patch.setattr(type(model), "to_frames", to_frames)
        _, terms = model.objective(*tensors(x), training=False)
    terms = {name: ops.convert_to_numpy(value) for name, value in terms.items()}
    return terms, *(ops.convert_to_numpy(seen[name]) for name in ("g", "x_rec"))


@pytest.mark.eager
def test_each_clip_is_shown_its_own_number_of_frames(model, monkeypatch):
    # As many clips as frames: axes that are mixed up would not raise.
    x, shown = clips(T), np.arange(T)
    _, g, _ = objective_of(model, monkeypatch, x, shown)
    h = model.to_vectors(*tensors(x))
    z = model.inferred(h)[0]
    for row, count in enumerate(shown):

        def read(t, vector, count=count):
            return h[:, t] if t < count else vector

        start = ops.zeros_like(h[:, 0])
        alone = model.unrolled(start, T, lambda t, *_: z[:, t], read)[0]
        alone = ops.convert_to_numpy(alone)
        np.testing.assert_allclose(g[row], alone[row], atol=1e-6)
        assert count == T - 1 or abs(alone[row - 1] - alone[row]).max() > 1e-4
    # Whoever is shown nothing is told all by z.
    rebuilt = model.reconstruct(x)
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.to_frames(*tensors(g)))[0], rebuilt[0], atol=1e-5
    )


@pytest.mark.eager
def test_the_bound_is_the_density_of_all_pixels_less_the_kl(model, monkeypatch):
    x = clips(4)
    terms, _, x_rec = objective_of(model, monkeypatch, x, [0, 1, 2, 0])
    density = stats.norm.logpdf(x, x_rec, model.sigma).sum(axis=(1, 2, 3, 4)).mean()
    assert terms["elbo"] + terms["kl"] == pytest.approx(density, rel=1e-5)
    assert terms["mse"] == pytest.approx(np.square(x - x_rec).mean(), rel=1e-5)
    assert terms["kl"] > 0


def test_the_kl_term_grows_into_its_weight(monkeypatch):
    model = tiny.model("rnn_vaegan", kl_warmup=4)
    # As large as the other term: that of an untrained model would be lost beside it.
    monkeypatch.setattr(losses, "kl_normals", lambda q, *_: 1e3 + 0.0 * q[..., 0])
    betas = []
    for step in range(6):
        model.optimizer.iterations.assign(step)
        betas.append(float(losses.warmup(model.optimizer.iterations, model.kl_warmup)))
        of_networks, terms = model.objective(*tensors(clips(4)))
        kl = float(terms["kl"])
        beta = (float(of_networks["decoder"]) + float(terms["elbo"]) + kl) / kl
        assert beta == pytest.approx(betas[-1], abs=1e-3)
    assert betas == [0.25, 0.5, 0.75, 1, 1, 1]


# --- what is known of the future ------------------------------------------------------


def test_a_latent_knows_nothing_of_later_frames(model):
    x, other = clips(4), clips(4)
    other[:, 2:] *= -1
    each = [model.inferred(model.to_vectors(*tensors(c)))[0] for c in (x, other)]
    a, b = map(ops.convert_to_numpy, each)
    np.testing.assert_array_equal(a[:, :2], b[:, :2])
    assert (a[:, 2] != b[:, 2]).all()


def test_a_clip_is_judged_by_its_order_and_a_frame_is_not(model):
    x = clips(6)
    turned = np.ascontiguousarray(x[:, ::-1])
    of_clips = [model.clip_discriminator(c) for c in tensors(x, turned)]
    assert abs(np.subtract(*map(ops.convert_to_numpy, of_clips))).max() > 1e-3
    of_frames = [
        np.mean(ops.convert_to_numpy(model.frame_discriminator(model._frames_of(c))))
        for c in tensors(x, turned)
    ]
    assert of_frames[0] == pytest.approx(of_frames[1], abs=1e-6)


# --- the game -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.eager
def test_before_the_game_the_decoder_moves_as_without_one():
    changes = [{"gan_weight": 0}, {"game_from": 5}, {"game_from": 0}]
    moved = []
    for change in changes:
        model = tiny.model("rnn_vaegan", **change)
        judge = tiny.values(model.clip_discriminator.weights)
        model.compile({n: keras.optimizers.SGD(0.1) for n in model.networks})
        terms = tiny.step(model, (tiny.images(4, CLIP), tiny.labels(4)))
        assert ("g_loss" in terms) == bool(model.gan_weight)
        after = tiny.values(model.clip_discriminator.weights)
        is_same = all((a == b).all() for a, b in zip(judge, after))
        assert is_same == (not model.gan_weight)
        moved.append(tiny.values(model.decoder.weights))
    for without, before, _within in zip(*moved):
        np.testing.assert_allclose(without, before, rtol=1e-5, atol=1e-6)
    assert any(abs(a - b).max() > 1e-4 for a, b in zip(moved[1], moved[2]))


# --- what users call ------------------------------------------------------------------


def test_what_follows_depends_on_the_past_the_seed_and_nothing_else(model):
    x = clips(3)
    future = model.predict_frames(x[:, :2], 1, seed=4)
    assert future.shape == (3, 1, 8, 8, 1) and future.dtype == np.float32
    longer = model.predict_frames(x[:, :2], 3, seed=4)
    np.testing.assert_allclose(longer[:, :1], future, atol=1e-6)
    alone = model.predict_frames(x[1:2, :2], 1, seed=5)
    np.testing.assert_allclose(alone[0], future[1], atol=1e-6)
    several = model.predict_frames(x[:, :2], 1, seed=4, samples=2)
    np.testing.assert_allclose(several[:, 0], future, atol=1e-6)
    assert (several[:, 1] != future).any()
    assert (model.predict_frames(-x[:, :2], 1, seed=4) != future).any()


def test_samples_are_as_long_as_is_asked_for(model, caplog):
    two = model.sample(2, seed=0, frames=2)
    assert two.shape == (2, 2, 8, 8, 1) and not caplog.records
    np.testing.assert_allclose(model.sample(2, seed=0)[:, :2], two, atol=1e-6)
    assert model.sample(1, frames=T + 2).shape == (1, T + 2, 8, 8, 1)
    assert "what lies beyond is a guess" in caplog.text


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 8, 8, 1), "2 to 128 frames. Received: 1"),
        ((T + 1, 8, 8, 1), "clips of 3x8x8x1. Received: 4x8x8x1"),
        ((T, 9, 8, 1), "clips of 3x8x8x1. Received: 3x9x8x1"),
        ((8, 8, 1), r"clips\[None\] makes a batch .* Received: images, or a single"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "reconstruct"])
def test_what_is_no_clip_of_the_model_is_a_sentence(model, call, shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        getattr(model, call)(tiny.images(4, shape))


@pytest.mark.parametrize(
    ("past", "frames", "sentence"),
    [
        ((8, 8, 1), 1, "of 1 to 3 frames. Received: shape"),
        ((T + 1, 8, 8, 1), 1, "of 1 to 3 frames. Received: shape"),
        ((1, 9, 8, 1), 1, "built for images of 8x8x1. Received: 9x8x1"),
        ((1, 8, 8, 1), 129, "an integer from 1 to 128. Received: 129"),
        ((1, 8, 8, 1), 0, "an integer from 1 to 128. Received: 0"),
    ],
)
def test_a_past_that_cannot_be_is_a_sentence(model, past, frames, sentence):
    with pytest.raises(ValueError, match=sentence):
        model.predict_frames(tiny.images(2, past), frames)


@pytest.mark.parametrize("frames", [0, 129, 2.5])
def test_samples_of_a_length_that_cannot_be_are_a_sentence(model, frames):
    with pytest.raises(ValueError, match="number of frames is an integer from 1 to"):
        model.sample(1, frames=frames)


def test_models_of_images_refuse_clips(trained):
    vae = trained("vae").model
    for call in (vae.fit, vae.predict, vae.reconstruct):
        with pytest.raises(ValueError, match="Received: clips of shape .* not take"):
            call(clips())
    with pytest.raises(ValueError, match="no such option.* Received: 'frames'"):
        vae.sample(1, frames=3)


@pytest.mark.parametrize(
    "setting", [{"sigma": 0}, {"gan_weight": -1}, {"latent_dim": 0}, {"kl_warmup": -1}]
)
def test_settings_that_cannot_be_are_a_sentence(setting):
    (name,) = setting
    with pytest.raises(ValueError, match=f"needs {name} .*Received: "):
        zoo.get("rnn_vaegan", **setting)
