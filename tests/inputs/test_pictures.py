"""Tests the rules by which a picture file becomes an image, wherever it comes in."""

import io
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from zoo.inputs import pictures

ROOT = pathlib.Path(__file__).parents[2]


def file_of(picture, kind="PNG", **options):
    """Returns a picture, or its pixels, as an open file."""
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def deep_png(color, values):
    """Returns a PNG with 16 bits per value, which Pillow does not write. `color` is 2
    for RGB, 4 for grey with alpha, 6 for RGBA."""

    def chunk(name, data):
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


def test_pictures_as_stored_keep_their_pixels():
    for pixels in (noise(9, 12), noise(9, 12, 3)):
        channels = 1 if pixels.ndim == 2 else 3
        image = pictures.read(file_of(pixels), pictures.Rules(None, channels))
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, pixels.reshape(9, 12, channels))


def test_a_picture_is_turned_before_it_is_cut():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    pixels = np.repeat(np.arange(40, dtype=np.uint8)[None] * 6, 20, axis=0)
    file = file_of(pixels, exif=exif)
    assert pictures.header(file).size == (40, 20)
    image = pictures.read(file, pictures.Rules((40, 20), 1))
    np.testing.assert_array_equal(image[..., 0], pixels.T)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA", "1", "L", "CMYK", "RGB"])
def test_a_background_is_seen_through_what_is_transparent(mode):
    # Large enough for several strips.
    picture = Image.fromarray(noise(2000, 40, 4)).convert(mode)
    whole = picture
    if picture.has_transparency_data:
        behind = Image.new("RGBA", picture.size, "#336699")
        whole = Image.alpha_composite(behind, picture.convert("RGBA"))
    rules = pictures.Rules(None, 3, background="#336699")
    image = pictures.image(picture, rules)
    np.testing.assert_array_equal(image, np.asarray(whole.convert("RGB")))


def test_a_transparent_colour_of_a_palette_is_laid_on_the_background():
    picture = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).convert("P")
    file = file_of(picture, transparency=5)
    assert pictures.header(file).is_clear
    image = pictures.read(file, pictures.Rules(None, 1, background="white"))
    assert image[0, 5] == 255 and image[0, 6] == 6


def test_an_animation_gives_its_first_frame():
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (9, 200)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert set(pictures.read(file, pictures.Rules(None, 1)).ravel()) == {9}


@pytest.mark.parametrize("peak, bits", [(255, 8), (256, 10), (1023, 10), (1024, 12)])
def test_the_bits_that_values_use(peak, bits):
    assert pictures.used_bits(peak) == bits
    file = file_of(np.full((8, 8), peak, np.uint16))
    assert pictures.header(file).bits == bits


def test_values_beyond_the_given_bits_are_white():
    values = np.array([[0, 1023, 4095, 65535]], np.uint16).repeat(8, axis=0)
    image = pictures.read(file_of(values), pictures.Rules(None, 1, bits=10))
    assert image[0, :, 0].tolist() == [0, 255, 255, 255]


def test_colours_of_16_bits_are_told_to_be_cut():
    values = np.random.default_rng(0).integers(0, 4096, (8, 8, 3))
    header = pictures.header(deep_png(2, values))
    assert header.is_cut and header.bits is None and not header.is_grey
    header = pictures.header(deep_png(4, values[..., :2]))
    assert header.is_cut and header.is_grey and header.is_clear


@pytest.mark.parametrize("kind, mode", [("TIFF", "F"), ("TIFF", "I"), ("TIFF", "LAB")])
def test_pixels_without_a_known_range_are_refused(kind, mode):
    picture = Image.new(mode, (8, 8))
    for read in (pictures.header, lambda f: pictures.read(f, pictures.Rules(None, 3))):
        with pytest.raises(ValueError, match="pixels"):
            read(file_of(picture, kind))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pictures_of_too_many_pixels_are_refused(monkeypatch):
    file = file_of(noise(40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match="too many"):
        pictures.read(file, pictures.Rules(None, 1))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert pictures.header(file).size == (40, 40)


WRITERS = {
    "RGBA on its side": """
exif = Image.Exif()
exif[0x0112] = 6  # the orientation
picture = Image.new("RGBA", (9380, 9380), (9, 8, 7, 100))
picture.save(sys.argv[1], exif=exif, compress_level=1)
""",
    "palette with transparency": """
picture = Image.new("P", (9380, 9380), 3)
picture.putpalette([value % 256 for value in range(768)])
picture.save(sys.argv[1], transparency=bytes(range(256)), compress_level=1)
""",
}
READER = """
def peak():  # in KiB; that of getrusage begins with the parent's
    lines = open("/proc/self/status").readlines()
    return int(next(line for line in lines if "VmHWM" in line).split()[1])
before = peak()
pictures.read(sys.argv[1], pictures.Rules((64, 64), 3))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells it")
@pytest.mark.parametrize("kind", WRITERS)
def test_a_picture_of_88_megapixels_takes_less_than_a_gibibyte(kind, tmp_path):
    imports = "import sys\nfrom PIL import Image\nfrom zoo.inputs import pictures\n"
    for script in (WRITERS[kind], READER):
        done = subprocess.run(
            [sys.executable, "-c", imports + script, str(tmp_path / "large.png")],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stderr
    assert 2**17 < int(done.stdout) < 2**20  # KiB


def test_formats_that_start_other_programs_are_no_pictures():
    with pytest.raises(OSError):
        pictures.header(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9"))
