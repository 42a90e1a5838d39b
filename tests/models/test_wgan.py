"""Tests WGAN: critic steps on images of their own, clipped weights, the gradient
penalty."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

import zoo
from zoo.models import wgan


@pytest.fixture
def seen(monkeypatch):
    """Returns a list that gets the images of each critic step."""
    batches, objective = [], wgan.WGAN.critic_objective

    def record(self, images, training=True):
        batches.append(np.array(images))
        return objective(self, images, training)

    monkeypatch.setattr(wgan.WGAN, "critic_objective", record)
    return batches


def test_each_critic_step_sees_images_of_its_own(seen):
    model = tiny.model("wgan", critic_steps=3)
    images = tiny.floats(7)
    tiny.step(model, images)
    assert len(seen) == 3
    for i, part in enumerate(seen):
        np.testing.assert_allclose(part, images[i::3], atol=1e-6)
    iterations = {name: int(o.iterations) for name, o in model.optimizers.items()}
    assert iterations == {"critic": 3, "generator": 1}


def test_a_batch_of_few_images_makes_few_critic_steps(seen):
    model = tiny.model("wgan", critic_steps=5)
    tiny.step(model, tiny.images(2))
    assert [len(part) for part in seen] == [1, 1]


def test_a_batch_of_unknown_size_makes_no_empty_share():
    @tf.function(input_signature=[tf.TensorSpec((None, 2))])
    def sizes(images):
        return [tf.shape(part)[0] for part in wgan.shares(images, 3)]

    for rows, expected in ((7, [3, 2, 2]), (3, [1, 1, 1]), (2, [1, 1, 1])):
        assert [int(n) for n in sizes(tf.zeros((rows, 2)))] == expected


@pytest.mark.parametrize("form", ["tf.data", "NumPy", "PyDataset"])
def test_fit_joins_the_batches_of_one_step(form, seen):
    images = tiny.images(22)

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return images[4 * index : 4 * index + 4]

    data = {
        "tf.data": tf.data.Dataset.from_tensor_slices(images).batch(4),
        "NumPy": images,
        "PyDataset": Batches(),
    }[form]
    model = tiny.model("wgan", critic_steps=2)
    model.compile(run_eagerly=True)
    how = {"batch_size": 4} if form == "NumPy" else {}
    model.fit(data, epochs=1, shuffle=False, verbose=0, **how)
    # 22 images in batches of 4 make steps of 8, 8 and 6 images, of two critic steps
    # each.
    assert [len(part) for part in seen] == [4, 4, 4, 4, 3, 3]
    np.testing.assert_allclose(seen[1], images[1:8:2] / 127.5 - 1, atol=1e-6)
    assert int(model.optimizer.iterations) == 3


@pytest.mark.slow
def test_experiments_join_batches_too(tmp_path):
    from zoo.commands import train as verb
    from zoo.runs import preparing, training

    flags = ["--model=wgan", "--image_size=8", "--set=width=4", "--batch_size=100"]
    flags += ["--epochs=1", "--schedule=cosine", f"--workdir={tmp_path}/run"]
    verb.VERB.parse(["train", *flags])
    run = preparing.prepare(verb.VERB.flags.flag_values_dict())
    assert run.steps_per_epoch == 3  # 14 batches, five per step
    networks = run.model.optimizers.items()
    steps = {name: optimizer._learning_rate.steps for name, optimizer in networks}
    assert steps == {"critic": 15, "generator": 3}
    training.train(run)
    assert run.progress.epoch == 1 and run.progress.step == 3


def test_clipped_weights_stay_inside_the_bound_after_every_step():
    model = tiny.model("wgan", clip=0.02)
    model.compile(dict.fromkeys(model.networks, keras.optimizers.RMSprop(0.05)))
    for _ in range(3):
        terms = tiny.step(model, tiny.images(4))
        bounds = [
            np.abs(w).max() for w in tiny.values(model.critic.trainable_variables)
        ]
        assert max(bounds) <= np.float32(0.02)
        assert 0.5 < terms["clipped"] <= 1
    weights = tiny.values(model.critic.trainable_variables)
    hits = sum((np.abs(w) >= np.float32(0.02)).sum() for w in weights)
    np.testing.assert_allclose(model.clipped(), hits / sum(w.size for w in weights))


def test_the_gradient_penalty_leaves_the_weights_free():
    model = tiny.model("wgan", penalty="gradient")
    kinds = {type(layer).__name__ for layer in model.critic.layers}
    assert "BatchNormalization" not in kinds
    model.compile(dict.fromkeys(model.networks, keras.optimizers.SGD(0.1)))
    terms = tiny.step(model, tiny.images(4))
    assert set(terms) == {"wasserstein", "g_loss", "gp"}
    largest = max(
        np.abs(w).max() for w in tiny.values(model.critic.trainable_variables)
    )
    assert largest > 0.01


def test_each_network_descends_its_equation():
    for penalty in ("clip", "gradient"):
        model = tiny.model("wgan", penalty=penalty)
        network_losses, terms = model.objective(tf.constant(tiny.floats(4)))
        expected = -terms["wasserstein"]
        if penalty == "gradient":
            expected += 10 * terms["gp"]
        np.testing.assert_allclose(network_losses["critic"], expected, rtol=1e-5)
        np.testing.assert_array_equal(network_losses["generator"], terms["g_loss"])


@pytest.mark.slow
def test_the_critics_estimate_grows_with_the_distance():
    model = tiny.model("wgan", penalty="gradient", critic_steps=8)
    # The generator does not move; only the critic learns to tell the two apart.
    adam = keras.optimizers.Adam(1e-2, beta_1=0.0)
    model.compile({"critic": adam, "generator": keras.optimizers.SGD(0.0)})
    near = model.generate(32, training=True).numpy()
    estimates = {}
    start = model.critic.get_weights()
    for name, images in (("near", near), ("far", np.full_like(near, -0.9))):
        model.critic.set_weights(start)
        for _ in range(6):
            estimates[name] = tiny.step(model, images)["wasserstein"]
    assert estimates["far"] > 3 * abs(estimates["near"])


def test_the_papers_optimizers_are_the_default():
    optimizers = zoo.get("wgan").optimizers
    assert {type(o).__name__ for o in optimizers.values()} == {"RMSprop"}
    assert float(optimizers["critic"].learning_rate) == pytest.approx(5e-5)
    adam = zoo.get("wgan", penalty="gradient").optimizers["critic"]
    assert (adam.beta_1, adam.beta_2) == (0.0, 0.9)


def test_a_small_gradient_moves_a_weight_as_far_as_a_large_one():
    steps = []
    for scale in (1e-5, 1.0):  # RMSprop's step does not depend on the gradient's scale
        optimizer = zoo.get("wgan").optimizers["generator"]
        weight = keras.Variable([0.0])
        optimizer.build([weight])
        optimizer.apply([keras.ops.array([scale])])
        steps.append(-tiny.values([weight])[0].item())
    assert steps[0] == pytest.approx(steps[1], rel=0.01)
    assert steps[1] == pytest.approx(5e-5 / np.sqrt(0.01), rel=0.01)


def test_unusable_settings_are_refused():
    for wrong in ({"clip": 0.0}, {"gp_weight": -1.0}):
        with pytest.raises(ValueError, match="above 0"):
            zoo.get("wgan", **wrong)
    with pytest.raises(ValueError, match="critic_steps of at least 1"):
        zoo.get("wgan", critic_steps=0)
