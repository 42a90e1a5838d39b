"""Tests folders as users have them: splits, links, depths, palettes, and no
pictures."""

import os
import time

import numpy as np
import pytest
from PIL import Image
from refusals import refusal

import zoo.data
from zoo import backend
from zoo.data import source
from zoo.data.sources import layout, walk
from zoo.inputs import memory, pictures


def noise(*shape):
    return np.random.randint(0, 256, shape, dtype=np.uint8)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)


def fill(folder, count, *shape):
    """Writes `count` pictures of noise and returns their pixels."""
    images = noise(count, *(shape or (8, 8, 3)))
    for number, image in enumerate(images):
        save(folder / f"{number}.png", image)
    return {bytes(image) for image in images}


def read(folder, split="train", **options):
    return zoo.data.arrays(f"folder:{folder}", split, **options)


# --- splits and classes ---------------------------------------------------------------


@pytest.mark.parametrize("names", ["train val test", "Train VALID Test"])
def test_ready_splits_are_used_as_splits(names, tmp_path):
    sizes = {"train": 20, "validation": 5, "test": 4}
    contents = {split: set() for split in sizes}
    for (split, count), name in zip(sizes.items(), names.split()):
        for label in ("dog", "cat"):
            contents[split] |= fill(tmp_path / name / label, count)
    info = zoo.data.info(f"folder:{tmp_path}")
    assert info.class_names == ("cat", "dog")
    assert info.num_examples == {"train": 40, "validation": 10, "test": 8}
    for split in sizes:
        images, labels = read(tmp_path, split)
        assert set(map(bytes, images)) == contents[split]
        assert np.bincount(labels).tolist() == [sizes[split]] * 2
    both, _ = read(tmp_path, "train+validation")
    assert set(map(bytes, both)) == contents["train"] | contents["validation"]


@pytest.mark.parametrize(
    "ready, counts",
    [
        (("test",), {"train": 36, "validation": 4, "test": 5}),
        (("val",), {"train": 36, "validation": 5, "test": 4}),
        ((), {"train": 33, "validation": 3, "test": 4}),
    ],
)
def test_a_split_that_is_missing_is_cut_from_the_training_set(ready, counts, tmp_path):
    everything = fill(tmp_path / "train", 40)
    for name in ready:
        everything |= fill(tmp_path / name, 5)
    info = zoo.data.info(f"folder:{tmp_path}")
    assert info.num_examples == counts and info.class_names is None
    seen = [set(map(bytes, read(tmp_path, split)[0])) for split in counts]
    assert set.union(*seen) == everything
    assert sum(map(len, seen)) == len(everything)


def test_test_images_that_are_trained_on_are_named(tmp_path, caplog):
    fill(tmp_path / "train", 10)
    save(tmp_path / "test" / "copy.png", Image.open(tmp_path / "train" / "3.png"))
    zoo.data.info(f"folder:{tmp_path}")
    assert "1 test images" in caplog.text


def test_names_of_splits_among_others_may_be_classes(tmp_path):
    for name in ("bus", "train", "car"):
        fill(tmp_path / name, 4)
    assert zoo.data.info(f"folder:{tmp_path}").class_names == ("bus", "car", "train")


def test_a_folder_beside_splits_is_named_and_passed_over(tmp_path, caplog):
    for name in ("train", "test", "masks"):
        fill(tmp_path / name / "cat", 5)
    assert zoo.data.info(f"folder:{tmp_path}").class_names == ("cat",)
    assert "masks/cat/0.png" in caplog.text


def test_splits_without_a_class_of_the_training_set_are_refused(tmp_path):
    fill(tmp_path / "train", 5)
    fill(tmp_path / "test" / "cat", 5)
    assert "train folder" in refusal(read, tmp_path)


@pytest.mark.parametrize("has_folder", [False, True])
def test_a_split_may_lack_a_class(has_folder, tmp_path):
    for label in ("cat", "dog"):
        fill(tmp_path / "train" / label, 5)
    fill(tmp_path / "val" / "dog", 4)
    if has_folder:
        (tmp_path / "val" / "cat").mkdir()
    assert zoo.data.info(f"folder:{tmp_path}").class_names == ("cat", "dog")
    assert set(read(tmp_path, "validation")[1]) == {1}


