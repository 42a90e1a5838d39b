"""Tests feature extractors: which are shipped, which are cached, and which are
refused."""

import hashlib
import json

import numpy as np
import pytest
import tiny

import zoo
from zoo import metrics
from zoo.data.sources import building
from zoo.pretrained import features as presets
from zoo.pretrained import inception

SHIPPED = ["digits", "fashion_mnist"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Gives each test an empty cache, and keeps it from waiting for a network."""
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(building, "reachable", lambda url: False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def digits():
    return presets.extractor("digits")


@pytest.mark.parametrize("dataset", SHIPPED)
def test_shipped_weights_are_small_and_as_good_as_they_tell(dataset):
    extractor = presets.extractor(dataset)
    path = presets.SHIPPED / f"{dataset}.npz"
    assert path.stat().st_size < 1e6 and extractor.about["parameters"] <= 240_000
    assert extractor.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "experiments.train" in extractor.about["trained_by"]
    assert "experiments.extractor" in extractor.about["made_by"]
    assert (
        extractor.about["accuracy"] >= {"digits": 0.97, "fashion_mnist": 0.925}[dataset]
    )
    images, labels = zoo.data.arrays(dataset, "test")
    accuracy = metrics.accuracy(extractor.probabilities(images[:500]), labels[:500])
    assert accuracy == pytest.approx(extractor.about["accuracy"], abs=0.03)


def test_probabilities_are_those_of_the_classifier(digits):
    images = zoo.data.arrays("digits", "test")[0][:20]
    features = digits.features(images)
    assert features.shape == (20, 192) and features.dtype == np.float32
    expected = np.asarray(digits.model(images))
    np.testing.assert_allclose(digits.classify(features), expected, atol=1e-5)


@pytest.mark.slow
def test_distances_rise_strictly_along_both_ladders(digits):
    real = digits.features(zoo.data.arrays("digits", "test")[0])
    train = zoo.data.arrays("digits", "train")[0][: len(real)]
    rungs = {"train": train, **dict(metrics.ladder(train))}
    features_of = {name: digits.features(images) for name, images in rungs.items()}
    for distance in (
        metrics.frechet_distance,
        lambda *sets: metrics.kernel_distance(*sets, subsets=20).value,
    ):
        distances = {
            name: distance(real, features) for name, features in features_of.items()
        }
        for kind in ("blur", "noise"):
            rising = [v for k, v in distances.items() if k.startswith(("train", kind))]
            assert rising == sorted(set(rising)), (kind, rising)


def test_two_halves_of_the_test_set_are_one_distribution_to_the_kernel(digits):
    features = digits.features(zoo.data.arrays("digits", "test")[0])
    order = np.random.default_rng(0).permutation(len(features))
    halves = metrics.kernel_distance(features[order[::2]], features[order[1::2]])
    assert abs(halves.value) < 3 * halves.standard_error


# --- files ----------------------------------------------------------------------------


def stored(folder, model=None):
    test = tiny.images(20), tiny.labels(20)
    model = model or tiny.model("classifier")
    return presets.store(model, folder, "tiny", "some", test, {"note": "by hand"})


def test_stored_weights_are_loaded_as_they_were_to_half_precision(tmp_path, trained):
    model = trained("classifier").model
    stored(tmp_path, model)
    loaded = presets.load(tmp_path, "tiny")
    assert loaded.name == "classifier-some" and loaded.image_shape == (8, 8, 1)
    expected = model.features(tiny.images(20))
    np.testing.assert_allclose(loaded.features(tiny.images(20)), expected, rtol=0.02)
    about = json.loads((tmp_path / "tiny.json").read_text())
    assert about["note"] == "by hand" and about["num_test"] == 20
    probabilities = loaded.probabilities(tiny.images(20))
    assert about["accuracy"] == metrics.accuracy(probabilities, tiny.labels(20))


def test_any_model_that_can_classify_makes_features(tmp_path):
    model = tiny.model("vit")
    stored(tmp_path, model)
    loaded, images = presets.load(tmp_path, "tiny"), tiny.images(20)
    assert loaded.name == "vit-some"
    np.testing.assert_allclose(
        loaded.features(images), model.features(images), atol=0.02
    )
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(loaded.probabilities(images), expected, atol=0.02)


def test_an_extractor_is_float32_under_another_policy(tmp_path, mixed_bfloat16):
    stored(tmp_path)
    model = presets.load(tmp_path, "tiny").model
    assert model.classifier.layers[1].compute_dtype == "float32"


@pytest.mark.parametrize("part", ["npz", "json"])
def test_damaged_weights_are_refused(part, tmp_path):
    stored(tmp_path)
    path = tmp_path / f"tiny.{part}"
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    with pytest.raises(ValueError, match="damaged.*Received: .*tiny.npz"):
        presets.load(tmp_path, "tiny")


def test_only_a_classifier_within_half_precision_is_stored(tmp_path):
    with pytest.raises(ValueError, match="a run of 'vae'"):
        stored(tmp_path, tiny.model("vae"))
    model = tiny.model("classifier")
    model.classifier.set_weights([w + 1e5 for w in model.classifier.get_weights()])
    with pytest.raises(ValueError, match="65504"):
        stored(tmp_path, model)
    assert not list(tmp_path.iterdir())


# --- trained on the spot --------------------------------------------------------------


@pytest.fixture
def two_classes(tmp_path):
    """Returns a set of dark and bright images."""
    images = np.random.default_rng(0).integers(0, 100, (60, 8, 8, 1))
    labels = np.arange(60) % 2
    images += 150 * labels[:, None, None, None]
    path = tmp_path / "data.npz"
    np.savez(path, images=images.astype("uint8"), labels=labels)
    return f"npz:{path}"


@pytest.mark.slow
def test_another_set_gets_its_own_classifier_once(two_classes, cache):
    said = []
    options = {"steps": 3, "say": said.append}
    first = presets.extractor(two_classes, **options)
    assert len(said) == 2 and "training" in said[0] and str(cache) in said[1]
    again = presets.extractor(two_classes, **options)
    assert len(said) == 2 and again.sha256 == first.sha256
    for path in (cache / "extractors").glob("*.npz"):
        path.write_bytes(b"")
    renewed = presets.extractor(two_classes, **options)
    assert "damaged" in said[2]
    assert renewed.about["parameters"] == first.about["parameters"]


def test_a_set_without_labels_has_features_that_need_none_and_no_classifier(tmp_path):
    np.savez(tmp_path / "data.npz", images=tiny.images(30))
    name = f"npz:{tmp_path / 'data.npz'}"
    assert presets.extractor(name) is presets.extractor(name, "pretext")
    with pytest.raises(ValueError, match="--features=pretext"):
        presets.extractor(name, "classifier")


def test_an_unknown_kind_of_features_is_refused():
    with pytest.raises(ValueError, match="did you mean 'inception'"):
        presets.extractor("digits", "inceptio")


# --- inception ------------------------------------------------------------------------


def test_inception_without_its_weights_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="--features=classifier") as error:
        presets.extractor("digits", "inception")
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)

    def fails(**options):
        raise Exception("URL fetch failure\non https://somewhere")

    monkeypatch.setattr(building, "reachable", lambda url: True)
    monkeypatch.setattr(inception.keras.applications, "InceptionV3", fails)
    with pytest.raises(ValueError, match="URL fetch failure on"):
        presets.extractor("digits", "inception")


def test_inception_sees_three_channels_of_299_pixels(monkeypatch):
    class Network:
        def get_weights(self):
            return [np.ones(3, "float32")]

        def __call__(self, x, training):
            assert x.shape[1:] == (299, 299, 3) and not training
            return x[:, 0, :2, 0]

    monkeypatch.setattr(building, "reachable", lambda url: True)
    monkeypatch.setattr(
        inception.keras.applications, "InceptionV3", lambda **options: Network()
    )
    extractor = presets.extractor("digits", "inception")
    grey = np.full((3, 8, 8, 1), 255, "uint8")
    np.testing.assert_allclose(extractor.features(grey), np.ones((3, 2)))
    assert len(extractor.sha256) == 64
