"""Tests domains that are not paired: of a folder, and two classes of any set."""

import numpy as np
import pytest
from everywhere import same_everywhere
from PIL import Image
from refusals import refusal

import zoo.data
from zoo import backend
from zoo.data.sources.prepared import Prepared

SPLITS = ("train", "validation", "test")


def fill(folder, values, channels=3, size=8):
    """Writes pictures of noise that begin with `values`."""
    folder.mkdir(parents=True, exist_ok=True)
    for value in values:
        shape = (size, size, channels)
        pixels = np.random.default_rng(value).integers(0, 256, shape, np.uint8)
        pixels[0, 0] = value
        Image.fromarray(np.squeeze(pixels)).save(folder / f"{value}.png")


def values(name, **options):
    """Returns {split: {field: first values of its pictures}}."""
    opened = zoo.data.open(name, **options)
    return {
        split: {
            field: sorted(column[:, 0, 0, 0].tolist())
            for field, column in opened.arrays(split).items()
        }
        for split in SPLITS
    }


# --- folders --------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["", "horse2zebra/horse2zebra"])
def test_folders_of_cyclegan_are_two_domains(place, tmp_path):
    fill(tmp_path / place / "trainA", range(20))
    fill(tmp_path / place / "trainB", range(100, 130))
    fill(tmp_path / place / "testA", range(50, 53))
    fill(tmp_path / place / "testB", range(150, 155))
    name = f"domains:{tmp_path}"
    info = zoo.data.info(name)
    assert info.num_examples == {
        "train": {"source": 18, "image": 27},
        "validation": {"source": 2, "image": 3},
        "test": {"source": 3, "image": 5},
    }
    assert info.fields == {"source": (8, 8, 3), "image": (8, 8, 3)}
    seen = values(name)
    assert seen["test"] == {
        "source": list(range(50, 53)),
        "image": list(range(150, 155)),
    }
    both = [sorted(seen["train"][f] + seen["validation"][f]) for f in seen["train"]]
    assert both == [list(range(20)), list(range(100, 130))]


def test_a_file_beside_the_domains_hides_no_folders(tmp_path, caplog):
    fill(tmp_path / "set" / "trainA", range(4))
    fill(tmp_path / "set" / "trainB", range(100, 104))
    (tmp_path / "README.txt").write_text("two domains")
    fill(tmp_path, [77])
    (tmp_path / "notes" / "trainA").mkdir(parents=True)
    (tmp_path / "notes" / "trainA" / "1.txt").write_text("not a picture")
    name = f"domains:{tmp_path}"
    assert zoo.data.info(name).num_examples["train"] == {"source": 2, "image": 2}
    assert "README.txt" in caplog.text and "'77.png'" in caplog.text
    assert "'notes/trainA/1.txt'" in caplog.text


def test_a_test_folder_that_is_missing_is_cut_by_content(tmp_path):
    fill(tmp_path / "TrainA", range(20))
    fill(tmp_path / "train_B", range(100, 120), channels=1, size=16)
    fill(tmp_path / "val_B", range(150, 155), channels=1, size=16)
    name = f"domains:{tmp_path}"
    assert zoo.data.info(name).num_examples == {
        "train": {"source": 17, "image": 18},
        "validation": {"source": 1, "image": 5},
        "test": {"source": 2, "image": 2},
    }
    assert zoo.data.info(name).fields == {"source": (8, 8, 3), "image": (16, 16, 1)}
    assert zoo.data.info(name, image_size=8, color="rgb").fields["image"] == (8, 8, 3)
    seen = values(name)
    for n in range(20):  # other names, same content
        (tmp_path / "TrainA" / f"{n}.png").rename(
            tmp_path / "TrainA" / f"x{99 - n}.png"
        )
    assert values(name) == seen


def test_a_domain_without_images_is_one_sentence(tmp_path, caplog):
    name = f"domains:{tmp_path}"
    assert "trainA holds none" in refusal(zoo.data.open, name)
    fill(tmp_path / "trainA", range(3))
    fill(tmp_path / "testB", range(3))
    fill(tmp_path / "other", range(3))
    assert "trainB holds none" in refusal(zoo.data.open, name)
    (tmp_path / "trainB").mkdir()
    (tmp_path / "trainB" / "1.png").write_bytes(b"no picture")
    assert "trainB holds none" in refusal(zoo.data.open, name)
    fill(tmp_path / "trainB", range(5, 9))
    assert zoo.data.info(name).num_examples["train"] == {"source": 1, "image": 3}
    assert "1.png" in caplog.text and "other" in caplog.text
    assert "domains: wants" in refusal(zoo.data.open, "domains:nowhere")
    assert "rgb" in refusal(zoo.data.open, name, color="blue")


