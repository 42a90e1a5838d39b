"""Tests what users hand to a model: what is taken, what is refused, and in which
words."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

import zoo
from zoo.inputs import feeds


@pytest.fixture(scope="session")
def ae():
    """Returns a built autoencoder for 8x8x1 images, whose state does not matter."""
    model = tiny.model("ae")
    model.compile(run_eagerly=True)
    return model


def steps(model, data, **kwargs):
    """Returns how many steps one epoch on `data` took."""
    before = int(model.optimizer.iterations)
    model.fit(data, verbose=0, **kwargs)
    return int(model.optimizer.iterations) - before


def batches(*arrays):
    data = arrays[0] if len(arrays) == 1 else arrays
    return tf.data.Dataset.from_tensor_slices(data).batch(4)


class Batches(keras.utils.PyDataset):
    """Gives arrays as a PyDataset of batches of 4."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return -(-len(self.arrays[0]) // 4)

    def __getitem__(self, index):
        parts = tuple(a[4 * index : 4 * index + 4] for a in self.arrays)
        return parts if len(parts) > 1 else parts[0]


# --- what is taken --------------------------------------------------------------------


def test_the_shape_comes_from_the_element_spec_without_a_batch():
    drawn = []

    def source():
        drawn.append(1)
        yield tiny.images(4)

    spec = tf.TensorSpec((None, 8, 8, 1), tf.uint8)
    data = tf.data.Dataset.from_generator(source, output_signature=spec)
    assert feeds.shape_of(data) == (8, 8, 1)
    assert not drawn


def test_the_check_of_the_first_batch_takes_none_from_training(ae):
    assert steps(ae, batches(tiny.images(10))) == 3


@pytest.mark.slow
def test_arrays_pairs_dicts_and_sets_are_taken_alike(ae):
    images, labels = tiny.images(10), tiny.labels(10)
    assert steps(ae, images, batch_size=4) == 3
    assert steps(ae, (images, labels), batch_size=4) == 3
    assert steps(ae, images, y=labels, batch_size=4) == 3
    assert steps(ae, {"image": images, "label": labels}, batch_size=4) == 3
    assert steps(ae, batches(images, labels)) == 3
    assert steps(ae, batches({"image": images, "label": labels})) == 3
    assert steps(ae, Batches(images, labels)) == 3
    assert steps(ae, images, validation_data=batches(images)) == 1
    assert steps(ae, images, validation_data=(images, labels)) == 1


def test_a_dict_brings_its_labels_to_the_classifier():
    model = tiny.model("classifier")
    model.compile(run_eagerly=True)
    data = {"image": tiny.images(4), "label": tiny.labels(4)}
    assert steps(model, batches(data)) == 1
    assert steps(model, data) == 1


def test_grey_images_need_no_channel_axis(ae):
    flat = tiny.images(4)[..., 0]
    assert steps(ae, flat) == 1
    np.testing.assert_array_equal(ae.encode(flat), ae.encode(tiny.images(4)))
    model = zoo.get("ae", **tiny.CONFIGS["ae"])
    model.compile(run_eagerly=True)
    model.fit(flat, verbose=0)
    assert model.image_shape == (8, 8, 1)


def test_a_set_without_negative_values_is_taken_if_its_range_is_asserted(ae):
    bright = np.abs(tiny.floats(4))
    assert steps(ae, bright, value_range=(-1, 1)) == 1
    assert set(ae.evaluate(bright, value_range=(-1, 1), return_dict=True)) == {"mse"}


# --- what is refused ------------------------------------------------------------------


