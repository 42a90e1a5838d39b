"""Tests sharded TFRecords: the same set in other files, in the same order."""

import json

import numpy as np
import pytest
from PIL import Image

from zoo import backend, commands, data
from zoo.commands import prepare
from zoo.data import source
from zoo.inputs import pixels

if backend.NAME != "tensorflow":
    pytest.skip("TensorFlow writes the records", allow_module_level=True)

SPLITS = ("train", "validation", "train+validation", "test")
WHERE = {"classes": (3, 1), "image_size": 8}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Writes two classes of the digits, 8x8, into five files or more; returns their
    folder."""
    folder = tmp_path_factory.mktemp("records") / "digits"
    _, files = data.write_records("digits", folder, shards=5, **WHERE)
    assert files == {"train": 5, "validation": 1, "test": 2}
    return folder


def test_records_hold_the_set_that_was_written(digits):
    name = f"records:{digits}"
    there, here = data.info("digits", **WHERE), data.info(name)
    assert here.num_examples == there.num_examples
    assert here.image_shape == there.image_shape
    assert here.class_names == there.class_names
    for split in SPLITS:
        for a, b in zip(
            data.arrays("digits", split, **WHERE), data.arrays(name, split)
        ):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("on_disk", [False, True])
def test_epochs_have_the_same_order_in_memory_and_from_disk(
    digits, on_disk, monkeypatch
):
    if on_disk:
        monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    how = {"batch_size": 50, "seed": 7, "flip": True, "start_epoch": 2}
    records = data.load(f"records:{digits}", "train", **how)
    monkeypatch.undo()
    wanted = data.load("digits", "train", **how, **WHERE)
    for _ in range(2):  # epochs
        for batch, other in zip(records, wanted, strict=True):
            np.testing.assert_array_equal(batch[0], other[0])
            np.testing.assert_array_equal(batch[1], other[1])


def test_classes_and_sizes_are_chosen_from_disk_too(digits, monkeypatch):
    monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    how = {"classes": ("1",), "image_size": 12, "shuffle": False}
    (images, labels) = next(iter(data.load(f"records:{digits}", "test", 100, **how)))
    wanted = data.arrays("digits", "test", (1,), 8)[0]
    assert (
        images.shape == (min(100, len(wanted)), 12, 12, 1) and not labels.numpy().any()
    )


def test_a_set_without_labels_stays_without(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 9, 11, 3), np.uint8)
    np.savez(tmp_path / "rgb.npz", images=images)
    data.write_records(f"npz:{tmp_path / 'rgb.npz'}", f"{tmp_path}/rgb")
    read, labels = data.arrays(f"records:{tmp_path / 'rgb'}")
    wanted, _ = data.arrays(f"npz:{tmp_path / 'rgb.npz'}")
    np.testing.assert_array_equal(read, wanted)
    assert labels is None


def test_the_files_are_records_that_tensorflow_reads(digits):
    import tensorflow as tf

    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/class/label": tf.io.FixedLenFeature([], tf.int64),
    }
    files = sorted(map(str, digits.glob("train-*.tfrecord")))
    assert len(files) == 5
    examples = []
    for record in tf.data.TFRecordDataset(files):  # TensorFlow checks every checksum
        example = tf.io.parse_single_example(record, features)
        image = tf.io.decode_png(example["image/encoded"])
        examples.append((image.numpy(), int(example["image/class/label"])))
    images, labels = data.arrays("digits", "train", **WHERE)
    np.testing.assert_array_equal([image for image, _ in examples], images)
    np.testing.assert_array_equal([label for _, label in examples], labels)


# --- what cannot be -------------------------------------------------------------------


def called(*flags):
    return commands.start(prepare.VERB, prepare.main, ["prepare", *flags])


def test_prepare_writes_what_train_reads(tmp_path, capsys):
    out = tmp_path / "set"
    assert called("--image_size=8", f"--out={out}", "--shards=2") == 0
    said = capsys.readouterr().out
    assert "1,350 images in 2 files" in said and f"--dataset=records:{out}" in said
    assert len(list(out.glob("train*.tfrecord*"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert data.info(f"records:{out}").num_examples["train"] == 1350


def test_prepare_reads_pictures_as_told(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(12):
        picture = np.random.randint(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number}.png")
    flags = ["--image_size=12x8", "--color=grey", "--fit=pad", "--background=black"]
    name, out = f"folder:{tmp_path / 'photos'}", tmp_path / "set"
    assert called(f"--dataset={name}", f"--out={out}", *flags) == 0
    options = {"color": "grey", "fit": "pad", "background": "black"}
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(
            data.arrays(f"records:{out}", split)[0],
            data.arrays(name, split, image_size=(8, 12), **options)[0],
        )
    assert data.info(f"records:{out}").image_shape == (8, 12, 1)


@pytest.mark.parametrize("shards", [7, 64, 1350])
def test_there_are_as_many_files_as_asked(shards, tmp_path):
    _, files = data.write_records("digits", tmp_path / "set", None, 8, shards=shards)
    assert files["train"] == shards
    assert len(list((tmp_path / "set").glob("train-*"))) == shards
    for written, own in zip(
        data.arrays(f"records:{tmp_path / 'set'}", "train"),
        data.arrays("digits", "train", image_size=8),
    ):
        np.testing.assert_array_equal(written, own)


def test_a_set_of_which_a_file_is_cut_off_is_not_written(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(20):
        file = tmp_path / "photos" / f"{number}.jpg"
        Image.fromarray(np.random.randint(0, 256, (64, 64), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:-1000])  # the header stays whole
    with pytest.raises(ValueError, match=r"Of \d+ images of the \w+ split \d+ can be"):
        data.write_records(f"folder:{tmp_path / 'photos'}", tmp_path / "set")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--out={taken}"], "files already"),
        (["--out={file}"], "not a file"),
        (["--out={new}", "--shards=0"], "shards"),
        (["--out={new}", "--shards=2000"], "shards"),
        (["--out={new}", "--dataset=digit"], "digits"),
        (["--out={new}", "--dataset=folder:{nowhere}"], "folder"),
        (["--out={new}", "--image_size=8x"], "image_size"),
        (["--out={new}", "--image_size=8x9x10"], "WIDTHxHEIGHT"),
        (["--out={new}", "--fit=pad"], "options of 'digits' are none"),
        (["--out={new}", "--dataset=folder:.", "--fit=cut"], "crop, pad, stretch"),
    ],
)
def test_a_wrong_target_is_one_sentence_and_leaves_nothing(
    flags, message, tmp_path, capsys
):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "kept").write_text("kept")
    (tmp_path / "file").write_text("kept")
    names = ("taken", "file", "new", "nowhere")
    places = {name: tmp_path / name for name in names}
    assert called(*(flag.format(**places) for flag in flags)) == 1
    err = capsys.readouterr().err
    assert message in err and "Received" in err and err.count("\n") == 1
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == ["file", "kept", "taken"]


def test_a_writer_that_is_interrupted_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(pixels):
        raise KeyboardInterrupt

    monkeypatch.setattr(pixels, "png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.write_records("digits", tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def copy(digits, tmp_path):
    for path in digits.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def spoil_description(folder):
    (folder / "records.json").write_text("{")


def spoil_version(folder):
    description = json.loads((folder / "records.json").read_text())
    (folder / "records.json").write_text(json.dumps(description | {"format": 99}))


def spoil_index(folder):
    index = np.load(folder / "train.npy")
    index[3, 1] = 10**9
    np.save(folder / "train.npy", index)


def pickle_index(folder):
    np.save(folder / "train.npy", np.array([{}]), allow_pickle=True)


def lose_file(folder):
    (folder / "train-00001-of-00005.tfrecord").unlink()


def cut_file(folder):
    path = folder / "train-00001-of-00005.tfrecord"
    path.write_bytes(path.read_bytes()[:-50])


def spoil_image(folder):
    path = folder / "train-00001-of-00005.tfrecord"
    content = bytearray(path.read_bytes())
    content[60:200] = bytes(140)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (spoil_description, "damaged"),
        (spoil_version, "another version"),
        (spoil_index, "does not fit"),
        (pickle_index, "not whole"),
        (lose_file, "not whole"),
        (cut_file, "does not fit"),
        (spoil_image, "cannot be read"),
    ],
)
def test_damaged_records_are_one_sentence(spoil, message, copy):
    spoil(copy)
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        data.arrays(f"records:{copy}")


@pytest.mark.parametrize("path", ["", "nowhere", "."])
def test_another_folder_is_one_sentence(path):
    with pytest.raises(FileNotFoundError, match="experiments.prepare.*Received"):
        data.info(f"records:{path}")
