"""Averages of a network's weights: what is averaged, and what is copied."""

import keras
import numpy as np
import pytest
import tiny

from zoo.core import averages
from zoo.networks.spectral import SpectralNormalization

pytestmark = pytest.mark.any_backend


def test_weights_and_batch_statistics_are_averaged_and_directions_copied():
    spectral = SpectralNormalization(keras.layers.Dense(3, use_bias=False))
    layers = [keras.Input((2,)), spectral, keras.layers.BatchNormalization()]
    network = keras.Sequential(layers, name="network")
    average = averages.begin(network)
    before = tiny.values(average.weights)
    for variable in network.weights:
        variable.assign(variable + 8.0)
    averages.update(network, average, 0.75)
    changes = {
        each.path.split("/", 1)[1]: float(np.mean(value.astype("float64") - old))
        for each, value, old in zip(
            average.weights, tiny.values(average.weights), before
        )
    }
    names = {name.split("/")[-1]: change for name, change in changes.items()}
    assert names == pytest.approx(
        dict.fromkeys(
            ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"), 2.0
        )
        | {"vector": 8.0},
        abs=1e-3,
    )