@pytest.mark.parametrize("has_tf_data", [True, False])
def test_batches_records_and_disk_hold_domains(tmp_path, monkeypatch, has_tf_data):
    folder = tmp_path / "set"
    fill(folder / "trainA", range(20))
    fill(folder / "trainB", range(100, 130))
    where = f"domains:{folder}", tmp_path / "records", monkeypatch, has_tf_data
    held = same_everywhere(*where, ("source", "image"), flip=True)
    assert sum(len(images) for _, images in held) == 25  # of the larger domain


# --- two classes ----------------------------------------------------------------------


@pytest.mark.parametrize("domains", ["5,7", "5, 7", ("5", 7), [5, 7]])
def test_two_classes_of_digits_are_two_domains(domains):
    opened = zoo.data.open("digits", domains=domains, image_size=8)
    assert opened.info.class_names is None and opened.options == {"domains": domains}
    assert opened.info.fields == {"source": (8, 8, 1), "image": (8, 8, 1)}
    for split in ("train+validation", *SPLITS):
        columns = opened.arrays(split)
        for field, label in (("source", 5), ("image", 7)):
            images, _ = zoo.data.arrays("digits", split, classes=label, image_size=8)
            np.testing.assert_array_equal(columns[field], images)
            if "+" not in split:
                assert opened.info.num_examples[split][field] == len(images)


@pytest.mark.parametrize("kind", ["folder", "npz", "records"])
def test_two_classes_of_users_own_sets_are_two_domains(kind, tmp_path):
    if kind == "npz":
        images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
        images[:, 0, 0] = np.arange(60)
        np.savez(tmp_path / "set", images=images, labels=np.arange(60) // 20)
        name, domains = f"npz:{tmp_path}/set.npz", "2,1"
    else:
        for number, label in enumerate(("cat", "cow", "dog")):
            fill(tmp_path / "set" / label, range(20 * number, 20 * number + 20))
        name, domains = f"folder:{tmp_path / 'set'}", "dog,cow"
    if kind == "records":
        zoo.data.write_records(name, tmp_path / "records")
        name = f"records:{tmp_path / 'records'}"
    seen = values(name, domains=domains)
    for field, first in (("source", 40), ("image", 20)):
        every = sorted(value for split in SPLITS for value in seen[split][field])
        assert every == list(range(first, first + 20))


def test_two_classes_of_a_named_set_are_read_with_and_without_tensorflow(monkeypatch):
    how = {"domains": "3,8", "fields": ("source", "image")}
    batches = []
    for has_tf_data in (True, False):
        monkeypatch.setattr(backend, "HAS_TF_DATA", has_tf_data)
        loaded = zoo.data.load("digits", "validation", batch_size=8, **how)
        batches.append([np.asarray(part) for part in next(iter(loaded))])
    assert batches[0][0].shape == (8, 28, 28, 1)
    assert all(np.array_equal(a, b) for a, b in zip(*batches))


def test_two_classes_of_a_large_set_stay_on_disk(tmp_path, monkeypatch):
    for number, label in enumerate("abc"):
        fill(tmp_path / label, range(20 * number, 20 * number + 20))
    name = f"folder:{tmp_path}"
    how = {"domains": "c,a", "fields": ("source", "image"), "batch_size": 8}
    monkeypatch.setattr(backend, "HAS_TF_DATA", False)
    held = list(zoo.data.load(name, **how))
    monkeypatch.setattr("zoo.data.source.STREAM_ABOVE", 0)
    opened = zoo.data.open(name, domains="c,a")
    assert hasattr(opened.source.columns("train", None)["image"], "chosen")
    for here, there in zip(held, zoo.data.load(name, **how), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(here, there))
    monkeypatch.setattr(Prepared, "is_large", lambda self, size: True)
    monkeypatch.setattr(backend, "HAS_TF_DATA", True)
    assert "records" in refusal(zoo.data.load, "fashion_mnist", domains="1,2")


@pytest.mark.parametrize(
    "domains, reason",
    [
        ("5", "two classes"),
        (5, "two classes"),
        ("5,7,9", "two classes"),
        ("5,5", "different"),
        ("", "Unknown class ''"),
        ("5,eleven", "Unknown class 'eleven'"),
        ((), "at least one"),
    ],
)
def test_domains_that_are_no_two_classes_are_refused(domains, reason):
    message = refusal(zoo.data.open, "digits", domains=domains)
    assert reason in message and "classes=" not in message
    assert refusal(zoo.data.require, "digits", domains=domains) == message


def test_sets_without_labelled_images_have_no_such_domains(tmp_path):
    fill(tmp_path, range(3))
    for name in (f"folder:{tmp_path}",):
        assert "labelled images" in refusal(zoo.data.open, name, domains="1,2")
    assert "to choose classes by" in refusal(
        zoo.data.open, "digits", domains="1,2", classes=[1]
    )
