"""The transformer of images: patches become tokens, and tokens look at each other.

An image is cut into squares, each of which becomes a token, a row of numbers. A block
lets every token gather from all others (attention), then works on each token alone (two
dense layers). Both are added to the tokens that came in, and both see them normalised,
so that a deep stack begins near the identity.

Functions take tokens `[B, N, C]`; all layers have names, as in unet.py.

Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762, with the norms in
front of the branches, as Dosovitskiy et al. 2020, arXiv:2010.11929, have them.
"""

import random

import keras
import numpy as np
from keras import layers, ops

from zoo import backend
from zoo.networks import unet

# Queries, keys and values come from one product. Each has the limit of Glorot and
# Bengio 2010 for a square kernel, which counts C units of the result, not 3 C.
SQUARE = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"},
}

HIDDEN = -1e9  # the score of a token that is not looked at; minus infinity makes NaN


# --- tokens ---------------------------------------------------------------------------


def embed_patches(images, patch, width, name="patches"):
    """Returns the grid of tokens `[B, H / patch, W / patch, width]` of images: a linear
    function of each square of `patch` pixels, whose side divides H and W."""
    return layers.Dense(width, name=name)(unet.fold(images, patch))


def embed_convolved(images, halvings, width, name="stem"):
    """Returns the grid of tokens `[B, h, w, width]` of images by convolutions of 3x3,
    each rectified and halved by the maximum of 3x3 pixels; sizes are rounded up.

    Source: Hassani et al. 2021 (CCT), arXiv:2104.05704, section 3.2.
    """
    x = images
    for level in range(halvings):
        channels = width if level == halvings - 1 else width // 2
        convolution = {"padding": "same", "use_bias": False, "activation": "relu"}
        x = layers.Conv2D(channels, 3, name=f"{name}_{level}", **convolution)(x)
        pool = {"strides": 2, "padding": "same"}
        x = layers.MaxPooling2D(3, name=f"{name}_{level}_pool", **pool)(x)
    return x


def positions(rows, columns, width):
    """Returns the sines and cosines of each place of a grid, float32 `[rows * columns,
    width]`, a quarter of the width each: sines and cosines of the column, then of the
    row. The product of two places depends on their offset alone.

    Args:
        width: A multiple of 4, at least 8.
    Source: Beyer et al. 2022 (SimpleViT), arXiv:2205.01580, their code; wavelengths
        from 2 pi to 20,000 pi, as in Vaswani et al. 2017.
    """
    quarter = width // 4
    frequencies = 10_000.0 ** (-np.arange(quarter) / (quarter - 1))
    y, x = np.mgrid[:rows, :columns].reshape(2, -1, 1) * frequencies
    parts = [np.sin(x), np.cos(x), np.sin(y), np.cos(y)]
    return np.concatenate(parts, axis=-1).astype("float32")


def to_tokens(grid, name="tokens"):
    """Returns the tokens `[B, h * w, C]` of a grid `[B, h, w, C]`, line by line, with
    their positions added."""
    rows, columns, width = grid.shape[1:]
    x = layers.Reshape((rows * columns, width), name=name)(grid)
    return x + ops.cast(positions(rows, columns, width), x.dtype)


# --- blocks ---------------------------------------------------------------------------


def block(x, heads, hidden, drop_path=0.0, name="block", visible=None):
    """Applies a block: x + attention(norm(x)), then x + mlp(norm(x)).

    Args:
        heads: Of the attention; they share out the width.
        hidden: Units of the dense layer in the middle.
        drop_path: Share of images for which a branch is left out in training.
        visible: As `attend` takes it.
    Returns: the tokens, and the weights of the attention `[B, heads, N, N]`.
    """
    h = normalize(x, f"{name}_norm_0")
    h, weights = attend(h, heads, f"{name}_attention", visible)
    x = x + drop(h, drop_path, f"{name}_drop_0")
    h = mlp(normalize(x, f"{name}_norm_1"), hidden, f"{name}_mlp")
    return x + drop(h, drop_path, f"{name}_drop_1"), weights