def test_an_only_folder_of_classes_is_descended(tmp_path):
    for label in ("cat", "dog"):
        fill(tmp_path / "animals" / label, 8)
    assert zoo.data.info(f"folder:{tmp_path}").class_names == ("cat", "dog")
    fill(tmp_path / "animals" / "train" / "cat", 8)
    # With a picture of its own, animals is a class.
    save(tmp_path / "photo.png", noise(8, 8, 3))
    assert zoo.data.info(f"folder:{tmp_path}").class_names == ("animals",)


def test_folders_above_splits_are_descended(tmp_path):
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            fill(tmp_path / "pets" / "images" / split / label, 6)
    (tmp_path / "pets" / "notes").mkdir()
    (tmp_path / "pets" / "notes" / "licence.txt").write_text("free")
    info = zoo.data.info(f"folder:{tmp_path}")
    assert info.class_names == ("cat", "dog") and info.num_examples["test"] == 12


def test_what_folders_mean_is_told_by_their_names_alone():
    paths = [("a", "Train", "x", "1"), ("a", "test", "x", "2"), ("a", "test", "3")]
    arranged = layout.arrange(paths)
    assert arranged.above == ("a",) and arranged.class_names == ("x",)
    assert arranged.files == [(paths[0], "train", 0), (paths[1], "test", 0)]
    assert arranged.passed == [paths[2]]
    assert layout.arrange([("a", "b", "1")]).class_names == ("a",)
    assert layout.arrange([("train", "1")]).files == [(("train", "1"), "train", -1)]


def test_a_folder_without_a_readable_image_is_no_class(tmp_path):
    for label in ("cat", "dog"):
        fill(tmp_path / label, 10)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "cat0.xml").write_text("<a/>")
    info = zoo.data.info(f"folder:{tmp_path}")
    assert info.class_names == ("cat", "dog")
    assert set(read(tmp_path, "train+validation")[1]) == {0, 1}


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    for label in ("cat", "dog", ".ipynb_checkpoints", "dog/.ipynb_checkpoints"):
        fill(tmp_path / label, 10)
    (tmp_path / "dog" / "._0.png").write_bytes(b"\0\5\x16\7" * 9)  # of macOS
    info = zoo.data.info(f"folder:{tmp_path}")
    assert info.class_names == ("cat", "dog")
    assert sum(info.num_examples.values()) == 20


def test_a_flat_folder_stays_flat_beside_a_folder_of_texts(tmp_path):
    fill(tmp_path, 12)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "0.xml").write_text("<a/>")
    assert zoo.data.info(f"folder:{tmp_path}").class_names is None
    assert len(read(tmp_path, "train+validation")[0]) == 11


# --- links and depths -----------------------------------------------------------------


def test_links_to_folders_of_classes_are_followed(tmp_path):
    contents = [fill(tmp_path / "store" / label, 8) for label in "ab"]
    root = tmp_path / "set"
    (root / "c").mkdir(parents=True)
    os.symlink(tmp_path / "store" / "a", root / "a")
    os.symlink(tmp_path / "store" / "b", root / "c" / "b")
    info = zoo.data.info(f"folder:{root}")
    assert info.class_names == ("a", "c") and sum(info.num_examples.values()) == 16
    seen = [set(map(bytes, read(root, s)[0])) for s in ("train+validation", "test")]
    assert set.union(*seen) == set.union(*contents)


def test_links_that_lead_back_or_on_are_named_and_end(tmp_path, caplog):
    fill(tmp_path / "set" / "a", 4)
    os.symlink(tmp_path, tmp_path / "set" / "a" / "above")
    os.symlink("/", tmp_path / "set" / "everything")
    other = tmp_path / "other"
    other.mkdir()
    os.symlink(other, other / "again")
    os.symlink(other, tmp_path / "set" / "b")
    fill(other, 3)
    info = zoo.data.info(f"folder:{tmp_path / 'set'}")
    assert info.class_names == ("a", "b") and sum(info.num_examples.values()) == 7
    for name in ("above", "everything", "again"):
        assert f"{name}' (a link" in caplog.text


def test_a_thousand_nested_folders_are_walked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1100):
        os.mkdir("d")
        os.chdir("d")
    try:
        save(tmp_path / "d" / "d" / "d" / "deep.png", noise(8, 8))
        assert read(tmp_path)[0].shape == (1, 8, 8, 1)
    finally:  # pytest would descend too deep when it tidies up
        (tmp_path / "d" / "d" / "d" / "deep.png").unlink()
        for _ in range(1100):
            os.chdir("..")
            os.rmdir("d")


