"""Compares the faster layers with the layers of Keras that they extend."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zoo.networks import fast


def pair(kind, **options):
    """Returns a faster layer and the layer of Keras."""
    return getattr(fast, kind)(**options), getattr(layers, kind)(**options)


def answers(layer, inputs, **options):
    """Returns what the layer makes of its input tensor or tensors, and the gradients by
    these and by its weights."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = layer(inputs, **options)
        # The sum is weighted by sines of positions: sines of values would magnify
        # rounding.
        sines = tf.sin(tf.cast(tf.range(tf.size(y)), y.dtype))
        total = tf.reduce_sum(y * tf.reshape(sines, tf.shape(y)))
    variables = [variable.value for variable in layer.trainable_variables]
    return [y, *tape.gradient(total, [*tf.nest.flatten(inputs), *variables])]


def require_close(results, expected):
    for ours, theirs in zip(results, expected, strict=True):
        ours, theirs = ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-4, atol=2e-5 * abs(theirs).max()
        )


KINDS = ("BatchNormalization", "Conv2D", "Conv2DTranspose")
CASES = {
    "batch": ("BatchNormalization", {"momentum": 0.9}, (12, 8, 3)),
    "dense": ("BatchNormalization", {"momentum": 0.9}, (7,)),
    "groups": ("GroupNormalization", {"groups": 2}, (5, 4, 6)),
    "one group": ("GroupNormalization", {"groups": 1}, (5, 4, 6)),
    "dense groups": ("GroupNormalization", {"groups": 2}, (6,)),
    "grey": ("Conv2D", {"filters": 5, "kernel_size": 4, "strides": 2}, (28, 12, 1)),
    "colour": ("Conv2D", {"filters": 5, "kernel_size": 4, "strides": 2}, (8, 8, 3)),
    "odd": ("Conv2D", {"filters": 5, "kernel_size": 4, "strides": 2}, (9, 8, 3)),
    "features": ("Conv2D", {"filters": 5, "kernel_size": 4, "strides": 2}, (8, 8, 6)),
    "small kernel": ("Conv2D", {"filters": 5, "kernel_size": 3}, (8, 8, 3)),
    "from grey": (
        "Conv2DTranspose",
        {"filters": 1, "kernel_size": 4, "strides": 2},
        (7, 4, 6),
    ),
    "from colour": (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 4, "strides": 2},
        (4, 4, 5),
    ),
    "without bias": (
        "Conv2DTranspose",
        {"filters": 1, "kernel_size": 4, "strides": 2, "use_bias": False},
        (4, 4, 5),
    ),
    "of another kernel": (
        "Conv2DTranspose",
        {"filters": 1, "kernel_size": 5, "strides": 2},
        (4, 4, 5),
    ),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_outputs_gradients_and_averages_are_those_of_keras(case, training):
    kind, options, shape = CASES[case]
    if kind.startswith("Conv"):
        options = options | {"padding": "same"}
    x = tf.constant(3 + 2 * np.random.normal(size=(6, *shape)).astype("float32"))
    results, weights = [], None
    for layer in pair(kind, **options):
        layer.build(x.shape)
        if weights is None:
            weights = [np.random.uniform(0.5, 1, v.shape) for v in layer.weights]
        layer.set_weights(weights)
        mode = {"training": training} if len(weights) == 4 else {}
        results.append([*answers(layer, x, **mode), *layer.weights])
    require_close(*results)


ENLARGED = {"filters": 7, "kernel_size": 3, "padding": "same"}
JOINED = {
    "enlarged": (
        fast.Conv2D(**ENLARGED, enlarge=True),
        [layers.UpSampling2D(2), layers.Conv2D(**ENLARGED)],
        (5, 4, 6),
    ),
    "enlarged without bias": (
        fast.Conv2D(**ENLARGED, enlarge=True, use_bias=False),
        [layers.UpSampling2D(2), layers.Conv2D(**ENLARGED, use_bias=False)],
        (4, 7, 1),
    ),
    "groups with silu": (
        fast.GroupNormalization(2, activation="silu"),
        [layers.GroupNormalization(2), layers.Activation("silu")],
        (5, 4, 6),
    ),
    "dense groups with silu": (
        fast.GroupNormalization(2, activation="silu"),
        [layers.GroupNormalization(2), layers.Activation("silu")],
        (6,),
    ),
}


@pytest.mark.parametrize("case", JOINED)
def test_a_joined_layer_is_two_of_keras(case):
    layer, two, shape = JOINED[case]
    theirs = keras.Sequential([layers.Input(shape), *two])
    x = tf.constant(3 + 2 * np.random.normal(size=(3, *shape)).astype("float32"))
    layer.build(x.shape)
    weights = [np.random.uniform(0.5, 1, w.shape) for w in theirs.weights]
    for each in (theirs, layer):
        each.set_weights(weights)
    require_close(answers(layer, x), answers(theirs, x))
    assert layer(keras.Input(shape)).shape == theirs.output_shape
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


STRIDED = {"filters": 5, "kernel_size": 4, "strides": 2, "padding": "same"}


