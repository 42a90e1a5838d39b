"""What a signature's inputs are, and how a graph checks them.

A server runs a graph on whatever a request holds. So the checks are part of the graph,
and a wrong request is answered by an error status with a sentence, not by an image.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from zoo import inputs
from zoo.inputs import pixels


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a signature.

    Attributes:
        dtype: Name of its dtype; "string" is an image as a PNG or JPEG file.
        shape: Of a row; of an encoded image, the (H, W, C) that the file holds.
        least, most: Its bounds, both allowed; None is none.
        slack: How far beyond them a value may lie, by rounding.
        usual: A value within them, for examples.
    """

    dtype: str
    shape: tuple = ()
    least: int | None = None
    most: int | None = None
    slack: float = 0.0
    usual: float = 0.0

    def spec(self, name=None):
        """Returns the `tf.TensorSpec` of any number of rows."""
        rows = () if self.dtype == "string" else self.shape
        return tf.TensorSpec((None, *rows), self.dtype, name)

    def example(self, rows=1):
        """Returns a NumPy array of `rows` rows that a graph accepts."""
        if self.dtype != "string":
            return np.full((rows, *self.shape), self.usual, self.dtype)
        file = pixels.png(np.zeros(self.shape, "uint8"))
        return np.array([file] * rows, object)

    def __str__(self):
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
    encoded files decoded.

    Raises: InvalidArgumentError: when the graph runs; a server makes it status 400. It
        names the signature, what it takes and what it was given.
    """
    must = f"{signature} takes {name} as {takes}."
    # The optimizer of graphs believes the shape that the signature declares, and would
    # drop a check of it; but servers feed any shape.
    value = tf.raw_ops.PlaceholderWithDefault(input=value, shape=tf.TensorShape(None))
    spec = takes.spec()
    with tf.control_dependencies([_require_shape(value, spec.shape, must)]):
        value = tf.ensure_shape(tf.identity(value), spec.shape)
    if takes.dtype == "string":
        return decode(value, takes.shape, must, name=signature)
    wrong = _outside(value, takes)
    if wrong is None:
        return value
    first = tf.boolean_mask(value, wrong)[:1]
    first = tf.as_string(first, shortest=value.dtype.is_floating)
    with tf.control_dependencies([_require(~tf.reduce_any(wrong), must, first)]):
        return tf.identity(value)


def same_rows(values, signature):
    """Returns the tensors of `values` {name: `[N, ...]`}, if all have the same N."""
    if len(values) == 1:
        return values
    rows = tf.stack([tf.shape(value)[0] for value in values.values()])
    must = f"{signature} takes as many rows of each of {', '.join(values)}."
    is_same = tf.reduce_all(tf.equal(rows, rows[0]))
    with tf.control_dependencies([_require(is_same, must, tf.as_string(rows))]):
        return {name: tf.identity(value) for name, value in values.items()}


def _require(condition, must, received):
    """Returns the op that fails with `must` and the strings `received` `[K]` unless the
    `condition` holds."""
    received = tf.strings.reduce_join(received, separator=", ")
    message = tf.strings.join([must, " Received: ", received, "."])
    return tf.debugging.Assert(condition, [message])


def _require_shape(value, expected, must):
    """The op that fails unless `value` has the shape `[N, ...]` `expected`."""
    shape, rank = tf.shape(value), expected.rank
    # Shapes of different ranks can be compared by their ends; tf.rank believes, too.
    ended = tf.pad(shape, [[0, rank + 1]], constant_values=-1)
    row = tf.constant([*expected.as_list()[1:], -1])
    is_equal = tf.reduce_all(tf.equal(ended[1 : rank + 1], row)) & (ended[0] >= 0)
    received = tf.strings.join(
        ["shape [", tf.strings.reduce_join(tf.as_string(shape), separator=", "), "]"]
    )
    return _require(is_equal, must, received[None])


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


# --- files ----------------------------------------------------------------------------


def decode(files, shape, must, name):
    """Returns the images uint8 `[N, H, W, C]` of PNG or JPEG `files` `[N]`, all of
    `shape` (H, W, C); `name` is that of the loop, which the kernels' errors tell."""
    return tf.map_fn(
        lambda file: _decode_one(file, shape, must),
        files,
        fn_output_signature=tf.TensorSpec(shape, tf.uint8),
        name=name,
    )


def _decode_one(file, shape, must):
    # Zeros, so that a file of few bytes has a beginning and an end as well.
    padded = tf.strings.join(["\0" * 32, file])
    start = tf.strings.substr(tf.strings.join([file, "\0" * 32]), 0, 32)
    is_png = tf.equal(tf.strings.substr(start, 0, 8), b"\x89PNG\r\n\x1a\n")
    is_png &= tf.equal(tf.strings.substr(padded, -8, 4), b"IEND")
    is_jpeg = tf.equal(tf.strings.substr(start, 0, 3), b"\xff\xd8\xff")
    is_jpeg &= tf.equal(tf.strings.substr(padded, -2, 2), b"\xff\xd9")
    count = tf.as_string(tf.strings.length(file))
    received = tf.strings.join(
        ["a file of ", count, " bytes, cut off or of another kind"]
    )
    with tf.control_dependencies([_require(is_png | is_jpeg, must, received[None])]):
        file = tf.identity(file)

    def png_size():  # width and height, 4 bytes each
        sizes = tf.io.decode_raw(tf.strings.substr(start, 16, 8), tf.int32, False)
        return sizes[::-1]

    # The header tells the size: a small file may hold an image that fills the memory.
    size = tf.cond(is_png, png_size, lambda: tf.image.extract_jpeg_shape(file)[:2])
    is_right = tf.reduce_all(tf.equal(size, shape[:2]))
    received = tf.strings.reduce_join(tf.as_string(size), separator="x")
    with tf.control_dependencies([_require(is_right, must, received[None])]):
        file = tf.identity(file)
    image = tf.io.decode_image(file, shape[2], expand_animations=False)
    return tf.ensure_shape(image, shape)
