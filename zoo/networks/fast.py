"""Keras' layers under their own names, computed in a faster way where there is one.

Each has the weights, the config and, but for rounding, the results of the layer that it
extends, so that weights saved with one are read by the other. The gains are of training
on two CPU cores, 28x28 pixels, batch 128.
"""

import keras
from keras import layers, ops

from zoo import backend


@keras.saving.register_keras_serializable("zoo")
class BatchNormalization(layers.BatchNormalization):
    """Keras' layer, with one kernel of the backend for the images of training.

    Keras composes it of a dozen operations, each a pass over memory: 3 to 10 %
    of a training step. Made for several replicas, it takes the statistics of the global
    batch: each replica's own would make the model another one.
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
    """Keras' layer; of several replicas, or parts of a batch, each drops by its rows of
    the mask that one would draw for the global batch, not all by the same mask."""

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
    """Keras' layer, by the backend's own kernel, or as few passes over memory.

    Keras composes it of a dozen operations, and reduces over pixels and the channels of
    a group at once, in the image's own layout: slow on a CPU.

    Args:
        activation: "silu" applies x times its sigmoid to the result, before that is
            rounded to a half type (a CPU is no faster in bfloat16 there), with
            gradients of fewer passes: a diffusion model's training step in bfloat16
            took a tenth less.
    Raises: ValueError: if the activation is another one.
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


FEW = 4  # channels of images, not of features
# CPU kernels are slow at convolutions of one or three channels: at their gradient by
# the image, and at the transposed ones, which are the same computation. So the two
# layers take an image as blocks of 2x2 pixels, half as high and wide and of four times
# as many channels: a convolution of stride 1 with the same weights in another order.
# 2.4 and 1.6 times as fast, up to a tenth of a step of the GANs and autoencoders.


@keras.saving.register_keras_serializable("zoo")
class Conv2D(layers.Conv2D):
    """Keras' layer, in blocks if applied to images.

    Of [images `[B, H, W, C]`, values `[B, K]`] it sees each value as a plane beside the
    image's channels. A plane is the same all over, so its convolution is the value
    times that of a plane of ones: K of them are convolved, whatever B is. With ten
    labels, a step of the conditional GAN was 1.09 times as fast.

    Args:
        enlarge: Whether inputs are made twice as high and wide before, each pixel four
            times; for 3x3 weights. Most weights then fall on copies of one pixel: a
            pixel of the result sees four pixels, by sums of weights. That is a
            transposed convolution of 4x4, with 16 products for each pixel and pair of
            channels in place of 36: in half of the time.
    Raises: ValueError: if it is to enlarge by weights or strides of another kind.
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
        self.input_spec = None  # Keras' allows one tensor alone

    def build(self, input_shape):
        if _is_pair(input_shape):
            (*sizes, channels), (_, planes) = input_shape
            super().build((*sizes, channels + planes))
            self.input_spec = None
        else:
            super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        if isinstance(inputs, (list, tuple)):
            images, values = inputs
            height, width, channels = images.shape[1:]
            count = values.shape[1]
            ones = ops.eye(count, dtype=values.dtype)[:, None, None]  # a plane an image
            ones = ops.tile(ones, (1, height, width, 1))
            of_ones = self.convolution_op(ones, kernel[:, :, channels:])
            of_planes = ops.matmul(values, ops.reshape(of_ones, (count, -1)))
            of_images = self.convolution_op(images, kernel[:, :, :channels])
            return of_images + ops.reshape(of_planes, (-1, *of_ones.shape[1:]))
        if self.enlarge:
            kernel = ops.pad(kernel, [[1, 1], [1, 1], [0, 0], [0, 0]])
            kernel = kernel[1:] + kernel[:-1]
            kernel = kernel[:, 1:] + kernel[:, :-1]
            kernel = ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2))
            return ops.conv_transpose(inputs, kernel, 2, padding="same")
        height, width, channels = inputs.shape[1:]
        if not _in_blocks(self, channels) or height % 2 or width % 2:
            return super().convolution_op(inputs, kernel)
        x = ops.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        height, width = height // 2 + 1, width // 2 + 1
        x = ops.reshape(x, (-1, height, 2, width, 2, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, height, width, 4 * channels))
        return ops.conv(x, _block_kernel(kernel), padding="valid")

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
    """Keras' layer, in blocks if it makes images."""

    def call(self, inputs):
        if not _in_blocks(self, self.filters):
            return super().call(inputs)
        x = ops.conv_transpose(inputs, _block_kernel(self.kernel), 1, padding="valid")
        height, width = x.shape[1:3]
        x = ops.reshape(x, (-1, height, width, 2, 2, self.filters))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, 2 * height, 2 * width, self.filters))
        x = x[:, 1:-1, 1:-1]
        return self.activation(x + self.bias if self.use_bias else x)


def _is_pair(input_shape):
    """Whether it is of two tensors."""
    return isinstance(input_shape[0], (list, tuple))


def _in_blocks(layer, channels):
    """Whether the layer is of the kind that is done in blocks."""
    kind = (layer.kernel_size, layer.strides, layer.padding, layer.data_format)
    kind += (layer.dilation_rate,)
    blocks = ((4, 4), (2, 2), "same", "channels_last", (1, 1))
    return channels <= FEW and kind == blocks


def _block_kernel(kernel):
    """`[4, 4, channels, filters]` of pixels -> `[2, 2, 4 channels, filters]` of
    blocks."""
    channels, filters = kernel.shape[2:]
    kernel = ops.reshape(kernel, (2, 2, 2, 2, channels, filters))
    kernel = ops.transpose(kernel, (0, 2, 1, 3, 4, 5))
    return ops.reshape(kernel, (2, 2, 4 * channels, filters))
