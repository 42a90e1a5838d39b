"""Tests clips of films: animations, videos and folders of numbered frames."""

import contextlib
import fractions
import sys
import types

import numpy as np
import pytest
from everywhere import same_everywhere
from PIL import Image
from refusals import refusal

import zoo.data
from zoo.data.sources import films, recording


def frames(count, first=0, height=8, width=10, channels=1):
    """Frames of one grey each, which rises by one: a number can be read of a frame."""
    shape = (count, height, width, channels)
    numbers = np.arange(first, first + count, dtype=np.uint8)
    return np.broadcast_to(numbers[:, None, None, None], shape).copy()


def save(path, images, duration=40, **options):
    """Writes an animation that loses nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = [Image.fromarray(np.squeeze(image)) for image in images]
    options |= {"lossless": True} if path.suffix == ".webp" else {}
    first.save(
        path, save_all=True, append_images=others, duration=duration, loop=0, **options
    )


def stills(folder, images, name="{:03d}.png", start=0, step=1):
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(np.squeeze(image)).save(
            folder / name.format(start + number * step)
        )


def numbers(folder, **options):
    """Returns the numbers of the frames of each clip of all splits, sorted."""
    opened = zoo.data.open(f"clips:{folder}", **options)
    clips = []
    for split in ("train+validation", "test"):
        if opened.source.num_examples[split]:
            clips += opened.arrays(split)["clip"][:, :, 0, 0, 0].tolist()
    return sorted(clips)


# --- what a clip is -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "webp", "apng", "png"])
def test_an_animation_is_cut_into_clips_one_behind_the_other(kind, tmp_path):
    save(tmp_path / f"film.{kind}", frames(23))
    wanted = [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18, 20, 22]]
    assert numbers(tmp_path, frames=4, every=2) == wanted
    assert numbers(tmp_path, frames=4, every=1)[-1] == [16, 17, 18, 19]
    assert len(numbers(tmp_path, frames=4, every=1)) == 5
    info = zoo.data.info(f"clips:{tmp_path}", frames=4)
    assert info.fields == {"clip": (4, 8, 10, 1)} and info.class_names is None
    assert info.num_examples == {"train": 3, "validation": 0, "test": 0}


@pytest.mark.parametrize("kind", ["gif", "webp", "apng"])
def test_equal_frames_that_an_encoder_merged_are_there_again(kind, tmp_path):
    shown = [0, 1, 1, 1, 2, 3, 3, 4]
    save(tmp_path / f"film.{kind}", frames(5)[shown])
    with Image.open(tmp_path / f"film.{kind}") as picture:
        assert picture.n_frames < len(shown)  # else there is nothing to be tested
    assert numbers(tmp_path, frames=4, every=1) == [[0, 1, 1, 1], [2, 3, 3, 4]]


def test_times_that_were_rounded_are_one_step(tmp_path):
    save(tmp_path / "film.gif", frames(6), duration=[30, 30, 40, 30, 30, 70])
    assert numbers(tmp_path, frames=7, every=1) == [[0, 1, 2, 3, 4, 5, 5]]


def test_a_frame_that_stands_for_minutes_is_no_film_of_stills(tmp_path):
    save(tmp_path / "film.gif", frames(6), duration=[40, 40, 40, 40, 40, 600_000])
    assert numbers(tmp_path, frames=4, every=1) == [[0, 1, 2, 3], [4, 5, 5, 5]]


def test_a_stray_short_frame_makes_no_stills_of_a_film(tmp_path, caplog):
    save(tmp_path / "film.gif", frames(60), duration=[100] * 59 + [10])
    assert numbers(tmp_path, frames=4, every=1)[-1] == [56, 57, 58, 59]
    assert "several steps" not in caplog.text
    save(tmp_path / "film.gif", frames(8), duration=[100] * 7 + [10])
    assert numbers(tmp_path, frames=4, every=1)[0] == [0, 0, 0, 0]
    assert "several steps" in caplog.text and "'film.gif' (10)" in caplog.text


def test_frames_without_a_time_stand_equally_long(tmp_path):
    save(tmp_path / "film.gif", frames(4), duration=0)
    assert numbers(tmp_path, frames=4, every=1) == [[0, 1, 2, 3]]


def test_the_picture_in_front_of_an_animation_is_no_frame_of_it(tmp_path):
    save(tmp_path / "film.png", frames(5), default_image=True)
    assert numbers(tmp_path, frames=4, every=1) == [[1, 2, 3, 4]]


@pytest.mark.parametrize("name", ["{}.png", "frame_{:03d}.bmp", "shot-{}.tif"])
def test_a_folder_of_numbered_frames_is_a_film(name, tmp_path):
    stills(tmp_path / "film", frames(12), name, start=5, step=5)
    assert numbers(tmp_path, frames=4, every=1) == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]
    assert numbers(tmp_path / "film", frames=4, every=3) == [[0, 3, 6, 9]]


def test_films_of_several_names_in_a_folder_are_several(tmp_path):
    stills(tmp_path / "jump", frames(4), "a_{}.png")
    stills(tmp_path / "jump", frames(4, 50), "b_{}.png")
    stills(tmp_path / "walk" / "one", frames(4, 100))
    opened = zoo.data.open(f"clips:{tmp_path}", frames=4, every=1)
    assert opened.info.class_names == ("jump", "walk")
    assert sum(opened.info.num_examples.values()) == 3
    seen = numbers(tmp_path, frames=4, every=1)
    assert [clip[0] for clip in seen] == [0, 50, 100]


def test_folders_that_are_splits_are_no_films(tmp_path):
    for n, split in enumerate(("train", "val", "Test")):
        stills(tmp_path / split, frames(4, 50 * n))
    opened = zoo.data.open(f"clips:{tmp_path}", frames=4, every=1)
    assert opened.info.class_names is None
    seen = [opened.arrays(s)["clip"][0, 0, 0, 0, 0] for s in opened.info.num_examples]
    assert seen == [0, 50, 100]


@pytest.mark.parametrize("other", ["b_{}.png", None])
def test_a_class_of_one_film_is_kept_beside_others(other, tmp_path):
    stills(tmp_path / "jump", frames(4), "a_{}.png")
    if other:
        stills(tmp_path / "jump", frames(4, 50), other)
    else:
        (tmp_path / "jump" / "notes1.txt").write_text("no film")
        save(tmp_path / "jump" / "film.gif", frames(4, 50))
    stills(tmp_path / "walk", frames(4, 100), "c_{}.png")
    opened = zoo.data.open(f"clips:{tmp_path}", frames=4, every=1)
    assert opened.info.class_names == ("jump", "walk")
    seen = numbers(tmp_path, frames=4, every=1)
    assert [clip[0] for clip in seen] == [0, 50, 100]


def test_films_beside_each_other_are_no_classes(tmp_path):
    stills(tmp_path, frames(4), "a_{}.png")
    stills(tmp_path, frames(4, 50), "b_{}.png")
    stills(tmp_path / "third", frames(4, 100))
    (tmp_path / "third" / "notes.txt").write_text("no film")
    save(tmp_path / "fourth.gif", frames(4, 150))
    opened = zoo.data.open(f"clips:{tmp_path}", frames=4, every=1)
    assert opened.info.class_names is None
    seen = numbers(tmp_path, frames=4, every=1)
    assert [clip[0] for clip in seen] == [0, 50, 100, 150]


# --- splits, labels, colours ----------------------------------------------------------


def test_sub_folders_are_labels_and_all_clips_of_a_film_are_on_one_side(tmp_path):
    for n in range(12):
        save(tmp_path / "ab"[n % 2] / f"{n}.gif", frames(12, 20 * n))
    opened = zoo.data.open(f"clips:{tmp_path}", frames=4, every=1)
    assert opened.info.num_examples == {"train": 30, "validation": 3, "test": 3}
    sides = {}
    for split in ("train", "validation", "test"):
        columns = opened.arrays(split)
        of_film = columns["clip"][:, 0, 0, 0, 0] // 20
        np.testing.assert_array_equal(columns["label"], of_film % 2)
        sides[split] = set(of_film.tolist())
    assert sum(map(len, sides.values())) == len(set.union(*sides.values())) == 12
    only = zoo.data.open(f"clips:{tmp_path}", classes=("b",), frames=4, every=1)
    assert set(only.arrays()["clip"][:, 0, 0, 0, 0] // 20 % 2) == {1}


def test_ready_splits_hold(tmp_path):
    for n, split in enumerate(("train", "val", "test")):
        save(tmp_path / split / "a" / "film.webp", frames(4, 50 * n))
        stills(tmp_path / split / "b" / "film", frames(4, 50 * n + 20))
    opened = zoo.data.open(f"clips:{tmp_path}", frames=2, every=2)
    assert opened.info.num_examples == {"train": 2, "validation": 2, "test": 2}
    assert opened.info.class_names == ("a", "b")
    columns = opened.arrays("test")
    assert columns["clip"][:, :, 0, 0, 0].tolist() == [[100, 102], [120, 122]]
    assert columns["label"].tolist() == [0, 1]


def test_films_with_colours_have_three_channels_and_transparency_a_ground(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    save(tmp_path / "film.webp", pixels)
    how = {"frames": 4, "every": 1}
    opened = zoo.data.open(f"clips:{tmp_path}", **how)
    np.testing.assert_array_equal(opened.arrays()["clip"], pixels[None])
    assert zoo.data.info(f"clips:{tmp_path}", color="grey", **how).image_shape[-1] == 1
    clear = np.zeros((4, 8, 8, 4), np.uint8)
    clear[:, :, 4:] = 255
    clear[:, 0, 0] = [[n, n, n, 255] for n in range(4)]
    (tmp_path / "film.webp").unlink()
    save(tmp_path / "clear.webp", clear)
    (clip,) = zoo.data.open(f"clips:{tmp_path}", background="#ff0000", **how).arrays()[
        "clip"
    ]
    assert clip[0, 4, 0].tolist() == [255, 0, 0] and clip[0, 4, 4].tolist() == [255] * 3
    opened = zoo.data.open(f"clips:{tmp_path}", background="#101010", **how)
    assert opened.info.image_shape == (4, 8, 8, 1)
    assert opened.arrays()["clip"][0, :, 4, 0, 0].tolist() == [16] * 4


def test_sizes_and_deep_frames_come_by_the_rules_of_pictures(tmp_path, caplog):
    deep = frames(4).astype(np.uint16) * 16 + 900
    deep[:, 0, 0] = 1023
    stills(tmp_path / "film", deep)
    opened = zoo.data.open(f"clips:{tmp_path}", image_size=16, frames=2, every=1)
    assert opened.info.rules["bits"] == 10 and opened.info.image_shape == (2, 16, 16, 1)
    assert opened.arrays()["clip"][0, 0, 8, 8, 0] == 900 >> 2
    assert "have 16 bits a value and use 10" in caplog.text


# --- the ways of all sets -------------------------------------------------------------


@pytest.mark.parametrize("has_tf_data", [True, False])
def test_batches_records_and_disk_hold_clips(tmp_path, monkeypatch, has_tf_data):
    folder = tmp_path / "set"
    for n in range(6):
        pixels = np.random.default_rng(n).integers(0, 256, (14, 8, 8, 3), np.uint8)
        save(folder / "ab"[n % 2] / f"{n}.webp", pixels)
    where = f"clips:{folder}", tmp_path / "records", monkeypatch, has_tf_data
    held = same_everywhere(*where, flip=True, frames=3, every=2)
    assert held[0][0].shape == (8, 3, 8, 8, 3) and held[0][1].shape == (8,)


@pytest.mark.parametrize("classes", [None, ("b",)])
def test_records_of_a_large_set_go_through_each_film_once(
    classes, tmp_path, monkeypatch
):
    for name in ("a/0", "b/1", "b/2"):
        save(tmp_path / "set" / f"{name}.gif", frames(40, 40 * int(name[-1])))
    monkeypatch.setattr("zoo.data.source.STREAM_ABOVE", 0)
    monkeypatch.setattr(recording, "SHARD", 5 * 2 * 8 * 10)  # bytes of five clips
    cut = {"frames": 2, "every": 1, "classes": classes}
    opened = zoo.data.open(f"clips:{tmp_path / 'set'}", **cut)
    passes, of_files = [], films._frames
    monkeypatch.setattr(films, "_frames", lambda f: passes.append(f) or of_files(f))
    for split in (s for s, number in opened.info.num_examples.items() if number):
        clips = [c["clip"] for c in opened.chunks(split, ("clip", "label"), 5)]
        assert max(map(len, clips)) == 5
        wanted = opened.arrays(split)["clip"]
        np.testing.assert_array_equal(np.concatenate(clips), wanted)
    passes.clear()
    recording.write(opened, tmp_path / "records")
    assert len(passes) == len({files[0] for files in passes}) == 3 - bool(classes)


def test_records_are_written_by_chunks_of_bounded_size(tmp_path, monkeypatch):
    save(tmp_path / "set" / "film.gif", frames(40))
    monkeypatch.setattr(recording, "SHARD", 3 * 2 * 8 * 10 + 9)  # bytes of three clips
    opened = zoo.data.open(f"clips:{tmp_path / 'set'}", frames=2, every=1)
    sizes, chunks = [], opened.chunks

    def counted(part, fields, size):
        sizes.append(size)
        return chunks(part, fields, size)

    opened.chunks = counted
    assert recording.write(opened, tmp_path / "records")["train"] == 7
    assert sizes == [3]


def test_rows_of_a_large_set_come_in_any_order_and_twice(tmp_path, monkeypatch):
    save(tmp_path / "film.gif", frames(40))
    monkeypatch.setattr("zoo.data.source.STREAM_ABOVE", 0)
    source = zoo.data.open(f"clips:{tmp_path}", frames=2, every=1).source
    column = source.columns("train", None)["clip"]
    rows = np.array([7, 3, 3, 19, 0, 7] * 20)
    assert column[rows][:, 0, 0, 0, 0].tolist() == (2 * rows).tolist()


# --- what is of no use ----------------------------------------------------------------


def test_films_that_are_too_short_or_damaged_are_named(tmp_path, caplog):
    save(tmp_path / "good.gif", frames(8))
    save(tmp_path / "short.gif", frames(6))
    Image.fromarray(frames(1)[0, ..., 0]).save(tmp_path / "still.gif")
    (tmp_path / "broken.webp").write_bytes(b"RIFF no film")
    save(tmp_path / "cut.gif", np.random.randint(0, 256, (8, 32, 32), np.uint8))
    whole = (tmp_path / "cut.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("no film")
    stills(tmp_path / "gap", frames(9)[[0, 1, 2, 4, 5, 6, 7, 8]])
    (tmp_path / "gap" / "003.png").rename(tmp_path / "gap" / "030.png")
    stills(tmp_path / "doubled", frames(8), "{}.png")
    stills(tmp_path / "doubled", frames(8), "0{}.png")
    stills(tmp_path / "sizes", [*frames(4), *frames(4, height=9)], "{:02d}.png", 10)
    assert numbers(tmp_path, frames=4, every=2) == [[0, 2, 4, 6]]
    assert "'short.gif' (6)" in caplog.text and "'still.gif' (1)" in caplog.text
    for name in ("broken.webp", "cut.gif", "notes.txt"):
        assert name in caplog.text
    assert caplog.text.count("some are missing or doubled") == 2
    assert "different sizes, 10x8 and 10x9" in caplog.text


def test_a_frame_that_is_damaged_costs_the_clips_behind_it(
    tmp_path, caplog, monkeypatch
):
    noise = np.random.default_rng(0).integers(0, 256, (12, 32, 32), np.uint8)
    stills(tmp_path / "film", noise, "{:02d}.bmp", 10)
    whole = (tmp_path / "film" / "16.bmp").read_bytes()
    (tmp_path / "film" / "16.bmp").write_bytes(whole[:-200])
    clips, _ = zoo.data.arrays(f"clips:{tmp_path}", frames=4, every=1)
    np.testing.assert_array_equal(clips[..., 0], noise[None, :4])
    assert "frames cannot be read" in caplog.text and "film" in caplog.text
    monkeypatch.setattr("zoo.data.source.STREAM_ABOVE", 0)
    name, cut = f"clips:{tmp_path}", {"frames": 4, "every": 1}
    message = refusal(zoo.data.write_records, name, tmp_path / "records", **cut)
    assert "A film cannot be read" in message and "film/10.bmp" in message
    assert not (tmp_path / "records").exists()


def test_no_more_than_a_frame_is_held_and_reading_stops(tmp_path, monkeypatch, caplog):
    save(tmp_path / "long.gif", frames(250, height=8, width=8))
    monkeypatch.setattr(films, "LONGEST", 100)
    read, image = [], films.pictures.image
    monkeypatch.setattr(films.pictures, "image", lambda *a: read.append(1) or image(*a))
    opened = zoo.data.open(f"clips:{tmp_path}", frames=2, every=1)
    assert len(read) == 100 and "up to their frame 100" in caplog.text
    assert opened.info.num_examples["train"] == 50
    read.clear()
    film = opened.source._films[0]
    (clip,) = films.clips(film, [3], 2, 1, films.pictures.Rules(None, 1))
    assert clip[:, 0, 0, 0].tolist() == [6, 7] and len(read) == 2


@pytest.mark.parametrize(
    "options", [{"frames": 1}, {"frames": 129}, {"frames": 2.5}, {"every": 0}]
)
def test_numbers_out_of_bounds_are_refused(options, tmp_path):
    message = refusal(zoo.data.open, f"clips:{tmp_path}", **options)
    assert next(iter(options)) in message
    assert refusal(zoo.data.require, f"clips:{tmp_path}", **options) == message


def test_a_folder_without_films_is_one_sentence(tmp_path):
    message = refusal(zoo.data.open, f"clips:{tmp_path}")
    assert "GIF, WebP" in message and "31 frames" in message
    assert "clips: wants" in refusal(zoo.data.open, "clips:nowhere")
    assert "frames" in refusal(zoo.data.open, f"clips:{tmp_path}", frame=4)


class Video:
    """Stands for `av`: a video of grey frames, held on its side by a quarter turn."""

    def __init__(self, images, rotation=0, times=None):
        self.images, self.rotation = images, rotation
        self.times = times or [None] * len(images)

    def open(self, path):
        return contextlib.nullcontext(self)

    def decode(self, video):
        for image, time in zip(self.images, self.times, strict=True):
            picture = Image.fromarray(np.squeeze(image)).convert("RGB")
            yield types.SimpleNamespace(
                to_image=lambda p=picture: p,
                rotation=self.rotation,
                pts=time,
                time_base=fractions.Fraction(1, 25),
            )


@pytest.mark.parametrize("kind", ["mp4", "MKV", "webm"])
def test_videos_are_read_where_there_is_a_reader(kind, tmp_path, monkeypatch):
    (tmp_path / f"film1.{kind}").write_bytes(b"video")
    monkeypatch.setitem(sys.modules, "av", Video(frames(9)))
    assert numbers(tmp_path, frames=2, every=2) == [[0, 2], [4, 6]]
    monkeypatch.setitem(sys.modules, "av", Video(frames(9, height=9, width=13), 90))
    info = zoo.data.info(f"clips:{tmp_path}", frames=2)
    assert info.image_shape == (2, 13, 9, 1)
    turned = np.zeros((4, 8, 10), np.uint8)
    turned[:, 0, -1] = 255  # the corner on the right comes to the left
    monkeypatch.setitem(sys.modules, "av", Video(turned, 90))
    clips, _ = zoo.data.arrays(f"clips:{tmp_path}", frames=2)
    assert clips[0, :, 0, 0, 0].tolist() == [255, 255] and clips.sum() == 2 * 255
    monkeypatch.setitem(sys.modules, "av", Video([]))
    assert "GIF, WebP" in refusal(zoo.data.open, f"clips:{tmp_path}")


def test_a_video_of_varying_frame_rate_keeps_its_time(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"video")
    monkeypatch.setitem(sys.modules, "av", Video(frames(5), times=[7, 8, 11, 12, 13]))
    assert numbers(tmp_path, frames=7, every=1) == [[0, 1, 1, 1, 2, 3, 4]]
    monkeypatch.setitem(sys.modules, "av", Video(frames(4), times=[7, 7, 8, 9]))
    assert numbers(tmp_path, frames=4, every=1) == [[0, 1, 2, 3]]


def test_a_video_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install '.\[video\]'"):
        zoo.data.open(f"clips:{tmp_path}")
