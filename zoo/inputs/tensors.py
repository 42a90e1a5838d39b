"""What annotations call the values that no type of one library describes."""

from typing import Any, TypeAlias

# TensorFlow's, JAX' and PyTorch's tensors have no type in common, and Keras declares
# none: a name says what is meant.
Tensor: TypeAlias = Any
# A value, a tuple in the order of a model's `takes`, or a dict by field.
Batch: TypeAlias = Any
# What Keras' `fit` takes: arrays, a `tf.data` set or a `keras.utils.PyDataset`.
Data: TypeAlias = Any
# ({network: scalar loss}, {term: scalar or [B]}): what an objective returns.
Losses: TypeAlias = tuple[dict[str, Tensor], dict[str, Tensor]]
