"""Tests regularisers of a discriminator on critics whose gradient is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from zoo.adversarial import penalties
from zoo.inputs import augment
from zoo.networks import fast
from zoo.networks.spectral import SpectralNormalization

IMAGES = tf.constant(tiny.floats(6))
FAKE = tf.constant(tiny.floats(6, seed=1))
KERNEL = np.random.default_rng(0).normal(size=(64, 1)).astype("float32")


def linear(scale=1.0):
    """The critic w.x with |w| = scale."""
    kernel = tf.constant(scale * KERNEL / np.linalg.norm(KERNEL))
    return lambda x: tf.reshape(x, (-1, 64)) @ kernel


def square(x):
    """The critic |x|^2 / 2, whose gradient is x."""
    return 0.5 * tf.reduce_sum(tf.square(x), axis=(1, 2, 3))[:, None]


def norms(x):
    return np.sqrt(np.square(x).sum((1, 2, 3)))


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_linear_critic_has_the_penalties_of_its_weights(scale):
    u = tf.random.stateless_uniform((6, 1, 1, 1), [1, 2])
    noise = tf.random.stateless_uniform(IMAGES.shape, [1, 2])
    critic, expected = linear(scale), (scale - 1) ** 2
    penalty = penalties.wasserstein(critic, IMAGES, FAKE, u)
    np.testing.assert_allclose(penalty, expected, atol=1e-5)
    np.testing.assert_allclose(
        penalties.dragan(critic, IMAGES, noise), expected, atol=1e-5
    )
    np.testing.assert_allclose(penalties.r1(critic, IMAGES), 0.5 * scale**2, rtol=1e-5)


def test_each_penalty_looks_where_its_paper_says():
    u = tf.random.stateless_uniform((6, 1, 1, 1), [1, 2])
    between = u * IMAGES + (1 - u) * FAKE
    penalty = penalties.wasserstein(square, IMAGES, FAKE, u)
    np.testing.assert_allclose(penalty, ((norms(between) - 1) ** 2).mean(), rtol=1e-4)
    noise = tf.random.stateless_uniform(IMAGES.shape, [1, 2])
    around = IMAGES + 0.5 * np.std(IMAGES) * noise
    penalty = penalties.dragan(square, IMAGES, noise)
    np.testing.assert_allclose(penalty, ((norms(around) - 1) ** 2).mean(), rtol=1e-4)
    penalty = penalties.r1(square, IMAGES)
    np.testing.assert_allclose(penalty, 0.5 * (norms(IMAGES) ** 2).mean(), rtol=1e-5)


def test_penalties_are_differentiated_by_the_weights():
    weight = tf.Variable(3.0)
    u = tf.fill((6, 1, 1, 1), 0.5)
    for penalty, expected in (
        (lambda f: penalties.wasserstein(f, IMAGES, FAKE, u), 2 * (3 - 1)),
        (lambda f: penalties.dragan(f, IMAGES, IMAGES * 0), 2 * (3 - 1)),
        (lambda f: penalties.r1(f, IMAGES), 3),
    ):
        with tf.GradientTape() as tape:
            value = penalty(lambda x: weight * linear()(x))
        np.testing.assert_allclose(tape.gradient(value, weight), expected, rtol=1e-4)


def test_a_flat_critic_has_a_finite_gradient():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        value = penalties.dragan(lambda x: weight * linear()(x), IMAGES, IMAGES)
    assert np.isfinite(tape.gradient(value, weight))


# --- spectral normalisation -----------------------------------------------------------


def normalized(layer, shape, calls):
    wrapped = SpectralNormalization(layer)
    wrapped.build((None, *shape))
    x = tf.zeros((1, *shape))
    for _ in range(calls):
        wrapped(x, training=True)
    return wrapped


@pytest.mark.parametrize(
    "layer, shape",
    [
        (keras.layers.Dense(5, use_bias=False), (7,)),
        (fast.Conv2D(5, 4, strides=2, padding="same", use_bias=False), (8, 8, 1)),
    ],
)
def test_spectral_normalisation_finds_the_largest_singular_value(layer, shape):
    wrapped = normalized(layer, shape, calls=200)
    matrix = keras.ops.convert_to_numpy(layer.kernel).reshape(-1, 5)
    expected = np.linalg.svd(matrix, compute_uv=False)[0]
    np.testing.assert_allclose(wrapped.norm(), expected, rtol=1e-4)
    x = tf.random.stateless_normal((2, *shape), [1, 2])
    np.testing.assert_allclose(wrapped(x), layer(x) / expected, rtol=1e-3, atol=1e-5)


def test_spectral_normalisation_takes_the_gradient_of_the_norm_too():
    layer = keras.layers.Dense(5, use_bias=False)
    wrapped = normalized(layer, (7,), calls=200)
    x = tf.random.stateless_normal((3, 7), [1, 2])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(wrapped(x))
    by_rule = tape.gradient(y, layer.kernel.value)
    # y does not depend on the kernel's length, so its gradient along the kernel is
    # zero.
    assert abs(float(tf.reduce_sum(by_rule * layer.kernel))) < 1e-3
    assert float(tf.norm(by_rule)) > 1e-2


def test_spectral_normalisation_iterates_in_training_only():
    wrapped = normalized(keras.layers.Dense(5, use_bias=False), (7,), calls=1)
    before = tiny.values([wrapped.vector])[0]
    wrapped(tf.zeros((1, 7)), training=False)
    np.testing.assert_array_equal(tiny.values([wrapped.vector])[0], before)
    wrapped(tf.zeros((1, 7)), training=True)
    assert (tiny.values([wrapped.vector])[0] != before).any()


def test_spectral_normalisation_refuses_a_layer_with_a_bias():
    with pytest.raises(ValueError, match="use_bias=False"):
        SpectralNormalization(keras.layers.Dense(3))


# --- DiffAugment ----------------------------------------------------------------------


def test_diff_augment_changes_colour_place_and_cuts_a_hole():
    u = np.full((6, augment.NUM_RANDOM), 0.5, "float32")
    u[:, 5:] = 0.0  # half of the hole lies outside the image
    same = tiny.values([augment.diff_augment(IMAGES, u)])[0]
    np.testing.assert_allclose(same[:, 4:], IMAGES[:, 4:], atol=1e-5)
    assert (same[:, :2, :2] == 0).all() and (same[:, 3, 3] != 0).any()

    def with_(column, value):
        changed = u.copy()
        changed[:, column] = value
        return tiny.values([augment.diff_augment(IMAGES, changed)])[0][:, 4:]

    brighter = with_(0, 0.9)
    np.testing.assert_allclose(brighter, IMAGES[:, 4:] + 0.4, atol=1e-5)
    mean = np.mean(IMAGES, axis=(1, 2, 3), keepdims=True)
    flat = with_(2, 0.0)
    np.testing.assert_allclose(flat, (IMAGES[:, 4:] - mean) * 0.5 + mean, atol=1e-5)
    lower = with_(3, 0.99)  # moved by one pixel of eight
    np.testing.assert_allclose(lower[:, 1:], IMAGES[:, 4:-1], atol=1e-5)


@pytest.mark.parametrize("size, most, hole", [(20, 3, 10), (14, 2, 7), (28, 4, 14)])
def test_diff_augment_goes_as_far_as_the_authors_code(size, most, hole):
    images = np.full((2, size, size, 1), 0.5, "float32")
    u = np.full((2, augment.NUM_RANDOM), 0.5, "float32")
    u[0, 3] = 0.999  # moved down as far as possible
    # The hole is at its last place, where its middle lies in the image or beyond it.
    u[1, 5:] = 0.999
    u[0, 5:] = 0.0
    down, cut = tiny.values([augment.diff_augment(images, u)])[0][..., 0]
    assert (down[:most] == 0).all() and (down[most, hole:] != 0).all()
    inside = (cut == 0).any(axis=1).sum()
    assert inside == (hole // 2 if hole % 2 == 0 else hole // 2 + 1)


def test_diff_augment_passes_the_gradient_to_the_image():
    u = tf.random.stateless_uniform((6, augment.NUM_RANDOM), [1, 2])
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        total = tf.reduce_sum(augment.diff_augment(IMAGES, u))
    gradient = tape.gradient(total, IMAGES).numpy()
    assert np.isfinite(gradient).all() and (gradient != 0).mean() > 0.3