# --- what is no picture ---------------------------------------------------------------


def test_files_without_an_end_are_skipped_at_once(tmp_path, caplog, monkeypatch):
    fill(tmp_path, 3)
    os.symlink("/dev/zero", tmp_path / "zero.png")
    os.symlink("/proc/self/pagemap", tmp_path / "pseudo.png")
    with open(tmp_path / "sparse.png", "wb") as file:
        file.truncate(20 * 2**30)
    start = time.perf_counter()
    assert sum(zoo.data.info(f"folder:{tmp_path}").num_examples.values()) == 3
    assert time.perf_counter() - start < 5
    assert "sparse.png" in caplog.text and "pseudo.png" in caplog.text


def test_a_file_that_is_not_of_its_size_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "growing"
    path.write_bytes(b"12345")
    monkeypatch.setattr(walk, "size", lambda path, largest: 3)
    with pytest.raises(ValueError, match="its size"):
        walk.digest(path)


def test_a_line_of_the_log_is_bounded(tmp_path, caplog):
    fill(tmp_path / "a", 3)
    for number in range(300):
        (tmp_path / "a" / f"{number}.txt").write_text("no picture")
        save(tmp_path / f"loose{number}.png", noise(8, 8))
    read(tmp_path)
    assert "300 of 603 files" in caplog.text and "280 more" in caplog.text
    assert max(len(record.getMessage()) for record in caplog.records) < 10_000


def test_info_counts_what_arrays_can_read(tmp_path):
    fill(tmp_path / "a", 12, 8, 8)
    floats = np.random.random((8, 8)).astype("float32")
    save(tmp_path / "a" / "floats.tiff", floats)
    info = zoo.data.info(f"folder:{tmp_path}")
    assert sum(info.num_examples.values()) == 12
    for split, count in info.num_examples.items():
        assert len(read(tmp_path, split)[0]) == count


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_an_unreadable_file_does_not_make_a_grey_set_colour(dtype, tmp_path):
    fill(tmp_path, 4, 8, 8)
    save(tmp_path / "f.tiff", (9 * np.random.random((8, 8))).astype(dtype))
    assert zoo.data.info(f"folder:{tmp_path}").image_shape == (8, 8, 1)