WRONG_IMAGES = [
    (
        tiny.images(4).astype("float32"),
        r"lie in \[-1, 1\].* / 127.5 - 1.* from 0 to 255",
    ),
    (tiny.floats(4) * 1.01, r"lie in \[-1, 1\]"),
    (np.where(np.arange(64).reshape(8, 8, 1) == 9, np.nan, tiny.floats(2)), "NaN"),
    (np.where(tiny.floats(2) > 0.9, np.inf, tiny.floats(2)), "infinite"),
    (tiny.images(4).astype("int64"), "uint8 in 0..255 or float .* dtype int64"),
    (tiny.images(4).astype("object"), "uint8 in 0..255 or float .* dtype object"),
    (tiny.images(4, (8, 8, 2)), "1 channel .* or 3 .* Received: 2 channels"),
    (tiny.images(4, (8, 8, 4)), "1 channel .* or 3 .* Received: 4 channels"),
    (tiny.images(4, (3, 32, 32)), "channels last. Received: 32 channels"),
    (tiny.images(4, (7, 8, 1)), "8 to 512 pixels. Received: 7x8"),
    (np.zeros((1, 513, 8, 1), "uint8"), "8 to 512 pixels. Received: 513x8"),
    (np.zeros((4, 64), "uint8"), r"\[B, H, W, C\]. Received: shape \[4, 64\]"),
    (tiny.images(1)[0], r"images\[None\] .* Received: shape \[8, 8, 1\]"),
    (tiny.images(4, (9, 8, 1)), "built for images of 8x8x1. Received: 9x8x1"),
    (tiny.images(4, (9, 8)), "built for images of 8x8x1. Received: 9x8x1"),
    (np.zeros((0, 8, 8, 1), "uint8"), r"empty .* Received: shape \[0, 8, 8, 1\]"),
    (np.float32(0.5), r"one array \[N, H, W, C\]. Received: float32"),
]
NO_IMAGES = [
    (None, "NumPy array.* Received: NoneType"),
    ([[1, 2], [3, 4]], "NumPy array.* Received: list"),
    ({"picture": tiny.images(4)}, "the key 'image' .* Received: keys"),
    ((), "no place .* Received: 0 parts"),
    (([tiny.images(1)], tiny.labels(1)), "one array .* Received: list"),
]


