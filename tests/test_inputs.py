"""What users hand to `fit`: what is taken, and what is refused in which words."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

import zoo
from zoo import inputs


@pytest.fixture(scope="session")
def ae():
    """A built autoencoder for 8x8x1 whose state does not matter."""
    model = tiny.model("ae")
    model.compile(run_eagerly=True)
    return model


def steps(model, data, **kwargs):
    """Steps that one epoch on `data` took."""
    before = int(model.optimizer.iterations)
    model.fit(data, verbose=0, **kwargs)
    return int(model.optimizer.iterations) - before


def batches(*arrays):
    data = arrays[0] if len(arrays) == 1 else arrays
    return tf.data.Dataset.from_tensor_slices(data).batch(4)


# --- what is taken --------------------------------------------------------------------


def test_the_shape_comes_from_the_element_spec_without_a_batch():
    drawn = []

    def source():
        drawn.append(1)
        yield tiny.images(4)

    spec = tf.TensorSpec((None, 8, 8, 1), tf.uint8)
    data = tf.data.Dataset.from_generator(source, output_signature=spec)
    assert inputs.shape_of(data) == (8, 8, 1)
    assert not drawn


def test_the_check_of_the_first_batch_takes_none_from_training(ae):
    assert steps(ae, batches(tiny.images(10))) == 3


def test_arrays_pairs_dicts_and_sets_are_taken_alike(ae):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return tiny.images(4), tiny.labels(4)

    images, labels = tiny.images(10), tiny.labels(10)
    assert steps(ae, images, batch_size=4) == 3
    assert steps(ae, (images, labels), batch_size=4) == 3
    assert steps(ae, images, y=labels, batch_size=4) == 3
    assert steps(ae, {"image": images, "label": labels}, batch_size=4) == 3
    assert steps(ae, batches(images, labels)) == 3
    assert steps(ae, batches({"image": images, "label": labels})) == 3
    assert steps(ae, Batches()) == 3
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


@pytest.mark.parametrize(
    "images, words",
    [
        (tiny.floats(4) / 2 + 0.5, r"in \[0, 1\]\? .* 2 \* images - 1"),
        (
            tiny.images(4).astype("float32"),
            r"lie in \[-1, 1\].* / 127.5 - 1.* from 0 to 255",
        ),
        (tiny.floats(4) * 1.01, r"lie in \[-1, 1\]"),
        (np.where(np.arange(64).reshape(8, 8, 1) == 9, np.nan, tiny.floats(2)), "NaN"),
        (np.where(tiny.floats(2) > 0.9, np.inf, tiny.floats(2)), "infinite"),
        (tiny.images(4).astype("int32"), "uint8 in 0..255 or float .* dtype int32"),
        (tiny.images(4, (8, 8, 2)), "1 channel .* or 3 .* Received: 2 channels"),
        (tiny.images(4, (8, 8, 4)), "1 channel .* or 3 .* Received: 4 channels"),
        (tiny.images(4, (3, 32, 32)), "channels last. Received: 32 channels"),
        (tiny.images(4, (7, 8, 1)), "8 to 256 pixels. Received: 7x8"),
        (np.zeros((1, 257, 8, 1), "uint8"), "8 to 256 pixels. Received: 257x8"),
        (np.zeros((4, 64), "uint8"), r"\[B, H, W, C\]. Received: shape \[4, 64\]"),
        (tiny.images(4, (9, 8, 1)), "built for images of 8x8x1. Received: 9x8x1"),
        (np.zeros((0, 8, 8, 1), "uint8"), "empty"),
        (None, "fit needs images"),
        ([[1, 2], [3, 4]], "NumPy array .* Received: list"),
        ({"picture": tiny.images(4)}, "the key 'image' .* Received: keys"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_images_that_a_model_cannot_learn_from_are_refused(ae, images, words):
    before = tiny.state(ae)
    with pytest.raises(ValueError, match=words) as error:
        ae.fit(images, verbose=0)
    assert "Received" in str(error.value) or images is None
    for now, then in zip(tiny.state(ae), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_sets_are_checked_as_arrays_are(ae):
    with pytest.raises(ValueError, match=r"in \[0, 1\]\?"):
        ae.fit(batches(np.abs(tiny.floats(4))), verbose=0)
    with pytest.raises(ValueError, match="the key 'image'"):
        ae.fit(batches({"picture": tiny.images(4)}), verbose=0)
    with pytest.raises(ValueError, match="yields no batch"):
        ae.fit(batches(tiny.images(4)).take(0), verbose=0)
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
def test_a_set_of_single_images_is_told_to_batch(labelled):
    arrays = (tiny.images(4), tiny.labels(4)) if labelled else (tiny.images(4),)
    single = batches(*arrays).unbatch()
    with pytest.raises(ValueError, match=r"call \.batch\(128\)"):
        zoo.get("ae", **tiny.CONFIGS["ae"]).fit(single, verbose=0)


def test_a_set_of_unknown_size_is_refused():
    data = tf.data.Dataset.from_generator(
        lambda: iter([tiny.images(4)]),
        output_signature=tf.TensorSpec((None, None, None, 1), tf.uint8),
    )
    with pytest.raises(ValueError, match="known shape .* None"):
        zoo.get("ae", **tiny.CONFIGS["ae"]).fit(data, verbose=0)


def test_the_range_can_only_be_the_zoos(ae):
    with pytest.raises(ValueError, match=r"only be \(-1, 1\). Received: \(0, 1\)"):
        ae.fit(tiny.images(4), value_range=(0, 1), verbose=0)


@pytest.mark.parametrize(
    "labels, words",
    [
        (None, "learns from labels: pass .* Received: images only"),
        (np.array([0, 1, 2, 4]), r"\[0, 4\); num_classes=4 .* Received: label 4"),
        (np.array([0, 1, 2, -1]), "Received: label -1"),
        (np.array([0.0, 1.0, 2.0, 3.0]), r"one integer .* float64"),
        (np.eye(4, dtype="int32"), r"shape \[B\]. Received: int32 of shape \[4, 4\]"),
        (np.array([0, 1, 2]), "same length. Received: 4 images, 3 labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_labels_that_a_classifier_cannot_learn_from_are_refused(labels, words, trained):
    model = trained("classifier").model
    with pytest.raises(ValueError, match=words):
        model.fit(tiny.images(4), labels, verbose=0)
    if labels is not None and len(labels) == 4:
        with pytest.raises(ValueError, match=words):
            model.fit(batches(tiny.images(4), labels), verbose=0)


def test_all_labels_of_an_array_are_checked_not_only_the_first(trained):
    labels = tiny.labels(300)
    labels[-1] = 9
    with pytest.raises(ValueError, match="Received: label 9"):
        trained("classifier").model.fit(tiny.images(300), labels, verbose=0)


def test_questions_to_a_trained_model_are_checked_too(ae):
    with pytest.raises(ValueError, match="built for images of 8x8x1"):
        ae.encode(tiny.images(2, (9, 9, 1)))
    with pytest.raises(ValueError, match="NaN"):
        ae.reconstruct(np.full((1, 8, 8, 1), np.nan))
    with pytest.raises(ValueError, match=r"\[N, 3\]. Received: \[2, 4\]"):
        ae.decode(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="steps is an integer from 2"):
        ae.interpolate(*tiny.images(2), steps=1)
    with pytest.raises(ValueError, match="of one shape. Received"):
        ae.interpolate(tiny.images(1), tiny.images(2))
    # An image without any negative value may be right, and nothing is learnt from it.
    assert ae.encode(np.ones((1, 8, 8, 1))).shape == (1, 3)


def test_requests_for_samples_are_checked(trained):
    model = trained("vae").model
    for count in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="number of images .* Received"):
            model.sample(count)
    for seed in (-1, 0.5, "one", True):
        with pytest.raises(ValueError, match="A seed is an integer from 0. Received"):
            model.sample(1, seed=seed)
    with pytest.raises(ValueError, match="takes no labels"):
        model.sample(1, labels=[0])