@pytest.mark.parametrize("count", [2, 10])  # number of values
@pytest.mark.parametrize(
    "options, shape",
    [
        (STRIDED, (28, 12, 1)),
        (STRIDED, (9, 8, 3)),
        (STRIDED, (8, 8, 6)),
        (ENLARGED | {"enlarge": True}, (5, 4, 3)),
    ],
)
def test_values_beside_images_are_planes_of_them(options, shape, count):
    height, width, channels = shape
    images = tf.constant(np.random.normal(size=(6, *shape)).astype("float32"))
    values = tf.constant(np.random.normal(size=(6, count)).astype("float32"))
    layer = fast.Conv2D(**options)
    inputs = [keras.Input(shape), keras.Input((count,))]
    ours = keras.Model(inputs, layer(inputs))
    # Keras' layers get the values as planes, joined to the images as channels.
    x, y = inputs
    planes = layers.Reshape((height, width, count))(
        layers.RepeatVector(height * width)(y)
    )
    joined = layers.Concatenate()([x, planes])
    if layer.enlarge:
        joined = layers.UpSampling2D(2)(joined)
    rest = {name: value for name, value in options.items() if name != "enlarge"}
    theirs = keras.Model(inputs, layers.Conv2D(**rest)(joined))

    weights = [np.random.uniform(0.5, 1, w.shape) for w in theirs.weights]
    for network in (ours, theirs):
        network.set_weights(weights)
    results, expected = (answers(n, [images, values]) for n in (ours, theirs))
    require_close(results, expected)
    assert ours.output_shape == theirs.output_shape


@pytest.mark.parametrize(
    "options", [{"kernel_size": 4}, {"strides": 2}, {"padding": "valid"}]
)
def test_other_convolutions_do_not_enlarge(options):
    with pytest.raises(ValueError, match="kernel_size 3, strides 1 and padding"):
        fast.Conv2D(**ENLARGED | options, enlarge=True)


def test_groups_know_one_activation():
    with pytest.raises(ValueError, match="Received: 'relu'"):
        fast.GroupNormalization(2, activation="relu")


def test_weights_saved_with_keras_layers_are_read(tmp_path):
    def network(source):
        x = inputs = layers.Input((8, 8, 1))
        x = source.Conv2D(6, 4, strides=2, padding="same")(x)
        x = source.BatchNormalization()(source.Conv2D(5, 3)(x))
        x = source.Conv2DTranspose(1, 4, strides=2, padding="same")(x)
        return keras.Model(inputs, x)

    theirs, ours = network(layers), network(fast)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_config_round_trip(kind):
    options = {"momentum": 0.5} if kind == "BatchNormalization" else {"filters": 2}
    options |= {} if "momentum" in options else {"kernel_size": 4, "strides": 2}
    ours, theirs = pair(kind, **options, name="layer")
    assert ours.get_config() == theirs.get_config()
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(ours)
    )
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


def test_group_normalization_has_the_config_of_keras():
    ours, theirs = pair("GroupNormalization", groups=3, name="layer")
    assert ours.get_config() == theirs.get_config()


def test_a_second_derivative_of_groups_is_refused():
    layer, x = fast.GroupNormalization(2), tf.ones((1, 2, 2, 4))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = layer(x)
        slope = inner.gradient(y, x)
    with pytest.raises(LookupError, match="second derivative"):
        outer.gradient(slope, x)


def test_groups_of_images_of_any_size_have_gradients():
    ours, theirs = pair("GroupNormalization", groups=2)
    ours.build((None, None, None, 6))
    graph = tf.function(lambda x: answers(ours, x))
    graph = graph.get_concrete_function(tf.TensorSpec((None, None, None, 6)))
    for side in (4, 5):
        x = tf.constant(np.random.normal(size=(3, side, side, 6)), tf.float32)
        require_close(graph(x), answers(theirs, x))


def test_half_precision_normalises_groups_in_float32():
    ours, theirs = pair("GroupNormalization", groups=2, dtype="mixed_bfloat16")
    x = ops.cast(100 + np.random.normal(size=(8, 4, 4, 6)), "bfloat16")
    np.testing.assert_allclose(
        ops.cast(ours(x), "float32"), ops.cast(theirs(x), "float32"), atol=0.02
    )
    assert ours(x).dtype == "bfloat16"


def test_half_precision_normalises_in_float32():
    ours, theirs = pair("BatchNormalization", dtype="mixed_bfloat16")
    x = ops.cast(100 + np.random.normal(size=(8, 4, 4, 3)), "bfloat16")
    assert ours(x, training=True).dtype == "bfloat16"
    theirs(x, training=True)
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-4)


def test_an_untrainable_layer_keeps_its_averages():
    layer, _ = pair("BatchNormalization")
    x = ops.ones((2, 4, 4, 3))
    layer.build(x.shape)
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True), x / np.sqrt(1 + layer.epsilon))
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))


def test_double_backward():
    """Gradient penalties need the gradient of a gradient."""
    layer, reference = pair("BatchNormalization")
    x, slopes = tf.constant(np.random.normal(size=(4, 5, 5, 2)).astype("float32")), []
    for each in (layer, reference):
        each.build(x.shape)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = ops.sum(ops.sin(each(x, training=True)))
            penalty = ops.sum(ops.square(inner.gradient(total, x)))
        slopes.append(outer.gradient(penalty, x).numpy())
    np.testing.assert_allclose(*slopes, rtol=1e-3, atol=1e-4 * abs(slopes[1]).max())
