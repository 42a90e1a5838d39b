"""Spectral normalisation: a layer whose largest singular value is 1."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("zoo")
class SpectralNormalization(layers.Wrapper):
    """Divides a linear layer's result by the largest singular value of its kernel.

    The kernel `[..., filters]` is read as a matrix of `filters` columns. Each call in
    training makes one step of power iteration, which tracks the largest singular value,
    and the gradient passes through that value. (Keras' layer of the same name
    overwrites the kernel instead, so no gradient passes through the norm.) The bias
    belongs to this layer, not to the wrapped one.

    Source: Miyato et al. 2018, arXiv:1802.05957, section 2.1 and Algorithm 1.
    """

    def __init__(self, layer, **kwargs):
        if getattr(layer, "use_bias", False):
            raise ValueError(
                "Spectral normalisation brings the bias: wrap a layer with "
                f"use_bias=False. Received: {layer.name}."
            )
        super().__init__(layer, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        filters = self.layer.kernel.shape[-1]
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")
        self.vector = self.add_weight(
            shape=(filters,),
            initializer="random_normal",
            trainable=False,
            aggregation="mean",
            name="vector",
        )

    @property
    def copied_variables(self):
        """What `zoo.core.averages` copies: an average of directions is no direction of
        the kernel."""
        return [self.vector]

    def call(self, inputs, training=False):
        outputs = self.layer(inputs) / ops.cast(self.norm(training), self.compute_dtype)
        return outputs + ops.cast(self.bias, self.compute_dtype)

    def norm(self, training=False):
        """Returns the largest singular value, after one more step of the iteration."""
        kernel = self.layer.kernel
        matrix = ops.reshape(ops.cast(kernel, "float32"), (-1, kernel.shape[-1]))
        still = ops.stop_gradient(matrix)
        left = _unit(ops.matmul(still, ops.cast(self.vector, "float32")))
        right = _unit(ops.matmul(left, still))
        if training:
            self.vector.assign(ops.cast(right, self.vector.dtype))
        return ops.sum(ops.matmul(left, matrix) * right)


def _unit(vector):
    return vector / (ops.norm(vector) + 1e-12)
