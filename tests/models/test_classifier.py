"""Tests the classifier: probabilities, features, and changes of the images in
training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

import zoo
from zoo.inputs import augment

STRONG = {"shift": 3, "flip": True, "erasing": 0.9, "label_smoothing": 0.0}


@pytest.fixture
def strong():
    """A classifier that changes its training images strongly."""
    return tiny.model("classifier", **STRONG)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


# --- answers --------------------------------------------------------------------------


def test_probabilities_sum_to_one(trained):
    probabilities = trained("classifier").model.predict(tiny.images(10))
    assert probabilities.shape == (10, 4) and (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_features_are_the_layer_before_the_logits(trained):
    model = trained("classifier").model
    features = model.features(tiny.images(10))
    # At 8x8 there is one level of `width` channels, which the last convolution doubles.
    assert features.shape == (10, 2 * 4) and features.dtype == np.float32
    last = model.classifier.layers[-1]
    probabilities = array(keras.ops.softmax(last(features)))
    np.testing.assert_allclose(probabilities, model.predict(tiny.images(10)), atol=1e-6)
    np.testing.assert_array_equal(model.features(tiny.images(3)), features[:3])


def test_evaluation_reports_plain_cross_entropy_and_accuracy(trained):
    model = trained("classifier").model  # its tiny config smooths labels in training
    images, labels = tiny.images(10), tiny.labels(10)
    probabilities = model.predict(images)
    terms = model.evaluate(images, labels, batch_size=4, return_dict=True)
    right = probabilities[np.arange(10), labels]
    np.testing.assert_allclose(terms["loss"], -np.log(right).mean(), rtol=1e-5)
    hits = (probabilities.argmax(axis=1) == labels).mean()
    np.testing.assert_allclose(terms["accuracy"], hits, rtol=1e-6)


def test_dropout_acts_in_training_only():
    model = tiny.model(
        "classifier", **dict.fromkeys(("shift", "erasing"), 0), flip=False
    )
    images = tf.constant(tiny.floats(8))
    first, second = (array(model.classifier(images, training=True)[1]) for _ in "ab")
    assert (first != second).any()
    first, second = (array(model.classifier(images, training=False)[1]) for _ in "ab")
    np.testing.assert_array_equal(first, second)


def test_labels_of_any_integer_type_count_alike(trained):
    model = trained("classifier").model
    terms = [
        model.evaluate(tiny.images(10), tiny.labels(10).astype(kind), return_dict=True)
        for kind in ("int32", "int64", "uint8")
    ]
    assert terms[0] == terms[1] == terms[2]


@pytest.mark.slow
def test_it_learns_the_digits():
    model = zoo.get("classifier", width=16)
    images, labels = zoo.data.arrays("digits", "train", image_size=8)
    model.fit(images, labels, batch_size=32, epochs=12, verbose=0)
    test_set = zoo.data.arrays("digits", "test", image_size=8)
    assert model.evaluate(test_set, return_dict=True)["accuracy"] > 0.93


# --- changes of the images ------------------------------------------------------------


def test_shift_and_flip_move_whole_pixels_and_bring_in_black():
    images = tiny.floats(4, (5, 6, 3))
    offsets = np.array([[0, 0], [1, -2], [-5, 0], [2, 1]], "int32")
    flips = np.array([0, 0, 0, 1], "int32")
    moved = array(augment.shift_and_flip(tf.constant(images), offsets, flips))
    np.testing.assert_allclose(moved[0], images[0], atol=1e-6)
    expected = np.full((5, 6, 3), -1.0)
    expected[1:, :-2] = images[1, :-1, 2:]  # moved one down, two left
    np.testing.assert_allclose(moved[1], expected, atol=1e-6)
    np.testing.assert_array_equal(moved[2], -1)  # moved out of the picture
    expected = np.full((5, 6, 3), -1.0)
    expected[2:, 1:] = images[3, :-2, :0:-1]  # mirrored, then two down, one right
    np.testing.assert_allclose(moved[3], expected, atol=1e-6)


def test_erase_fills_the_box_and_nothing_else():
    images = tiny.floats(3, (5, 6, 3))
    boxes = np.array([[1, 2, 3, 2], [0, 0, 0, 6], [4, 5, 9, 9]], "int32")
    erased = array(augment.erase(tf.constant(images), boxes, value=0.25))
    expected = images.copy()
    expected[0, 1:4, 2:4] = 0.25
    expected[2, 4:, 5:] = 0.25  # cut off at the edge; a height of 0 erases nothing
    np.testing.assert_array_equal(erased, expected)


def test_shifts_stay_within_the_setting_and_take_all_its_values(monkeypatch, strong):
    seen = []

    def record(images, offsets, flips):
        seen.append((array(offsets), array(flips)))
        return images

    monkeypatch.setattr(augment, "shift_and_flip", record)
    strong.augment(tf.constant(tiny.floats(300)))
    offsets, flips = seen[0]
    assert set(np.unique(offsets)) == set(range(-3, 4))
    assert 100 < flips.sum() < 200 and set(np.unique(flips)) == {0, 1}
    # Down and right are drawn independently.
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 0.2


def test_erased_boxes_have_the_sizes_of_the_paper(monkeypatch, strong):
    seen = []
    monkeypatch.setattr(
        augment, "erase", lambda images, boxes: seen.append(array(boxes)) or images
    )
    model = tiny.model("classifier", image_shape=(32, 32, 1), **STRONG)
    model.augment(tf.constant(tiny.floats(400, (32, 32, 1))))
    top, left, tall, wide = seen[0].T
    inside = (top >= 0) & (left >= 0) & (top + tall <= 32) & (left + wide <= 32)
    assert inside.all()
    erased = tall > 0
    assert 0.85 < erased.mean() < 0.95
    share = (tall * wide)[erased] / 32**2
    # Sizes are cut to whole pixels, so areas are a little less than 2 to 20 %.
    assert share.min() > 0.01 and 0.15 < share.max() <= 0.2


def test_images_change_in_training_and_not_in_evaluation(monkeypatch, strong):
    images, labels = tf.constant(tiny.floats(8)), tf.constant(tiny.labels(8))
    changed = array(strong.augment(images))
    assert changed.shape == images.shape and np.abs(changed).max() <= 1 + 1e-6
    assert (changed != images.numpy()).any(axis=(1, 2, 3)).sum() >= 6
    calls = []
    monkeypatch.setattr(strong, "augment", lambda x: calls.append(1) or x)
    strong.objective(images, labels, training=False)
    assert not calls
    strong.objective(images, labels, training=True)
    assert calls


def test_no_augmentation_leaves_the_images_alone():
    quiet = {"shift": 0, "flip": False, "erasing": 0.0}
    images = tf.constant(tiny.floats(4))
    assert tiny.model("classifier", **quiet).augment(images) is images
