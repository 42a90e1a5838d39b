"""A picture file is the same image by every door: data set, upload, served signature,
and the client's own reading."""

import io
import struct
import zlib

import loader
import numpy as np
import pytest
import tiny
import tiny_runs
from PIL import Image

import zoo
from zoo import commands, data
from zoo.commands import export
from zoo.inputs import pictures
from zoo.pages import playground
from zoo.pages.playground import uploads
from zoo.serving import rows, saved, signatures
from zoo.serving.requests import Input

HEIGHT, WIDTH = 10, 14
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="8"/>'


def file_of(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(color, depth, pixels, *chunks):
    """A PNG file of `pixels` `[H, W * values]`, of kinds that Pillow does not write:
    color 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""

    def chunk(name, content):
        crc = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + crc

    width = pixels.shape[1] // {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    header = struct.pack(">IIBBBBB", width, len(pixels), depth, color, 0, 0, 0)
    bits = [(pixels >> place) & 1 for place in reversed(range(depth))]
    lines = np.packbits(np.stack(bits, -1).reshape(len(pixels), -1), axis=1)
    content = zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", content), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def turned(orientation):
    """A JPEG file of the size, once it is turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file_of(smooth(orientation >= 5), "JPEG", exif=exif)


def noise(*shape, most=256):
    dtype = np.uint8 if most == 256 else np.int64
    return np.random.default_rng(0).integers(0, most, shape, dtype)


def smooth(on_its_side=False, mode="RGB"):
    size = (HEIGHT, WIDTH) if on_its_side else (WIDTH, HEIGHT)
    small = Image.fromarray(noise(4, 4, 3))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def with_key(picture):
    """A PNG file in which the colour of a pixel is transparent."""
    return file_of(picture, transparency=picture.getpixel((3, 3)))


def palette():
    return Image.fromarray(noise(HEIGHT, WIDTH, 3)).quantize(16)


def files():
    """{name: a picture file}, all HEIGHT x WIDTH."""
    color = Image.fromarray(noise(HEIGHT, WIDTH, 4))
    triples = noise(HEIGHT, 3 * WIDTH, most=65536)
    key = struct.pack(">3H", *triples[2, :3])
    few = noise(HEIGHT, WIDTH, most=4)
    deep = noise(HEIGHT, WIDTH, most=4096)
    deep[0, 0] = 4095
    value = struct.pack(">H", deep[2, 2])
    alphas = bytes(range(0, 160, 10))
    cases = {
        "rgba": file_of(color),
        "la": file_of(color.convert("LA")),
        "palette": file_of(palette()),
        "palette with alphas": file_of(palette(), transparency=alphas),
        "palette with a key": file_of(palette(), transparency=3),
        "grey": file_of(color.convert("L")),
        "grey with a key": with_key(smooth(mode="L")),
        "rgb": file_of(color.convert("RGB")),
        "rgb with a key": with_key(smooth()),
        "black and white": file_of(color.convert("1")),
        "grey of 12 bits": png(0, 16, deep),
        "grey of 12 bits with a key": png(0, 16, deep, (b"tRNS", value)),
        "rgb of 16 bits": png(2, 16, triples),
        "rgb of 16 bits with a key": png(2, 16, triples, (b"tRNS", key)),
        "la of 16 bits": png(4, 16, noise(HEIGHT, 2 * WIDTH, most=65536)),
        "rgba of 16 bits": png(6, 16, noise(HEIGHT, 4 * WIDTH, most=65536)),
        "grey of 2 bits with a key": png(0, 2, few, (b"tRNS", b"\0\2")),
        "grey of 1 bit with a key": png(0, 1, few // 2, (b"tRNS", b"\0\1")),
        "png of a camera": file_of(smooth(True), exif=EXIF),
        "jpeg": file_of(smooth(), "JPEG"),
        "jpeg of full colour": file_of(color.convert("RGB"), "JPEG", subsampling=0),
        "jpeg in passes": file_of(smooth(), "JPEG", progressive=True),
        "grey jpeg": file_of(smooth(mode="L"), "JPEG"),
        "jpeg of another camera": file_of(smooth(True), "JPEG", exif=EXIF),
        "jpeg of an editor": file_of(smooth(True), "JPEG", xmp=XMP),
    }  # fmt: skip
    return cases | {f"jpeg turned by {v}": turned(v) for v in range(1, 9)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set whose classes are the files' names."""
    root = tmp_path_factory.mktemp("doors")
    for name, file in files().items():
        (root / name).mkdir()
        kind = "jpg" if "jpeg" in name else "png"
        (root / name / f"picture.{kind}").write_bytes(file)
    return root


def of_the_set(opened):
    """{class: image} of a data set."""
    images = {}
    for split in ("train+validation", "test"):
        columns = opened.arrays(split)
        for image, label in zip(columns["image"], columns["label"]):
            images[opened.info.class_names[label]] = image
    return images


def served(requests, shape, rules, folder):
    """What a server's graph makes of the files of each of `requests`, by a signature
    that answers what it read."""
    takes = Input("string", shape, rules=pictures.for_shape(shape, rules))
    read = signatures.Signature(
        "read", {"image_bytes": takes}, lambda image_bytes: {"images": image_bytes}
    )
    path = saved.write([read], folder / "read", with_warmup=False)
    cases = [("read", {"image_bytes": np.array(files, object)}) for files in requests]
    _, answers, _ = loader.served(path, cases)
    return [each if isinstance(each, str) else each["images"] for each in answers]


@pytest.mark.slow
@pytest.mark.parametrize("background", ["white", "#336699"])
@pytest.mark.parametrize("color, channels", [("grey", 1), ("rgb", 3)])
def test_a_file_is_the_same_image_by_every_door(
    color, channels, background, folder, tmp_path
):
    opened = data.open(f"folder:{folder}", color=color, background=background)
    rules, shape = opened.info.rules, opened.info.image_shape
    assert rules == {"fit": "crop", "background": background, "bits": 12}
    assert shape == (HEIGHT, WIDTH, channels)
    paths = {path.parent.name: path for path in sorted(folder.glob("*/*"))}
    all_files = [path.read_bytes() for path in paths.values()]
    *alone, together = served(
        [[f] for f in all_files] + [all_files], shape, rules, tmp_path
    )
    images, wrong = of_the_set(opened), []
    assert set(images) == set(paths) == set(files())
    for number, (name, path) in enumerate(paths.items()):
        assert not isinstance(alone[number], str), alone[number]
        doors = {
            "upload": uploads.read(path, pictures.for_shape(shape, rules)),
            "served": alone[number][0],
            "served among others": together[number],
            "client": rows.read(path, "uint8", shape, rules),
        }
        wrong += [
            (name, door)
            for door, image in doors.items()
            if not np.array_equal(image, images[name])
        ]
    assert not wrong


@pytest.mark.slow
def test_the_size_is_that_of_the_turned_picture(tmp_path):
    on_its_side, upright = files()["jpeg turned by 6"], files()["jpeg"]
    shape, other = (HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3)
    (answer,) = served([[on_its_side]], other, None, tmp_path / "other")
    must = "read takes image_bytes as string [N], complete PNG or JPEG files of "
    assert f"{must}14x10x3. Received: 10x14." in answer
    answers = served([[on_its_side], [upright]], shape, None, tmp_path)
    assert [answer.shape for answer in answers] == [(1, *shape)] * 2


def test_pixels_of_a_key_are_clear_and_others_are_not():
    """Pillow itself compares the key of 2 bits with pixels of 8."""
    by = pictures.Rules(None, 1, background="white")
    few = np.tile([0, 1, 2, 3], (8, 2))
    image = pictures.read(io.BytesIO(png(0, 2, few, (b"tRNS", b"\0\2"))), by)
    assert image[0, :4, 0].tolist() == [0, 85, 255, 255]
    deep = np.tile([0, 513, 514, 65535], (8, 2))
    image = pictures.read(io.BytesIO(png(0, 16, deep, (b"tRNS", b"\2\2"))), by)
    assert image[0, :4, 0].tolist() == [0, 2, 255, 255]


# --- where the rules come from --------------------------------------------------------


@pytest.mark.slow
def test_a_run_keeps_its_rules_for_the_other_doors(folder, tmp_path):
    flags = f"--dataset=folder:{folder}", "--batch_size=8", "--epochs=1"
    run = tiny_runs.trained(tmp_path / "run", *flags).folder
    kept = {"fit": "crop", "background": "white", "bits": 12}
    assert run.read_record()["rules"] == kept
    assert playground.Player(run.path).rules == pictures.Rules((8, 8), 3, **kept)
    flags = f"--workdir={run.path}", f"--out={tmp_path / 'served'}", "--nowarmup"
    flags += ("--signatures=reconstruct_png",)
    assert commands.start(export.VERB, export.main, ["export", *flags]) == 0
    assert rows.kept_rules(tmp_path / "served" / "1" / "zoo.json") == kept


def test_an_export_reads_files_by_the_rules_that_it_is_told(tmp_path):
    model = tiny.model("vae")
    kept = {"background": "#336699", "bits": 10}
    takes = signatures.of(model, kept)["reconstruct_png"].takes["image_bytes"]
    assert takes.rules == pictures.Rules((8, 8), 1, **kept)
    names = ["decode"]
    path = zoo.export(model, tmp_path, names, warmup=False, rules=kept)
    assert rows.kept_rules(path / "zoo.json") == {"fit": "crop"} | kept
    path = zoo.export(model, tmp_path, names, warmup=False)
    usual = {"fit": "crop", "background": "white", "bits": 16}
    assert rows.kept_rules(path / "zoo.json") == usual


@pytest.mark.parametrize(
    "rules, message",
    [
        ({"background": "whit"}, "A background is a colour.*'whit'"),
        ({"bits": 9}, "bits is one of 8, 10, 12, 14, 16. Received: bits=9"),
        ({"fit": "cut"}, "fit is one of crop, pad, stretch. Received: fit='cut'"),
        ({"colour": "rgb"}, "rules of pictures are fit, background, bits.*'colour'"),
        ("white", "rules of pictures are.*'white'"),
    ],
)
def test_rules_that_there_are_not_are_refused(rules, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        zoo.export(tiny.model("ae"), tmp_path / "new", rules=rules)
    assert not list(tmp_path.iterdir())


def test_a_client_tells_what_it_cannot_read(tmp_path):
    (tmp_path / "long.tiff").write_bytes(file_of(Image.new("F", (8, 8)), "TIFF"))
    with pytest.raises(ValueError, match="cannot be read: 32-bit.*long.tiff"):
        rows.read(tmp_path / "long.tiff", "uint8", (8, 8, 1))
    (tmp_path / "zoo.json").write_text("[]")
    with pytest.raises(ValueError, match="zoo.json of an exported version"):
        rows.kept_rules(tmp_path / "zoo.json")
