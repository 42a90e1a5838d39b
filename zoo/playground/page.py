"""The page of `experiments.playground`, by Gradio: components and what they call.

Gradio is silent where `experiments.confined` was before it.
"""

import contextlib
import functools
import html
import threading

import gradio as gr
import numpy as np
from PIL import Image

from zoo import latents
from zoo.playground import pictures, uploads
from zoo.playground.player import AVERAGE, MOST_IMAGES

SPAN = 3.0  # standard deviations to either side
ANY = "any"  # label
MINE = "my images"
CANVAS = 280  # pixels of a drawing's side
FONTS = "system-ui", "sans-serif"  # of the reader's machine, none of another host
CSS = """
.gradio-container { max-width: 1100px !important; width: 100%; margin: auto; }
.picture img { image-rendering: pixelated; padding-top: 2rem; }
@media (max-width: 640px) {  /* the picture stays in sight of the sliders below it */
  .in-sight { order: -1; position: sticky; top: 0; z-index: 5; }
  .in-sight img { max-height: 40vh; }
}
"""
ONE_AT_A_TIME = threading.Lock()  # a model's graphs are shared by all readers


@contextlib.contextmanager
def serving(players, host, port):
    """Yields the address at which the page of the `Player`s is served; stops then.

    Raises: OSError: if the port is taken.
    """
    # What Gradio itself opens, the layers of a drawing, is limited likewise.
    Image.MAX_IMAGE_PIXELS = uploads.MOST_PIXELS
    page = built(players)
    page.queue(max_size=32)
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            max_file_size=uploads.LARGEST,
            theme=gr.themes.Default(font=FONTS, font_mono=("monospace",)),
            css=CSS,
            footer_links=[],
            share=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            quiet=True,
        )
        yield address
    finally:
        page.close()


def built(players):
    """Returns the page, a tab a `Player`."""
    with gr.Blocks(title="zoo playground", analytics_enabled=False) as page:
        gr.Markdown("# zoo playground")
        if len(players) == 1:
            _model(players[0])
        else:
            with gr.Tabs():
                for player in players:
                    with gr.Tab(player.name):
                        _model(player)
    return page


def _model(player):
    """All that one model can do, a tab each."""
    gr.Markdown(player.about + (f"\n\n{player.note}" if player.note else ""))
    with gr.Tabs():
        for ability, (title, room) in ROOMS.items():
            if ability in player.able:
                with gr.Tab(title):
                    room(player)


def _answer(outputs):
    """Decorates an event's function, which runs alone; what is wrong is told on the
    page, and the components `outputs` are emptied."""

    def decorate(function):
        @functools.wraps(function)
        def answered(*values):
            try:
                with ONE_AT_A_TIME:
                    return function(*values)
            except (ValueError, OSError) as error:
                gr.Warning(html.escape(str(error)), duration=20, title="Not possible")
                return [None] * len(outputs) if len(outputs) > 1 else None

        return answered

    return decorate


def _picture(label, value=None):
    return gr.Image(
        value,
        label=label,
        format="png",
        interactive=False,
        buttons=["download", "fullscreen"],
        elem_classes="picture",
        min_width=240,  # two side by side on a screen, not on a phone
    )


def _whole(value, label):
    """A field of whole numbers from 0."""
    return gr.Number(value, label=label, precision=0, minimum=0)


# --- rooms ----------------------------------------------------------------------------


def _sample(player):
    with gr.Row():
        with gr.Column(scale=1):
            seed = _whole(0, "Seed (of the first image)")
            count = gr.Slider(1, MOST_IMAGES, 16, step=1, label="Images")
            options = _options(player)
            button = gr.Button("Sample", variant="primary")
        with gr.Column(scale=2):
            # Where it takes long, samples are not made before they are asked for.
            is_quick = "steps" not in player.options
            first = pictures.sheet(player.sample(0, 16)) if is_quick else None
            picture = _picture("Samples", first)

    @_answer([picture])
    def sample(seed, count, *values):
        given = _given(player, options, values)
        return pictures.sheet(player.sample(seed, count, **given))

    inputs = [seed, count, *options.values()]
    gr.on([button.click, seed.submit], sample, inputs, picture)


