"""Keras' layers under their own names, computed in a faster way where there is one.

Each has the weights, the config and, up to rounding, the results of the layer that it
extends, so weights that were saved with one can be read by the other. The gains below
were measured in training on two CPU cores, with 28x28 pixels and batches of 128.
"""

import keras
from keras import layers, ops

from zoo import backend
from zoo.networks import convolutions


@keras.saving.register_keras_serializable("zoo")
class BatchNormalization(layers.BatchNormalization):
    """Keras' layer, computed in training by one kernel of the backend.

    Keras composes it of a dozen operations. Each is a pass over memory, and together
    they take 3 to 10 % of a training step. Under several replicas the layer takes the
    statistics of the global batch: with those of each replica it would be another
    model.
    """

    def __init__(self, **options):
        options.setdefault("synchronized", backend.num_replicas() > 1)
        super().__init__(**options)

    def call(self, inputs, training=None, mask=None):
        plain = self.renorm or self.synchronized or mask is not None
        if plain or not (training and self.trainable) or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")  # as in Keras: half types would overflow
        y, mean, variance = backend.batch_norm(x, self.gamma, self.beta, self.epsilon)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return ops.cast(y, self.compute_dtype)


@keras.saving.register_keras_serializable("zoo")
class Dropout(layers.Dropout):
    """Keras' layer, with one mask for the global batch: each of several replicas, or of
    several parts of a batch, takes its own rows of that mask. In Keras all of them drop
    by the same mask."""

    def call(self, inputs, training=False):
        is_alone = backend.num_replicas() == 1 and backend.is_whole()
        if is_alone or not training or self.rate == 0:
            return super().call(inputs, training=training)
        rows, shape = ops.shape(inputs)[0], ops.shape(inputs)[1:]
        kept = backend.uniform(self.seed_generator, rows, shape) >= self.rate
        scaled = inputs * ops.cast(1.0 / (1.0 - self.rate), inputs.dtype)
        return ops.where(kept, scaled, ops.zeros_like(inputs))


@keras.saving.register_keras_serializable("zoo")
class GroupNormalization(layers.GroupNormalization):
    """Keras' layer, computed by the backend's own kernel or in few passes over memory.

    Keras composes it of a dozen operations, and reduces over pixels and the channels of
    a group at once in the image's own layout, which is slow on a CPU.

    Args:
        activation: "silu" multiplies the result by its sigmoid before it is rounded to
            a half type, because a CPU is no faster in bfloat16 there. The gradient
            needs fewer passes, too: a diffusion model's training step in bfloat16 took
            a tenth less time.
    Raises: ValueError: if the activation is neither "silu" nor None.
    """

    def __init__(self, groups=32, activation=None, **options):
        if activation not in (None, "silu"):
            raise ValueError(f'activation is None or "silu". Received: {activation!r}.')
        super().__init__(groups, **options)
        self.activation = activation

    def call(self, inputs):
        if len(inputs.shape) != 4 or self.axis not in (-1, 3):
            y = super().call(inputs)
            return ops.silu(y) if self.activation else y
        x = ops.cast(inputs, "float32")  # as in Keras: half types would overflow
        weights = self.gamma, self.beta
        y = backend.group_norm(x, *weights, self.groups, self.epsilon, self.activation)
        return ops.cast(y, self.compute_dtype)

    def get_config(self):
        activation = {"activation": self.activation} if self.activation else {}
        return super().get_config() | activation


@keras.saving.register_keras_serializable("zoo")
class Conv2D(layers.Conv2D):
    """Keras' layer, computed in the way of `zoo.networks.convolutions` that suits it.

    | applied to | computed by |
    |---|---|
    | images, with a 4x4 kernel and strides of 2 | `in_blocks` |
    | anything, with `enlarge` | `enlarging` |
    | [`[B, H, W, C]`, values `[B, K]`] | `with_planes`, around one of these ways |
    | all else | Keras |

    The class has the name of Keras' layer, because files name weights by it.

    Args:
        enlarge: Whether the input is first made twice as high and wide, each pixel a
            square of four; only for 3x3 kernels.
    Raises: ValueError: if it enlarges with another kernel size, strides or padding.
    """

    def __init__(self, filters, kernel_size, enlarge=False, **options):
        super().__init__(filters, kernel_size, **options)
        kind = (self.kernel_size, self.strides, self.padding)
        if enlarge and kind != ((3, 3), (1, 1), "same"):
            raise ValueError(
                "A convolution that enlarges has kernel_size 3, strides 1 and padding "
                f'"same". Received: {kind[0]}, {kind[1]} and "{kind[2]}".'
            )
        self.enlarge = enlarge
        self.input_spec = None  # that of Keras allows a single tensor only

    def build(self, input_shape):
        if _is_pair(input_shape):
            (*sizes, channels), (_, planes) = input_shape
            super().build((*sizes, channels + planes))
            self.input_spec = None
        else:
            super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        if isinstance(inputs, (list, tuple)):
            return convolutions.with_planes(self.convolution_op, *inputs, kernel)
        if self.enlarge:
            return convolutions.enlarging(inputs, kernel)
        height, width, channels = inputs.shape[1:]
        if _suits_blocks(self, channels) and height % 2 == 0 and width % 2 == 0:
            return convolutions.in_blocks(inputs, kernel)
        return super().convolution_op(inputs, backend.kernel(kernel))

    def compute_output_shape(self, input_shape):
        if _is_pair(input_shape):
            input_shape = input_shape[0]
        if self.enlarge:
            rows, height, width, channels = input_shape
            input_shape = rows, 2 * height, 2 * width, channels
        return super().compute_output_shape(input_shape)

    def get_config(self):
        enlarge = {"enlarge": True} if self.enlarge else {}
        return super().get_config() | enlarge


@keras.saving.register_keras_serializable("zoo")
class Conv2DTranspose(layers.Conv2DTranspose):
    """Keras' layer; where its result has the channels of images, it is computed by
    `convolutions.in_blocks_transposed`."""

    def call(self, inputs):
        if not _suits_blocks(self, self.filters):
            return super().call(inputs)
        x = convolutions.in_blocks_transposed(inputs, self.kernel)
        return self.activation(x + self.bias if self.use_bias else x)


def _is_pair(input_shape):
    """Whether these are the shapes of two tensors."""
    return isinstance(input_shape[0], (list, tuple))


def _suits_blocks(layer, channels):
    """Whether a layer is faster in blocks if its images have `channels` channels."""
    kind = (layer.kernel_size, layer.strides, layer.padding, layer.data_format)
    kind += (layer.dilation_rate,)
    blocks = ((4, 4), (2, 2), "same", "channels_last", (1, 1))
    return channels <= convolutions.FEW and kind == blocks
