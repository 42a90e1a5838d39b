"""Tests the transformer: patches, positions, attention, dropped branches, rollout."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.networks import transformer

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]
array = ops.convert_to_numpy


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def network(shape, function):
    """Returns the network of a function of tensors `[B, *shape]`."""
    inputs = layers.Input(shape)
    return keras.Model(inputs, function(inputs))


# --- tokens ---------------------------------------------------------------------------


def test_patches_are_a_convolution_that_steps_over_them():
    images = normal(2, 6, 9, 3)
    model = network((6, 9, 3), lambda x: transformer.embed_patches(x, 3, 5))
    kernel, bias = model.get_weights()
    bias += normal(5)
    model.set_weights([kernel, bias])
    strided = ops.conv(images, kernel.reshape(3, 3, 3, 5), strides=3) + bias
    np.testing.assert_allclose(array(model(images)), array(strided), atol=1e-5)


def test_the_stem_halves_as_often_as_it_is_told():
    for halvings, size in ((1, (6, 4)), (2, (3, 2))):
        x = transformer.embed_convolved(layers.Input((12, 8, 1)), halvings, 8)
        assert x.shape[1:] == (*size, 8)


def test_the_product_of_two_positions_depends_on_their_offset_alone():
    rows, columns = 3, 5
    places = transformer.positions(rows, columns, 16).reshape(rows, columns, 16)
    assert len(np.unique(places.reshape(-1, 16).round(4), axis=0)) == rows * columns
    products = np.einsum("abc,dec->abde", places, places)
    for down, right in ((0, 0), (1, 0), (0, 2), (2, 3)):
        pairs = [
            products[y, x, y + down, x + right]
            for y in range(rows - down)
            for x in range(columns - right)
        ]
        np.testing.assert_allclose(pairs, pairs[0], atol=1e-5)
    # The first quarter holds sines of the column, the third those of the row.
    np.testing.assert_allclose(places[2, 4, [0, 8]], np.sin([4, 2]), atol=1e-6)


# --- attention ------------------------------------------------------------------------


def attention(tokens, width=8, heads=2):
    return network((tokens, width), lambda x: transformer.attend(x, heads, "a"))


def test_attention_is_what_the_paper_computes():
    x, model = normal(3, 5, 8), attention(5)
    joint, out, bias = model.get_weights()
    q, k, v = np.split(x @ joint, 3, axis=-1)
    heads = []
    h, weights = map(array, model(x))
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        scores = np.einsum("bic,bjc->bij", q[..., part], k[..., part]) / 2
        each = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(weights[:, head], each, atol=1e-5)
        heads.append(each @ v[..., part])
    expected = np.concatenate(heads, axis=-1) @ out + bias
    np.testing.assert_allclose(h, expected, atol=1e-5)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_one_token_alone_takes_its_own_value():
    x, model = normal(3, 1, 8), attention(1)
    joint, out, bias = model.get_weights()
    h, weights = map(array, model(x))
    np.testing.assert_allclose(h, x @ joint[:, 16:] @ out + bias, atol=1e-5)
    np.testing.assert_array_equal(weights, 1)


def test_queries_keys_and_values_start_as_square_kernels_do():
    joint = attention(3, width=128).get_weights()[0]
    limit = np.sqrt(6 / (128 + 128))
    for kernel in np.split(joint, 3, axis=1):
        assert 0.95 * limit < np.abs(kernel).max() <= limit


def test_a_block_does_to_permuted_tokens_what_it_does_to_tokens():
    model = network((5, 8), lambda x: transformer.block(x, 2, 16))
    x, order = normal(2, 5, 8), [3, 0, 4, 1, 2]
    h, weights = map(array, model(x))
    permuted, permuted_weights = map(array, model(x[:, order]))
    np.testing.assert_allclose(permuted, h[:, order], atol=1e-5)
    expected = weights[:, :, order][..., order]
    np.testing.assert_allclose(permuted_weights, expected, atol=1e-5)


def test_a_branch_is_left_out_of_whole_rows_in_training_alone():
    layer, x = transformer.DropPath(0.25, seed=1), np.ones((4000, 2, 3), "float32")
    assert (array(layer(x)) == 1).all()
    kept = array(layer(x, training=True))
    assert (kept == kept[:, :1, :1]).all()
    np.testing.assert_allclose(np.unique(kept), [0, 1 / 0.75], rtol=1e-6)
    assert abs(kept.mean() - 1) < 0.03
    again = array(layer(x, training=True))
    assert (again != kept).any()
    copy = transformer.DropPath.from_config(layer.get_config())
    np.testing.assert_array_equal(array(copy(x, training=True)), kept)


# --- rollout --------------------------------------------------------------------------


def test_the_rollout_of_identity_attention_is_the_identity():
    weights = np.broadcast_to(np.eye(4, dtype="float32"), (2, 3, 2, 4, 4))
    expected = np.broadcast_to(np.eye(4), (2, 4, 4))
    np.testing.assert_allclose(array(transformer.rollout(weights)), expected, atol=1e-6)


def test_the_rollout_multiplies_later_layers_from_the_left():
    weights = np.exp(normal(2, 2, 3, 4, 4))
    weights /= weights.sum(axis=-1, keepdims=True)
    first, second = (0.5 * (weights[:, i].mean(axis=1) + np.eye(4)) for i in (0, 1))
    answer = array(transformer.rollout(weights))
    np.testing.assert_allclose(answer, second @ first, atol=1e-6)
    np.testing.assert_allclose(answer.sum(axis=-1), 1, rtol=1e-5)