def text(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    "images, words",
    [
        (tiny.floats(4) / 2 + 0.5, r"in \[0, 1\]\? .* 2 \* images - 1"),
        *WRONG_IMAGES,
        *NO_IMAGES,
    ],
    ids=text,
)
def test_images_that_a_model_cannot_learn_from_are_refused(ae, images, words):
    before = tiny.state(ae)
    with pytest.raises(ValueError, match=words) as error:
        ae.fit(images, verbose=0)
    assert "Received" in str(error.value)
    for now, then in zip(tiny.state(ae), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("images, words", WRONG_IMAGES, ids=text)
def test_every_question_about_images_is_checked_alike(ae, images, words):
    for ask in (ae, ae.predict, ae.encode, ae.reconstruct):
        with pytest.raises(ValueError, match=words) as error:
            ask(images)
        assert "Received" in str(error.value)


@pytest.mark.parametrize("images, words", NO_IMAGES, ids=text)
def test_a_prediction_for_no_images_is_refused(ae, images, words):
    with pytest.raises(ValueError, match=words):
        ae.predict(images)


@pytest.mark.parametrize(
    "images, kind",
    [
        (None, "NoneType"),
        ("images", "str"),
        ({"image": tiny.images(2)}, "dict"),
        (batches(tiny.images(2)), "_BatchDataset"),
        ((tiny.images(2), tiny.labels(2)), "tuple"),
    ],
    ids=text,
)
def test_a_question_about_no_array_names_what_came(ae, images, kind):
    for ask in (ae, ae.encode):
        with pytest.raises(ValueError, match=f"one array .* Received: {kind}"):
            ask(images)


def test_sets_are_checked_as_arrays_are(ae):
    with pytest.raises(ValueError, match=r"in \[0, 1\]\?"):
        ae.fit(batches(np.abs(tiny.floats(4))), verbose=0)
    with pytest.raises(ValueError, match="the key 'image'"):
        ae.fit(batches({"picture": tiny.images(4)}), verbose=0)
    for ask in (ae.fit, ae.predict):
        for empty in (batches(tiny.images(4)).take(0), Batches(tiny.images(0))):
            with pytest.raises(ValueError, match="yields no batch"):
                ask(empty, verbose=0)
    with pytest.raises(ValueError, match="Labels belong into the data set"):
        ae.fit(batches(tiny.images(4)), tiny.labels(4), verbose=0)
    with pytest.raises(ValueError, match=r"in \[0, 1\]\?"):
        ae.fit(tiny.images(4), validation_data=np.abs(tiny.floats(4)), verbose=0)


def test_weights_of_images_are_refused_rather_than_ignored(ae):
    images, labels, weights = tiny.images(4), tiny.labels(4), np.ones(4, "float32")
    with pytest.raises(ValueError, match="weights have no place .* 3 parts"):
        ae.fit(images, labels, sample_weight=weights, verbose=0)
    with pytest.raises(ValueError, match="weights have no place"):
        ae.fit(images, labels, class_weight={0: 2.0}, verbose=0)
    with pytest.raises(ValueError, match="weights have no place"):
        ae.fit(batches(images, labels, weights), verbose=0)


@pytest.mark.parametrize("labelled", [False, True])
def test_a_set_of_single_images_is_told_to_batch(labelled, ae):
    arrays = (tiny.images(4), tiny.labels(4)) if labelled else (tiny.images(4),)
    single = batches(*arrays).unbatch()
    for ask in (zoo.get("ae", **tiny.CONFIGS["ae"]).fit, ae.predict):
        with pytest.raises(ValueError, match=r"call \.batch\(128\)"):
            ask(single, verbose=0)


def test_a_set_without_a_channel_axis_is_told_the_shape(ae):
    with pytest.raises(ValueError, match=r"\[B, H, W, C\]. Received: .*None, 8, 8"):
        ae.fit(batches(tiny.images(4)[..., 0]), verbose=0)


def test_a_set_of_unknown_size_is_refused():
    data = tf.data.Dataset.from_generator(
        lambda: iter([tiny.images(4)]),
        output_signature=tf.TensorSpec((None, None, None, 1), tf.uint8),
    )
    with pytest.raises(ValueError, match="known shape .* None"):
        zoo.get("ae", **tiny.CONFIGS["ae"]).fit(data, verbose=0)


def test_the_range_can_only_be_the_zoos(ae):
    assert steps(ae, np.abs(tiny.floats(4)), value_range=np.array([-1.0, 1.0])) == 1
    for wrong in ((0, 1), np.array([0, 1]), "[-1, 1]", True):
        with pytest.raises(ValueError, match=r"only be \(-1, 1\). Received: "):
            ae.fit(tiny.images(4), value_range=wrong, verbose=0)


@pytest.mark.parametrize("size", [0, -1, 2.5, "8"])
def test_sizes_are_integers_from_one(ae, size):
    images = tiny.images(4)
    asked = [
        (ae.fit, ("batch_size", "epochs", "steps_per_epoch", "validation_steps")),
        (ae.evaluate, ("batch_size", "steps")),
        (ae.predict, ("batch_size", "steps")),
    ]
    for ask, names in asked:
        for name in names:
            with pytest.raises(ValueError, match=f"{name} is an integer from 1. Rece"):
                ask(images, **{name: size})


class Endless(keras.utils.PyDataset):
    """Batches without a number of them."""

    num_batches = None

    def __getitem__(self, index):
        return tiny.images(4)


@pytest.mark.parametrize("kind", ["tf.data", "PyDataset"])
def test_sets_without_an_end_need_a_number_of_batches(kind, ae):
    data = (
        tiny.batches((tiny.images(8),), 4).repeat() if kind == "tf.data" else Endless()
    )
    images = tiny.images(4)
    asked = {
        "steps_per_epoch": lambda **steps: ae.fit(data, verbose=0, **steps),
        "validation_steps": lambda **steps: ae.fit(
            images, validation_data=data, verbose=0, **steps
        ),
        "steps": lambda **steps: ae.evaluate(data, verbose=0, **steps),
    }
    for name, ask in asked.items():
        with pytest.raises(ValueError, match=f"no end: {name} says .* {name}=None"):
            ask()
        ask(**{name: 2})
    with pytest.raises(ValueError, match="no end: steps says"):
        ae.predict(data)
    assert len(ae.predict(data, steps=2, verbose=0)) == 8


@pytest.mark.parametrize("share", [-0.1, 1, 2.0])
def test_the_share_for_validation_leaves_images_to_train_on(ae, share):
    with pytest.raises(
        ValueError, match=r"validation_split lies in \[0, 1\). Received"
    ):
        ae.fit(tiny.images(4), validation_split=share)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["integers", "column", "one-hot"])
