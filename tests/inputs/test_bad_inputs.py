"""Generated bad inputs: each ends in a sentence that names it, and leaves no trace.

CI generates few of them, `pytest -m full tests/inputs/test_bad_inputs.py` a thousand.
"""

import functools
import io
import os
import pathlib
import resource
import struct
import tempfile
import zlib

import hypothesis
import numpy as np
import pytest
import tiny
from hypothesis import strategies as st
from PIL import Image
from tiny_runs import TINY

import zoo
from zoo import commands
from zoo.commands import sample, train

FEW, MANY = 20, 200


def generated(strategy):
    """Runs a test for many generated cases: a few in CI, many with -m full."""

    def decorate(check):
        @pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=full)])
        def test(count, tmp_path, capsys):
            used = []

            @hypothesis.settings(
                max_examples=count,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(strategy)
            def each(case):
                used.append(case)
                folder = tmp_path / f"{len(used)}"
                folder.mkdir()
                check(case, folder, capsys)

            each()

        test.__name__ = check.__name__
        test.__doc__ = check.__doc__
        return test

    full = (pytest.mark.full, pytest.mark.slow)
    return decorate


def refused(call, *arguments, **options):
    """Asserts that a call ends in one sentence that says what came."""
    with pytest.raises((ValueError, OSError)) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "Received: " in message, message
    assert message.isprintable(), repr(message)


def failed(verb, capsys, *flags):
    """Asserts that a command ends in a sentence on stderr (after warnings, if any)."""
    argv = [verb.VERB.name, *flags]
    assert commands.start(verb.VERB, verb.main, argv) == 1, flags
    *_, last = capsys.readouterr().err.split("\n")[:-1]
    assert last.startswith(f"{verb.VERB.name}: ") and last.isprintable(), (flags, last)


def seeded(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


# --- arrays ---------------------------------------------------------------------------

counts = st.integers(1, 5)
sides = st.integers(8, 12)
channels = st.sampled_from([1, 3])
good_shapes = st.tuples(counts, sides, sides, channels)
other_channels = st.sampled_from([0, 2, 4, 5, 16])
wrong_sides = st.one_of(st.integers(0, 7), st.integers(513, 600))
wrong_shapes = st.one_of(
    st.lists(st.integers(0, 9), max_size=2).map(tuple),
    st.lists(st.integers(0, 3), min_size=5, max_size=6).map(tuple),
    st.tuples(counts, sides, sides, other_channels),
    st.tuples(counts, wrong_sides, sides, channels),
    st.tuples(counts, sides, wrong_sides, channels),
    st.tuples(st.just(0), sides, sides, channels),
)
wrong_dtypes = st.sampled_from(
    ["int8", "uint16", "int32", "int64", "uint64", "bool", "complex64", "O", "U3", "S2"]
)


@st.composite
def wrong_floats(draw):
    """Returns float images with NaN, infinity or a value that is out of range."""
    images = seeded(draw(good_shapes), "float32") / 127.5 - 1
    images = images.astype(draw(st.sampled_from(["float16", "float32", "float64"])))
    outside = [np.nan, np.inf, -np.inf, 1.5, -2, 255, -1e30]
    place = draw(st.integers(0, images.size - 1))
    with np.errstate(over="ignore"):
        images.flat[place] = draw(st.sampled_from(outside))
    return images


wrong_images = st.one_of(
    wrong_shapes.map(lambda shape: np.zeros(shape, "uint8")),
    st.builds(seeded, good_shapes, wrong_dtypes),
    wrong_floats(),
    good_shapes.map(lambda shape: np.abs(seeded(shape, "float32")) / 255),
)
no_images = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.lists(st.lists(st.integers(0, 255), max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.mark.slow
@generated(st.one_of(wrong_images, no_images))
def test_fit_refuses_what_are_no_images(images, folder, capsys):
    refused(zoo.get("ae", **tiny.CONFIGS["ae"]).fit, images, verbose=0)


wrong_labels = st.one_of(
    st.lists(st.integers(0, 3), max_size=9).filter(lambda x: len(x) != 6),
    st.lists(st.floats(), min_size=6, max_size=6),
    st.lists(st.text(max_size=3), min_size=6, max_size=6),
    st.lists(st.integers(4, 2**40), min_size=6, max_size=6),
    st.lists(st.integers(-(2**40), -1), min_size=6, max_size=6),
    st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=6, max_size=6),
    st.integers(),
    st.text(max_size=3),
)


@generated(wrong_labels)
def test_fit_refuses_what_are_no_labels(labels, folder, capsys):
    model = zoo.get("classifier", **tiny.CONFIGS["classifier"])
    refused(model.fit, tiny.images(6), labels, verbose=0)
    refused(model.fit, (tiny.images(6), labels), verbose=0)


# --- .npz files -----------------------------------------------------------------------


@st.composite
def wrong_npz(draw):
    """Returns the bytes of an .npz file whose arrays are no images and labels."""
    file = io.BytesIO()
    content = {"images": seeded((9, 8, 8), "uint8"), "labels": np.arange(9) % 3}
    key = draw(st.sampled_from(["images", "labels", "name"]))
    if key == "images":
        shapes = st.builds(seeded, good_shapes, st.sampled_from(["U3", "complex64"]))
        content["images"] = draw(st.one_of(wrong_floats(), shapes))
        content["labels"] = np.zeros(len(content["images"]), int)
    elif key == "labels":
        content["labels"] = np.array(draw(wrong_labels), dtype=object)
    else:
        content = {draw(st.text("abc", min_size=1)): content["images"]}
    np.savez(file, **content)
    return file.getvalue()


@st.composite
def damaged(draw, whole):
    """Returns `whole` cut off, with bytes changed, or with bytes put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        how = draw(st.sampled_from(["cut", "change", "insert", "zero"]))
        if how == "cut":
            data = data[:place]
        elif how == "change" and data:
            data[place] ^= draw(st.integers(1, 255))
        elif how == "insert":
            data[place:place] = draw(st.binary(min_size=1, max_size=9))
        else:
            data[place : place + 40] = bytes(len(data[place : place + 40]))
    return bytes(data)


def whole_npz():
    file = io.BytesIO()
    np.savez(file, images=seeded((30, 8, 8), "uint8"), labels=np.arange(30) % 3)
    return file.getvalue()


@generated(st.one_of(wrong_npz(), damaged(whole_npz()), st.binary(max_size=50)))
def test_npz_files_are_read_or_refused(content, folder, capsys):
    path = folder / "set.npz"
    path.write_bytes(content)
    name = f"npz:{path}"
    try:
        images, labels = zoo.data.arrays(name)
        assert images.dtype == np.uint8
        assert labels is None or len(images) == len(labels)
    except ValueError:
        refused(zoo.data.arrays, name)
        failed(train, capsys, f"--dataset={name}", f"--workdir={folder}/run")
    assert os.listdir(folder) == ["set.npz"]


# --- folders of images ----------------------------------------------------------------


def image(shape=(9, 9), kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(seeded(shape, "uint8")).save(file, kind)
    return file.getvalue()


def bomb(side):
    """Returns a PNG of a few bytes that claims side x side pixels."""

    def chunk(name, data):
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


KINDS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]
wholes = {kind: image(kind=kind) for kind in KINDS}
contents = st.one_of(
    st.binary(max_size=60),
    *(damaged(whole) for whole in wholes.values()),
    st.integers(257, 2**31 - 1).map(bomb),
    st.sampled_from([b"", b"%!PS-Adobe", b"<svg xmlns='x'/>", image((3, 3))]),
)
names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1
).filter(
    lambda name: name not in (".", "..") and len(name.encode("utf8", "replace")) < 60
)
hostile_names = st.one_of(
    names,
    st.sampled_from(["a\n.png", "..png", "-rf", "$(id).png", "a b.jpg", "\x1b[2J"]),
)


def peak():
    """Returns the most memory that the process has had so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@generated(st.lists(st.tuples(hostile_names, contents), min_size=1, max_size=4))
def test_folders_of_hostile_files_are_read_or_refused(files, folder, capsys):
    root = folder / "images"
    (root / "label").mkdir(parents=True)
    for name, content in files:
        try:
            with open(
                os.fsencode(root / "label") + b"/" + os.fsencode(name), "wb"
            ) as f:
                f.write(content)
        except UnicodeEncodeError:  # a name that no file can have
            continue
    os.symlink(root, root / "label" / "loop")
    os.symlink("self", root / "label" / "self")
    before = sorted(os.walk(root))
    name = f"folder:{root}"
    memory = peak()
    try:
        images, labels = zoo.data.arrays(name, image_size=8)
        assert images.shape[1:3] == (8, 8) and set(labels) <= {0}
    except ValueError:
        refused(zoo.data.arrays, name, image_size=8)
        flags = (f"--dataset={name}", "--image_size=8", f"--workdir={folder}/run")
        failed(train, capsys, *flags)
    assert peak() - memory < 2**20  # 1 GiB, whatever a header claims
    assert sorted(os.walk(root)) == before and os.listdir(folder) == ["images"]


# --- words of a command line ----------------------------------------------------------

words = st.text(st.characters(exclude_categories=("Nd", "No", "Nl", "Cs")), max_size=12)
numbers = ("epochs", "batch_size", "image_size", "seed", "minutes", "frechet")
least = st.integers(-(10**40), -1)
flags = st.one_of(
    st.builds(
        "--{}={}".format,
        st.sampled_from(numbers),
        st.one_of(least, words.filter(lambda w: w.strip().lower() not in FLOATS)),
    ),
    st.builds("--{}={}".format, st.just("batch_size"), st.integers(1351, 10**30)),
    st.builds("--{}={}".format, st.just("seed"), st.integers(2**32, 10**30)),
    st.builds("--{}={}".format, st.just("image_size"), st.integers(513, 10**30)),
    st.builds(
        "--{}={}x".format,
        st.sampled_from(["model", "dataset", "classes", "set", "monitor", "schedule"]),
        words,
    ),
    st.builds("--learning_rate={}={}".format, words, st.floats()),
    st.builds("--set={}={}".format, words, words),
    st.builds("--dataset={}:{}x".format, st.sampled_from(["npz", "folder"]), words),
    st.builds("--init_from={}x".format, words),
    st.builds("--{}x=1".format, st.sampled_from(["epoch", "mode", "zz", "n\no"])),
    st.sampled_from(
        ["--on_nan=go", "--jit=maybe", "--precision=int8", "word", "--set"]
    ),
)
FLOATS = ("inf", "infinity", "+inf", "")  # budgets that are no mistake, and no word


@generated(flags)
def test_wrong_words_of_train_are_refused(flag, folder, capsys):
    failed(train, capsys, *TINY, f"--workdir={folder}/run", flag)
    assert not os.listdir(folder)


@functools.cache
def whole_model():
    """Bytes of the file of a tiny VAE."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "vae.keras")
        tiny.model("vae").save(path)
        return path.read_bytes()


@generated(st.deferred(lambda: damaged(whole_model())))
def test_damaged_models_are_refused(content, folder, capsys):
    file = folder / "model.keras"
    file.write_bytes(content)
    try:
        assert zoo.load(file).built  # a date in a header
    except ValueError:
        refused(zoo.load, file)
        failed(sample, capsys, f"--workdir={file}", f"--out={folder}/out.png")
    assert os.listdir(folder) == ["model.keras"]
