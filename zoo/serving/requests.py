"""What a request to a signature holds, and how a graph checks it.

A server runs a graph on whatever a request holds. So the checks are part of the graph,
and a wrong request is answered by an error status with a sentence, not by an image.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from zoo import inputs
from zoo.inputs import pictures, pixels, words
from zoo.serving import conditions, files, texts


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a signature.

    Attributes:
        dtype: Name of its dtype; "string" is an image as a PNG or JPEG file, or with
            a `tokenizer` a text.
        shape: Of a row; of an encoded image, the (H, W, C) that the file holds.
        least, most: Its bounds, both allowed; None is none.
        slack: How far beyond them a value may lie, by rounding.
        usual: A value within them, for examples.
        rules: By which an encoded image is read, `pictures.Rules`.
        tokenizer: `words.Tokenizer` that makes tokens of a text.
    """

    dtype: str
    shape: tuple = ()
    least: int | None = None
    most: int | None = None
    slack: float = 0.0
    usual: float = 0.0
    rules: pictures.Rules | None = None
    tokenizer: words.Tokenizer | None = None

    def spec(self, name=None):
        """Returns the `tf.TensorSpec` of any number of rows."""
        rows = () if self.dtype == "string" else self.shape
        return tf.TensorSpec((None, *rows), self.dtype, name)

    def example(self, rows=1):
        """Returns a NumPy array of `rows` rows that a graph accepts."""
        if self.dtype != "string":
            return np.full((rows, *self.shape), self.usual, self.dtype)
        if self.tokenizer is not None:
            return np.array([b"a"] * rows, object)
        file = pixels.png(np.zeros(self.shape, "uint8"))
        return np.array([file] * rows, object)

    def __str__(self):
        if self.tokenizer is not None:
            return "string [N], texts in UTF-8"
        size = [str(n) for n in self.shape]
        if self.dtype == "string":
            return f"string [N], complete PNG or JPEG files of {'x'.join(size)}"
        text = f"{self.dtype} [{', '.join(['N', *size])}]"
        if self.most is not None:
            return f"{text} in [{self.least}, {self.most}]"
        return text if self.least is None else f"{text} from {self.least}"


def floats(shape):
    """Float images of (H, W, C)."""
    return Input("float32", tuple(shape), -1, 1, slack=inputs.SLACK)


def checked(value, name, takes, signature):
    """Returns the tensor `value` if it is what the `Input` `takes` says, images of
    encoded files decoded, and tokens of texts.

    Raises: InvalidArgumentError: when the graph runs; a server makes it status 400. It
        names the signature, what it takes and what it received.
    """
    must = f"{signature} takes {name} as {takes}."
    # TensorFlow's optimizer of graphs relies on the shape that the signature declares,
    # and would drop a check of it. But a server feeds any shape.
    value = tf.raw_ops.PlaceholderWithDefault(input=value, shape=tf.TensorShape(None))
    spec = takes.spec()
    with tf.control_dependencies([_require_shape(value, spec.shape, must)]):
        value = tf.ensure_shape(tf.identity(value), spec.shape)
    if takes.tokenizer is not None:
        return texts.tokens(value, takes.tokenizer, must)
    if takes.dtype == "string":
        return files.decode(value, takes.rules, must, name=signature)
    wrong = _outside(value, takes)
    if wrong is None:
        return value
    first = tf.boolean_mask(value, wrong)[:1]
    first = tf.as_string(first, shortest=value.dtype.is_floating)
    with tf.control_dependencies(
        [conditions.require(~tf.reduce_any(wrong), must, first)]
    ):
        return tf.identity(value)


def same_rows(values, signature):
    """Returns the tensors of `values` {name: `[N, ...]`}, if all have the same N."""
    if len(values) == 1:
        return values
    rows = tf.stack([tf.shape(value)[0] for value in values.values()])
    must = f"{signature} takes as many rows of each of {', '.join(values)}."
    is_same = tf.reduce_all(tf.equal(rows, rows[0]))
    with tf.control_dependencies(
        [conditions.require(is_same, must, tf.as_string(rows))]
    ):
        return {name: tf.identity(value) for name, value in values.items()}


def _require_shape(value, expected, must):
    """The op that fails unless `value` has the shape `[N, ...]` `expected`."""
    shape, rank = tf.shape(value), expected.rank
    # Padded shapes can be compared whatever their ranks; tf.rank would rely on the
    # declared shape, too.
    ended = tf.pad(shape, [[0, rank + 1]], constant_values=-1)
    row = tf.constant([*expected.as_list()[1:], -1])
    is_equal = tf.reduce_all(tf.equal(ended[1 : rank + 1], row)) & (ended[0] >= 0)
    received = tf.strings.join(
        ["shape [", tf.strings.reduce_join(tf.as_string(shape), separator=", "), "]"]
    )
    return conditions.require(is_equal, must, received[None])


def _outside(value, takes):
    """Returns which of `value` are NaN, infinite or out of bounds; None if none can
    be."""
    wrong = []
    if value.dtype.is_floating:
        wrong.append(~tf.math.is_finite(value))
    if takes.least is not None:
        wrong.append(value < tf.cast(takes.least - takes.slack, value.dtype))
    if takes.most is not None:
        wrong.append(value > tf.cast(takes.most + takes.slack, value.dtype))
    return tf.reduce_any(tf.stack(wrong), axis=0) if wrong else None
