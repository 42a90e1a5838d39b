"""Turns picture files into images, by the same rules everywhere.

A training set, an upload and a request to a server read a picture alike. It is turned
as its EXIF says; of an animation the first frame is taken; transparent parts are laid
on a background. Then it is cut, padded or stretched to the size, with a filter that
avoids aliasing.
"""

import dataclasses
import os
from typing import IO

import numpy as np
from PIL import Image, ImageColor, ImageOps

# Only these, because Pillow would also open formats that start another program (EPS).
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF")
FITS = ("crop", "pad", "stretch")
BITS = (8, 10, 12, 14, 16)  # how many bits the values of 16-bit files may use
_KEPT = ("fit", "background", "bits")  # rules that a set, a run and an export keep
_GREY = ("1", "L", "LA", "La")
_MODES = (*_GREY, "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_LEVELS = {"L;2": 4, "L;4": 16}  # of grey pixels of 2 and 4 bits, as Pillow names them
_ORIENTATION = 0x0112  # EXIF; 5 to 8 mean that the camera was held on its side
_STRIP = 2**20  # pixels that are laid on the background at once


@dataclasses.dataclass(frozen=True)
class Rules:
    """How picture files become images of one kind.

    Attributes:
        image_size: (height, width) in pixels, or None for the size of the file.
        channels: 1 (grey) or 3 (RGB).
        fit: How a picture of other proportions gets the size: "crop" cuts off its
            longer ends, "pad" puts it on the background, "stretch" distorts it.
        background: Colour behind transparent parts, by name or as "#rrggbb".
        bits: How many bits the values of 16-bit files use; 2**bits - 1 is white.
    Raises: ValueError: for an unknown fit, background or number of bits.
    """

    image_size: tuple[int, int] | None
    channels: int
    fit: str = "crop"
    background: str = "white"
    bits: int = 16

    def __post_init__(self):
        is_grey(self.background)
        for name, choices in (("fit", FITS), ("bits", BITS)):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} is one of {', '.join(map(str, choices))}. "
                    f"Received: {name}={getattr(self, name)!r}."
                )

    def plain(self) -> dict:
        """The rules but size and channels: a set, a run and an export keep these."""
        return {name: getattr(self, name) for name in _KEPT}


def for_shape(image_shape: tuple[int, ...], kept: dict | None = None) -> Rules:
    """Returns the rules by which files become images of a shape `(..., H, W, C)`.

    Args:
        kept: A dict as `Rules.plain` returns it. Rules that it lacks have their
            default; so have all if it is None.
    Raises: ValueError: for an unknown rule, or an unknown value of one.
    """
    if not isinstance(kept or {}, dict) or not set(kept or {}) <= set(_KEPT):
        raise ValueError(
            f"The rules of pictures are {', '.join(_KEPT)}. Received: rules={kept!r}."
        )
    *_, height, width, channels = image_shape
    return Rules((height, width), channels, **(kept or {}))


@dataclasses.dataclass(frozen=True)
class Header:
    """Facts about a picture file, without its pixels.

    Attributes:
        size: (height, width), turned as EXIF says.
        is_grey: Whether all its colours, or all of its palette, are grey.
        is_clear: Whether it may have transparent parts.
        bits: How many bits its values use, if it is grey with 16 bits per value; else
            None.
        is_cut: Whether it has 16 bits per value, of which only the upper 8 can be read.
    """

    size: tuple[int, int]
    is_grey: bool
    is_clear: bool
    bits: int | None
    is_cut: bool


def header(file: str | os.PathLike | IO[bytes]) -> Header:
    """Returns the `Header` of a picture file, a path or an open file.

    Raises: Exception: of any kind, by Pillow, if the file is damaged or no picture.
        ValueError: if it is too large, or of a kind without a known range.
    """
    with Image.open(file, formats=FORMATS) as picture:
        require(picture)
        # This comes before the EXIF: for that, a PNG is read to its end and has no
        # tiles afterwards.
        raw = str(picture.tile[0][3]) if picture.tile else ""
        height, width = picture.height, picture.width
        if picture.getexif().get(_ORIENTATION, 1) >= 5:
            height, width = width, height
        is_deep = _is_deep(picture)
        return Header(
            (height, width),
            is_deep or picture.mode in _GREY or raw == "LA;16B" or _has_greys(picture),
            picture.has_transparency_data,
            used_bits(int(np.asarray(picture).max())) if is_deep else None,
            raw.endswith(";16B") and not is_deep,
        )


def read(file: str | os.PathLike | IO[bytes], rules: Rules) -> np.ndarray:
    """Returns a picture file, a path or an open file, as uint8 `[H, W, C]`.

    Raises: as `header`.
    """
    return image(_upright(file), rules)


def frames(file: str | os.PathLike | IO[bytes], rules: Rules, most: int) -> np.ndarray:
    """Returns the first pictures of an animation, at most `most`, as uint8 `[T, H, W,
    C]`; of a picture file, the one that it is.

    Raises: as `header`.
    """
    with Image.open(file, formats=FORMATS) as film:
        require(film)
        count, images = min(most, getattr(film, "n_frames", 1)), []
        for number in range(count if count > 1 else 0):
            film.seek(number)
            images.append(image(film.copy(), rules))
    return np.stack(images or [read(file, rules)])


