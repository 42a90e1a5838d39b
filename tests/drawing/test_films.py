"""Films as files: every frame and its time come back, in the colours that they had."""

import importlib.util

import numpy as np
import pytest
from PIL import Image, ImageDraw
from refusals import refusal

from zoo.drawing import films
from zoo.inputs import memory, pixels

FPS = 10


def noise(count=6, side=12, channels=3):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, side, side, channels), np.uint8)


def drawn(count=6, side=12):
    """Few colours: a red square that moves on blue, with a still yellow one."""
    frames = np.full((count, side, side, 3), (20, 40, 200), np.uint8)
    for number, frame in enumerate(frames):
        frame[number : number + 4, 2:6] = 220, 30, 10
        frame[8:, 8:] = 250, 240, 60
    return frames


@pytest.mark.parametrize(
    "file, frames",
    [
        ("a.gif", drawn()),
        ("a.gif", np.arange(6 * 32 * 3, dtype=np.uint8).reshape(6, 4, 8, 3) // 4 + 99),
        ("a.gif", noise(channels=1)),
        ("a.gif", noise(1, channels=1)),
    ],
)
def test_few_colours_and_greys_are_exact_in_a_gif(file, frames, tmp_path):
    films.save(tmp_path / "new" / file, frames, FPS)
    back = films.read(tmp_path / "new" / file, FPS)
    np.testing.assert_array_equal(back, np.broadcast_to(frames, back.shape))
    assert back.shape == (*frames.shape[:3], 3)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
@pytest.mark.parametrize("fps", [7, 10, 30, 50])
def test_equal_frames_and_a_pause_keep_their_time(suffix, fps, tmp_path):
    frames, file = drawn()[[0, 0, 0, 1, 2, 2, 3, 3]], tmp_path / f"a.{suffix}"
    films.save(file, frames, fps, pause=1.0)
    back = films.read(file, fps)
    expected = np.concatenate([frames, frames[-1:].repeat(fps, axis=0)])
    assert len(back) == len(expected)
    assert abs(back.astype(int) - expected).mean() < (0.5 if suffix == "gif" else 12)
    with Image.open(file) as film:
        assert film.n_frames == 4 and film.info["loop"] == 0  # for ever


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_film_in_which_nothing_moves_is_one_frame(suffix, tmp_path):
    films.save(tmp_path / f"a.{suffix}", drawn()[[2] * 5], FPS)
    with Image.open(tmp_path / f"a.{suffix}") as film:
        assert film.n_frames == 1


@pytest.mark.parametrize("fps", [12, 15, 24, 30, 45])
def test_the_time_of_a_gif_does_not_drift(fps, tmp_path):
    films.save(tmp_path / "a.gif", noise(2 * fps, side=8), fps)
    with Image.open(tmp_path / "a.gif") as film:
        times = [(film.seek(k), film.info["duration"])[1] for k in range(2 * fps)]
    assert sum(times) == 2000 and max(times) - min(times) <= 10


def test_what_stands_still_does_not_flicker(tmp_path):
    frames = noise(8, side=24)
    frames[:, 12:] = frames[0, 12:]
    films.save(tmp_path / "a.gif", frames, FPS, colours=32)
    back = films.read(tmp_path / "a.gif", FPS)
    assert (back[:, 12:] == back[0, 12:]).all()
    assert abs(back.astype(int) - frames).mean() < 32
    assert len(np.unique(back.reshape(-1, 3), axis=0)) <= 32


def test_white_and_black_stay_what_they_are(tmp_path):
    frames = noise(8, side=32)
    frames[:, :4], frames[:, 4:6] = 255, 0
    films.save(tmp_path / "a.gif", frames, FPS, colours=16)
    back = films.read(tmp_path / "a.gif", FPS)
    assert (back[:, :4] == 255).all() and (back[:, 4:6] == 0).all()


def test_rare_colours_stay_beside_much_that_is_nearly_white(tmp_path):
    frames = 200 + noise(8, side=48) // 5
    frames[:, :5, :5] = noise(8, side=5) // 8 + np.array([10, 150, 30], np.uint8)
    films.save(tmp_path / "a.gif", frames, FPS)
    back = films.read(tmp_path / "a.gif", FPS).astype(int)
    assert abs(back - frames)[:, :5, :5].mean() < 4


@pytest.mark.parametrize("colours", [2, 5, 64])
def test_fewer_greys_are_a_smaller_file(colours, tmp_path):
    frames = noise(channels=1)
    films.save(tmp_path / "all.gif", frames, FPS)
    films.save(tmp_path / "few.gif", frames, FPS, colours=colours)
    back = films.read(tmp_path / "few.gif", FPS)
    assert len(np.unique(back)) == colours and np.ptp(back) == 255
    assert abs(back.astype(int) - frames).max() <= 0.5 * 255 / (colours - 1) + 1
    sizes = [(tmp_path / name).stat().st_size for name in ("few.gif", "all.gif")]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height, width", [(48, 64), (47, 63), (48, 63)])
def test_an_mp4_of_odd_sides_gets_a_white_line(height, width, channels, tmp_path):
    pytest.importorskip("av")
    frames = np.zeros((5, height, width, channels), np.uint8)
    for number, frame in enumerate(frames):
        frame[10:30, 8 * number : 8 * number + 20] = 200
    films.save(tmp_path / "a.mp4", frames, FPS, pause=0.5)
    back = films.read(tmp_path / "a.mp4", FPS).astype(int)
    assert back.shape == (10, height + height % 2, width + width % 2, 3)
    assert abs(back[:5, :height, :width] - frames).mean() < 4
    assert abs(back[5:] - back[4]).mean() < 4
    assert back[:, height:].size == 0 or back[:, height:].mean() > 200
    assert back[:, :, width:].size == 0 or back[:, :, width:].mean() > 200


def test_without_av_an_mp4_is_one_sentence_and_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install '\.\[video\]'.*Received: "):
        films.save(tmp_path / "a.mp4", drawn(), FPS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "file, frames, options, expected",
    [
        ("a.avi", drawn(), {}, "a .gif, a .webp or a .mp4"),
        ("a", drawn(), {}, "a .gif, a .webp or a .mp4"),
        ("folder.gif", drawn(), {}, "a folder of that name"),
        ("a.gif", drawn()[0], {}, "[T, H, W, C]"),
        ("a.gif", drawn()[:0], {}, "[T, H, W, C]"),
        ("a.gif", drawn() / 255, {}, "uint8"),
        ("a.gif", noise(channels=2), {}, "1 channel or 3"),
        ("a.gif", drawn(), {"fps": 51}, "fps=51"),
        ("a.gif", drawn(), {"fps": 0}, "fps=0"),
        ("a.gif", drawn(), {"colours": 257}, "colours=257"),
    ],
)
def test_what_is_no_film_is_one_sentence(file, frames, options, expected, tmp_path):
    (tmp_path / "folder.gif").mkdir()
    assert expected in refusal(films.save, tmp_path / file, frames, **options)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.gif"]


def test_a_film_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    file = tmp_path / "a.gif"
    films.save(file, drawn(), FPS)
    before = file.read_bytes()

    def full(image, path, **options):
        with open(path, "wb") as half:
            half.write(b"GIF89a")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        films.save(file, noise(), FPS)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", [b"", b"text", b"GIF89a\x00\x01"])
def test_a_damaged_film_is_one_sentence(content, tmp_path):
    (tmp_path / "a.gif").write_bytes(content)
    assert "damaged" in refusal(films.read, tmp_path / "a.gif")


# --- frames ---------------------------------------------------------------------------


def test_a_frame_is_an_enlarged_grid_below_its_text(monkeypatch):
    images, texts = noise(3 * 10, side=8).reshape(3, 10, 8, 8, 3), []
    text = ImageDraw.ImageDraw.text

    def kept(draw, place, line, *arguments, **options):
        texts.append(line)
        text(draw, place, line, *arguments, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", kept)
    frames = films.draw(images, ["epoch 1", "epoch 2", "epoch 10"], columns=5)
    grid = pixels.grid(images[1], columns=5)
    factor = (frames.shape[1] - films.STRIP) // grid.shape[0]
    assert factor * grid.shape[1] == frames.shape[2] >= films.SIDE
    enlarged = grid.repeat(factor, axis=0).repeat(factor, axis=1)
    np.testing.assert_array_equal(frames[1, films.STRIP :], enlarged)
    line = frames[:, : films.STRIP]
    assert (line.min(axis=(1, 2, 3)) < 64).all() and (line[0] != line[2]).any()
    assert texts == ["epoch 1", "epoch 2", "epoch 10"]


def test_frames_without_a_text_are_the_grid_alone():
    images = noise(2 * 3, side=8, channels=1).reshape(2, 3, 8, 8, 1)
    frames = films.draw(images)
    assert frames.shape[1] * 32 == frames.shape[2] * 12  # three images, not eight


def test_frames_are_spread_over_the_time_and_the_last_one_is_there():
    frames = np.arange(4, dtype=np.uint8)[:, None, None, None]
    assert films.timed(frames, 2, 4).ravel().tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert films.timed(frames, 1, 4).ravel().tolist() == [0, 1, 2, 3]
    assert films.timed(frames, 1, 2).ravel().tolist() == [1, 3]
    assert films.timed(frames, 0.01, 2).ravel().tolist() == [3]


def test_what_no_memory_holds_is_told(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 10_000_000)
    images = noise(1, side=8).reshape(1, 1, 8, 8, 3).repeat(50, axis=0)
    assert "50 frames" in refusal(films.draw, images)
    assert "900 frames" in refusal(films.timed, films.draw(images[:2]), 60, 15)
