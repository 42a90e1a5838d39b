"""The networks of StyleGAN2: mapping, synthesis and discriminator.

A style scales the channels of a layer's input. The result is divided by the deviation
that it would have if that input were white noise. Both are factors of activations, not
of kernels, so that no backend needs a convolution for each image.

Karras et al. 2019, "Analyzing and Improving the Image Quality of StyleGAN",
arXiv:1912.04958; Karras et al. 2018, arXiv:1812.04948.
"""

import math
import numbers

import keras
import numpy as np
from keras import layers, ops

from zoo.networks import filters

GROUP = 4  # images whose deviation the discriminator sees, the paper's number


def level_sizes(image_shape):
    """Returns the (height, width) of each level, the image's first, halved and rounded
    up as long as the shorter side has 8 pixels: the lowest one has 4 to 7."""
    sizes = [tuple(image_shape[:2])]
    while min(sizes[-1]) >= 8:
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


def level_widths(levels, width, max_width):
    """Returns the channels of each level, the image's first: doubled, up to a limit."""
    return [min(width * 2**level, max_width) for level in range(levels)]


def noise_sizes(image_shape):
    """Returns how many numbers of noise each level takes, the lowest level first: one a
    pixel and convolution."""
    sizes = level_sizes(image_shape)[::-1]
    return [math.prod(size) * (2 if level else 1) for level, size in enumerate(sizes)]


def mixed(w, w_other, u, share, levels):
    """Returns styles `[B, levels, D]` of w and w_other `[B, D]`: a `share` of the rows
    changes to the other one at a level from 1 on, by `u` `[B, 2]` in [0, 1)."""
    begin = 1.0 + ops.floor(u[:, 1] * (levels - 1))
    begin = ops.where(u[:, 0] < share, begin, float(levels))
    is_first = ops.arange(levels, dtype="float32")[None] < begin[:, None]
    return ops.where(is_first[..., None], w[:, None], w_other[:, None])


def require_truncation(truncation):
    """Raises ValueError unless `truncation` is a number in [0, 1]."""
    if not (isinstance(truncation, numbers.Real) and 0 <= float(truncation) <= 1):
        raise ValueError(
            "truncation is a number in [0, 1]: 1 leaves styles as they are, 0 makes "
            f"the mean of all. Received: {truncation!r}."
        )


def require_pairs(coarse, fine):
    """Raises ValueError unless there are as many fine seeds as coarse ones."""
    if len(coarse) != len(fine):
        raise ValueError(
            "There is one fine seed for each coarse one. "
            f"Received: {len(coarse)} and {len(fine)} seeds."
        )


def checked_styles(w, levels, size):
    """Returns styles as float32 `[N, levels, size]`; ValueError unless of that
    shape."""
    w = np.asarray(w, "float32")
    if w.shape[1:] != (levels, size):
        raise ValueError(
            f"Styles are [N, {levels}, {size}]. Received: shape {list(w.shape)}."
        )
    return w


class _Equalized(layers.Layer):
    """Base of layers whose kernel begins as N(0, 1) and is divided by the root of its
    inputs at run time, so that a step of Adam moves all layers alike."""

    def add_kernel(self, shape):
        self.scale = 1.0 / math.sqrt(math.prod(shape[:-1]))
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel = self.add_weight(shape=shape, initializer=normal, name="kernel")

    def add_bias(self, count, value=0.0):
        start = keras.initializers.Constant(value)
        self.bias = self.add_weight(shape=(count,), initializer=start, name="bias")

    def scaled(self):
        return self.kernel * ops.cast(self.scale, self.compute_dtype)


def leaky(x):
    """Returns a leaky rectifier of `x`, which keeps the mean square of white noise."""
    return ops.leaky_relu(x, 0.2) * math.sqrt(2.0)


