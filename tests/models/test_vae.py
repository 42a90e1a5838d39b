"""Tests the VAE: its likelihoods, its bound, and the estimate of -log p by sampling."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from scipy import stats

import zoo
from zoo import backend
from zoo.models.vae import VAE, LogScale

LIKELIHOODS = ["bernoulli", "gaussian", "discretized_logistic", "mse"]
SIZE = 64  # pixels of a tiny image


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="session")
def vaes():
    """Returns {likelihood: a tiny VAE that has taken one step}."""
    models = {kind: tiny.model("vae", likelihood=kind) for kind in LIKELIHOODS}
    for model in models.values():
        model.reported = tiny.step(model, tiny.images(4))
    return models


# --- the bound ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "likelihood, terms",
    [
        ("bernoulli", {"elbo", "kl", "recon"}),
        ("gaussian", {"elbo", "kl", "recon"}),
        ("discretized_logistic", {"elbo", "kl", "recon", "bits_per_dim"}),
        ("mse", {"kl", "mse"}),
    ],
)
def test_only_a_likelihood_has_a_bound(likelihood, terms, vaes):
    reported = vaes[likelihood].reported
    assert set(reported) == set(vaes[likelihood].terms) == terms
    assert np.isfinite(list(reported.values())).all()
    assert reported["kl"] >= 0
    if "elbo" in terms:
        total = reported["recon"] + reported["kl"]
        np.testing.assert_allclose(reported["elbo"], -total, rtol=1e-5)
    if "bits_per_dim" in terms:
        bits = total / (SIZE * math.log(2))
        np.testing.assert_allclose(reported["bits_per_dim"], bits, rtol=1e-5)


def test_depth_adds_convolutions_to_the_decoder_that_add_to_their_input():
    plain, deep = (tiny.model("vae", depth=depth) for depth in (0, 2))
    added = [
        layer
        for layer in deep.decoder.layers
        if type(layer) is keras.layers.Conv2D and layer.kernel_size == (3, 3)
    ]
    assert len(added) == 2  # a tiny image has one level
    kernels = sum(layer.count_params() for layer in added)
    assert deep.decoder.count_params() == plain.decoder.count_params() + kernels
    assert deep.encoder.count_params() == plain.encoder.count_params()

    for layer in added:  # with added convolutions of 0, the plain decoder is left
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    others = [
        weight
        for layer in deep.decoder.layers
        if layer not in added
        for weight in layer.weights
    ]
    for weight, value in zip(others, plain.decoder.get_weights(), strict=True):
        weight.assign(value)
    z = tiny.floats(3).reshape(3, -1)[:, : plain.latent_dim]
    np.testing.assert_allclose(deep.decode(z), plain.decode(z), atol=1e-6)


def test_both_networks_descend_the_negative_bound(vaes):
    losses, terms = vaes["gaussian"].objective(tf.constant(tiny.floats(4)))
    assert losses["encoder"] is losses["decoder"]
    np.testing.assert_allclose(losses["encoder"], -terms["elbo"], rtol=1e-6)


def test_kl_warmup_raises_the_weight_of_kl_to_one_and_reports_the_whole_bound():
    model = tiny.model("vae", likelihood="gaussian", kl_warmup=4)
    images = tf.constant(tiny.floats(4))
    for taken, beta in ((0, 0.25), (2, 0.75), (3, 1.0), (100, 1.0)):
        model.optimizer.iterations.assign(taken)
        losses, terms = model.objective(images)
        expected = terms["recon"] + beta * terms["kl"]
        np.testing.assert_allclose(losses["decoder"], expected, rtol=1e-6)
        np.testing.assert_allclose(terms["elbo"], -terms["recon"] - terms["kl"])


def test_the_epoch_is_judged_by_the_bound_or_the_error(vaes):
    assert (vaes["gaussian"].monitor, vaes["gaussian"].monitor_mode) == ("elbo", "max")
    assert (vaes["mse"].monitor, vaes["mse"].monitor_mode) == ("mse", "min")


# --- likelihoods ----------------------------------------------------------------------


def test_bernoulli_binarises_afresh_with_the_intensity_as_probability(vaes):
    model = vaes["bernoulli"]
    intensity = np.linspace(0, 1, SIZE, dtype="float32").reshape(8, 8, 1)
    images = tf.constant(np.repeat(2 * intensity[None] - 1, 600, axis=0))
    first, second = (array(model._observed(images)[0]) for _ in range(2))
    assert set(np.unique(first)) == {-1, 1} and (first != second).any()
    assert (first[:, 0, 0] == -1).all() and (first[:, 7, 7] == 1).all()
    np.testing.assert_allclose((first == 1).mean(0), intensity, atol=0.09)


def test_bernoulli_shows_the_probability_as_the_image(vaes):
    model = vaes["bernoulli"]
    z = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    expected = 2 / (1 + np.exp(-array(model.decoder(z)))) - 1
    np.testing.assert_allclose(model.decode(z), expected, atol=1e-5)


@pytest.mark.parametrize("likelihood", ["gaussian", "discretized_logistic"])
def test_the_scale_is_one_learned_number_with_a_floor(likelihood, vaes):
    model = vaes[likelihood]
    layer = next(x for x in model.decoder.layers if isinstance(x, LogScale))
    assert [w.shape for w in layer.trainable_weights] == [()]
    before = layer.w.numpy()
    np.testing.assert_allclose(before, 0, atol=0.01)  # one step away from log 1
    tiny.step(model, tiny.images(4))
    assert layer.w.numpy() != before
    layer.w.assign(-50.0)
    log_scale = array(model.decoder(np.zeros((2, 3), "float32"))[1])
    np.testing.assert_allclose(np.exp(log_scale), 1 / 255, rtol=1e-5)
    layer.w.assign(before)


@pytest.mark.slow
def test_mse_weighs_the_summed_squared_error_by_alpha():
    x, z = tf.constant(tiny.floats(4)), tf.zeros((4, 3))
    for alpha, weight in ((None, 1.0), (0.25, 0.25)):
        model = tiny.model("vae", likelihood="mse", alpha=alpha)
        squared = ((tiny.floats(4) - model.decode(np.zeros((4, 3)))) ** 2).sum(
            (1, 2, 3)
        )
        loss = array(model.reconstruction_loss(x, z))
        np.testing.assert_allclose(loss, weight * squared, rtol=1e-5)
        losses, terms = model.objective(x)
        recon = float(losses["encoder"]) - float(terms["kl"])
        # The term is the error of a pixel, whatever its weight in the loss.
        np.testing.assert_allclose(
            float(terms["mse"]), recon / weight / SIZE, rtol=1e-4
        )


@pytest.mark.parametrize("likelihood", LIKELIHOODS[:3])
def test_alpha_goes_with_mse_alone(likelihood):
    with pytest.raises(ValueError, match='likelihood="mse" only. Received: alpha=0.5'):
        zoo.get("vae", likelihood=likelihood, alpha=0.5)


@pytest.mark.parametrize("alpha", [0, -1.0])
def test_alpha_is_positive(alpha):
    with pytest.raises(ValueError, match="positive weight. Received: "):
        zoo.get("vae", likelihood="mse", alpha=alpha)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_likelihood_is_saved_and_samples_images(likelihood, vaes, tmp_path):
    model = vaes[likelihood]
    model.save(tmp_path / "vae.keras")
    for load in (zoo.load, keras.saving.load_model):
        loaded = load(tmp_path / "vae.keras")
        for one, other in zip(tiny.state(loaded), tiny.state(model), strict=True):
            np.testing.assert_array_equal(one, other)
    images = loaded.sample(2, seed=0)
    assert images.shape == (2, 8, 8, 1) and np.abs(images).max() <= 1
    np.testing.assert_array_equal(images, model.sample(2, seed=0))


# --- latents --------------------------------------------------------------------------


def test_a_drawn_code_follows_the_posterior_and_its_seed(vaes):
    model = vaes["gaussian"]
    x = tiny.floats(1)
    mean, logvar = (array(v)[0] for v in model.posterior(tf.constant(x)))
    np.testing.assert_allclose(model.encode(x)[0], mean, atol=1e-6)
    z = model.encode(np.repeat(x, 500, axis=0), sample=True, seed=0)
    np.testing.assert_allclose(z.mean(0), mean, atol=0.2)
    np.testing.assert_allclose(z.std(0), np.exp(logvar / 2), rtol=0.15)
    later = model.encode(x, sample=True, seed=7)
    np.testing.assert_allclose(later[0], z[7], atol=1e-5)


def test_samples_are_decoded_from_the_prior(vaes):
    model = vaes["gaussian"]
    z = backend.normal_of_seeds(keras.ops.arange(3, dtype="int64"), (3,))
    np.testing.assert_allclose(
        model.sample(3, seed=0), model.decode(array(z)), atol=1e-6
    )


# --- importance sampling --------------------------------------------------------------

SIGMA = 0.3
W = np.random.default_rng(1).normal(size=SIZE).astype("float32") / 10
B = np.random.default_rng(2).uniform(-0.5, 0.5, SIZE).astype("float32")
VARIANCE = 1 / (1 + W @ W / SIGMA**2)  # of p(z|x)


class LinearVAE(VAE):
    """The VAE of factor analysis, x = W z + B + SIGMA noise with a single z,
    whose p(x) and p(z|x) are known. Its encoder holds the exact p(z|x)."""

    def build_networks(self, image_shape):
        x = keras.Input(image_shape)
        posterior = keras.layers.Dense(2)
        encoder = keras.Model(x, posterior(keras.layers.Flatten()(x)))
        slope = VARIANCE * W / SIGMA**2
        kernel = np.stack([slope, np.zeros(SIZE)], axis=1)
        posterior.set_weights([kernel, np.array([-slope @ B, np.log(VARIANCE)])])

        z = keras.Input((1,))
        mean, scale = keras.layers.Dense(SIZE), LogScale(1 / 255)
        x_rec = keras.layers.Reshape(image_shape)(mean(z))
        decoder = keras.Model(z, [x_rec, scale(x_rec)])
        mean.set_weights([W[None], B])
        scale.w.assign(np.log(SIGMA - 1 / 255))
        return {"encoder": encoder, "decoder": decoder}


@pytest.fixture(scope="session")
def linear():
    """Returns the linear VAE, images of it in [-1, 1], and their exact -log p."""
    model = LinearVAE(latent_dim=1, likelihood="gaussian", width=1, hidden=0)
    model.compile()
    model.build((8, 8, 1))
    random = np.random.default_rng(0)
    z, noise = random.normal(size=(40, 1)), random.normal(size=(40, SIZE))
    x = np.clip(z * W + B + SIGMA * noise, -1, 1)
    cov = np.outer(W, W) + SIGMA**2 * np.eye(SIZE)
    exact = -stats.multivariate_normal(B, cov).logpdf(x)
    return model, x.astype("float32").reshape(-1, 8, 8, 1), exact


def test_nll_is_exact_where_the_posterior_is(linear):
    model, images, exact = linear
    for k in (1, 7):
        nll = model.nll(images, k=k, batch_size=16)
        assert nll.shape == (40,)
        np.testing.assert_allclose(nll, exact, atol=2e-3)
    elbo = model.evaluate(images, return_dict=True)["elbo"]
    np.testing.assert_allclose(-elbo, exact.mean(), atol=0.6)  # one draw per image


@pytest.mark.slow
def test_nll_tightens_with_k_from_the_bound_towards_the_truth(linear):
    model, images, exact = linear
    kernel, bias = model.encoder.get_weights()
    model.encoder.set_weights([kernel, bias + np.array([0.1, 1.0])])  # a worse q(z|x)
    try:
        one = np.mean([model.nll(images, k=1, seed=s).mean() for s in range(20)])
        few, many = (model.nll(images, k=k).mean() for k in (8, 500))
        bounds = [model.evaluate(images, return_dict=True)["elbo"] for _ in range(20)]
    finally:
        model.encoder.set_weights([kernel, bias])
    assert one > few > many > exact.mean() - 0.02
    assert many - exact.mean() < 0.05
    # With k = 1 the estimate is that of the bound.
    np.testing.assert_allclose(-np.mean(bounds), one, atol=0.3)
    assert -np.mean(bounds) > exact.mean() + 0.1


@pytest.mark.parametrize("likelihood", LIKELIHOODS[:3])
def test_nll_follows_its_seed_and_is_defined_for_every_likelihood(likelihood, vaes):
    model, images = vaes[likelihood], tiny.images(3)
    nll = model.nll(images, k=60, seed=4)
    assert nll.shape == (3,) and np.isfinite(nll).all()
    np.testing.assert_array_equal(nll, model.nll(images, k=60, seed=4))
    assert (nll != model.nll(images, k=60, seed=5)).all()


def test_mse_has_no_nll(vaes):
    with pytest.raises(ValueError, match="no probability"):
        vaes["mse"].nll(tiny.images(2), k=2)
