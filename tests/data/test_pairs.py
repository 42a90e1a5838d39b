"""Tests pairs of pictures: in two folders, or side by side."""

import numpy as np
import pytest
from everywhere import same_everywhere
from PIL import Image
from refusals import refusal

import zoo.data
from zoo.data.sources import pairing


def picture(value, height=8, width=8, channels=3):
    """Noise that begins with `value`."""
    shape = (height, width, channels)
    pixels = np.random.default_rng(value).integers(0, 256, shape, np.uint8)
    pixels[0, 0, 0] = value
    return pixels


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.squeeze(pixels)).save(path)


def pair(first, second, value, **shape):
    """Writes a pair whose pictures begin with `value` and `value` + 100."""
    save(first, picture(value, **shape))
    save(second, picture(value + 100, **shape))


def values(folder, splits=("train", "validation", "test"), **options):
    """Returns {split: the first values of its sources}, of pairs that are checked."""
    opened = zoo.data.open(f"pairs:{folder}", **options)
    seen = {}
    for split in splits:
        columns = opened.arrays(split)
        assert list(columns) == ["source", "image"]
        first, second = (c[:, 0, 0, 0].astype(int) for c in columns.values())
        np.testing.assert_array_equal(first + 100, second)
        seen[split] = set(first.tolist())
    return seen


# --- the ways to lay them out ---------------------------------------------------------


@pytest.mark.parametrize("layout", ["train/A", "A/train", "set/Train/a", "set/a/Train"])
def test_two_folders_with_splits(layout, tmp_path):
    for number, split in enumerate(("train", "val", "test")):
        for n in range(3):
            place = layout.lower().replace("train", split)
            name = f"sub/{n}.png"
            other = "/".join("B" if p == "a" else p for p in place.split("/"))
            pair(tmp_path / place / name, tmp_path / other / name, 10 * number + n)
    wanted = {"train": {0, 1, 2}, "validation": {10, 11, 12}, "test": {20, 21, 22}}
    assert values(tmp_path) == wanted


def test_two_folders_without_splits_are_cut_by_content(tmp_path):
    for n in range(40):
        pair(tmp_path / "x" / "A" / f"{n}.png", tmp_path / "x" / "B" / f"{n}.bmp", n)
        other = tmp_path / "y" / f"{99 - n}.bmp"
        pair(other.parent / "A" / other.name, other.parent / "B" / other.name, n)
    seen = values(tmp_path / "x")
    assert {split: len(part) for split, part in seen.items()} == {
        "train": 33,
        "validation": 3,
        "test": 4,
    }
    assert set.union(*seen.values()) == set(range(40))
    for path in (tmp_path / "y").glob("*/*.bmp"):  # the same bytes, whatever the names
        data = next(
            (tmp_path / "x").glob(f"{path.parent.name}/{99 - int(path.stem)}.*")
        )
        path.with_suffix(data.suffix).write_bytes(data.read_bytes())
        if data.suffix != path.suffix:
            path.unlink()
    assert values(tmp_path / "y") == seen


