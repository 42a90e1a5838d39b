"""A small network as data that the page's script computes with: a list of layers.

What networks of images of grey pixels are made of: dense layers, transposed
convolutions that double, normalisation, activations.
"""

import base64

import keras
import numpy as np
from keras import ops

MOST_WEIGHTS = 250_000  # of a network: four of them are 2.7 MB of a page


def layers_of(network):
    """Returns [{"kind": name, number or base64 of half-precision numbers}], or None of
    a network that is too large, or has a layer that the script does not know."""
    layers = [_layer(layer) for layer in network.layers]
    if network.count_params() > MOST_WEIGHTS or None in layers:
        return None
    return [each for each in layers if each]


def _layer(layer):
    """The data of a layer; {} of one that changes no number, None of an unknown one."""
    if isinstance(layer, (keras.layers.InputLayer, keras.layers.Reshape)):
        return {}
    if isinstance(layer, keras.layers.Dense) and _is_linear(layer):
        return {"kind": "dense", "units": layer.units} | _weights(layer, layer.units)
    if isinstance(layer, keras.layers.BatchNormalization):
        return _normalization(layer)
    if isinstance(layer, keras.layers.LeakyReLU):
        return {"kind": "leaky", "slope": float(layer.negative_slope)}
    if isinstance(layer, keras.layers.Activation):
        return _ACTIVATIONS.get(layer.activation.__name__)
    if isinstance(layer, keras.layers.Conv2DTranspose) and _is_linear(layer):
        return _transposed(layer)
    return None


_ACTIVATIONS = {
    "linear": {},
    "relu": {"kind": "leaky", "slope": 0.0},
    "tanh": {"kind": "tanh", "rate": 1.0},
}
# Of a logit, the probability as a pixel in [-1, 1]: 2 sigmoid(x) - 1.
PIXEL = {"kind": "tanh", "rate": 0.5}


def _is_linear(layer):
    return layer.activation is keras.activations.linear


def _transposed(layer):
    doubles = (layer.kernel_size, layer.strides, layer.padding)
    if doubles != ((4, 4), (2, 2), "same"):
        return None
    _, height, width, _ = layer.input.shape
    sizes = {"height": height, "width": width, "units": layer.filters}
    return {"kind": "double"} | sizes | _weights(layer, layer.filters)


def _weights(layer, units):
    bias = layer.bias if layer.use_bias else np.zeros(units)
    return {"kernel": _packed(layer.kernel), "bias": _packed(bias)}


def _normalization(layer):
    """A normalisation as a factor and a shift of each channel."""
    variance = _array(layer.moving_variance)
    factor = _array(layer.gamma) / np.sqrt(variance + layer.epsilon)
    shift = _array(layer.beta) - _array(layer.moving_mean) * factor
    return {"kind": "scale", "factor": _packed(factor), "shift": _packed(shift)}


def _array(values):
    return np.asarray(ops.convert_to_numpy(values), "float64")


def _packed(values):
    return base64.b64encode(_array(values).astype("<f2").tobytes()).decode()
