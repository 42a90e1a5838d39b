"""Images that come as PNG or JPEG files, decoded within a graph.

The images are those of `zoo.inputs.pictures.read`, to the last pixel; tests compare
them. A small file may hold an image that fills the memory. So its size is read from
the header and checked before the image is decoded, and the header has to stand where
the decoder looks for it.
"""

import tensorflow as tf
from PIL import ImageColor

from zoo.serving import conditions, exif

# A PNG file begins with these bytes and then its header: 13 bytes called IHDR. The
# decoder would skip over other parts before it, whatever sizes they pretend.
PNG_START = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR"
_GREY, _RGB, _WITH_ALPHA = 0, 2, 4  # kinds of PNG files; with alpha are 4 and 6
# A file without any of this is upright, opaque and of 8 bits or fewer. Such files are
# decoded several times faster. A PNG has its bits and its kind at bytes 24 and 25.
_SPECIAL = (
    r"\C*(Exif\x00\x00|eXIf|tiff:Orientation|tRNS)\C*|"
    r"\CPNG\C{20}(\x10\C|\C[\x04-\x06])\C*"
)


def decode(files, rules, must, name):
    """Returns the images uint8 `[N, H, W, C]` of PNG or JPEG `files` `[N]`, all of the
    size that the `pictures.Rules` tell.

    Args:
        must: What a request has to hold, the sentence of its errors.
        name: Of the loop over the files, which TensorFlow's own errors tell.
    """
    shape = (*rules.image_size, rules.channels)

    def images(decode_one):
        return tf.map_fn(
            lambda file: tf.ensure_shape(decode_one(file, rules, must), shape),
            files,
            fn_output_signature=tf.TensorSpec(shape, tf.uint8),
            name=name,
        )

    is_special = tf.reduce_any(tf.strings.regex_full_match(files, _SPECIAL))
    return tf.cond(is_special, lambda: images(_special), lambda: images(_plain))


def _plain(file, rules, must):
    """Returns the image of a file that is upright and opaque, with 8 bits or fewer."""
    file, is_png = _whole(file, must)
    file = _sized(file, is_png, tf.constant(1), rules, must)
    return _image(tf.cond(is_png, lambda: _opaque(file), lambda: _jpeg(file)), rules)


def _special(file, rules, must):
    """Returns the image of any file."""
    file, is_png = _whole(file, must)
    orientation = exif.orientation(file, is_png)
    file = _sized(file, is_png, orientation, rules, must)
    colours = tf.cond(is_png, lambda: _png(file, rules), lambda: _jpeg(file))
    return exif.upright(_image(colours, rules), orientation)


def _sized(file, is_png, orientation, rules, must):
    """Returns the file, if its picture, once it is turned, has the right size."""
    # Width and height, 4 bytes each, follow the start of a PNG file.
    size = tf.cond(
        is_png,
        lambda: _numbers(tf.strings.substr(file, len(PNG_START), 8))[::-1],
        lambda: tf.image.extract_jpeg_shape(file)[:2],
    )
    size = tf.where(orientation >= 5, size[::-1], size)
    is_right = tf.reduce_all(tf.equal(size, rules.image_size))
    received = tf.strings.reduce_join(tf.as_string(size), separator="x")
    with tf.control_dependencies([conditions.require(is_right, must, received[None])]):
        return tf.identity(file)


def _image(colours, rules):
    """Returns RGB int32 `[H, W, 3]` as the image uint8 `[H, W, C]`."""
    return tf.cast(_grey(colours) if rules.channels == 1 else colours, tf.uint8)


def _opaque(file):
    """Returns the pixels int32 `[H, W, 3]` of a PNG file without transparency."""
    return tf.cast(tf.io.decode_png(file, 3), tf.int32)


def _png(file, rules):
    """Returns a PNG file's pixels int32 `[H, W, 3]`, laid on the background."""
    depth, kind = (tf.strings.substr(file, place, 1) for place in (24, 25))
    depth, kind = (tf.io.decode_raw(byte, tf.uint8)[0] for byte in (depth, kind))
    transparency = exif.behind(file, b"tRNS")
    is_opaque = (kind < _WITH_ALPHA) & tf.equal(transparency, b"")
    # The decoder scales fewer bits to 16; the upper 8 are then the file's own value.
    values = tf.cast(tf.io.decode_png(file, 4, tf.uint16), tf.int32)
    shift = tf.where((depth == 16) & (kind == _GREY), rules.bits - 8, 8)
    colours = tf.minimum(tf.bitwise.right_shift(values[..., :3], shift), 255)
    alpha = tf.bitwise.right_shift(values[..., 3:], 8)
    has_key = (depth == 16) & (kind == _RGB)
    alpha = tf.cond(has_key, lambda: _by_key(colours, transparency), lambda: alpha)
    # An opaque file of fewer than 8 bits gets a wrong alpha from the decoder.
    alpha = tf.where(is_opaque, 255, alpha)
    behind = tf.constant(ImageColor.getrgb(rules.background), tf.int32)
    return _rounded(colours * alpha + behind * (255 - alpha))


def _by_key(colours, transparency):
    """Returns the alpha `[H, W, 1]` of colours of 16 bits. One of them is transparent;
    its upper 8 bits are compared, because Pillow reads no others."""
    key = tf.strings.substr(tf.strings.join([transparency, "\0" * 6]), 0, 6)
    key = tf.cast(tf.io.decode_raw(key, tf.uint16, little_endian=False), tf.int32)
    is_clear = tf.equal(colours, tf.bitwise.right_shift(key, 8))
    return tf.where(tf.reduce_all(is_clear, -1, keepdims=True), 0, 255)


def _jpeg(file):
    """Returns a JPEG file's pixels int32 `[H, W, 3]`."""
    image = tf.io.decode_jpeg(file, 3, dct_method="INTEGER_ACCURATE")
    return tf.cast(image, tf.int32)


def _rounded(values):
    """Returns integers divided by 255 and rounded, by Pillow's arithmetic."""
    values = 128 * (values + 128)
    return tf.bitwise.right_shift(tf.bitwise.right_shift(values, 8) + values, 15)


def _grey(colours):
    """Returns RGB int32 `[H, W, 3]` as grey `[H, W, 1]`, by Pillow's weights."""
    red, green, blue = tf.split(colours, 3, axis=-1)
    weighted = 19595 * red + 38470 * green + 7471 * blue
    return tf.bitwise.right_shift(weighted + 32768, 16)


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
