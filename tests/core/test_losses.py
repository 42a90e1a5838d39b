"""Losses against numbers worked out by hand, closed forms and signs."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from zoo.core import losses

LN2 = math.log(2)


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def gradient(function, *values):
    """Gradient of the sum of `function` by its first argument."""
    x, *rest = (tf.constant(value, "float32") for value in values)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x, *rest))
    return tape.gradient(total, x).numpy()


def test_kl_of_the_prior_is_zero():
    zeros = np.zeros((2, 3), "float32")
    np.testing.assert_array_equal(number(losses.kl_normal(zeros, zeros)), [0, 0])


def test_kl_of_another_normal_is_the_closed_form():
    mean = np.array([[1.0, -2.0], [0.0, 0.0]], "float32")
    logvar = np.array([[0.0, 0.0], [math.log(4), -math.log(4)]], "float32")
    # 1/2 mean^2 a dimension; 1/2 (s^2 - 1 - log s^2) for s^2 = 4 and 1/4
    expected = [2.5, 0.5 * (3 - math.log(4)) + 0.5 * (-0.75 + math.log(4))]
    np.testing.assert_allclose(number(losses.kl_normal(mean, logvar)), expected, 1e-6)


def test_kl_pulls_the_mean_to_zero_and_the_variance_to_one():
    mean, logvar = np.array([[0.5, -3.0]]), np.array([[1.0, -1.0]])
    np.testing.assert_allclose(gradient(losses.kl_normal, mean, logvar), mean, 1e-6)
    by_logvar = gradient(lambda v, m: losses.kl_normal(m, v), logvar, mean)
    np.testing.assert_allclose(by_logvar, (np.exp(logvar) - 1) / 2, 1e-6)


def test_kl_of_two_normals_is_that_to_the_prior_where_one_is_and_the_mean_log_ratio():
    random = np.random.default_rng(0)
    q_mean, q_logvar, p_mean, p_logvar = random.normal(size=(4, 3, 2)).astype("float32")
    zeros = np.zeros_like(q_mean)
    np.testing.assert_allclose(
        number(losses.kl_normals(q_mean, q_logvar, zeros, zeros)),
        number(losses.kl_normal(q_mean, q_logvar)),
        rtol=1e-5,
    )
    q = (q_mean, q_logvar)
    np.testing.assert_allclose(number(losses.kl_normals(*q, *q)), 0, atol=1e-6)
    x = q_mean + np.exp(q_logvar / 2) * random.normal(size=(200_000, 3, 2))
    ratio = stats.norm.logpdf(x, q_mean, np.exp(q_logvar / 2))
    ratio -= stats.norm.logpdf(x, p_mean, np.exp(p_logvar / 2))
    ratio = ratio.sum(axis=-1)
    error = ratio.std(axis=0) / len(ratio) ** 0.5
    kl = number(losses.kl_normals(*q, p_mean, p_logvar))
    assert (abs(kl - ratio.mean(axis=0)) < 4 * error).all()


def test_log_normal_is_the_log_density_summed_per_row():
    x = np.random.default_rng(0).normal(size=(3, 2, 2, 1)).astype("float32")
    expected = stats.norm.logpdf(x, 0.5, math.sqrt(2)).sum(axis=(1, 2, 3))
    log_density = number(losses.log_normal(x, 0.5, math.log(2)))
    np.testing.assert_allclose(log_density, expected, 1e-5)


def test_squared_errors_are_summed_per_image_or_averaged_per_pixel():
    x, x_rec = np.ones((2, 2, 2, 1), "float32"), np.zeros((2, 2, 2, 1), "float32")
    x_rec[0] = -1
    np.testing.assert_allclose(number(losses.squared_error(x, x_rec)), [16, 4])
    np.testing.assert_allclose(number(losses.mean_squared_error(x, x_rec)), 2.5)


def test_bernoulli_nll_at_logit_zero_is_ln_2_a_pixel():
    x = np.array([[0.0, 1.0, 1.0]], "float32")
    nll = number(losses.bernoulli_nll(x, np.zeros((1, 3), "float32")))
    np.testing.assert_allclose(nll, [3 * LN2], 1e-6)
    logits = np.array([[0.3, -2.0, 4.0]], "float32")
    expected = -stats.bernoulli.logpmf(x, 1 / (1 + np.exp(-logits))).sum(axis=1)
    np.testing.assert_allclose(number(losses.bernoulli_nll(x, logits)), expected, 1e-5)


def test_extreme_logits_stay_finite_in_value_and_gradient():
    logits = np.array([[-1e4, 1e4]], "float32")
    for target in (
        np.array([[0.0, 1.0]], "float32"),
        np.array([[1.0, 0.0]], "float32"),
    ):
        nll = number(losses.bernoulli_nll(target, logits))
        np.testing.assert_allclose(nll, [2e4 * target[0, 0]])
        slope = gradient(lambda x, t: losses.bernoulli_nll(t, x), logits, target)
        assert np.isfinite(slope).all()
    for real in (True, False):
        assert np.isfinite(number(losses.bce(logits, real)))
        assert np.isfinite(gradient(lambda x: losses.bce(x, real), logits)).all()  # noqa: B023
    labels = np.array([0])
    assert number(losses.cross_entropy(logits, labels)) == 2e4
    slope = gradient(lambda x: losses.cross_entropy(x, labels), logits)
    np.testing.assert_allclose(slope, [[-1, 1]])


def test_gaussian_nll_is_the_closed_form():
    x, x_rec = (
        np.full((1, 2, 1, 1), 0.75, "float32"),
        np.full((1, 2, 1, 1), 0.25, "float32"),
    )
    for sigma in (0.1, 1.0):
        each = 0.5 * (0.5 / sigma) ** 2 + math.log(sigma) + 0.5 * math.log(2 * math.pi)
        nll = number(losses.gaussian_nll(x, x_rec, math.log(sigma)))
        np.testing.assert_allclose(nll, [2 * each], 1e-5)


def test_gaussian_nll_is_least_where_sigma_is_the_error():
    x, x_rec = np.full((1, 4, 1, 1), 0.5, "float32"), np.zeros((1, 4, 1, 1), "float32")

    def slope(sigma):
        return gradient(lambda s: losses.gaussian_nll(x, x_rec, s), math.log(sigma))

    assert slope(0.4) < 0 < slope(0.6)
    np.testing.assert_allclose(slope(0.5), 0, atol=1e-5)


@pytest.mark.parametrize("log_scale", [-6.0, -3.0, 0.0, 2.0])
@pytest.mark.parametrize("mean", [-1.0, 0.1, 0.99])
def test_discretized_logistic_sums_to_one_over_the_256_values(mean, log_scale):
    pixels = (np.arange(256) / 127.5 - 1).astype("float32").reshape(256, 1, 1, 1)
    nll = losses.discretized_logistic_nll(
        pixels, np.full((256, 1, 1, 1), mean, "float32"), log_scale
    )
    probabilities = np.exp(-number(nll).astype("float64"))
    np.testing.assert_allclose(probabilities.sum(), 1, atol=2e-4)
    # The logistic distribution itself, cut at the edges of the bins.
    edges = stats.logistic.cdf(
        np.arange(-254, 255, 2) / 255, loc=mean, scale=math.exp(log_scale)
    )
    expected = np.diff(np.concatenate([[0], edges, [1]]))
    np.testing.assert_allclose(probabilities, expected, rtol=1e-2, atol=1e-5)


def test_discretized_logistic_is_finite_far_from_the_mean():
    x, x_rec = np.ones((1, 2, 1, 1), "float32"), -np.ones((1, 2, 1, 1), "float32")
    for value in (x, 0.5 * x, -x):
        for scale in (-7.0, 7.0):
            nll = number(losses.discretized_logistic_nll(value, x_rec, scale))
            assert np.isfinite(nll).all() and (nll >= 0).all()
    slope = gradient(
        lambda rec: losses.discretized_logistic_nll(0.5 * x, rec, -7.0), x_rec
    )
    assert np.isfinite(slope).all() and (slope < 0).all()  # up, towards the pixel


@pytest.mark.parametrize("sigmas", [0, 3, 5, 6, 6.5])
@pytest.mark.parametrize("value", [0.1, 1.0, -1.0])
def test_discretized_gaussian_is_exact_far_from_the_mean(value, sigmas):
    x = np.full((1, 1, 1, 1), value, "float32")
    for sigma in (0.004, 0.02, 0.1):
        for x_rec in (x + np.float32(sigmas * sigma), x - np.float32(sigmas * sigma)):
            nats = number(losses.discretized_gaussian_nll(x, x_rec, np.log(sigma)))
            edges = [(value - x_rec.item() + end / 255) / sigma for end in (-1, 1)]
            edges = edges if value < 1 else [edges[0], np.inf]
            edges = edges if value > -1 else [-np.inf, edges[1]]
            low, high = edges if edges[0] + edges[1] < 0 else (-edges[1], -edges[0])
            p = max(stats.norm.cdf(high) - stats.norm.cdf(low), 1e-12)
            assert nats == pytest.approx(-np.log(p), rel=1e-3, abs=1e-4)


def test_bce_at_logit_zero_is_ln_2():
    for real in (True, False):
        np.testing.assert_allclose(
            number(losses.bce(np.zeros((4, 1)), real)), LN2, 1e-6
        )
    assert number(losses.bce(np.array([[3.0]]), True)) < LN2
    assert number(losses.bce(np.array([[3.0]]), False)) > LN2


def test_cross_entropy_is_minus_the_log_probability_of_the_label():
    logits = np.log([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]])
    labels = np.array([0, 2])
    expected = -(math.log(0.7) + math.log(0.5)) / 2
    np.testing.assert_allclose(
        number(losses.cross_entropy(logits, labels)), expected, 1e-6
    )
    uniform = number(losses.cross_entropy(np.zeros((5, 10)), np.arange(5)))
    np.testing.assert_allclose(uniform, math.log(10), 1e-6)


def test_label_smoothing_mixes_the_target_with_the_uniform_distribution():
    probabilities = np.array([[0.7, 0.2, 0.1]])
    target = np.array([0.8, 0.1, 0.1])  # 0.3 of the label is spread over three classes
    loss = losses.cross_entropy(np.log(probabilities), np.array([0]), 0.3)
    np.testing.assert_allclose(number(loss), -target @ np.log(probabilities[0]), 1e-6)


def test_cross_entropy_takes_probabilities_in_place_of_labels():
    logits, target = np.log([[0.7, 0.2, 0.1]]), np.array([[0.5, 0.5, 0.0]])
    expected = -0.5 * (math.log(0.7) + math.log(0.2))
    np.testing.assert_allclose(
        number(losses.cross_entropy(logits, target)), expected, 1e-6
    )


def test_distillation_is_the_divergence_of_the_tempered_distributions():
    p, q = np.array([[0.8, 0.2]]), np.array([[0.5, 0.5]])
    plain = 0.8 * math.log(1.6) + 0.2 * math.log(0.4)
    np.testing.assert_allclose(number(losses.distillation(np.log(q), p)), plain, 1e-5)
    # At temperature 2 the odds of 4 to 1 are 2 to 1; those of q stay 1 to 1.
    soft = 4 * (2 / 3 * math.log(4 / 3) + 1 / 3 * math.log(2 / 3))
    tempered = number(losses.distillation(np.log(q), p, 2.0))
    np.testing.assert_allclose(tempered, soft, 1e-5)
    same = losses.distillation(3 + np.log(p), p, 2.0)
    np.testing.assert_allclose(number(same), 0, atol=1e-6)


# Probability of "real": 3/4 for the one real logit, 1/4 for the one fake one.
REAL, FAKE = np.array([[math.log(3)]]), np.array([[-math.log(3)]])


@pytest.mark.parametrize(
    "loss, expected",
    [
        ("non_saturating", -2 * math.log(0.75)),
        ("minimax", -2 * math.log(0.75)),
        ("least_squares", 0.5 * (math.log(3) - 1) ** 2 + 0.5 * math.log(3) ** 2),
        ("hinge", 0.0),
    ],
)
def test_discriminator_losses_are_those_of_the_papers(loss, expected):
    value = number(losses.discriminator_loss(REAL, FAKE, loss))
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7)


def test_hinge_counts_only_what_is_within_the_margin():
    real, fake = np.array([[0.5], [2.0]]), np.array([[-3.0], [0.25]])
    loss = number(losses.discriminator_loss(real, fake, "hinge"))
    np.testing.assert_allclose(loss, 0.5 / 2 + 1.25 / 2, 1e-6)


@pytest.mark.parametrize(
    "loss, expected",
    [
        ("non_saturating", -math.log(0.25)),
        ("minimax", math.log(0.75)),
        ("least_squares", 0.5 * (math.log(3) + 1) ** 2),
        ("hinge", math.log(3)),
    ],
)
def test_generator_losses_are_those_of_the_papers(loss, expected):
    np.testing.assert_allclose(
        number(losses.generator_loss(FAKE, loss)), expected, 1e-6
    )


@pytest.mark.parametrize(
    "loss", ["non_saturating", "minimax", "least_squares", "hinge"]
)
def test_discriminator_and_generator_pull_in_opposite_directions(loss):
    def for_real(logits):
        return losses.discriminator_loss(logits, FAKE, loss)

    def for_fake(logits):
        return losses.discriminator_loss(REAL, logits, loss)

    logits = np.array([[0.25]])
    assert gradient(for_real, logits) < 0  # real logits rise
    assert gradient(for_fake, logits) > 0  # fake logits fall
    assert gradient(lambda x: losses.generator_loss(x, loss), logits) < 0


def test_only_the_minimax_generator_stalls_before_a_sure_discriminator():
    sure = np.array([[-12.0]])
    minimax = gradient(lambda x: losses.generator_loss(x, "minimax"), sure)
    other = gradient(lambda x: losses.generator_loss(x, "non_saturating"), sure)
    assert -1e-4 < minimax < 0
    np.testing.assert_allclose(other, -1, atol=1e-4)


def test_losses_are_float32_whatever_the_logits():
    half = tf.constant([[0.5], [1.0]], "bfloat16")
    values = [
        losses.bce(half, True),
        losses.discriminator_loss(half, half, "hinge"),
        losses.generator_loss(half, "least_squares"),
        losses.bernoulli_nll(np.ones((2, 1), "float32"), half),
        losses.cross_entropy(half, np.array([0, 0])),
        losses.kl_normal(half, half),
        losses.kl_normals(half, half, half, half),
        losses.mean_squared_error(half, half),
        losses.squared_error(half, half),
    ]
    assert {value.dtype for value in values} == {tf.float32}