def test_validation_by_classes_that_are_not_learnt_is_told(form, caplog):
    model, images = tiny.model("classifier"), tiny.images(8)
    labels = {"integers": np.arange(4), "column": np.c_[:4], "one-hot": np.eye(4)}[form]
    model.fit(images, np.tile(labels.T, 2).T, validation_split=0.25, verbose=0)
    assert "validation_split" not in caplog.text
    model.fit(images, np.repeat(labels, 2, 0), validation_split=0.25, verbose=0)
    assert "last 2 rows, and no row before them is of class 3" in caplog.text


def test_a_single_batch_is_taken_by_keras_own_methods(ae):
    images, labels = tiny.images(4), tiny.labels(4)
    before = int(ae.optimizer.iterations)
    ae.train_on_batch(images, labels)
    assert int(ae.optimizer.iterations) == before + 1
    assert set(ae.test_on_batch(images, return_dict=True)) == {"mse"}
    assert ae.predict_on_batch(images).shape == (4, 8, 8, 1)


def test_a_model_is_built_once(ae):
    with pytest.raises(ValueError, match=r"networks already.* Received: \(9, 9, 1\)"):
        ae.build((9, 9, 1))
    assert ae.image_shape == (8, 8, 1)


@pytest.mark.parametrize(
    "labels, words",
    [
        (None, "learns from labels: pass .* Received: images only"),
        (np.array([0, 1, 2, 4]), r"\[0, 4\); num_classes=4 .* Received: label 4"),
        (np.array([0, 1, 2, -1]), "Received: label -1"),
        (np.array([0.0, 1.0, 2.0, 3.0]), r"one integer .* float64"),
        (np.full((4, 4), 2), r"shape \[B\]. Received: int64 of shape \[4, 4\]"),
        (np.ones((4, 4), "int32"), r"shape \[B\]. Received: int32 of shape \[4, 4\]"),
        (np.array([0, 1, 2]), "same length. Received: 4 images, 3 labels"),
        (3, r"one integer an image.* Received: int64 of shape \[\]"),
        (np.array(list("abcd")), "one integer an image.* Received: (<U1|object) of"),
    ],
    ids=text,
)
def test_labels_that_a_classifier_cannot_learn_from_are_refused(labels, words, trained):
    model = trained("classifier").model
    with pytest.raises(ValueError, match=words):
        model.fit(tiny.images(4), labels, verbose=0)
    if np.shape(labels)[:1] == (4,):
        with pytest.raises(ValueError, match=words):
            model.fit(batches(tiny.images(4), labels), verbose=0)


def test_all_labels_of_an_array_are_checked_not_only_the_first(trained):
    labels = tiny.labels(300)
    labels[-1] = 9
    with pytest.raises(ValueError, match="Received: label 9"):
        trained("classifier").model.fit(tiny.images(300), labels, verbose=0)


@pytest.mark.parametrize(
    "z, words",
    [
        (np.zeros((2, 4)), r"\[N, 3\].* Received: \[2, 4\]"),
        (np.zeros(3), r"\[N, 3\].* Received: \[3\]"),
        (np.zeros((0, 3)), r"N at least 1. Received: \[0, 3\]"),
        (np.full((1, 3), np.nan), "Latents contain NaN .* Received: 3 of 3"),
        ([[0.0], [1.0, 2.0]], r"numbers \[N, 3\]. Received: list"),
        ("z", r"numbers \[N, 3\]. Received: str"),
    ],
    ids=text,
)
def test_latents_that_are_none_are_refused(ae, z, words):
    with pytest.raises(ValueError, match=words):
        ae.decode(z)


def test_interpolation_takes_two_of_a_kind(ae):
    with pytest.raises(ValueError, match="steps is an integer from 2"):
        ae.interpolate(*tiny.images(2), steps=1)
    with pytest.raises(ValueError, match="of one shape. Received"):
        ae.interpolate(tiny.images(1), tiny.images(2))
    with pytest.raises(ValueError, match="empty"):
        ae.interpolate(tiny.images(0), tiny.images(0))
    with pytest.raises(ValueError, match="NaN"):
        ae.interpolate(np.full((8, 8, 1), np.nan), np.zeros((8, 8, 1)))
    flat = tiny.images(4)[..., 0]
    assert ae.interpolate(flat[:2], flat[2:], steps=3).shape == (2, 3, 8, 8, 1)


