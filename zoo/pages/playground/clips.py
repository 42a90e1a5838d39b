"""The rooms of moving pictures, "foretell", "films" and "amid" in `plan.ROOMS`."""

import pathlib
import tempfile
import time

import gradio as gr
import numpy as np

from zoo import inputs
from zoo.drawing import strips
from zoo.inputs import pixels, shapes
from zoo.metrics import video
from zoo.pages.playground import parts, pictures, uploads
from zoo.pages.playground.plan import KEPT

PREFIX = "zoo-film-"  # of the names of files
WAYS, MOST_FILMS, MOST_BETWEEN = 3, 16, 15


def foretell(player):
    count = player.model.image_shape[0]

    def going_on(clip, past, seed):
        """The film, if it goes on, and below it ways that the model goes on."""
        inputs.check_integer("The number of past frames", past, 1, count - 1)
        known = clip[:past]
        future = player.model.predict_frames(
            known[None], count - past, seed=seed, samples=WAYS
        )[0]
        ways = [np.concatenate([known, pixels.to_uint8(way)]) for way in future]
        whole = [clip] if len(clip) == count else []
        clips = np.stack([*whole, *ways])
        return _film(clips), _strips(clips)

    past_of = shapes.past_of(count)
    with gr.Row():
        with gr.Column(scale=1):
            number = parts.whole(0, "Number of a test film")
            file = _file(count)
            past = parts.Slider(1, count - 1, past_of, step=1, label="Frames shown")
            seed = parts.whole(0, "Seed (of the first way on)")
            button = gr.Button("Go on", variant="primary")
        with gr.Column(scale=2):
            film, strip = going_on(_tests(player, 0), past_of, 0)
            title = "The film if it is of the test set, then three ways on"
            outputs = [parts.film(title, film), parts.picture("The same", strip)]

    @parts.answer(outputs)
    def go_on(number, path, past, seed):
        if path is None:
            return going_on(_tests(player, number), past, seed)
        clip = uploads.film(path, player.rules, past)
        return going_on(clip, min(past, len(clip)), seed)

    events = [button.click, number.submit, seed.submit, past.release, file.change]
    gr.on(events, go_on, [number, file, past, seed], outputs)


def films(player):
    longest = 2 * player.model.image_shape[0]

    def drawn(seed, number, frames):
        inputs.check_integer("The number of films", number, 1, MOST_FILMS)
        inputs.check_integer("The number of frames", frames, 2, longest)
        clips = player.model.sample(number, seed=seed, frames=frames)
        return _film(pixels.to_uint8(clips)), _strips(pixels.to_uint8(clips[:WAYS]))

    first = 0, 8, player.model.image_shape[0]
    with gr.Row():
        with gr.Column(scale=1):
            seed = parts.whole(0, "Seed (of the first film)")
            number = parts.Slider(1, MOST_FILMS, first[1], step=1, label="Films")
            frames = parts.Slider(2, longest, first[2], step=1, label="Frames")
            button = gr.Button("Make films", variant="primary")
        with gr.Column(scale=2):
            film, strip = drawn(*first)
            outputs = [parts.film("New films", film), parts.picture("Frames", strip)]
    inputs_of = [seed, number, frames]
    gr.on([button.click, seed.submit], parts.answer(outputs)(drawn), inputs_of, outputs)


def amid(player):
    count = player.model.image_shape[0]

    def between(clip, first, last, frames):
        inputs.check_integer("The number of frames", frames, 1, MOST_BETWEEN)
        for name, place in (("first", first), ("last", last)):
            what = f"The number of the {name} frame"
            inputs.check_integer(what, place, 0, len(clip) - 1)
        ends = clip[first][None], clip[last][None]
        middle = pixels.to_uint8(player.model.between(*ends, frames=frames))[0]
        faded = pixels.to_uint8(video.cross_fade(*ends, frames))[0]
        clips = [np.concatenate([ends[0], each, ends[1]]) for each in (middle, faded)]
        return _film(np.stack(clips)), _strips(np.stack(clips))

    start = 0, min(4, count - 1), 3
    with gr.Row():
        with gr.Column(scale=1):
            number = parts.whole(0, "Number of a test film")
            file = _file(count)
            first = parts.Slider(0, count - 1, start[0], step=1, label="First frame")
            last = parts.Slider(0, count - 1, start[1], step=1, label="Last frame")
            frames = parts.Slider(
                1, MOST_BETWEEN, start[2], step=1, label="Frames between"
            )
            button = gr.Button("Draw them", variant="primary")
        with gr.Column(scale=2):
            film, strip = between(_tests(player, 0), *start)
            title = "Drawn by motion, and beside it a cross-fade"
            outputs = [parts.film(title, film), parts.picture("The same", strip)]

    @parts.answer(outputs)
    def draw(number, path, *how):
        clip = _tests(player, number)
        if path is not None:
            clip = uploads.film(path, player.rules, count)
        return between(clip, *how)

    sliders = [first, last, frames]
    events = [button.click, number.submit, file.change]
    events += [slider.release for slider in sliders]
    gr.on(events, draw, [number, file, *sliders], outputs)


def _tests(player, number):
    return np.asarray(player.space.test_images([number])[0])


def _file(frames):
    return gr.File(
        label=f"Or a GIF or WebP: its first frames, up to {frames}",
        file_types=[".gif", ".webp"],
        height=120,
    )


def _film(clips):
    """The path of a GIF in which `clips` uint8 `[N, T, H, W, C]` play side by side.
    Gradio keeps a copy of it; the files of earlier answers are removed."""
    for old in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}*.gif"):
        if time.time() - old.stat().st_mtime > KEPT:
            old.unlink(missing_ok=True)
    how = {"prefix": PREFIX, "suffix": ".gif", "delete": False}
    with tempfile.NamedTemporaryFile(**how) as file:
        strips.save_film(file.name, clips, columns=4)
    return file.name


def _strips(clips):
    """Clips as rows of frames, one picture."""
    shown = np.linspace(0, clips.shape[1] - 1, min(16, clips.shape[1])).round()
    frames = clips[:, shown.astype(int)]
    return pictures.sheet(frames.reshape(-1, *frames.shape[2:]), frames.shape[1])
