"""Images that come as PNG or JPEG files, decoded within a graph.

A small file may hold an image that fills the memory. So its size is read from the
header and checked before the image is decoded, and the header has to stand where the
decoder looks for it.
"""

import tensorflow as tf

from zoo.serving import conditions

# A PNG file begins with these bytes and then its header: 13 bytes called IHDR. The
# decoder would skip over other parts before it, whatever sizes they pretend.
PNG_START = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR"


def decode(files, shape, must, name):
    """Returns the images uint8 `[N, H, W, C]` of PNG or JPEG `files` `[N]`, all of
    `shape` (H, W, C).

    Args:
        must: What a request has to hold, the sentence of its errors.
        name: Of the loop over the files, which TensorFlow's own errors tell.
    """
    return tf.map_fn(
        lambda file: _decode_one(file, shape, must),
        files,
        fn_output_signature=tf.TensorSpec(shape, tf.uint8),
        name=name,
    )


def _decode_one(file, shape, must):
    file, is_png = _whole(file, must)
    # Width and height, 4 bytes each, follow the start of a PNG file.
    size = tf.cond(
        is_png,
        lambda: _numbers(tf.strings.substr(file, len(PNG_START), 8))[::-1],
        lambda: tf.image.extract_jpeg_shape(file)[:2],
    )
    is_right = tf.reduce_all(tf.equal(size, shape[:2]))
    received = tf.strings.reduce_join(tf.as_string(size), separator="x")
    with tf.control_dependencies([conditions.require(is_right, must, received[None])]):
        file = tf.identity(file)
    image = tf.io.decode_image(file, shape[2], expand_animations=False)
    return tf.ensure_shape(image, shape)


def _whole(file, must):
    """Returns the file, if it begins and ends as a PNG or JPEG file does, and whether
    it is a PNG."""
    # Zeros, so that a file of few bytes has a beginning and an end as well.
    padded = tf.strings.join(["\0" * 32, file])
    start = tf.strings.substr(tf.strings.join([file, "\0" * 32]), 0, 32)
    is_png = tf.equal(tf.strings.substr(start, 0, len(PNG_START)), PNG_START)
    is_png &= tf.equal(tf.strings.substr(padded, -8, 4), b"IEND")
    is_jpeg = tf.equal(tf.strings.substr(start, 0, 3), b"\xff\xd8\xff")
    is_jpeg &= tf.equal(tf.strings.substr(padded, -2, 2), b"\xff\xd9")
    count = tf.as_string(tf.strings.length(file))
    received = tf.strings.join(
        ["a file of ", count, " bytes, cut off or of another kind"]
    )
    condition = conditions.require(is_png | is_jpeg, must, received[None])
    with tf.control_dependencies([condition]):
        return tf.identity(file), is_png


def _numbers(file):
    """Returns the int32 numbers of a file's bytes, the highest byte first."""
    return tf.io.decode_raw(file, tf.int32, little_endian=False)