def opacity(file: str | os.PathLike | IO[bytes], rules: Rules) -> np.ndarray | None:
    """Returns how opaque a picture file is, uint8 `[H, W, 1]`, at the size and fit of
    `rules`; None if it has no transparent parts.

    Raises: as `header`.
    """
    picture = _upright(file)
    if _is_deep(picture):
        picture = _shallow(picture, rules.bits)
    if not picture.has_transparency_data:
        return None
    layer = picture.convert("RGBA").getchannel("A")
    if rules.image_size is not None:
        layer = fitted(layer, rules.image_size, rules.fit, "black")
    return np.asarray(layer)[..., None]


def _upright(file):
    """Returns the loaded picture of a file, turned as EXIF says."""
    with Image.open(file, formats=FORMATS) as picture:
        require(picture)
        _scale_key(picture)
        picture.load()
    ImageOps.exif_transpose(picture, in_place=True)  # a copy would take as much again
    return picture


def image(picture: Image.Image, rules: Rules) -> np.ndarray:
    """Returns an upright picture as uint8 `[H, W, C]`."""
    if _is_deep(picture):
        picture = _shallow(picture, rules.bits)
    mode = "L" if rules.channels == 1 else "RGB"
    if picture.has_transparency_data:
        picture = _opaque(picture, mode, rules.background)
    elif picture.mode != mode:
        picture = picture.convert(mode)
    if rules.image_size is not None:
        picture = fitted(picture, rules.image_size, rules.fit, rules.background)
    return np.asarray(picture).reshape(picture.height, picture.width, rules.channels)


def fitted(
    picture: Image.Image,
    image_size: tuple[int, int],
    fit: str = "crop",
    background: str = "white",
) -> Image.Image:
    """Returns a picture, grey or RGB, resized to (height, width) by bicubic
    interpolation."""
    size = image_size[1], image_size[0]
    if picture.size == size:
        return picture
    if fit == "stretch":
        return picture.resize(size, Image.Resampling.BICUBIC)
    if fit == "crop":
        return ImageOps.fit(picture, size, Image.Resampling.BICUBIC)
    color = ImageColor.getcolor(background, picture.mode)
    return ImageOps.pad(picture, size, Image.Resampling.BICUBIC, color)


def require(picture: Image.Image) -> None:
    """Raises ValueError unless the pixels are few enough and of a known range."""
    most = Image.MAX_IMAGE_PIXELS  # None for no limit
    if most is not None and picture.width * picture.height > most:
        raise ValueError(f"{picture.width}x{picture.height} pixels are too many")
    if picture.mode in ("I", "F") and not _is_deep(picture):
        raise ValueError("32-bit pixels, whose range is unknown")
    if picture.mode not in _MODES and not _is_deep(picture):
        raise ValueError(f"pixels of mode {picture.mode}, which no model takes")


def used_bits(peak: int) -> int:
    """Returns how many bits a set with the largest value `peak` uses: one of `BITS`."""
    return next(bits for bits in BITS if peak < 2**bits)


def is_grey(color: str) -> bool:
    """Whether a colour, given by name or as "#rrggbb", is grey.

    Raises: ValueError: if it is no colour.
    """
    try:
        values = ImageColor.getrgb(color)
    except (ValueError, TypeError, AttributeError):
        values = ()
    if len(values) != 3:  # four are those of a colour with transparency
        raise ValueError(
            "A background is a colour by name, such as white, or as #rrggbb. "
            f"Received: background={color!r}."
        )
    return len(set(values)) == 1


def _is_deep(picture):
    """Whether a picture is grey with 16 bits per value, all of which Pillow keeps."""
    # Pillow stores the 16 bits of a PGM file in 32, as its white may be any value.
    return picture.mode.startswith("I;16") or (
        picture.mode == "I" and picture.format == "PPM"
    )


def _shallow(picture, bits):
    """Returns a grey picture of 16 bits as one of 8, with its transparent value."""
    values = np.asarray(picture)
    grey = np.minimum(values >> (bits - 8), 255).astype(np.uint8)
    key = picture.info.get("transparency")
    if key is None:
        return Image.fromarray(grey)
    alpha = np.where(values == key, 0, 255).astype(np.uint8)
    return Image.fromarray(np.dstack([grey, alpha]))


def _scale_key(picture):
    """Scales the transparent value of a PNG to 8 bits. Pillow scales the pixels, but
    keeps that value as it is in the file."""
    key = picture.info.get("transparency")
    raw = str(picture.tile[0][3]) if picture.tile else ""
    if isinstance(key, int) and raw in _LEVELS:
        picture.info["transparency"] = key * 255 // (_LEVELS[raw] - 1)
    elif isinstance(key, tuple) and raw.endswith(";16B"):
        picture.info["transparency"] = tuple(value >> 8 for value in key)


def _has_greys(picture):
    """Whether a picture has a palette and uses only greys of it."""
    if picture.mode != "P":
        return False
    picture.load()  # some formats have their palette behind the header
    palette = np.array(picture.getpalette("RGB")).reshape(-1, 3)
    used = palette[np.flatnonzero(picture.histogram()[: len(palette)])]
    return bool(np.all(used == used[:, :1]))


def _opaque(picture, mode, background):
    """Lays a picture on a background, strip by strip, because a whole picture would
    stand in memory four times."""
    opaque = Image.new(mode, picture.size)
    rows = max(1, _STRIP // picture.width)
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        strip = picture.crop((0, top, picture.width, bottom)).convert("RGBA")
        behind = Image.new("RGBA", strip.size, background)
        opaque.paste(Image.alpha_composite(behind, strip).convert(mode), (0, top))
    return opaque
