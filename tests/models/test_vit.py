"""Tests the vision transformer: attention, features, what decays, the teacher, mixed
images."""

import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo.core import losses
from zoo.inputs import augment
from zoo.networks import transformer

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]
array = keras.ops.convert_to_numpy
tensor = keras.ops.convert_to_tensor
QUIET = {"dropout": 0.0, "drop_path": 0.0, "shift": 0, "flip": False, "erasing": 0.0}
QUIET |= {"cutmix": 0.0, "label_smoothing": 0.0}


# --- answers --------------------------------------------------------------------------


def test_attention_tells_where_each_patch_looked(trained):
    model = trained("vit").model
    maps = model.attention(tiny.images(3))
    # 8x8 pixels are 16 patches of 2x2; there are two blocks of two heads.
    assert maps.shape == (3, 2, 2, 16, 16) and maps.dtype == np.float32
    assert (maps >= 0).all()
    np.testing.assert_allclose(maps.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.attention(tiny.floats(3)), maps, atol=1e-5)
    rolled = model.attention(tiny.images(3), rollout=True)
    assert rolled.shape == (3, 16, 16) and rolled.dtype == np.float32
    np.testing.assert_allclose(rolled.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(rolled, array(transformer.rollout(maps)), atol=1e-5)


def patches_in(order, images):
    """Returns images `[N, 8, 8, 1]`, their 16 patches of 2x2 in another order."""
    x = images.reshape(-1, 4, 2, 4, 2, 1).transpose(0, 1, 3, 2, 4, 5)
    x = x.reshape(-1, 16, 2, 2, 1)[:, order].reshape(-1, 4, 4, 2, 2, 1)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(-1, 8, 8, 1)


def test_without_positions_the_order_of_patches_does_not_matter(monkeypatch):
    order = np.random.default_rng(0).permutation(16)
    images = tensor(tiny.floats(3))
    permuted = tensor(patches_in(order, tiny.floats(3)))
    placed = tiny.model("vit")
    apart = placed.to_classes(permuted)[0] - placed.to_classes(images)[0]
    assert np.abs(array(apart)).max() > 1e-6
    nowhere = lambda *sizes: np.zeros((16, sizes[-1]), "float32")  # noqa: E731
    monkeypatch.setattr(transformer, "positions", nowhere)
    model = tiny.model("vit")
    features = array(model.to_features(images))
    np.testing.assert_allclose(array(model.to_features(permuted)), features, atol=1e-5)
    maps = array(model.to_attention(images))[..., order, :][..., order]
    np.testing.assert_allclose(array(model.to_attention(permuted)), maps, atol=1e-5)


def test_features_are_the_layer_before_the_logits(trained):
    model = trained("vit").model
    features = model.features(tiny.images(10))
    assert features.shape == (10, model.config["width"])
    last = model.classifier.get_layer("last")
    probabilities = array(keras.ops.softmax(last(features)))
    predicted = model.predict(tiny.images(10), verbose=0)
    np.testing.assert_allclose(probabilities, predicted, atol=1e-6)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-6)


def test_evaluation_reports_plain_cross_entropy_and_accuracy(trained):
    model = trained("vit").model  # its tiny config smooths labels and mixes images
    images, labels = tiny.images(10), tiny.labels(10)
    probabilities = model.predict(images, verbose=0)
    terms = model.evaluate(images, labels, batch_size=4, return_dict=True, verbose=0)
    right = probabilities[np.arange(10), labels]
    np.testing.assert_allclose(terms["loss"], -np.log(right).mean(), rtol=1e-5)
    hits = (probabilities.argmax(axis=1) == labels).mean()
    np.testing.assert_allclose(terms["accuracy"], hits, rtol=1e-6)


@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_a_new_model_finds_all_classes_alike(stem):
    model = tiny.model("vit", stem=stem, patch=4, width=16)
    images, labels = tensor(tiny.floats(8)), tensor(tiny.labels(8))
    assert model.to_attention(images).shape == (8, 2, 2, 4, 4)
    _, terms = model.objective(images, labels, training=False)
    np.testing.assert_allclose(array(terms["loss"]), np.log(4), atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    "stem, least", [pytest.param("patch", 0.75, marks=pytest.mark.full), ("conv", 0.9)]
)
def test_it_learns_the_digits(stem, least):
    model = zoo.get("vit", patch=2, stem=stem, width=32, depth=2)
    model.compile(keras.optimizers.AdamW(3e-3))
    images, labels = zoo.data.arrays("digits", "train", image_size=8)
    model.fit(images, labels, batch_size=32, epochs=12, verbose=0)
    test_set = zoo.data.arrays("digits", "test", image_size=8)
    assert model.evaluate(test_set, return_dict=True, verbose=0)["accuracy"] > least


# --- sizes that do not fit ------------------------------------------------------------

UNFIT = [
    ({"patch": 3}, r"divides height and width, of 8x8 pixels 2, 4, 8. Rec.*patch=3"),
    ({"patch": 1, "stem": "conv"}, "its patch is 2 or more. Received: patch=1"),
    ({"width": 10}, "multiple of 4 and of heads. Received: width=10, heads=2"),
    ({"width": 8, "heads": 3}, "multiple of 4 and of heads. Received: width=8, heads"),
]


@pytest.mark.parametrize("changes, sentence", UNFIT)
def test_sizes_that_do_not_fit_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny.model("vit", **changes)


def test_convolutions_need_a_patch_that_is_a_power_of_two():
    with pytest.raises(ValueError, match="a power of 2. Received: patch=3"):
        tiny.model("vit", (9, 12, 1), patch=3, stem="conv")
    with pytest.raises(ValueError, match="of 11x13 pixels 1. Received: patch=2"):
        tiny.model("vit", (11, 13, 1))