def test_a_colour_file_that_is_cut_off_does_not_make_a_grey_set_colour(tmp_path):
    fill(tmp_path, 4, 64, 64)
    save(tmp_path / "colour.jpg", noise(64, 64, 3))
    assert zoo.data.info(f"folder:{tmp_path}").image_shape == (64, 64, 3)
    whole = (tmp_path / "colour.jpg").read_bytes()
    (tmp_path / "colour.jpg").write_bytes(whole[: len(whole) // 2])
    assert zoo.data.info(f"folder:{tmp_path}").image_shape == (64, 64, 1)


# --- colours --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "bmp", "png", "tiff"])
def test_grey_pictures_with_a_palette_are_grey(kind, tmp_path):
    images = noise(12, 16, 16)
    for number, image in enumerate(images):
        save(tmp_path / f"{number}.{kind}", Image.fromarray(image).convert("P"))
    parts = [read(tmp_path, split)[0] for split in ("train+validation", "test")]
    assert parts[0].shape == (11, 16, 16, 1)
    seen = {bytes(image) for part in parts for image in part}
    assert seen == set(map(bytes, images))


def test_a_palette_of_which_greys_alone_are_used_is_grey(tmp_path):
    grey = Image.fromarray(noise(16, 16) // 2).convert("P")
    palette = grey.getpalette()
    palette[3 * 200] = 7  # the colour is one that no pixel has
    grey.putpalette(palette)
    save(tmp_path / "a.png", grey)
    assert zoo.data.info(f"folder:{tmp_path}").image_shape[-1] == 1
    grey.putpixel((0, 0), 200)
    save(tmp_path / "b.png", grey)
    assert zoo.data.info(f"folder:{tmp_path}").image_shape[-1] == 3


def test_colour_can_be_asked_for(tmp_path):
    images = noise(2, 8, 8)
    save(tmp_path / "grey.png", images[0])
    save(tmp_path / "colour.png", np.stack([images[1]] * 3, axis=-1))
    for color, channels in (("auto", 3), ("grey", 1), ("rgb", 3)):
        seen = [read(tmp_path, s, color=color)[0] for s in ("train", "test")]
        seen = np.concatenate(seen)
        assert seen.shape == (2, 8, 8, channels)
        assert {bytes(image[..., 0]) for image in seen} == set(map(bytes, images))
    assert "auto, grey, rgb" in refusal(read, tmp_path, color="gray")
    assert "'color'" in refusal(read, tmp_path, colour="grey")


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["png", "tif", "pgm"])
def test_the_range_of_16_bit_files_is_the_one_that_they_use(
    bits, kind, tmp_path, caplog
):
    deep = np.random.randint(0, 2**bits, (12, 16, 16)).astype(np.uint16)
    deep[:, 0, 0] = 2**bits - 1
    for number, image in enumerate(deep):
        save(tmp_path / f"{number}.{kind}", image)
    parts = [read(tmp_path, split)[0] for split in ("train+validation", "test")]
    seen = {bytes(image) for part in parts for image in part}
    assert seen == {bytes((image >> (bits - 8)).astype(np.uint8)) for image in deep}
    assert zoo.data.info(f"folder:{tmp_path}").rules["bits"] == bits
    assert ("12 files" in caplog.text and str(2**bits - 1) in caplog.text) or bits == 16


def test_the_range_of_16_bit_files_can_be_given(tmp_path):
    save(tmp_path / "dark.png", np.full((8, 8), 1000, np.uint16))
    name = f"folder:{tmp_path}"
    assert zoo.data.arrays(name)[0].max() == 1000 >> 2
    assert zoo.data.arrays(name, bits=12)[0].max() == 1000 >> 4
    assert zoo.data.open(name, bits=12).info.rules["bits"] == 12
    assert "10, 12, 14, 16" in refusal(zoo.data.arrays, name, bits=11)


# --- sizes and transparency -----------------------------------------------------------


def test_rectangles_and_ways_to_come_to_a_size(tmp_path):
    picture = np.zeros((20, 40), np.uint8)
    picture[:, 10:30] = 200
    save(tmp_path / "wide.png", picture)
    (image,), _ = read(tmp_path, image_size=(10, 30))
    assert image.shape == (10, 30, 1)
    sizes = {"image_size": 20}
    (cut,), _ = read(tmp_path, **sizes)
    assert cut.min() == 200
    (stretched,), _ = read(tmp_path, fit="stretch", **sizes)
    assert stretched[:, 0].max() < 20 and stretched[:, 10].min() > 180
    (padded,), _ = read(tmp_path, fit="pad", **sizes)
    assert set(padded[:5].ravel()) == {255} and padded[10, 10] == 200
    (padded,), _ = read(tmp_path, fit="pad", background="black", **sizes)
    assert set(padded[:4].ravel()) == {0}
    assert zoo.data.info(f"folder:{tmp_path}", image_size=[16, 24]).image_shape == (
        *(16, 24),
        1,
    )
    for wrong in ((8,), (8, 8, 8), (8, 513), ("8", 8), (8.0, 8)):
        refusal(read, tmp_path, image_size=wrong)


def test_rectangles_of_every_kind_of_set(tmp_path):
    images, _ = zoo.data.arrays("digits", "test", image_size=(16, 24))
    assert images.shape == (297, 16, 24, 1)
    batches = zoo.data.load("digits", batch_size=8, image_size=(16, 24))
    assert next(iter(batches))[0].shape == (8, 16, 24, 1)
    images, _ = zoo.data.arrays("fashion_mnist", "test", image_size=(14, 28))
    assert images.shape[1:] == (14, 28, 1)
    np.savez(tmp_path / "a.npz", images=noise(20, 8, 8))
    images, _ = zoo.data.arrays(f"npz:{tmp_path}/a.npz", image_size=(9, 12))
    assert images.shape[1:] == (9, 12, 1)
    zoo.data.write_records(f"npz:{tmp_path}/a.npz", tmp_path / "set", None, (9, 12))
    here, _ = zoo.data.arrays(f"records:{tmp_path}/set")
    np.testing.assert_array_equal(here, images)
    small, _ = zoo.data.arrays(f"records:{tmp_path}/set", image_size=(12, 8))
    assert small.shape[1:] == (12, 8, 1)


def test_transparency_is_laid_on_the_background(tmp_path):
    clear = np.zeros((8, 8, 2), np.uint8)
    save(tmp_path / "clear.png", clear)  # a grey picture with alpha
    for background, shape, pixel in (
        ("white", (8, 8, 1), [255]),
        ("black", (8, 8, 1), [0]),
        ("#ff0000", (8, 8, 3), [255, 0, 0]),
    ):
        (image,), _ = read(tmp_path, background=background)
        assert image.shape == shape and image[0, 0].tolist() == pixel
    opened = zoo.data.open(f"folder:{tmp_path}", background="black")
    assert opened.options == {"background": "black"}
    rules = {"fit": "crop", "background": "black", "bits": 16}
    assert opened.info.rules == rules
    for wrong in ("wite", 3, None, "#12", "#11223344"):
        assert "background" in refusal(read, tmp_path, background=wrong)


def test_rules_are_kept_in_records_and_read_other_pictures_alike(tmp_path):
    fill(tmp_path / "photos", 12, 16, 24, 4)
    options = {"background": "#102030", "fit": "pad"}
    name = f"folder:{tmp_path / 'photos'}"
    info, _ = zoo.data.write_records(name, tmp_path / "set", image_size=16, **options)
    assert info.rules == options | {"bits": 16}
    written = zoo.data.info(f"records:{tmp_path / 'set'}")
    assert written.rules == info.rules
    height, width, channels = written.image_shape
    rules = pictures.Rules((height, width), channels, **written.rules)
    alike = {
        bytes(pictures.read(tmp_path / "photos" / f"{number}.png", rules))
        for number in range(12)
    }
    for split in ("train", "validation", "test"):
        for image in zoo.data.arrays(f"records:{tmp_path / 'set'}", split)[0]:
            assert bytes(image) in alike


# --- memory ---------------------------------------------------------------------------


@pytest.mark.parametrize("has_tf_data", [True, False])
def test_a_large_folder_stays_on_disk_in_the_same_order(
    has_tf_data, tmp_path, monkeypatch
):
    for label in "ab":
        fill(tmp_path / label, 20)
    name = f"folder:{tmp_path}"
    monkeypatch.setattr(backend, "HAS_TF_DATA", has_tf_data)
    how = {"batch_size": 8, "seed": 5, "flip": True, "classes": ("b",)}
    held = [tuple(map(np.asarray, batch)) for batch in zoo.data.load(name, **how)]
    monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    monkeypatch.setattr(memory, "free", lambda: 0)  # no memory is free
    from_disk = [tuple(map(np.asarray, batch)) for batch in zoo.data.load(name, **how)]
    assert len(held) == len(from_disk)
    for here, there in zip(held, from_disk):
        for a, b in zip(here, there):
            np.testing.assert_array_equal(a, b)


def test_a_damaged_picture_of_a_large_folder_is_named(tmp_path, monkeypatch):
    for number in range(3):
        save(tmp_path / f"{number}.jpg", noise(64, 64))
    data = (tmp_path / "0.jpg").read_bytes()
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(data[: -500 - number])
    monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    monkeypatch.setattr(backend, "HAS_TF_DATA", False)
    batches = zoo.data.load(f"folder:{tmp_path}", batch_size=1)
    assert ".jpg" in refusal(batches.__getitem__, 0)


def test_what_does_not_fit_into_memory_is_told_with_both_numbers(tmp_path, monkeypatch):
    fill(tmp_path / "a", 12)
    np.savez(tmp_path / "a.npz", images=noise(50, 8, 8))
    monkeypatch.setattr(memory, "free", lambda: 512)
    for name in (f"folder:{tmp_path / 'a'}", f"npz:{tmp_path}/a.npz", "digits"):
        message = refusal(zoo.data.arrays, name)
        assert "0.0 GiB of memory, and 0.0 GiB are free" in message
    monkeypatch.undo()
    assert 2**20 < memory.free() < 2**60


# --- names ----------------------------------------------------------------------------


def test_the_name_of_a_folder_suggests_its_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "photos", 2)
    (tmp_path / "My Photos").mkdir()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "records.json").touch()
    np.savez(tmp_path / "a.npz", images=noise(5, 8, 8))
    names = {
        "photos": "folder",
        "My Photos": "folder",
        "set": "records",
        "a.npz": "npz",
    }
    for name, kind in names.items():
        assert f"did you mean '{kind}:{name}'?" in refusal(zoo.data.info, name)
    assert "folder:" in refusal(zoo.data.load, str(tmp_path / "photos"))
