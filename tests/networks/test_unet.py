"""Tests the U-Net: it takes sizes of all kinds and passes its input on when it is
new."""

import re
import types

import numpy as np
import pytest
from keras import ops

from zoo import commands
from zoo.commands import recipes, train
from zoo.networks import fast, unet

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]


def network(shape, **changes):
    sizes = {"width": 4, "mult": (1, 2), "depth": 1, "attention": (1,)}
    return unet.build_unet(shape, **sizes | changes)


def answer(model, shape, *labels):
    images = np.random.uniform(-1, 1, (2, *shape)).astype("float32")
    times = np.array([0.0, 999.0], "float32")
    return ops.convert_to_numpy(model([images, times, *labels]))


@pytest.mark.parametrize("shape", [(8, 8, 1), (13, 9, 3), (30, 22, 3)])
@pytest.mark.parametrize("patch", [1, 2])
def test_answers_in_the_size_of_the_images(shape, patch):
    out = answer(network(shape, patch=patch, mult=(1, 2, 2)), shape)
    assert out.shape == (2, *shape) and out.dtype == np.float32
    assert np.isfinite(out).all() and np.abs(out).max() > 0


def test_levels_that_an_image_is_too_small_for_are_left_out():
    small = network((8, 8, 1), mult=(1, 2, 2, 2)).count_params()
    assert small == network((8, 8, 1), mult=(1, 2)).count_params()


def test_labels_and_times_reach_the_answer():
    model = network((8, 8, 1), num_classes=3)
    images = np.zeros((4, 8, 8, 1), "float32")
    times = np.array([0.0, 0.0, 0.0, 500.0], "float32")
    out = ops.convert_to_numpy(model([images, times, np.array([0, 0, 3, 0])]))
    np.testing.assert_allclose(out[0], out[1], atol=1e-7)
    assert (out[2] != out[0]).any() and (out[3] != out[0]).any()


def test_layers_have_the_same_names_in_each_network():
    names = [
        [
            layer.name
            for layer in network((8, 8, 1), dropout=0.1).layers
            if layer.weights
        ]
        for _ in range(2)
    ]
    assert names[0] == names[1]


def test_several_images_as_channels():
    assert answer(network((8, 8, 3), outputs=2), (8, 8, 3)).shape == (2, 8, 8, 6)


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_unfold_is_the_inverse_of_fold(patch):
    x = np.random.normal(size=(2, 12, 6, 3)).astype("float32")
    folded = unet.fold(x, patch)
    assert folded.shape == (2, 12 // patch, 6 // patch, 3 * patch**2)
    np.testing.assert_array_equal(unet.unfold(folded, patch), x)


def test_fold_pads_odd_sizes_with_zeros():
    x = np.random.normal(size=(2, 5, 7, 1)).astype("float32")
    back = ops.convert_to_numpy(unet.unfold(unet.fold(x, 2), 2))
    assert back.shape == (2, 6, 8, 1)
    np.testing.assert_array_equal(back[:, :5, :7], x)
    assert not back[:, 5:].any() and not back[:, :, 7:].any()


@pytest.mark.parametrize("channels, groups", [(4, 1), (32, 8), (48, 12), (128, 32)])
def test_groups_have_at_least_four_channels(channels, groups, monkeypatch):
    recorded = []

    def record(groups, **kwargs):
        recorded.append(groups)
        return fast.GroupNormalization(groups, **kwargs)

    monkeypatch.setattr(unet, "fast", types.SimpleNamespace(GroupNormalization=record))
    unet.normalize(np.zeros((1, 2, 2, channels), "float32"), "norm")
    assert recorded == [groups]


@pytest.mark.slow
def test_the_recipe_of_cifar10_has_the_paper_s_35_7_million_weights(tmp_path, capsys):
    recipe = recipes.FOLDER / "gpu" / "ddpm-cifar10.flags"
    images, labels = np.zeros((20, 32, 32, 3), "uint8"), np.arange(20) % 10
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    flags = [f"--flagfile={recipe}", f"--dataset=npz:{tmp_path / 'images.npz'}"]
    flags += ["--batch_size=2", f"--workdir={tmp_path / 'run'}", "--dry_run"]
    assert commands.start(train.VERB, train.main, ["train", *flags]) == 0
    out = capsys.readouterr().out
    count = int(re.search(r"unet +([\d,]+)", out)[1].replace(",", ""))
    assert abs(count - 35.7e6) < 0.1e6


def test_weights_lie_where_keras_layers_have_them():
    """Files name weights by the classes of their layers. With other class names, a
    model of an older version could not be read."""
    model = network((8, 8, 1))
    kinds = {type(layer).__name__ for layer in model.layers if layer.weights}
    assert kinds == {"Conv2D", "Dense", "GroupNormalization"}