def test_whole_arrays_are_checked_before_a_prediction(ae):
    images = tiny.floats(300)
    images[-1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN .* Received: 1 of"):
        ae.predict(images)


def test_predictions_take_what_fit_takes(ae):
    images, labels = tiny.images(10), tiny.labels(10)
    expected = ae.predict(images, verbose=0)
    for data in (
        images[..., 0],
        tiny.floats(10),
        tf.constant(images),
        (images, labels),
        {"image": images, "label": labels},
        batches(images),
        batches(images, labels),
        batches({"image": images, "label": labels}),
        Batches(images),
        Batches(images, labels),
    ):
        predicted = ae.predict(data, verbose=0)
        np.testing.assert_allclose(predicted, expected, atol=1e-5)


def test_images_without_negative_values_may_be_right_where_nothing_is_learnt(ae):
    bright = np.ones((1, 8, 8, 1), "float32")
    assert ae.encode(bright).shape == (1, 3)
    assert ae.predict(bright, verbose=0).shape == ae(bright).shape == (1, 8, 8, 1)


def test_a_call_takes_images_without_a_channel_axis(ae):
    images = tiny.images(3)
    np.testing.assert_array_equal(ae(images[..., 0]), ae(images))


def test_of_an_eager_tensor_shape_and_dtype_are_checked(ae):
    with pytest.raises(ValueError, match="built for images of 8x8x1. Received: 9x8x1"):
        ae(tf.zeros((1, 9, 8, 1)))
    with pytest.raises(ValueError, match=r"images\[None\] .* Received: shape \[8, 8"):
        ae(tf.zeros((8, 8, 1)))
    with pytest.raises(ValueError, match="uint8 in 0..255 or float .* dtype int64"):
        ae(tf.zeros((1, 8, 8, 1), "int64"))
    images = tf.Variable(tiny.floats(1))
    with tf.GradientTape() as tape:  # a checked tensor is not copied
        answer = tf.reduce_sum(ae(images) ** 2)
    assert tape.gradient(answer, images) is not None


def test_symbolic_tensors_are_left_alone(ae):
    assert ae(keras.Input((8, 8, 1), dtype="int32")).shape == (None, 8, 8, 1)
    spec = tf.TensorSpec((None, 8, 8, 1), "int32")
    traced = tf.function(lambda images: ae(images)).get_concrete_function(spec)
    assert traced.structured_outputs.shape[1:] == (8, 8, 1)


@pytest.mark.parametrize("name", ["classifier", "gan", "vae"])
def test_channels_that_keras_is_told_to_put_first_are_refused(name):
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(
            ValueError, match="channels last.* Received: channels_first"
        ):
            tiny.model(name)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("shape", [28, (28.0, 28, 1), "28", ("28", 28, 1)])
def test_an_image_shape_is_made_of_integers(shape):
    with pytest.raises(ValueError, match=r"integers \(height, width, channels\)"):
        zoo.get("ae", image_shape=shape)


@pytest.mark.slow
def test_requests_for_samples_are_checked(trained):
    model = trained("vae").model
    for count in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="number of images .* Received"):
            model.sample(count)
    for seed in (-1, 0.5, "one", True, 2**63):
        with pytest.raises(ValueError, match="A seed is an integer from 0 to .* Recei"):
            model.sample(1, seed=seed)
    for size in (0, 2.0, None):
        with pytest.raises(ValueError, match="batch_size is an integer from 1. Recei"):
            model.sample(1, batch_size=size)
        with pytest.raises(ValueError, match="batch_size is an integer from 1. Recei"):
            model.nll(tiny.images(1), k=1, batch_size=size)
        with pytest.raises(ValueError, match="k is an integer from 1. Received"):
            model.nll(tiny.images(1), k=size)
    with pytest.raises(ValueError, match="A seed is an integer from 0. Received: -1"):
        model.nll(tiny.images(1), k=1, seed=-1)
    with pytest.raises(ValueError, match="takes no labels"):
        model.sample(1, labels=[0])
