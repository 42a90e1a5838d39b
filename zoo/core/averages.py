"""Averages of a network's weights over training, each a network of its own.

Keras' `use_ema` would overwrite the weights with their average at the end of every
`fit`, and leave the statistics of batch normalisation behind.
"""

import keras
from keras import ops

from zoo.inputs.tensors import Tensor


def begin(network: keras.Model) -> keras.Model:
    """Returns an untrainable copy of `network` with equal weights, `<name>_ema`."""
    average = keras.models.clone_model(network)
    average.name = f"{network.name}_ema"
    average.set_weights(network.get_weights())
    average.trainable = False
    return average


def decay(most: float, steps: Tensor) -> Tensor:
    """Returns the decay after `steps` updates: it grows to `most`, so that the average
    does not remember the initial weights.

    Source: tf.train.ExponentialMovingAverage, argument `num_updates`.
    """
    steps = ops.cast(steps, "float32")
    return ops.minimum(most, (1.0 + steps) / (10.0 + steps))


def update(network: keras.Model, average: keras.Model, decay: Tensor) -> None:
    """Moves `average` by (1 - decay) towards `network`, batch statistics too.

    What a layer has in `copied_variables` is copied: its average would mean nothing.

    Source: `ema` in the code beside Brock et al. 2019, arXiv:1809.11096, which averages
        a network's whole state.
    """
    layers = network._flatten_layers()
    copied = {id(v) for layer in layers for v in getattr(layer, "copied_variables", ())}
    rate = 1.0 - decay
    for variable, mean in zip(network.weights, average.weights):
        if id(variable) in copied:
            mean.assign(variable)
        else:
            mean.assign(mean + rate * (variable - mean))