# --- what decays ----------------------------------------------------------------------


def test_weight_decay_leaves_biases_and_norms_alone(tmp_path):
    model = tiny.model("vit")
    model.save(tmp_path / "model.keras")
    for each in (model, zoo.load(tmp_path / "model.keras")):
        variables = each.classifier.trainable_variables
        for variable in variables:
            variable.assign(keras.ops.ones(variable.shape))
        nothing = [keras.ops.zeros(variable.shape) for variable in variables]
        each.optimizers["classifier"].apply(nothing, variables)
        # The decay is decoupled from Adam's step: rate times weight decay.
        for variable in variables:
            expected = 1 - 1e-3 * 0.05 if variable.name == "kernel" else 1.0
            np.testing.assert_allclose(array(variable), expected, rtol=1e-6)
        assert {v.name for v in variables} == {"kernel", "bias", "gamma", "beta"}


def test_an_optimizer_that_excludes_others_is_left_as_it_is():
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_names=["kernel"])
    model = tiny.model("vit")
    model.compile(optimizer)
    kernel, bias = model.classifier.get_layer("last").variables
    bias.assign(keras.ops.ones(bias.shape))
    before = array(kernel)
    zeros = [keras.ops.zeros(v.shape) for v in (kernel, bias)]
    model.optimizers["classifier"].apply(zeros, [kernel, bias])
    np.testing.assert_array_equal(array(kernel), before)
    assert (array(bias) < 1).all()


# --- a teacher ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_teacher_shares_the_loss_with_the_labels(kind):
    images, labels = tiny.floats(8), tiny.labels(8)
    teacher = tiny.model("classifier")
    options = QUIET | {"teacher": teacher, "distillation": kind}
    model = tiny.model("vit", **options)
    kernel, _ = model.classifier.get_layer("last").variables
    kernel.assign(100.0 * kernel)  # it starts near 0, where all targets cost the same
    logits = keras.ops.stop_gradient(model.classifier(tensor(images))[1])
    plain = float(losses.cross_entropy(logits, tensor(labels)))
    p = teacher.predict(images, verbose=0)
    if kind == "hard":
        imitation = losses.cross_entropy(logits, tensor(p.argmax(axis=1)))
    else:
        imitation = losses.distillation(logits, tensor(p), 3.0)
    assert abs(float(imitation) - plain) > 1e-3
    for alpha in (0.0, 0.25):
        model.alpha = alpha
        expected = (1 - alpha) * plain + alpha * float(imitation)
        _, terms = model.objective(tensor(images), tensor(labels))
        np.testing.assert_allclose(array(terms["loss"]), expected, rtol=1e-5)


@pytest.mark.slow
def test_a_teacher_does_not_learn_and_is_in_the_file(tmp_path):
    teacher = tiny.model("classifier")
    model = tiny.model("vit", teacher=teacher)
    tiny.train(model, 1)
    theirs = tiny.values(teacher.classifier.weights)
    for a, b in zip(tiny.values(model.teacher.classifier.weights), theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    model.save(tmp_path / "model.keras")
    loaded = zoo.load(tmp_path / "model.keras")
    for a, b in zip(tiny.state(loaded), tiny.state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    images = tensor(tiny.floats(3))
    taught = [array(m.to_classes(images)[0]) for m in (loaded.teacher, teacher)]
    np.testing.assert_allclose(*taught, atol=1e-6)


def test_a_teacher_that_cannot_tell_the_classes_is_refused():
    with pytest.raises(ValueError, match="'ae' cannot classify. Models that can: clas"):
        tiny.model("vit", teacher=tiny.model("ae"))
    with pytest.raises(ValueError, match="the 5 classes .*'classifier' of 4 classes"):
        tiny.model("vit", teacher=tiny.model("classifier"), num_classes=5)


# --- mixed images ---------------------------------------------------------------------


def test_cutmix_shares_out_the_target_by_area():
    model = tiny.model("vit", (16, 16, 1), cutmix=0.9)
    labels = tensor(np.arange(300, dtype="int32") % 4)
    # Each image has one grey of its own, so that a pixel tells whose it is.
    greys = np.linspace(-1, 1, 300, dtype="float32")
    images = np.broadcast_to(greys[:, None, None, None], (300, 16, 16, 1))
    mixed, same, targets = map(array, model.mixed(tensor(images), labels))
    np.testing.assert_array_equal(same, array(labels))
    shares, whole = [], 0
    for index in range(300):
        values, counts = np.unique(mixed[index], return_counts=True)
        assert len(values) <= 2
        expected = np.zeros(4)
        for value, count in zip(values, counts):
            owner = np.abs(greys - value).argmin()
            expected[owner % 4] += count / 256
        np.testing.assert_allclose(targets[index], expected, atol=1e-6)
        whole += len(values) == 1
        shares.append((mixed[index] != images[index]).mean())
    assert 20 < whole < 90  # a tenth is not mixed, and small boxes have no pixel
    assert np.max(shares) > 0.6


def test_images_are_mixed_in_training_and_not_in_evaluation(monkeypatch):
    model = tiny.model("vit", cutmix=0.9)
    calls = []
    erase = augment.erase

    def record(images, boxes, value=0.0):
        calls.append(value)
        return erase(images, boxes, value)

    monkeypatch.setattr(augment, "erase", record)
    model.compile(run_eagerly=True)
    model.evaluate(tiny.images(4), tiny.labels(4), verbose=0)
    assert not calls
    tiny.step(model, (tiny.images(4), tiny.labels(4)))
    assert len(calls) == 2  # the mixed images, then the grey rectangles
    calls.clear()
    model = tiny.model("vit", **QUIET)
    tiny.step(model, (tiny.images(4), tiny.labels(4)))
    assert not calls
