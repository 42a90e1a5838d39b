"""Tests the conditional GAN: the label reaches both players, and any class can be
sampled."""

import numpy as np
import pytest
import tensorflow as tf
import tiny

from zoo.core import losses

every_way = pytest.mark.parametrize(
    "conditioning", ["concat", "projection", "auxiliary"]
)


@every_way
def test_a_label_changes_the_image(conditioning):
    model = tiny.model("cgan", conditioning=conditioning)
    tiny.step(model, (tiny.images(8), tiny.labels(8)))
    a, b = (model.sample(3, labels=[label] * 3, seed=0) for label in (0, 1))
    assert (np.abs(a - b).max(axis=(1, 2, 3)) > 1e-4).all()


@pytest.mark.parametrize("conditioning", ["concat", "projection"])
def test_a_label_changes_the_discriminators_score(conditioning):
    model = tiny.model("cgan", conditioning=conditioning)
    for _ in range(3):
        tiny.step(model, (tiny.images(8), tiny.labels(8)))
    images = tf.constant(tiny.floats(3))
    scores = [
        model.discriminate(images, tf.fill([3], label), training=False)[0]
        for label in range(tiny.NUM_CLASSES)
    ]
    assert np.ptp(np.array(scores), axis=0).min() > 1e-4
    # The model's answer for an image without a label is the mean over all labels.
    np.testing.assert_allclose(model(images), np.mean(scores, axis=0), atol=1e-5)


def test_projection_adds_the_features_times_the_labels_vector():
    model = tiny.model("cgan", conditioning="projection")
    images = tf.constant(tiny.floats(4))
    alone = [model.discriminate(images, tf.fill([4], y), False)[0] for y in (0, 1, 0)]
    mixed = model.discriminate(images, tf.constant([0, 1, 0, 1]), False)[0]
    np.testing.assert_allclose(mixed[0], alone[0][0], rtol=1e-5)
    np.testing.assert_allclose(mixed[1], alone[1][1], rtol=1e-5)


def test_the_auxiliary_classifier_is_part_of_both_losses():
    model = tiny.model("cgan", conditioning="auxiliary")
    images, labels = tf.constant(tiny.floats(6)), tf.constant(tiny.labels(6))
    noise, normal = [], model.normal
    model.normal = lambda *shape: noise.append(normal(*shape)) or noise[-1]
    network_losses, terms = model.objective(images, labels)
    real = model.discriminate(images, labels)
    fakes = [
        model.discriminate(
            model.generator(model.with_label(z, labels), training=True), labels
        )
        for z in noise
    ]
    said = losses.cross_entropy(fakes[0][1], labels)
    said += losses.cross_entropy(real[1], labels)
    np.testing.assert_allclose(terms["class_loss"], said, rtol=1e-4)
    expected = losses.discriminator_loss(real[0], fakes[0][0]) + said
    np.testing.assert_allclose(network_losses["discriminator"], expected, rtol=1e-4)
    expected = losses.generator_loss(fakes[1][0])
    expected += losses.cross_entropy(fakes[1][1], labels)
    np.testing.assert_allclose(network_losses["generator"], expected, rtol=1e-4)


def test_samples_with_labels_are_addressed_by_seed_and_label():
    model = tiny.model("cgan")
    labels = [0, 1, 2, 3]
    images = model.sample(4, labels=labels, seed=5)
    one = model.sample(1, labels=[2], seed=7)
    np.testing.assert_allclose(images[2], one[0], atol=1e-5)
    assert model.sample(4, labels=range(4), seed=5).shape == (4, 8, 8, 1)


def test_without_labels_each_is_drawn_from_its_seed():
    model = tiny.model("cgan")
    for _ in range(2):
        tiny.step(model, (tiny.images(8), tiny.labels(8)))
    drawn = model.sample(40, seed=0)
    by_label = [
        model.sample(40, labels=[label] * 40, seed=0)
        for label in range(tiny.NUM_CLASSES)
    ]
    same = [np.isclose(drawn, each, atol=1e-6).all((1, 2, 3)) for each in by_label]
    assert (np.sum(same, axis=0) == 1).all()  # each image is that of one label
    assert (np.sum(same, axis=1) >= 3).all()  # and no label is forgotten
    np.testing.assert_allclose(model.sample(1, seed=9)[0], drawn[9], atol=1e-5)


@pytest.mark.parametrize(
    "labels, message",
    [
        ([0, 1], "one integer an image"),
        ([0, 1, 4], r"lie in \[0, 4\)"),
        ([0.5, 1, 2], "one integer an image"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        tiny.model("cgan").sample(3, labels=labels)


def test_a_model_without_labels_names_those_with():
    with pytest.raises(ValueError, match="not conditional. Models that are: cgan"):
        tiny.model("gan").sample(2, labels=[0, 1])


@pytest.mark.slow
def test_a_run_draws_a_row_a_class(tmp_path, monkeypatch):
    from zoo.commands import train as verb
    from zoo.drawing import plots
    from zoo.runs import preparing, training

    grids, save_grid = [], plots.save_grid
    monkeypatch.setattr(
        plots,
        "save_grid",
        lambda *args, **how: grids.append(args[1]) or save_grid(*args, **how),
    )
    flags = ["--model=cgan", "--image_size=8", "--set=width=4", "--batch_size=300"]
    flags += ["--classes=3,5,7", "--epochs=1", f"--workdir={tmp_path}/run"]
    verb.VERB.parse(["train", *flags])
    run = preparing.prepare(verb.VERB.flags.flag_values_dict())
    training.train(run)
    labels = np.repeat([0, 1, 2], 8)
    np.testing.assert_allclose(
        grids[0], run.model.sample(24, labels=labels, seed=0), atol=1e-5
    )
