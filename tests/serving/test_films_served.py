"""Tests what an exported model of clips answers: clips as uint8, frames side by side as
PNG files, and films that the client writes."""

import io

import numpy as np
import pytest
import stub_server
import tensorflow as tf
import tiny
from PIL import Image

import zoo
from zoo import commands
from zoo.commands import request
from zoo.drawing import films, strips
from zoo.inputs import pixels
from zoo.serving import signatures

T = tiny.FRAMES
CLIPS = tiny.images(3, (T, 8, 8, 1))
NAMES = {
    "rnn_vaegan": ("sample", "predict_frames"),
    "interpolator": ("between",),
}


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_what_a_model_of_clips_can_do(name):
    offered = signatures.of(tiny.model(name))
    assert set(offered) == {f"{s}{end}" for s in NAMES[name] for end in ("", "_png")}
    assert signatures.main(offered) == NAMES[name][0]


def answer(name, signature, **rows):
    graph = signatures.of(tiny.model(name))[signature].concrete()
    outputs = graph(**{key: tf.constant(value) for key, value in rows.items()})
    return {key: value.numpy() for key, value in outputs.items()}


def assert_equal(clips, wanted):
    wanted = pixels.to_uint8(wanted)
    assert clips.dtype == np.uint8 and clips.shape == wanted.shape
    assert abs(clips.astype(int) - wanted).max() <= 1


@pytest.mark.slow
def test_clips_are_those_of_the_model():
    model, seeds = tiny.model("rnn_vaegan"), np.arange(5, 8)
    clips = answer("rnn_vaegan", "sample", seed=seeds)["clips"]
    assert_equal(clips, model.sample(3, seed=5))
    past = CLIPS[:, :1]  # of three frames one is past
    clips = answer("rnn_vaegan", "predict_frames", past=past, seed=seeds)["clips"]
    assert_equal(clips, model.predict_frames(past, T - 1, seed=5))


@pytest.mark.slow
def test_frames_between_have_a_time_a_row():
    model, times = tiny.model("interpolator"), np.array([0.2, 0.5, 0.9], "float32")
    rows = {"first": CLIPS[:, 0], "last": CLIPS[:, 1], "time": times}
    images = answer("interpolator", "between", **rows)["images"]
    for row, time in enumerate(times):
        ends = (CLIPS[row : row + 1, place] for place in (0, 1))
        assert_equal(images[row : row + 1], model.between(*ends, times=float(time))[0])


@pytest.mark.slow
def test_a_file_holds_the_frames_side_by_side():
    seeds = np.arange(2)
    clips = answer("rnn_vaegan", "sample", seed=seeds)["clips"]
    files = answer("rnn_vaegan", "sample_png", seed=seeds)["png_bytes"]
    strip = np.asarray(Image.open(io.BytesIO(files[1])))
    assert strip.shape == (8, 8 * T)
    np.testing.assert_array_equal(strip[:, 8:16], clips[1, 1, ..., 0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, signature, wrong, sentence",
    [
        ("rnn_vaegan", "predict_frames", {"past": CLIPS[:, :2]}, "takes past as uint8"),
        ("interpolator", "between", {"time": np.zeros(3, "float32")}, r"in \[0.001, "),
        ("interpolator", "between", {"last": CLIPS[:2, 1]}, "as many rows"),
    ],
)
def test_a_wrong_request_is_a_sentence(name, signature, wrong, sentence):
    rows = {
        "predict_frames": {"past": CLIPS[:, :1], "seed": np.arange(3)},
        "between": {
            "first": CLIPS[:, 0],
            "last": CLIPS[:, 1],
            "time": np.full(3, 0.5, "float32"),
        },
    }[signature]
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        answer(name, signature, **rows | wrong)


def asked(address, folder, *flags):
    flags = ["request", f"--server={address}", f"--out={folder}", *flags]
    return commands.start(request.VERB, request.main, flags)


@pytest.mark.slow
def test_the_client_reads_and_writes_films(tmp_path):
    path = zoo.export(tiny.model("rnn_vaegan"), tmp_path / "rnn", warmup=False)
    film = tmp_path / "past.gif"
    strips.save_film(film, CLIPS[:1])  # enlarged: too large for the model
    small = tmp_path / "small.gif"
    frames = [Image.fromarray(frame[..., 0]) for frame in CLIPS[0]]
    frames[0].save(small, save_all=True, append_images=frames[1:])
    with stub_server.serving(path) as (address, _):
        flags = ["--model=rnn", "--num_images=2"]
        assert asked(address, tmp_path / "new", *flags, "--signature=sample") == 0
        flags.append("--signature=predict_frames")
        out = tmp_path / "future"
        assert asked(address, out, *flags, f"--images={small}") == 0
        assert asked(address, tmp_path / "no", *flags, f"--images={film}") == 1
    for folder in ("new", "future"):
        names = sorted(each.name for each in (tmp_path / folder).iterdir())
        assert names == ["000000.gif", "000001.gif"]
    assert len(films.read(tmp_path / "new" / "000000.gif", 8)) >= T
    assert not (tmp_path / "no").exists()
