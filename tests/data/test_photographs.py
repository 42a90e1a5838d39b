"""Tests photographs: cut into patches of pictures that the tests write themselves."""

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo import commands
from zoo.commands import prepare
from zoo.data.sources import photographs, ready
from zoo.inputs import pictures

SPLITS = ("train", "validation", "test")


def run(*flags):
    return commands.start(prepare.VERB, prepare.main, ["prepare", *flags])


@pytest.fixture
def wallpapers(tmp_path):
    """Writes all photographs, small and each of one colour, with lines on their left
    half; returns the folder that holds usr."""
    root = tmp_path / "root"
    for number, path in enumerate(photographs.PHOTOGRAPHS.values()):
        pixels = np.full((130, 260, 3), 7 * number, np.uint8)
        pixels[::2, :130] += 20
        file = root / "usr" / "share" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, "PNG")
    return root


def prepared(root, place):
    return run("--dataset=photographs", f"--from={root}", f"--data_dir={place}")


def colours(data, split):
    """Returns the number of the photograph that each patch is of."""
    images = data.arrays(split)["image"]
    assert images.shape[1:] == (64, 64, 3)
    return images[:, 1, 0, 0] // 7


def test_each_photograph_is_in_one_split(wallpapers, tmp_path, capsys):
    assert prepared(wallpapers, tmp_path) == 0
    out = capsys.readouterr().out
    count = len(photographs.PHOTOGRAPHS)
    assert f"photograph {count} of {count}" in out
    data = zoo.data.open("photographs", data_dir=tmp_path)
    assert data.info.num_classes is None
    sides = [set(colours(data, split)) for split in SPLITS]
    assert [len(side) for side in sides] == [27, 3, 3] and sum(map(len, sides)) == count
    assert not sides[0] & sides[1] | sides[1] & sides[2] | sides[0] & sides[2]
    both = colours(data, "train+validation")
    assert set(both) == sides[0] | sides[1]
    small = zoo.data.open("photographs", image_size=16, data_dir=tmp_path)
    assert small.arrays("test")["image"].shape[1:] == (16, 16, 3)


def test_what_shows_nothing_is_left_out_and_no_patch_is_there_twice(
    wallpapers, tmp_path
):
    assert prepared(wallpapers, tmp_path) == 0
    data = zoo.data.open("photographs", data_dir=tmp_path)
    for split in SPLITS:
        images = data.arrays(split)["image"]
        assert (images[:, 0, 0] != images[:, 1, 0]).any(-1).all()  # it has lines
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_a_large_photograph_is_cut_at_two_scales(wallpapers, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 1200, 3), np.uint8)
    kite = wallpapers / "usr" / "share" / photographs.PHOTOGRAPHS["Kite"]
    Image.fromarray(noise).save(kite, "PNG")
    assert prepared(wallpapers, tmp_path) == 0
    folder = ready.place("photographs", photographs.VERSION, tmp_path)
    patches = ready.table(folder)["patches"].count("Kite")
    assert patches == 8 * 16 + 7 * 15  # of 512x1024 side by side, of 256x512 by half
    data = zoo.data.open("photographs", data_dir=tmp_path)
    images = np.concatenate([data.arrays(split)["image"] for split in SPLITS])
    seen = {image.tobytes() for image in images}
    for height, top, left in ((512, 448, 960), (512, 64, 128), (256, 192, 448)):
        rules = pictures.Rules((height, 2 * height), 3)
        patch = pictures.read(kite, rules)[top : top + 64, left : left + 64]
        assert patch.tobytes() in seen


def test_the_splits_do_not_depend_on_what_is_installed(
    wallpapers, tmp_path, caplog, capsys
):
    assert prepared(wallpapers, tmp_path / "all") == 0
    share = wallpapers / "usr" / "share"
    (share / photographs.PHOTOGRAPHS["Kite"]).unlink()
    (share / photographs.PHOTOGRAPHS["Dune"]).write_bytes(b"no picture")
    assert prepared(wallpapers, tmp_path / "some") == 0
    assert "left out (Kite)" in caplog.text and "Dune.jpg" in caplog.text
    every, some = (
        zoo.data.open("photographs", data_dir=tmp_path / place)
        for place in ("all", "some")
    )
    lost = {list(photographs.PHOTOGRAPHS).index(name) for name in ("Kite", "Dune")}
    for split in SPLITS:
        assert set(colours(some, split)) == set(colours(every, split)) - lost


def test_a_set_of_too_few_photographs_is_completed_once_there_are_more(
    wallpapers, tmp_path, caplog
):
    share = wallpapers / "usr" / "share"
    kite = share / photographs.PHOTOGRAPHS["Kite"]
    content = kite.read_bytes()
    kite.unlink()
    assert prepared(wallpapers, tmp_path) == 0
    caplog.clear()
    few = zoo.data.open("photographs", data_dir=tmp_path).info.num_examples
    assert "1 of 33 photographs are not in the prepared set" in caplog.text
    assert "(Kite)" in caplog.text and "experiments.prepare" in caplog.text
    kite.write_bytes(content)
    assert prepared(wallpapers, tmp_path) == 0
    caplog.clear()
    data = zoo.data.open("photographs", data_dir=tmp_path)
    assert not caplog.text and data.info.num_examples != few
    seen = set.union(*(set(colours(data, split)) for split in SPLITS))
    assert len(seen) == len(photographs.PHOTOGRAPHS)
    for path in (kite, share / photographs.PHOTOGRAPHS["Dune"]):
        path.unlink()
    assert prepared(wallpapers, tmp_path) == 0  # a set that is whole stays whole
    assert zoo.data.info("photographs", data_dir=tmp_path) == data.info
    written = [path.name for path in (tmp_path / "photographs").iterdir()]
    assert written == [photographs.VERSION]


def test_the_patches_are_kept_if_they_cannot_be_cut_anew(
    wallpapers, tmp_path, monkeypatch, capsys
):
    kite = wallpapers / "usr" / "share" / photographs.PHOTOGRAPHS["Kite"]
    kite.rename(tmp_path / "Kite")
    assert prepared(wallpapers, tmp_path) == 0
    (tmp_path / "Kite").rename(kite)
    before = zoo.data.info("photographs", data_dir=tmp_path)

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ready.folders, "sync", full)
    assert prepared(wallpapers, tmp_path) == 1
    assert zoo.data.info("photographs", data_dir=tmp_path) == before
    written = [path.name for path in (tmp_path / "photographs").iterdir()]
    assert written == [photographs.VERSION]


def test_wallpapers_that_are_missing_are_told_with_the_way_out(tmp_path, capsys):
    assert prepared(tmp_path, tmp_path / "sets") == 1
    assert "apt-get install mate-backgrounds" in capsys.readouterr().err
    assert not (tmp_path / "sets").exists()
    with pytest.raises(FileNotFoundError, match="prepare --dataset=photographs"):
        zoo.data.require("photographs", data_dir=tmp_path)


def test_too_few_photographs_are_no_set(wallpapers, tmp_path, capsys):
    names = list(photographs.PHOTOGRAPHS)
    for name in names[1:]:
        (wallpapers / "usr" / "share" / photographs.PHOTOGRAPHS[name]).unlink()
    assert prepared(wallpapers, tmp_path / "sets") == 1
    assert "Too few photographs" in capsys.readouterr().err
    assert not (tmp_path / "sets").exists()
