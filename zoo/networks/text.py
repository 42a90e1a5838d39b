"""A text as a network sees it: each token becomes features that know their neighbours.

A small transformer over the tokens of `zoo.inputs.words`, trained with the network that
reads its features. What only fills up a text is hidden from the start: a network that
may look at it learns to use it as a store of its own, and then depends on how long a
text is (the models of Rombach et al. look at it).

Functions take symbolic tensors of Keras; all layers have names, as in unet.py.

Rombach et al. 2021, arXiv:2112.10752, section 4.3.1, train such a transformer from
scratch, too; Devlin et al. 2018 (BERT), arXiv:1810.04805, have the learned positions.
"""

import math
from typing import Any, NamedTuple

import keras
from keras import layers, ops

from zoo.networks import transformer, unet

LOOKED = "_weights"  # how the names of layers end that tell who took what
HEADS = 4  # of the cross-attention, as far as they share out the channels


class Context(NamedTuple):
    """What a network may look at beside an image.

    Attributes:
        tokens: The input, int32 `[B, L]`.
        features: Of each token, `[B, L, width]`.
        visible: Which tokens are looked at, bool `[B, L]`; the first one always is.
    """

    tokens: Any
    features: Any
    visible: Any

    def look(self, x, name):
        """Applies cross-attention: each place of a grid `[B, h, w, C]` takes from the
        features of the visible tokens, and adds the result to its own. What it takes
        from each token is the output of the layer `<name>_weights`, float32 `[B, heads,
        h * w, L]`; rows sum to 1.

        Source: Rombach et al. 2021, arXiv:2112.10752, section 3.3. Departures: without
            the dense layers behind it, for which the next residual block stands.
        """
        height, width, channels = x.shape[1:]
        heads, places = math.gcd(HEADS, channels), height * width

        def projected(h, part):  # [B, heads, places or tokens, channels / heads]
            h = layers.Dense(channels, use_bias=False, name=f"{name}_{part}")(h)
            h = ops.reshape(h, (-1, h.shape[1], heads, channels // heads))
            return ops.transpose(h, (0, 2, 1, 3))

        query = unet.normalize(x, f"{name}_norm")
        query = projected(ops.reshape(query, (-1, places, channels)), "query")
        key, value = (projected(self.features, part) for part in ("key", "value"))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        weights = transformer.shares(scores / math.sqrt(query.shape[-1]), self.visible)
        weights = layers.Identity(name=f"{name}{LOOKED}", dtype="float32")(weights)
        h = ops.matmul(ops.cast(weights, value.dtype), value)
        h = ops.reshape(ops.transpose(h, (0, 2, 1, 3)), (-1, places, channels))
        small = {"kernel_initializer": unet.SMALL, "name": f"{name}_out"}
        h = layers.Dense(channels, **small)(h)
        return x + ops.reshape(h, (-1, height, width, channels))


def shares_of(network):
    """Returns the network (inputs of `network`) -> what the places of each attention
    took from each token, float32 `[B, heads, places, L]`, in the order in which they
    looked (see `Context.look`)."""
    looks = [each for each in network.layers if each.name.endswith(LOOKED)]
    return keras.Model(network.inputs, [layer.output for layer in looks], name="words")


def encode(count, length, width, depth, heads=4, pad=0):
    """Returns the `Context` of tokens, a new input of a network.

    Args:
        count: Of the ids that a token may have.
        length: L, tokens a text.
        width: Features of a token, a multiple of `heads`.
        depth: Blocks.
        pad: The id that only fills up.
    """
    tokens = layers.Input((length,), dtype="int32")
    places = ops.cumsum(ops.ones_like(tokens), axis=1) - 1
    visible = ops.logical_or(ops.not_equal(tokens, pad), ops.equal(places, 0))
    x = layers.Embedding(count, width, name="words")(tokens)
    x = x + layers.Embedding(length, width, name="words_places")(places)
    for number in range(depth):
        name = f"words_{number}"
        x, _ = transformer.block(x, heads, 2 * width, name=name, visible=visible)
    return Context(tokens, transformer.normalize(x, "words_norm"), visible)
