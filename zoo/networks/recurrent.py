"""Networks of moving pictures: a step of a recurrent network, and a judge of clips."""

import keras
from keras import layers

from zoo.networks import conv, dcgan


def build_step(name, size, units, depth, outputs):
    """Returns the network ([B, size], 2 depth states `[B, units]`) -> (`[B, outputs]`
    in float32, the states after it): a dense layer, `depth` LSTMs, and a dense layer
    that reads their result and the input.

    Source: Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, with the
        gate that forgets of Gers et al. 2000, doi:10.1162/089976600300015015.
    """
    x = first = layers.Input((size,))
    before = [layers.Input((units,)) for _ in range(2 * depth)]
    x, after = layers.Dense(units)(x), []
    for number in range(depth):
        states = before[2 * number : 2 * number + 2]
        x, states = layers.LSTMCell(units)(x, states)
        after += states
    # So little of the input comes through the gates at first that a decoder behind them
    # learns the mean image, and stays there for long: hence the way past them.
    x = layers.Concatenate()([x, first])
    y = layers.Dense(outputs, dtype="float32")(x)
    return keras.Model([first, *before], [y, *after], name=name)


def build_clip_discriminator(clip_shape, width, name="clip_discriminator"):
    """Returns the network clips `[B, T, H, W, C]` -> float32 logits `[B, 1]`.

    At each level of the trunk a convolution over space halves height and width, then
    one over three frames mixes their times; the last one halves their number as far as
    there are two.

    Source: Tran et al. 2018, arXiv:1711.11248, section 3.5, "(2+1)D".
    """
    x = inputs = layers.Input(clip_shape)
    frame = clip_shape[1:]
    for channels in conv.level_widths(frame, width):
        over_space = layers.Conv3D(channels, (1, 4, 4), (1, 2, 2), "same")
        x = conv.activate(over_space(x), "leaky_relu")
        step = 2 if x.shape[1] > 1 else 1
        over_time = layers.Conv3D(channels, (3, 1, 1), (step, 1, 1), "same")
        x = conv.activate(over_time(x), "leaky_relu")
    return keras.Model(inputs, dcgan.score(layers.Flatten()(x), 1), name=name)
