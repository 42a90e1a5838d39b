"""How a picture must be turned, read from its file within a graph.

A camera that was held on its side says so in the file's EXIF, or else in its XMP. The
orientation is a number from 1 to 8: 1 is upright, 5 to 8 swap width and height.
"""

import tensorflow as tf

_ORIENTATION = 0x0112  # EXIF's tag
_SHORT, _LONG = 3, 4  # types of its value, of 2 and 4 bytes
_XMP = "tiff:Orientation"


def orientation(file, is_png):
    """Returns the orientation of a PNG or JPEG file, int32 from 1 to 8; 1 if the file
    has none."""
    exif = behind(file, tf.where(is_png, b"eXIf", b"Exif\0\0"))
    value = _of_exif(exif)
    value = tf.cond(value > 0, lambda: value, lambda: _of_xmp(behind(file, _XMP)))
    return tf.where((value >= 1) & (value <= 8), value, 1)


def upright(image, orientation):
    """Returns an image `[H, W, C]`, turned by its file's orientation."""

    def turned():
        sides = tf.cond(
            orientation >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image
        )
        is_mirrored = tf.reduce_any(orientation == [2, 3, 6, 7])
        is_upside_down = tf.reduce_any(orientation == [3, 4, 7, 8])
        sides = tf.cond(is_mirrored, lambda: tf.reverse(sides, [1]), lambda: sides)
        return tf.cond(is_upside_down, lambda: tf.reverse(sides, [0]), lambda: sides)

    return tf.cond(orientation > 1, turned, lambda: image)


def behind(file, mark):
    """Returns the bytes of a file behind the first `mark`; none without the mark."""
    return tf.strings.reduce_join(tf.strings.split(file, mark, maxsplit=1)[1:])


def _of_exif(exif):
    """Returns the value of the tag, 0 if there is none. EXIF has the form of a TIFF
    file, and the tag is an entry of its first directory."""
    padded = tf.strings.join([exif, "\0" * 16])
    is_little = tf.equal(tf.strings.substr(exif, 0, 4), b"II*\0")
    is_exif = is_little | tf.equal(tf.strings.substr(exif, 0, 4), b"MM\0*")

    def value():
        start = _numbers(tf.strings.substr(padded, 4, 4), tf.int32, is_little)[0]
        is_inside = (start >= 0) & (start < tf.strings.length(exif))
        start = tf.where(is_inside, start, 0)
        count = _numbers(tf.strings.substr(padded, start, 2), tf.uint16, is_little)[0]
        entries = tf.strings.substr(padded, start + 2, 12 * count)
        entries = tf.strings.substr(entries, 0, tf.strings.length(entries) // 12 * 12)
        # An entry is a tag, a type, a count of 4 bytes and a value of up to 4.
        entry = tf.reshape(_numbers(entries, tf.uint16, is_little), (-1, 6))
        long = tf.where(is_little, entry[:, 4], entry[:, 5])
        values = tf.where(entry[:, 1] == _SHORT, entry[:, 4], long)
        is_number = (entry[:, 1] == _SHORT) | (entry[:, 1] == _LONG)
        is_right = (entry[:, 0] == _ORIENTATION) & is_number & is_inside
        return tf.reduce_sum(tf.boolean_mask(values, is_right)[:1])

    return tf.cond(is_exif, value, lambda: 0)


def _of_xmp(xmp):
    """Returns the digit of `="6"` or `>6` at the beginning, 0 if there is none."""
    start = tf.strings.substr(tf.strings.join([xmp, "\0" * 3]), 0, 3)
    skipped = tf.where(tf.equal(tf.strings.substr(start, 0, 2), b'="'), 2, 1)
    has_value = (skipped == 2) | tf.equal(tf.strings.substr(start, 0, 1), b">")
    digit = tf.io.decode_raw(tf.strings.substr(start, skipped, 1), tf.uint8)[0]
    return tf.where(has_value, tf.cast(digit, tf.int32) - ord("0"), 0)


def _numbers(text, dtype, is_little):
    """Returns bytes as int32 numbers, the lowest byte of each first or last."""
    ends = [tf.io.decode_raw(text, dtype, little_endian=end) for end in (True, False)]
    return tf.cast(tf.where(is_little, *ends), tf.int32)