def attend(x, heads, name, visible=None):
    """Applies self-attention of several heads: softmax(Q K^T / sqrt(d)) V in each, and
    a dense layer of all.

    The projections to queries, keys and values have no biases; a bias of the keys would
    have no effect at all.

    Args:
        visible: Which tokens are looked at, bool `[B, N]`, at least one a row; None for
            all of them.
    Returns: the result `[B, N, C]`, and the weights, float32 `[B, heads, N, N]`: what
        each token (third axis) takes from each other (last axis); rows sum to 1.
    """
    tokens, width = x.shape[1:]
    size = width // heads

    def of_heads(h):  # [B, heads, N, size]
        h = ops.reshape(h, (-1, tokens, heads, size))
        return ops.transpose(h, (0, 2, 1, 3))

    joint = {"use_bias": False, "kernel_initializer": SQUARE}
    h = layers.Dense(3 * width, name=f"{name}_in", **joint)(x)
    query, key, value = map(of_heads, ops.split(h, 3, axis=-1))
    scores = ops.matmul(query * size**-0.5, ops.transpose(key, (0, 1, 3, 2)))
    weights = shares(scores, visible)
    h = ops.matmul(ops.cast(weights, value.dtype), value)
    h = ops.reshape(ops.transpose(h, (0, 2, 1, 3)), (-1, tokens, width))
    return layers.Dense(width, name=f"{name}_out")(h), weights


def shares(scores, visible=None):
    """Returns the softmax, float32, of scores `[B, heads, M, N]` over the N tokens, 0
    for those that are not `visible`, bool `[B, N]`."""
    scores = ops.cast(scores, "float32")
    if visible is not None:
        scores = ops.where(visible[:, None, None, :], scores, HIDDEN)
    return ops.softmax(scores, axis=-1)


def mlp(x, hidden, name):
    """Applies two dense layers to each token, with a GELU between them (Hendrycks and
    Gimpel 2016, arXiv:1606.08415, in its tanh form)."""
    h = ops.gelu(layers.Dense(hidden, name=f"{name}_0")(x), approximate=True)
    return layers.Dense(x.shape[-1], name=f"{name}_1")(h)


def normalize(x, name):
    """Normalises each token over its channels (Ba et al. 2016, arXiv:1607.06450)."""
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def drop(x, rate, name):
    """Applies `DropPath` unless the rate is 0; its seed is drawn as in conv.dropout."""
    if not rate:
        return x
    return DropPath(rate, random.randint(1, 10**9), name=name)(x)


@keras.saving.register_keras_serializable("zoo")
class DropPath(layers.Layer):
    """Leaves out all of `[B, N, C]` for a share of the rows in training, and scales the
    others so that the mean stays.

    Each row of the global batch is drawn for once, on any number of replicas.

    Source: Huang et al. 2016 (stochastic depth), arXiv:1603.09382, by rows as in
        Touvron et al. 2020 (DeiT), arXiv:2012.12877.
    """

    def __init__(self, rate, seed=None, **options):
        super().__init__(**options)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        u = backend.uniform(self.seed_generator, ops.shape(x)[0], (1, 1))
        kept = ops.cast(u >= self.rate, x.dtype)
        return x * (kept * (1.0 / (1.0 - self.rate)))

    def get_config(self):
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


# --- what tokens looked at ------------------------------------------------------------


def rollout(weights):
    """Returns how much of each input token is in each token of the last layer, `[B, N,
    N]`, of the attention of all layers `[B, layers, heads, N, N]`; rows sum to 1.

    The mean of the heads and the identity, which stands for the branch that is added
    to, count one half each; layers are multiplied.

    Source: Abnar and Zuidema 2020, arXiv:2005.00928, section 3.
    """
    mixed = 0.5 * (ops.mean(weights, axis=2) + ops.eye(weights.shape[-1]))
    product = mixed[:, 0]
    for layer in range(1, weights.shape[1]):
        product = ops.matmul(mixed[:, layer], product)
    return product
