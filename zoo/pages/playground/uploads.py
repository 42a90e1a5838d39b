"""Pictures from strangers: opened within limits, cut to the size of images."""

import pathlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST = 10 * 2**20  # bytes of a file
MOST_PIXELS = 16_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # Pillow would read many more
SMALLEST = 8  # pixels a side


def read(path, image_shape, inverted=False):
    """Returns a picture file as an image uint8 `[H, W, C]` of `image_shape`: cut about
    its middle and scaled; what is transparent becomes black.

    Its size is read before its pixels are: a small file may hold an image that fills
    the memory.

    Args:
        path: A file of one of `FORMATS`; of an animation, the first picture counts.
        image_shape: (H, W, C).
        inverted: Whether dark and light change places.
    Raises: ValueError: if the file is too large, no image, or damaged.
    """
    size = pathlib.Path(path).stat().st_size
    if size > LARGEST:
        raise ValueError(
            f"A picture is a file of at most {LARGEST >> 20} MB. "
            f"Received: {size / 2**20:.1f} MB."
        )
    try:
        with Image.open(path, formats=FORMATS) as picture:
            _require_size(*picture.size)
            _require_bytes(picture.mode)
            upright = ImageOps.exif_transpose(picture)
            return _fitted(upright, image_shape, inverted)
    except UnidentifiedImageError:
        raise ValueError(
            f"A picture is a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file. "
            f"Received: {size:,} bytes that are none of them."
        ) from None
    except Image.DecompressionBombError:  # Pillow's own limit
        raise ValueError(_too_many("far more")) from None
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"The picture's file is damaged: {error}.") from None


def drawn(picture, image_shape):
    """Returns a drawing, uint8 `[H, W]` or `[H, W, 3 or 4]`, as an image uint8 `[H, W,
    C]` of `image_shape`.

    Raises: ValueError: if it is as large as no drawing is.
    """
    picture = Image.fromarray(picture)
    _require_size(*picture.size)
    return _fitted(picture, image_shape)


def _fitted(picture, image_shape, inverted=False):
    height, width, channels = image_shape
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, "black")
        picture = Image.alpha_composite(black, picture)
    picture = picture.convert("L" if channels == 1 else "RGB")
    picture = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    image = np.asarray(picture).reshape(height, width, channels)
    return 255 - image if inverted else image


def _require_size(width, height):
    if width * height > MOST_PIXELS:
        raise ValueError(_too_many(f"{width}x{height}, {width * height / 1e6:.1f}"))
    if min(width, height) < SMALLEST:
        raise ValueError(
            f"A picture has at least {SMALLEST} pixels a side. "
            f"Received: {width}x{height}."
        )


def _too_many(received):
    most = MOST_PIXELS / 1e6
    return f"A picture has at most {most:g} megapixels. Received: {received}."


def _require_bytes(mode):
    if mode[0] in "IF":  # 16 or 32 bits, which Pillow does not scale to 8
        raise ValueError(
            f"A picture has 8 bits a channel. Received: a picture of mode {mode}."
        )
