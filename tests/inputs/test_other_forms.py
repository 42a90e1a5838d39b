"""Images and labels in another form: a message says the call that works."""

import re

import keras
import numpy as np
import pytest
import tiny
from PIL import Image
from refusals import refusal

import zoo
from zoo import backend

pytestmark = pytest.mark.any_backend
CALLS = ["fit", "evaluate", "predict", "encode", "reconstruct", "__call__"]


@pytest.fixture(scope="module")
def models():
    """{channels: a built autoencoder}; nothing here changes them."""
    return {count: tiny.model("ae", (8, 8, count)) for count in (1, 3)}


def pictures(mode, count=3, size=(8, 8)):
    """A list of PIL images of `mode`."""
    colours = tiny.images(count, (*size[::-1], 3))
    return [Image.fromarray(image).convert(mode) for image in colours]


def advised(message, **names):
    """What the call that a message advises makes of `names`."""
    call = re.search(r"; of [^:]*: (.*)\. Received: |^(\S.*?) makes ", message)
    return eval(call[1] or call[2], {"np": np, **names})


def assert_taken(model, call, images):
    if call == "fit":
        assert model._look(images, None, None).shapes["image"] == model.image_shape
    else:
        getattr(model, call)(images)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("mode, channels", [("RGB", 3), ("L", 1), ("P", 3), ("1", 1)])
def test_pil_images_become_an_array(call, mode, channels, models):
    model, images = models[channels], pictures(mode)
    for value in (images, tuple(images), np.array([*images, None], object)[:-1]):
        message = refusal(getattr(model, call), value)
        assert message.endswith("Received: a list of PIL images.")
    array = advised(message, images=images)
    assert_taken(model, call, array)
    expected = [
        np.asarray(each.convert("RGB" if channels == 3 else "L")) for each in images
    ]
    np.testing.assert_array_equal(array, np.stack(expected))


@pytest.mark.parametrize("call", CALLS)
def test_a_single_pil_image_becomes_a_batch(call, models):
    (image,) = pictures("RGBA", 1)
    message = refusal(getattr(models[3], call), image)
    assert message.endswith("Received: a PIL image.")
    assert_taken(models[3], call, advised(message, image=image))


def test_pil_images_of_different_sizes_get_one(models):
    images = pictures("RGB", 2) + pictures("RGB", 1, size=(9, 12))
    message = refusal(models[3].encode, images)
    assert len(models[3].encode(advised(message, images=images))) == 3


@pytest.mark.parametrize("kind", ["tuple", "pair", "dict", "targets"])
def test_pil_images_are_told_wherever_they_stand_in_a_batch(kind):
    images, labels = pictures("RGB"), tiny.labels(3)
    batch = {
        "tuple": ((images, labels),),
        "pair": (images, labels),
        "dict": ({"image": images},),
        "targets": (tiny.images(3, (8, 8, 3)), images),
    }[kind]
    message = refusal(zoo.get("ae").fit, *batch)
    assert message.endswith("Received: a list of PIL images.")


@pytest.mark.parametrize("call", CALLS)
def test_a_matrix_becomes_a_batch_of_one_grey_image(call, models):
    image = tiny.images(1)[0, ..., 0]
    message = refusal(getattr(models[1], call), image)
    assert message.endswith("Received: shape [8, 8].")
    assert_taken(models[1], call, advised(message, images=image))
    assert "images.reshape(-1, H, W, C) one of rows of pixels" in message


@pytest.mark.skipif(not backend.HAS_TF_DATA, reason="sets are TensorFlow's")
def test_batches_without_a_channel_get_one(models):
    images = tiny.images(4)[..., 0]
    data = tiny.batches((images,), 4)
    message = refusal(models[1].fit, data)
    call = re.match(r"(\S.*?) adds the channel", message)[1]
    data = data.map(lambda images: eval(call, {"images": images}))
    assert_taken(models[1], "fit", data)


def test_one_image_beside_its_label_is_told_as_one_image():
    for image in (tiny.images(1)[0], tiny.images(1)[0, ..., 0]):
        message = refusal(zoo.get("classifier").fit, image, np.array([3]))
        assert "makes a batch of a single" in message


def test_a_list_of_arrays_is_stacked(models):
    images = list(tiny.images(3))
    message = refusal(models[1].fit, images)
    assert message.endswith("; of a list: np.stack(images). Received: list.")
    assert_taken(models[1], "fit", advised(message, images=images))


@pytest.mark.eager
@pytest.mark.parametrize("kind", ["generator", "loader"])
def test_what_yields_batches_is_gathered(kind):
    data = tiny.images(8), tiny.labels(8)

    class Loader:
        """Like PyTorch's DataLoader: there is a length, and nothing to index."""

        def __len__(self):
            return 2

        def __iter__(self):
            yield from (tuple(array[i : i + 4] for array in data) for i in (0, 4))

    batches = Loader() if kind == "loader" else iter(Loader())
    model = tiny.model("classifier")
    message = refusal(model.fit, batches)
    assert "of batches (images, labels) that come to an end" in message
    arrays = advised(message, batches=batches)
    for array, expected in zip(arrays, data, strict=True):
        np.testing.assert_array_equal(array, expected)
    model.fit(*arrays, verbose=0)


@pytest.mark.eager
@pytest.mark.parametrize("form", ["column", "one-hot", "one-hot floats"])
def test_columns_and_one_hot_rows_are_labels(form):
    labels, eye = tiny.labels(8), np.eye(tiny.NUM_CLASSES)
    other = {
        "column": labels[:, None],
        "one-hot": eye[labels].astype("uint8"),
        "one-hot floats": keras.utils.to_categorical(labels),
    }[form]
    images, terms = tiny.images(8), []
    model = tiny.model("classifier")
    model.compile(run_eagerly=True)
    for y in (labels, other):
        terms.append(model.evaluate(images, y, verbose=0))
        terms.append(model.evaluate(tiny.batches((images, y), 4), verbose=0))
    np.testing.assert_allclose(terms, [terms[0]] * 4, rtol=1e-5)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0.0, 1.0, 2.0]),
        np.array([[0.0], [1.0], [2.0]]),
        np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]]),
        np.array(["cat", "dog", "eel"]),
        np.array(["cat", "dog", "eel"], object),
        ["cat", "dog", "eel"],
        np.array([True, False, True]),
    ],
    ids=["floats", "column", "probabilities", "texts", "objects", "list", "booleans"],
)
def test_other_labels_are_told_how_they_become_integers(labels):
    model = tiny.model("classifier")
    message = refusal(model.fit, tiny.images(3), labels)
    integers = advised(message, labels=labels)
    model._look(tiny.images(3), integers, None)
    if np.asarray(labels).dtype != bool:
        assert integers.tolist() == [0, 1, 2]