@pytest.mark.parametrize("folders", [("",), ("train", "val", "test")])
def test_pictures_side_by_side_are_cut_in_the_middle(folders, tmp_path):
    for number, folder in enumerate(folders):
        for n in range(30 // len(folders)):
            value = 10 * number + n
            halves = [picture(value), picture(value + 100)]
            save(tmp_path / folder / f"{n}.png", np.concatenate(halves, axis=1))
    assert zoo.data.info(f"pairs:{tmp_path}").fields == {
        "source": (8, 8, 3),
        "image": (8, 8, 3),
    }
    seen = values(tmp_path)
    assert set.union(*seen.values()) == set(range(30))
    if len(folders) == 3:
        assert [len(part) for part in seen.values()] == [10, 10, 10]
        assert seen["validation"] == set(range(10, 20))


def test_halves_are_resized_each_for_itself(tmp_path):
    white, black = np.full((20, 20, 3), 255, np.uint8), np.zeros((20, 20, 3), np.uint8)
    save(tmp_path / "1.png", np.concatenate([white, black], axis=1))
    columns = zoo.data.open(f"pairs:{tmp_path}", image_size=(8, 10)).arrays()
    assert columns["source"].shape == (1, 8, 10, 3)
    assert columns["source"].min() == 255 and columns["image"].max() == 0


def test_each_side_has_its_own_channels_and_size(tmp_path):
    for n in range(4):
        save(tmp_path / "A" / f"{n}.png", picture(n, channels=1))
        save(tmp_path / "B" / f"{n}.png", picture(100 + n, 16, 16))
    name = f"pairs:{tmp_path}"
    info = zoo.data.info(name)
    assert info.fields == {"source": (8, 8, 1), "image": (16, 16, 3)}
    assert info.image_shape == (16, 16, 3) and info.class_names is None
    assert zoo.data.info(name, image_size=12, color="rgb").fields == {
        "source": (12, 12, 3),
        "image": (12, 12, 3),
    }


def test_pairs_that_share_a_picture_stay_on_one_side(tmp_path):
    for n in range(40):  # four pictures of B for each of A
        save(tmp_path / "A" / f"{n}.png", picture(n // 4))
        save(tmp_path / "B" / f"{n}.png", picture(100 + n))
    opened = zoo.data.open(f"pairs:{tmp_path}")
    sides = [
        set(opened.arrays(split)["source"][:, 0, 0, 0].tolist())
        for split in ("train", "validation", "test")
    ]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 10
    chain = [(b"a", b"x"), (b"b", b"y"), (b"b", b"x"), (b"c", b"z"), (b"z", b"d")]
    assert pairing.connected(chain) == [b"a", b"a", b"a", b"c", b"c"]
    assert pairing.connected(chain[::-1]) == [b"c", b"c", b"a", b"a", b"a"]


def test_a_shared_half_keeps_side_by_side_pictures_on_one_side(tmp_path):
    for n in range(40):  # four pictures of B for each of A
        halves = [picture(n // 4), picture(100 + n)]
        save(tmp_path / f"{n}.png", np.concatenate(halves, axis=1))
    opened = zoo.data.open(f"pairs:{tmp_path}")
    sides = [
        set(opened.arrays(split)["source"][:, 0, 0, 0].tolist())
        for split in ("train", "validation", "test")
    ]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 10


def test_a_file_beside_the_set_hides_no_folders(tmp_path, caplog):
    for n in range(4):
        pair(tmp_path / "set" / "A" / f"{n}.png", tmp_path / "set/B" / f"{n}.png", n)
    (tmp_path / "README.txt").write_text("a set of pairs")
    (tmp_path / "set" / "LICENSE").write_text("free")
    save(tmp_path / "preview.png", picture(77, 8, 16))
    assert zoo.data.info(f"pairs:{tmp_path}").fields["image"] == (8, 8, 3)
    assert set.union(*values(tmp_path).values()) == set(range(4))
    assert "'README.txt'" in caplog.text and "'set/LICENSE'" in caplog.text
    assert "'preview.png'" in caplog.text


def test_side_by_side_pictures_lie_in_one_folder_or_in_splits(tmp_path, caplog):
    for n in range(4):
        halves = [picture(n), picture(100 + n)]
        save(tmp_path / "photos" / "mine" / f"{n}.png", np.concatenate(halves, axis=1))
    with caplog.at_level("INFO", logger="absl"):
        assert set.union(*values(tmp_path).values()) == set(range(4))
    assert "side by side" in caplog.text
    for n in range(4):
        save(tmp_path / "others" / "trainA" / f"{n}.png", picture(n))
        save(tmp_path / "others" / "trainB" / f"{n}.png", picture(100 + n))
    message = refusal(zoo.data.open, f"pairs:{tmp_path / 'others'}")
    assert "A and B" in message and "'trainA', 'trainB'" in message


# --- the ways of all sets -------------------------------------------------------------


@pytest.mark.parametrize("has_tf_data", [True, False])
@pytest.mark.parametrize("is_joint", [False, True])
def test_batches_records_and_disk_hold_pairs(
    tmp_path, monkeypatch, has_tf_data, is_joint
):
    folder = tmp_path / "set"
    for n in range(30):
        if is_joint:
            halves = [picture(n), picture(n + 100)]
            save(folder / f"{n}.png", np.concatenate(halves, axis=1))
        else:
            pair(folder / "A" / f"{n}.png", folder / "B" / f"{n}.png", n)
    where = f"pairs:{folder}", tmp_path / "records", monkeypatch, has_tf_data
    held = same_everywhere(*where, ("source", "image"), flip=True)
    corners = np.concatenate([source[:, 0, [0, -1], 0] for source, _ in held])
    others = np.concatenate([image[:, 0, [0, -1], 0] for _, image in held])
    alike = (corners.astype(int) + 100 == others).any(axis=1)
    assert alike.all()  # both pictures of a pair, mirrored alike


# --- what is of no use ----------------------------------------------------------------


def test_a_picture_without_its_other_half_is_named(tmp_path, caplog):
    for n in range(6):
        pair(tmp_path / "A" / f"{n}.png", tmp_path / "B" / f"{n}.png", n)
    save(tmp_path / "A" / "lonely.png", picture(50))
    save(tmp_path / "B" / "5.bmp", picture(51))  # is 5.png the other half, or this?
    save(tmp_path / "C" / "5.png", picture(52))
    seen = values(tmp_path)
    assert set.union(*seen.values()) == set(range(5))
    assert "'A/lonely.png'" in caplog.text and "'B/5.bmp'" in caplog.text
    assert "'C/5.png'" in caplog.text


def test_a_pair_of_which_one_picture_is_damaged_is_named(tmp_path, caplog):
    for n in range(12):
        pair(tmp_path / "A" / f"{n}.bmp", tmp_path / "B" / f"{n}.bmp", n)
    (tmp_path / "A" / "0.bmp").write_bytes(b"no picture")
    whole = (tmp_path / "B" / "1.bmp").read_bytes()
    (tmp_path / "B" / "1.bmp").write_bytes(whole[:-20])  # its header can be read
    seen = set.union(*values(tmp_path).values())
    assert seen == set(range(2, 12))
    assert "0.bmp" in caplog.text and "1.bmp" in caplog.text


def test_a_pair_of_other_proportions_is_named(tmp_path, caplog):
    for n in range(6):
        pair(tmp_path / "A" / f"{n}.png", tmp_path / "B" / f"{n}.png", n)
    save(tmp_path / "A" / "wide.png", picture(50, 8, 12))
    save(tmp_path / "B" / "wide.png", picture(150, 12, 8))
    seen = values(tmp_path)
    assert set.union(*seen.values()) == set(range(6))
    assert "'A/wide.png' (12x8 and 8x12 pixels)" in caplog.text
    opened = zoo.data.open(f"pairs:{tmp_path}", image_size=8, fit="stretch")
    assert sum(opened.info.num_examples.values()) == 7
    for n in range(6):
        (tmp_path / "A" / f"{n}.png").unlink()
    assert "proportions" in refusal(zoo.data.open, f"pairs:{tmp_path}")


def test_sides_that_are_rounded_are_no_other_proportions(tmp_path):
    save(tmp_path / "A" / "1.png", picture(1, 17, 25))
    save(tmp_path / "B" / "1.png", picture(2, 33, 50))
    info = zoo.data.info(f"pairs:{tmp_path}")
    assert info.fields == {"source": (17, 25, 3), "image": (33, 50, 3)}


def test_a_picture_of_odd_width_is_not_side_by_side(tmp_path, caplog):
    for n in range(4):
        save(tmp_path / f"{n}.png", picture(n, 8, 16))
    save(tmp_path / "odd.png", picture(9, 8, 17))
    info = zoo.data.info(f"pairs:{tmp_path}")
    assert sum(info.num_examples.values()) == 4 and "'odd.png' (17 pix" in caplog.text
    for n in range(4):
        (tmp_path / f"{n}.png").unlink()
    assert "even width" in refusal(zoo.data.open, f"pairs:{tmp_path}")


def test_a_split_that_loses_all_of_its_pairs_is_told(tmp_path, caplog):
    for split, first in (("train", 0), ("val", 20), ("test", 30)):
        for n in range(first, first + 10):
            folder = tmp_path / split
            pair(folder / "A" / f"{n}.png", folder / "B" / f"{n}.png", n)
    for n in range(30, 40):
        save(tmp_path / "test" / "B" / f"{n}.png", picture(n, 8, 12))
    pair(tmp_path / "A" / "50.png", tmp_path / "B" / "50.png", 50)
    seen = values(tmp_path)
    assert len(seen["test"]) == 1 and seen["test"] <= set(range(10))
    assert "The test folder of" in caplog.text and "no pair" in caplog.text
    assert "outside its folders train, val and test" in caplog.text
    assert "'A/50.png'" in caplog.text and "one other half" not in caplog.text


def test_pictures_that_validation_shares_with_training_are_told(tmp_path, caplog):
    for split, first in (("train", 0), ("val", 9), ("test", 20)):
        for n in range(first, first + 10):
            folder = tmp_path / split
            pair(folder / "A" / f"{n}.png", folder / "B" / f"{n}.png", n)
    values(tmp_path)
    assert "1 validation images of" in caplog.text and "test images" not in caplog.text


def test_folders_without_pairs_are_one_sentence(tmp_path):
    name = f"pairs:{tmp_path}"
    assert "No readable image" in refusal(zoo.data.open, name)
    save(tmp_path / "A" / "1.png", picture(1))
    assert "a folder B" in refusal(zoo.data.open, name)
    save(tmp_path / "B" / "2.png", picture(1))
    assert "equal names" in refusal(zoo.data.open, name)
    (tmp_path / "B" / "1.png").write_bytes(b"no picture")
    assert "two pictures" in refusal(zoo.data.open, name)
    assert "pairs: wants" in refusal(zoo.data.open, "pairs:nowhere")


def test_the_options_of_a_folder_hold(tmp_path):
    pair(tmp_path / "A" / "1.png", tmp_path / "B" / "1.png", 1, channels=4)
    info = zoo.data.info(f"pairs:{tmp_path}", background="#ff0000", fit="pad")
    assert info.rules == {"fit": "pad", "background": "#ff0000", "bits": 16}
    assert "rgb" in refusal(zoo.data.info, f"pairs:{tmp_path}", color="blue")
