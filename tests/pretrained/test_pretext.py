"""Features that need no labels: what they see, of images that taught them nothing."""

import hashlib

import keras
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from zoo import metrics
from zoo.pretrained import lessons, pretext


@pytest.fixture(scope="module")
def photographs():
    """1,200 cuts of 32x32 from two photographs, uint8, the same ones each time."""
    random, cuts = np.random.default_rng(0), []
    for name in ("china.jpg", "flower.jpg"):
        photograph = load_sample_image(name)
        for _ in range(600):
            top, left = (random.integers(side - 32) for side in photograph.shape[:2])
            cuts.append(photograph[top : top + 32, left : left + 32])
    return random.permutation(np.stack(cuts))


@pytest.fixture(scope="module")
def extractor():
    return pretext.shipped()


def distance(extractor, real, images):
    return metrics.frechet_distance(
        extractor.features(real), extractor.features(images)
    )


def test_shipped_weights_are_small_and_tell_what_they_come_from(extractor):
    path = pretext.SHIPPED / "pretext.npz"
    assert path.stat().st_size < 1e6
    assert extractor.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert extractor.about["made_by"].startswith("python -m experiments.pretext")
    assert extractor.about["unseen_lessons"]["turn_accuracy"] > 0.4
    assert extractor.about["unseen_lessons"]["quarters_accuracy"] > 0.85


@pytest.mark.eager
@pytest.mark.any_backend
def test_images_of_any_size_and_kind_have_features(extractor):
    random = np.random.default_rng(0)
    for shape in ((28, 28, 1), (64, 96, 3), (8, 8, 3)):
        images = random.integers(0, 256, (3, *shape), np.uint8)
        features = extractor.features(images)
        assert features.shape == (3, pretext.SIZE) and features.dtype == np.float32
        floats = images.astype("float32") / 127.5 - 1
        np.testing.assert_allclose(extractor.features(floats), features, atol=1e-4)
    grey = random.integers(0, 256, (3, 16, 16, 1), np.uint8)
    np.testing.assert_array_equal(
        extractor.features(grey), extractor.features(grey.repeat(3, axis=-1))
    )


@pytest.mark.slow
@pytest.mark.parametrize("grey", [False, True])
def test_distances_rise_strictly_along_both_ladders_on_photographs(
    grey, extractor, photographs
):
    if grey:
        photographs = photographs.mean(axis=-1, keepdims=True).astype(np.uint8)
    real, others = photographs[:600], photographs[600:]
    rungs = {"train": others, **dict(metrics.ladder(others))}
    distances = {
        name: distance(extractor, real, images) for name, images in rungs.items()
    }
    for kind in ("blur", "noise"):
        rising = [v for k, v in distances.items() if k.startswith(("train", kind))]
        assert rising == sorted(set(rising)), (kind, rising)
        assert rising[-1] > 5 * rising[0]


@pytest.mark.slow
def test_what_is_wrong_with_samples_is_far_and_what_is_right_is_near(
    extractor, photographs
):
    real, others = photographs[:600], photographs[600:]
    floor = distance(extractor, real, others)
    wrong = {
        "half the contrast": 64 + others // 2,
        "ten images only": others[np.arange(600) % 10],
        "the left half twice": np.concatenate([others[:, :, :16]] * 2, axis=2),
        "blocks": others[:, ::4, ::4].repeat(4, axis=1).repeat(4, axis=2),
    }
    for name, images in wrong.items():
        assert distance(extractor, real, images) > 1.5 * floor, name


def test_lessons_are_the_same_for_a_seed_and_tell_what_was_done():
    greys = [np.full((4, 28, 28, 1), 128, np.uint8)]
    drawings = np.stack([lessons.drawing(seed) for seed in range(4)])
    course = lessons.Lessons(3, seed=0, greys=greys, drawings=drawings)
    images, answers = course[1]
    again, _ = lessons.Lessons(3, seed=0, greys=greys, drawings=drawings)[1]
    np.testing.assert_array_equal(images, again)
    other = course[2][0]
    assert images.shape != other.shape or (images != other).any()
    assert images.dtype == np.float32 and np.abs(images).max() <= 1
    assert set(answers) == set(lessons.WEIGHTS)
    assert all(len(answer) == len(images) for answer in answers.values())


@pytest.mark.slow
def test_a_network_is_taught_stored_and_loaded(tmp_path, monkeypatch):
    few = lessons.materials
    monkeypatch.setattr(lessons, "materials", lambda: few(drawings=4))
    monkeypatch.setattr(lessons, "SIZES", (28,))
    network, terms = lessons.teach(steps=2, verbose=0)
    assert {"turn_accuracy", "loss"} <= set(terms)
    stored = pretext.store(network, tmp_path, {"steps": 2})
    images = np.zeros((2, 16, 16, 3), "float32")
    expected = keras.ops.convert_to_numpy(network(images))
    np.testing.assert_allclose(stored.features(images), expected, atol=0.01)
    (tmp_path / "pretext.npz").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="weights of the extractor are damaged"):
        pretext.load(tmp_path)
