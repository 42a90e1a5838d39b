"""Tests the places of the tour that answer, as data: which networks a page can hold,
and what it is told of them."""

import base64
import json
import re

import keras
import numpy as np
import pytest
import tiny
from test_tour import bare, command, results  # noqa: F401
from untrained import folder_of

import zoo
from zoo.pages import tour
from zoo.pages.tour import live, networks

MAPPED = tour.MAPPED


def numbers(text):
    return np.frombuffer(base64.b64decode(text), "<f2").astype("float64")


def computed(layers, x):
    """What the layers make of latents `[N, D]`, by NumPy."""
    for layer in layers:
        if layer["kind"] == "dense":
            kernel = numbers(layer["kernel"]).reshape(x.shape[1], layer["units"])
            x = x @ kernel + numbers(layer["bias"])
        elif layer["kind"] == "scale":
            factor, shift = numbers(layer["factor"]), numbers(layer["shift"])
            x = (x.reshape(-1, len(factor)) * factor + shift).reshape(x.shape)
        elif layer["kind"] == "leaky":
            x = np.where(x < 0, layer["slope"] * x, x)
        elif layer["kind"] == "tanh":
            x = np.tanh(layer["rate"] * x)
        else:
            x = doubled(layer, x)
    return x


def doubled(layer, x):
    height, width, units = (layer[name] for name in ("height", "width", "units"))
    x = x.reshape(len(x), height, width, -1)
    kernel = numbers(layer["kernel"]).reshape(4, 4, units, x.shape[-1])
    y = np.zeros((len(x), 2 * height + 2, 2 * width + 2, units))
    for row in range(height):
        for column in range(width):
            part = np.einsum("ni,abci->nabc", x[:, row, column], kernel)
            y[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += part
    y = y[:, 1:-1, 1:-1] + numbers(layer["bias"])
    return y.reshape(len(y), -1)


@pytest.mark.parametrize("name", ["gan", "cgan"])
def test_a_generator_is_told_layer_by_layer(name):
    model = zoo.get(name, weights="digits")
    network = model.averaged_network("generator", True)
    layers = networks.layers_of(network)
    z = np.random.default_rng(0).normal(size=(2, network.input_shape[-1]))
    images = computed(layers, z).reshape(2, 28, 28, 1)
    wanted = keras.ops.convert_to_numpy(network(z.astype("float32")))
    np.testing.assert_allclose(images, wanted, atol=1e-3)


def test_a_network_that_no_page_can_hold_is_left_out():
    small = tiny.model("gan").generator
    assert networks.layers_of(small)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "MOST_WEIGHTS", small.count_params() - 1)
        assert networks.layers_of(small) is None
    assert networks.layers_of(tiny.model("classifier").classifier) is None
    softened = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
    assert networks.layers_of(softened) is None
    model = tiny.model("cgan", (8, 8, 3))
    assert live.generator(model, tour.Words("en"), "cgan") is None


def test_a_page_holds_the_generators_that_are_there(results, bare):  # noqa: F811
    folder_of(bare.folders["cgan"], "cgan", num_classes=10)
    text = tour.page(results, bare, "ja", command)
    (layers,) = re.findall('data-layers="([^"]*)"', text)
    assert json.loads(layers.replace("&quot;", '"'))[0]["kind"] == "dense"
    assert text.count('data-class="') == 10 and "試してみる：求めたクラス" in text
    assert len(text) < 3e6
    reason = tour.Words("ja")("live.lacking")
    assert text.count(reason) == 2  # of the maps and of the gan


def test_maps_hold_the_codes_of_test_images_and_their_decoders():
    models = {role: tiny.model(role[:3].strip("_"), latent_dim=2) for role in MAPPED}
    images, labels = tiny.images(9), tiny.labels(9)
    colours, names = [f"c{label}" for label in labels], ("a", "b", "c", "d")
    place = live.maps(models, images, colours, names, tour.Words("en"))
    (data,) = re.findall('data-maps="([^"]*)"', place)
    for model, each in zip(models.values(), json.loads(data.replace("&quot;", '"'))):
        z = model.encode(images)
        np.testing.assert_allclose(each["codes"], z, atol=1e-3)
        np.testing.assert_allclose(each["low"], z.min(axis=0), rtol=1e-5)
        assert each["colours"] == colours
        drawn = computed(each["layers"], z).reshape(9, 8, 8, 1)
        np.testing.assert_allclose(drawn, model.decode(z), atol=2e-3)
    models["ae_2d"] = tiny.model("ae", latent_dim=3)
    assert live.maps(models, images, colours, names, tour.Words("en")) is None