@keras.saving.register_keras_serializable("zoo")
class EqualizedDense(_Equalized):
    """A dense layer `[B, N]` -> `[B, units]`, with a leaky rectifier if `activate`."""

    def __init__(self, units, activate=False, bias=0.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.activate, self.start = units, activate, bias

    def build(self, input_shape):
        self.add_kernel((input_shape[-1], self.units))
        self.add_bias(self.units, self.start)

    def call(self, inputs):
        x = ops.matmul(inputs, self.scaled()) + self.bias
        return leaky(x) if self.activate else x

    def get_config(self):
        own = {"units": self.units, "activate": self.activate, "bias": self.start}
        return super().get_config() | own


@keras.saving.register_keras_serializable("zoo")
class EqualizedConv(_Equalized):
    """A convolution `[B, H, W, C]` -> `[B, h, w, channels]`.

    Args:
        halve: Whether to halve the sides: smoothed, then with a stride of 2.
        activate: Whether a bias and a leaky rectifier follow.
    """

    def __init__(self, channels, kernel_size, halve=False, activate=True, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.kernel_size = channels, kernel_size
        self.halve, self.activate = halve, activate

    def build(self, input_shape):
        self.add_kernel((*2 * (self.kernel_size,), input_shape[-1], self.channels))
        if self.activate:
            self.add_bias(self.channels)

    def call(self, inputs):
        if self.halve:
            x = ops.conv(filters.smooth(inputs, 2), self.scaled(), 2, "valid")
        else:
            x = ops.conv(inputs, self.scaled(), 1, "same")
        return leaky(x + self.bias) if self.activate else x

    def get_config(self):
        names = ("channels", "kernel_size", "halve", "activate")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("zoo")
class StyledConv(_Equalized):
    """A convolution `[B, H, W, C]` -> `[B, h, w, channels]` whose input channels are
    scaled by a style `[B, C]`, and whose outputs are divided by the norm of the kernel
    that this makes for each image.

    Args:
        double: Whether to double the sides: a transposed convolution, then smoothed.
        kernel_size: Sides of the kernel.
        demodulate: Whether to divide by the norm.
    """

    def __init__(
        self, channels, kernel_size=3, double=False, demodulate=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.channels, self.kernel_size = channels, kernel_size
        self.double, self.demodulate = double, demodulate

    def build(self, input_shape):
        channels = input_shape[0][-1]
        self.add_kernel((*2 * (self.kernel_size,), channels, self.channels))

    def call(self, inputs):
        x, style = inputs
        style = ops.cast(style, self.compute_dtype)
        kernel = self.scaled()
        x = x * style[:, None, None]
        if self.double:  # Keras has the output's channels before the input's here
            kernel_t = ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2))
            x = ops.conv_transpose(x, kernel_t, 2, "valid")
            x = 4.0 * filters.smooth(x, 1)
        else:
            x = ops.conv(x, kernel, 1, "same")
        if not self.demodulate:
            return x
        squares = ops.sum(ops.square(ops.cast(kernel, "float32")), axis=(0, 1))
        norms = ops.matmul(ops.square(ops.cast(style, "float32")), squares)
        factor = ops.rsqrt(norms + 1e-8)[:, None, None]
        return x * ops.cast(factor, x.dtype)

    def get_config(self):
        names = ("channels", "kernel_size", "double", "demodulate")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("zoo")
class NoiseBias(layers.Layer):
    """Adds noise `[B, H W]`, times a learned number that begins at 0, and a bias a
    channel to `[B, H, W, C]`; a leaky rectifier if `activate`. Without noise, the bias
    alone."""

    def __init__(self, activate=True, **kwargs):
        super().__init__(**kwargs)
        self.activate = activate

    def build(self, input_shape):
        self.has_noise = isinstance(input_shape[0], tuple | list)
        channels = (input_shape[0] if self.has_noise else input_shape)[-1]
        self.bias = self.add_weight(shape=(channels,), initializer="zeros", name="bias")
        if self.has_noise:
            self.strength = self.add_weight(initializer="zeros", name="strength")

    def call(self, inputs):
        x = inputs[0] if self.has_noise else inputs
        if self.has_noise:
            noise = ops.reshape(inputs[1], (-1, *x.shape[1:3], 1))
            x = x + self.strength * ops.cast(noise, x.dtype)
        x = x + self.bias
        return leaky(x) if self.activate else x

    def get_config(self):
        return super().get_config() | {"activate": self.activate}


@keras.saving.register_keras_serializable("zoo")
class Constant(layers.Layer):
    """A learned `[H, W, C]`, as many times as `inputs` `[B, ...]` has rows."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def build(self, input_shape):
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.value = self.add_weight(shape=self.shape, initializer=normal, name="value")

    def call(self, inputs):
        rows = ops.zeros_like(inputs[:, :1, None, None])
        return self.value[None] + ops.cast(rows, self.compute_dtype)

    def get_config(self):
        return super().get_config() | {"shape": self.shape}


@keras.saving.register_keras_serializable("zoo")
class MinibatchDeviation(layers.Layer):
    """Appends a channel to `[B, H, W, C]`: the standard deviation of a group's images,
    mean over all but the images.

    A group is 4 consecutive rows, so that it is the same in a batch and in parts of it
    of a multiple of 4 rows. Rows beyond the last whole group get the root of 1e-8, what
    a group of equal images has.
    """

    def call(self, inputs):
        rows, *shape = ops.shape(inputs)
        groups = rows // GROUP
        whole = ops.cast(inputs[: groups * GROUP], "float32")
        whole = ops.reshape(whole, (groups, GROUP, *shape))
        deviation = ops.sqrt(
            ops.mean(ops.square(whole - ops.mean(whole, axis=1, keepdims=True)), axis=1)
            + 1e-8
        )
        of_group = ops.mean(deviation, axis=(1, 2, 3), keepdims=True)
        of_row = ops.repeat(of_group, GROUP, axis=0)
        rest = 0.0 * ops.cast(inputs[groups * GROUP :, :1, :1, :1], "float32") + 1e-4
        channel = ops.concatenate([of_row, rest], axis=0)
        channel = ops.broadcast_to(channel, (rows, *shape[:2], 1))
        return ops.concatenate([inputs, ops.cast(channel, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)


@keras.saving.register_keras_serializable("zoo")
class Double(layers.Layer):
    """Doubles the sides of `[B, H, W, C]` by the filter [1, 3, 3, 1]."""

    def call(self, inputs):
        return filters.double(inputs)


@keras.saving.register_keras_serializable("zoo")
class Halve(layers.Layer):
    """Halves the sides of `[B, H, W, C]`, which are even, by the filter
    [1, 3, 3, 1]."""

    def call(self, inputs):
        return filters.halve(inputs)
