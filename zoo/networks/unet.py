"""The U-Net of diffusion models: from an image, a time and perhaps a label to an image.

The network goes down the levels of a pyramid and up again. Each level on the way up is
joined to its counterpart on the way down, and every block is told the time. It works
for any height and width from 8 to 512: the sizes of levels are rounded up, as those of
the trunk are, and the way up crops back to exactly these sizes.

All layers have names. TensorFlow's graph optimizer orders sums by the names of their
operands. The names that Keras gives count all layers of a process, so with them a model
and its copy would round differently.

Ho et al. 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, appendix
B; where the text leaves something open, it is taken from their published code.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from zoo.networks import conv, fast

# The last layer of each branch starts at a hundredth of the usual size, so that a new
# network passes its input on. With the paper's 1e-5, gradients would vanish in float32.
# This is a config, from which Keras makes an initializer for each layer, as in
# dcgan.py.
SMALL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1e-4, "mode": "fan_avg", "distribution": "uniform"},
}


def build_unet(
    image_shape,
    width,
    mult=(1, 2, 2, 2),
    depth=2,
    attention=(1,),
    patch=1,
    dropout=0.0,
    num_classes=0,
    outputs=1,
    context=None,
    source_channels=0,
    name="unet",
):
    """Returns the network (images `[B, H, W, C]`, times `[B]`, with `num_classes` int
    labels `[B]`, with a `context` its tokens) -> `[B, H, W, outputs * C]`, float32.

    Args:
        width: Channels of the first level.
        mult: Multipliers of `width`, one per level; no level has a side below 4.
        depth: Residual blocks per level on the way down; the way up has one more.
        attention: Levels with self-attention after each block; 0 is the first.
        patch: Side of the squares of pixels that the first level sees as one.
        dropout: Share of features dropped in each block.
        num_classes: Classes of the labels; the label `num_classes` means "none".
        outputs: Number of images in the answer, side by side as channels.
        context: A `zoo.networks.text.Context` that each attention looks at, too.
        source_channels: Channels that the input has behind the C of the images.
    """
    images = layers.Input((*image_shape[:2], image_shape[2] + source_channels))
    conditions, embedding = build_conditions(num_classes, 4 * width, context)
    x = fold(images, patch)
    sizes = conv.level_sizes(x.shape[1:])[: len(mult)]
    widths = [width * m for m in mult[: len(sizes)]]

    def block(x, level, name):
        x = residual_block(x, embedding, widths[level], dropout, name)
        return look_about(x, context, name) if level in attention else x

    x, skips = descend(convolution(x, width, "first"), len(widths), depth, block)
    x = residual_block(x, embedding, widths[-1], dropout, "middle_0")
    x = look_about(x, context, "middle")
    x = residual_block(x, embedding, widths[-1], dropout, "middle_1")
    x = answer(ascend(x, skips, sizes, depth, block), image_shape, outputs, patch)
    return keras.Model([images, *conditions], x, name=name)


def build_conditions(num_classes, units, context=None):
    """Returns the inputs that the network has besides the images, which are times
    `[B]`, with `num_classes` labels `[B]`, and the tokens of a `context`; and the
    embedding `[B, units]` of times and labels."""
    inputs = [layers.Input(())]
    embedding = embed_time(inputs[0], units)
    if num_classes:
        inputs.append(layers.Input((), dtype="int32"))
        classes = layers.Embedding(num_classes + 1, units, name="label")
        embedding = embedding + classes(inputs[-1])
    inputs += [] if context is None else [context.tokens]
    return inputs, ops.silu(embedding)


def answer(x, image_shape, outputs, patch):
    """Returns the features of folded images as `outputs` images, float32."""
    channels = outputs * image_shape[-1] * patch**2
    x = normalize(x, "last_norm", "silu")
    x = convolution(x, channels, "last", kernel_initializer=SMALL)
    return crop(unfold(ops.cast(x, "float32"), patch), image_shape[:2])


def descend(x, levels, depth, block):
    """Applies `depth` blocks per level; each level has half the size of the one before.

    Args:
        block: A function block(x, level, name).
    Returns: the result, and the list of features that the way up takes from its end.
    """
    skips = [x]
    for level in range(levels):
        if level:
            x = convolution(x, x.shape[-1], f"down_{level}", strides=2)
            skips.append(x)
        for index in range(depth):
            x = block(x, level, f"down_{level}_{index}")
            skips.append(x)
    return x, skips


def ascend(x, skips, sizes, depth, block):
    """Applies `depth` + 1 blocks per level, each to the features so far joined to one
    of `skips`; `sizes` are the (height, width) of the levels."""
    for level in reversed(range(len(sizes))):
        for index in range(depth + 1):
            x = ops.concatenate([x, skips.pop()], axis=-1)
            x = block(x, level, f"up_{level}_{index}")
        if level:
            x = enlarge(x, sizes[level - 1], f"up_{level}")
    return x


def convolution(x, channels, name, **options):
    """Applies a convolution of 3x3."""
    return layers.Conv2D(channels, 3, padding="same", name=name, **options)(x)


def enlarge(x, size, name):
    """Enlarges `[B, H, W, C]` by 2, each pixel to a square of four, cuts it to `size` =
    (height, width), and applies a convolution of 3x3."""
    channels = x.shape[-1]
    if tuple(size) == (2 * x.shape[1], 2 * x.shape[2]):
        options = {"padding": "same", "enlarge": True, "name": name}
        return fast.Conv2D(channels, 3, **options)(x)
    x = crop(ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2), size)
    return convolution(x, channels, name)


def embed_time(times, units):
    """Returns features `[B, units]` of times `[B]`: sines and cosines of wavelengths
    from 2 pi to 20,000 pi, then two dense layers.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5, as Ho et al. use it.
    """
    half = max(units // 8, 2)
    frequencies = np.exp(-math.log(10_000) * np.arange(half) / (half - 1))
    angles = ops.expand_dims(times, -1) * frequencies.astype("float32")
    x = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
    x = layers.Dense(units, activation="silu", name="time_0")(x)
    return layers.Dense(units, name="time_1")(x)


def residual_block(x, embedding, channels, dropout, name):
    """Applies two convolutions, between which the `embedding` of the time is added, and
    adds their result to the input."""
    h = normalize(x, f"{name}_norm_0", "silu")
    h = convolution(h, channels, f"{name}_conv_0")
    shift = layers.Dense(channels, name=f"{name}_time")(embedding)
    h = h + ops.reshape(shift, (-1, 1, 1, channels))
    h = normalize(h, f"{name}_norm_1", "silu")
    h = conv.dropout(h, dropout, name=f"{name}_dropout") if dropout else h
    h = convolution(h, channels, f"{name}_conv_1", kernel_initializer=SMALL)
    if x.shape[-1] != channels:  # a convolution of 1x1
        x = layers.Dense(channels, name=f"{name}_shortcut")(x)
    return x + h


def look_about(x, context, name):
    """Applies self-attention, then attention to a `context`, if there is one."""
    x = attend(x, f"{name}_attention")
    return x if context is None else context.look(x, f"{name}_look")


def attend(x, name):
    """Applies self-attention of one head over all positions, and adds the result to the
    input.

    The projections to queries, keys and values have no biases; a bias of the keys would
    have no effect at all.
    """
    height, width, channels = x.shape[1:]
    h = ops.reshape(normalize(x, f"{name}_norm"), (-1, height * width, channels))
    h = layers.Dense(3 * channels, use_bias=False, name=f"{name}_in")(h)
    query, key, value = ops.split(h, 3, axis=-1)
    scores = ops.matmul(query, ops.transpose(key, (0, 2, 1))) / math.sqrt(channels)
    scores = ops.softmax(ops.cast(scores, "float32"), axis=-1)
    h = ops.matmul(ops.cast(scores, value.dtype), value)
    h = layers.Dense(channels, kernel_initializer=SMALL, name=f"{name}_out")(h)
    return x + ops.reshape(h, (-1, height, width, channels))


def normalize(x, name, activation=None):
    """Normalises over groups of at least four channels, at most 32 groups; "silu"
    activates (Ramachandran et al. 2017, arXiv:1710.05941)."""
    channels = x.shape[-1]
    most = min(32, max(channels // 4, 1))
    groups = max(g for g in range(1, most + 1) if channels % g == 0)
    options = {"epsilon": 1e-6, "activation": activation, "name": name}
    return fast.GroupNormalization(groups, **options)(x)


def crop(x, size):
    """Cuts the bottom and right of `[B, H, W, C]` down to `size` = (H, W)."""
    return x if tuple(x.shape[1:3]) == tuple(size) else x[:, : size[0], : size[1]]


def fold(x, patch):
    """Reshapes `[B, H, W, C]` to `[B, H / patch, W / patch, patch^2 C]`: sizes are
    rounded up, with zeros at the bottom and right."""
    if patch == 1:
        return x
    height, width, channels = x.shape[1:]
    bottom, right = -height % patch, -width % patch
    x = ops.pad(x, [[0, 0], [0, bottom], [0, right], [0, 0]])
    rows, columns = (height + bottom) // patch, (width + right) // patch
    x = ops.reshape(x, (-1, rows, patch, columns, patch, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows, columns, patch * patch * channels))


def unfold(x, patch):
    """Reshapes `[B, h, w, patch^2 C]` to `[B, patch h, patch w, C]`."""
    if patch == 1:
        return x
    rows, columns, channels = x.shape[1:]
    channels //= patch**2
    x = ops.reshape(x, (-1, rows, columns, patch, patch, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows * patch, columns * patch, channels))