def _options(player):
    """Fields of a model's options, {name: component}."""
    model, fields = player.model, {}
    if "label" in player.options:
        fields["label"] = gr.Dropdown([ANY, *player.class_names], label="Label")
    if "guidance" in player.options:
        value = float(model.guidance)
        fields["guidance"] = gr.Slider(0, 8, value, step=0.5, label="Guidance")
    if "steps" in player.options:
        steps = min(model.steps, player.most)
        fields["steps"] = gr.Slider(1, player.most, steps, step=1, label="Steps")
    if "sampler" in player.options:
        names = list(model.samplers)
        fields["sampler"] = gr.Dropdown(names, value=model.sampler, label="Sampler")
    return fields


def _given(player, options, values):
    """The options of a sample, of the fields' `values`."""
    given = dict(zip(options, values))
    if "label" in given:
        label = given["label"]
        given["label"] = None if label == ANY else player.class_names.index(label)
    return given


def _steer(player):
    def moved(kind, number, *offsets):
        return pictures.sheet(player.moved(player.start(kind, number), offsets)[None])

    axes = player.axes
    with gr.Row():
        with gr.Column(scale=1):
            with gr.Row():
                kinds = [*player.starts, AVERAGE]
                kind = gr.Radio(kinds, value=kinds[0], label="Start")
                number = _whole(0, "Its number")
            sliders = [
                gr.Slider(-SPAN, SPAN, 0.0, step=0.1, label=f"{name} ({share:.0%})")
                for name, share in zip(axes.names, axes.shares)
            ]
            gr.Markdown("In standard deviations, with shares of the variance.")
            reset = gr.Button("All to 0")
        with gr.Column(scale=1, elem_classes="in-sight"):
            picture = _picture("Image", moved(kinds[0], 0))

    steer = _answer([picture])(moved)

    inputs, events = [kind, number, *sliders], [kind.change, number.change]
    events += [slider.input for slider in sliders]
    quietly = {"trigger_mode": "always_last", "show_progress": "hidden"}
    gr.on(events, steer, inputs, picture, **quietly)
    zeros = reset.click(lambda: [0.0] * len(sliders), None, sliders)
    zeros.then(steer, inputs, picture, **quietly)


def _see(player):
    height, width, _ = player.model.image_shape
    with gr.Row():
        with gr.Column(scale=1):
            with gr.Tab("Upload"):
                file = gr.File(
                    label=f"Picture, at most {uploads.LARGEST >> 20} MB",
                    file_types=["image"],
                    height=140,
                )
                inverted = gr.Checkbox(label="Change light and dark")
                gr.Markdown(
                    f"It is cut about its middle and scaled to {width}x{height}."
                )
            with gr.Tab("Draw"):
                canvas = _canvas(width, height)
                show = gr.Button("Look at the drawing", variant="primary")
            if "data" in player.able:
                with gr.Tab("Test image"):
                    number = _whole(0, "Its number")
                    take = gr.Button("Look at it", variant="primary")
        with gr.Column(scale=2):
            with gr.Row():
                shown = [_picture("What the model sees")]
                if "reconstruct" in player.able:
                    shown.append(_picture("Reconstruction"))
            if "encode" in player.able:
                shown.append(_picture("Encoding"))
            classes = gr.Label(num_top_classes=5, label="Class", visible=_tells(player))

    def seen(image):
        found = player.see(image)
        values = [pictures.sheet(image[None])]
        if found.reconstruction is not None:
            values.append(pictures.sheet(found.reconstruction[None]))
        if found.z is not None:
            values.append(pictures.bars(found.z))
        return [*values, gr.Label(found.classes, label=f"Class, {found.teller}")]

    shape, outputs = player.model.image_shape, [*shown, classes]

    @_answer(outputs)
    def upload(path, inverted):
        if path is None:
            return [None] * len(outputs)
        return seen(uploads.read(path, shape, inverted))

    @_answer(outputs)
    def drawing(layers):
        if layers["composite"] is None:
            raise ValueError("Nothing is drawn yet.")
        return seen(uploads.drawn(layers["composite"], shape))

    gr.on([file.change, inverted.change], upload, [file, inverted], outputs)
    show.click(drawing, canvas, outputs)
    if "data" in player.able:
        look = _answer(outputs)(lambda n: seen(player.space.test_images([n])[0]))
        gr.on([take.click, number.submit], look, number, outputs)


