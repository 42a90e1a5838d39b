"""Pictures from strangers: opened within limits, read by the rules of a run."""

import pathlib

from PIL import Image, UnidentifiedImageError

from zoo.inputs import pictures

LARGEST = 10 * 2**20  # bytes of a file
MOST_PIXELS = 16_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # Pillow would read many more
SMALLEST = 8  # pixels a side


def read(path, rules, inverted=False):
    """Returns a picture file as an image uint8 `[H, W, C]`, as a data set reads it.

    Its size is read before its pixels are: a small file may hold an image that fills
    the memory.

    Args:
        path: A file of one of `FORMATS`; of an animation, the first picture counts.
        rules: The `pictures.Rules`; a `Player` has those of its run.
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
        image = pictures.read(path, rules)
    except UnidentifiedImageError:
        raise ValueError(
            f"A picture is a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file. "
            f"Received: {size:,} bytes that are none of them."
        ) from None
    except Image.DecompressionBombError:  # Pillow's own limit
        raise ValueError(_too_many("far more")) from None
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"The picture's file is damaged: {error}.") from None
    return 255 - image if inverted else image


def film(path, rules, frames):
    """Returns the first `frames` pictures of an animation as a clip uint8 `[T, H, W,
    C]`, T at most `frames`; otherwise as `read`."""
    read(path, rules)  # tells what is too large, or no picture
    try:
        return pictures.frames(path, rules, frames)
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"The film is damaged: {error}.") from None


def drawn(picture, image_shape, sheet="black"):
    """Returns a drawing, uint8 `[H, W]` or `[H, W, 3 or 4]`, as an image uint8 `[H, W,
    C]` of `image_shape`. Where nothing is drawn, it has the colour of the `sheet`.

    Raises: ValueError: if it is as large as no drawing is.
    """
    picture = Image.fromarray(picture)
    _require_size(*picture.size)
    rules = {"background": sheet}
    return pictures.image(picture, pictures.for_shape(image_shape, rules))


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