def _tells(player):
    return "classify" in player.able or player.judge is not None


def _canvas(width, height):
    """A black sheet to draw on in white."""
    factor = CANVAS / max(width, height)
    width, height = round(width * factor), round(height * factor)
    black = np.zeros((height, width, 3), "uint8")
    return gr.ImageEditor(
        {"background": black, "layers": [], "composite": None},
        label="Drawing",
        type="numpy",
        sources=(),
        layers=False,
        transforms=(),
        canvas_size=(width, height),
        fixed_canvas=True,
        brush=gr.Brush(default_size=16, colors=["#ffffff", "#808080", "#000000"]),
        buttons=[],
    )


def _between(player):
    kinds = list(player.starts)
    kinds += [MINE] if "reconstruct" in player.able else []
    with gr.Row():
        with gr.Column(scale=1):
            kind = gr.Radio(kinds, value=kinds[0], label="Between")
            with gr.Row(visible=kinds[0] != MINE) as numbered:
                a, b = _whole(0, "From number"), _whole(1, "To number")
            with gr.Row(visible=kinds[0] == MINE) as uploaded:
                picker = {"file_types": ["image"], "height": 140, "min_width": 120}
                files = [gr.File(label=label, **picker) for label in ("From", "To")]
            steps = gr.Slider(2, 24, 8, step=1, label="Images")
            path = gr.Radio(list(latents.PATHS), value="linear", label="Path")
            button = gr.Button("Interpolate", variant="primary")
        with gr.Column(scale=2):
            picture = _picture("From one to the other")

    def swap(kind):
        return gr.Row(visible=kind != MINE), gr.Row(visible=kind == MINE)

    @_answer([picture])
    def between(kind, a, b, file_a, file_b, steps, path):
        if kind != MINE:
            ends = [player.start(kind, number) for number in (a, b)]
        elif None in (file_a, file_b):
            raise ValueError("A way between images needs two of them.")
        else:
            shape = player.model.image_shape
            images = [uploads.read(file, shape) for file in (file_a, file_b)]
            ends = [player.encoded(image) for image in images]
        images = player.between(*ends, steps, path)
        return pictures.sheet(images, columns=min(8, steps))

    kind.change(swap, kind, [numbered, uploaded])
    button.click(between, [kind, a, b, *files, steps, path], picture)


def _denoise(player):
    with gr.Row():
        with gr.Column(scale=1):
            seed = _whole(0, "Seed")
            options = _options(player)
            button = gr.Button("Denoise", variant="primary")
        with gr.Column(scale=2):
            picture = _picture("Image at this step")
            step = gr.Slider(0, player.most, 0, step=1, label="Step", interactive=True)
            strip = _picture("From noise to image")
    film = gr.State()

    @_answer([film])
    def denoise(seed, *values):
        given = _given(player, options, values)
        return player.denoising(seed, **given)

    def play(film):
        """Shows each step, one after the other."""
        if film is None:
            return
        last, whole = len(film) - 1, pictures.strip(film)
        for number, x_t in enumerate(film):
            shown = pictures.sheet(x_t[None])
            yield shown, gr.Slider(maximum=last, value=number), whole
            whole = gr.skip()  # is there already

    def at(film, number):
        if film is None:
            return None
        return pictures.sheet(film[min(number, len(film) - 1)][None])

    made = button.click(denoise, [seed, *options.values()], film)
    made.then(play, film, [picture, step, strip], show_progress="hidden")
    step.input(at, [film, step], picture, show_progress="hidden")


ROOMS = {
    "sample": ("Sample", _sample),
    "steer": ("Directions", _steer),
    "see": ("Your image", _see),
    "between": ("Between two", _between),
    "denoise": ("Step by step", _denoise),
}
