"""Rooms of the page, a function of a `Player` each: components and what they call."""

import gradio as gr

from zoo.core import latents
from zoo.pages.playground import parts, pictures, uploads
from zoo.pages.playground.player import AVERAGE, MOST_IMAGES

SPAN = 3.0  # standard deviations to either side
MINE = "my images"


def _sample(player):
    with gr.Row():
        with gr.Column(scale=1):
            seed = parts.whole(0, "Seed (of the first image)")
            count = gr.Slider(1, MOST_IMAGES, 16, step=1, label="Images")
            options = parts.options(player)
            button = gr.Button("Sample", variant="primary")
        with gr.Column(scale=2):
            # Where it takes long, samples are not made before they are asked for.
            is_quick = "steps" not in player.options
            first = pictures.sheet(player.sample(0, 16)) if is_quick else None
            picture = parts.picture("Samples", first)

    @parts.answer([picture])
    def sample(seed, count, *values):
        given = parts.given(player, options, values)
        return pictures.sheet(player.sample(seed, count, **given))

    inputs = [seed, count, *options.values()]
    gr.on([button.click, seed.submit], sample, inputs, picture)


def _steer(player):
    def moved(kind, number, *offsets):
        return pictures.sheet(player.moved(player.start(kind, number), offsets)[None])

    axes = player.axes
    with gr.Row():
        with gr.Column(scale=1):
            with gr.Row():
                kinds = [*player.starts, AVERAGE]
                kind = gr.Radio(kinds, value=kinds[0], label="Start")
                number = parts.whole(0, "Its number")
            sliders = [
                gr.Slider(-SPAN, SPAN, 0.0, step=0.1, label=f"{name} ({share:.0%})")
                for name, share in zip(axes.names, axes.shares)
            ]
            gr.Markdown("In standard deviations, with shares of the variance.")
            reset = gr.Button("All to 0")
        with gr.Column(scale=1, elem_classes="in-sight"):
            picture = parts.picture("Image", moved(kinds[0], 0))

    steer = parts.answer([picture])(moved)

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
                canvas = parts.canvas(width, height)
                show = gr.Button("Look at the drawing", variant="primary")
            if "data" in player.able:
                with gr.Tab("Test image"):
                    number = parts.whole(0, "Its number")
                    take = gr.Button("Look at it", variant="primary")
        with gr.Column(scale=2):
            with gr.Row():
                shown = [parts.picture("What the model sees")]
                if "reconstruct" in player.able:
                    shown.append(parts.picture("Reconstruction"))
            if "encode" in player.able:
                shown.append(parts.picture("Encoding"))
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

    @parts.answer(outputs)
    def upload(path, inverted):
        if path is None:
            return [None] * len(outputs)
        return seen(uploads.read(path, shape, inverted))

    @parts.answer(outputs)
    def drawing(layers):
        if layers["composite"] is None:
            raise ValueError("Nothing is drawn yet.")
        return seen(uploads.drawn(layers["composite"], shape))

    gr.on([file.change, inverted.change], upload, [file, inverted], outputs)
    show.click(drawing, canvas, outputs)
    if "data" in player.able:
        look = parts.answer(outputs)(lambda n: seen(player.space.test_images([n])[0]))
        gr.on([take.click, number.submit], look, number, outputs)


def _tells(player):
    return "classify" in player.able or player.judge is not None


def _between(player):
    kinds = list(player.starts)
    kinds += [MINE] if "reconstruct" in player.able else []
    with gr.Row():
        with gr.Column(scale=1):
            kind = gr.Radio(kinds, value=kinds[0], label="Between")
            with gr.Row(visible=kinds[0] != MINE) as numbered:
                a, b = parts.whole(0, "From number"), parts.whole(1, "To number")
            with gr.Row(visible=kinds[0] == MINE) as uploaded:
                picker = {"file_types": ["image"], "height": 140, "min_width": 120}
                files = [gr.File(label=label, **picker) for label in ("From", "To")]
            steps = gr.Slider(2, 24, 8, step=1, label="Images")
            path = gr.Radio(list(latents.PATHS), value="linear", label="Path")
            button = gr.Button("Interpolate", variant="primary")
        with gr.Column(scale=2):
            picture = parts.picture("From one to the other")

    def swap(kind):
        return gr.Row(visible=kind != MINE), gr.Row(visible=kind == MINE)

    @parts.answer([picture])
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
            seed = parts.whole(0, "Seed")
            options = parts.options(player)
            button = gr.Button("Denoise", variant="primary")
        with gr.Column(scale=2):
            picture = parts.picture("Image at this step")
            step = gr.Slider(0, player.most, 0, step=1, label="Step", interactive=True)
            strip = parts.picture("From noise to image")
    film = gr.State()

    @parts.answer([film])
    def denoise(seed, *values):
        given = parts.given(player, options, values)
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

    made = button.click(
        denoise, [seed, *options.values()], film, show_progress_on=picture
    )
    made.then(play, film, [picture, step, strip], show_progress="hidden")
    step.input(at, [film, step], picture, show_progress="hidden")


ROOMS = {
    "sample": ("Sample", _sample),
    "steer": ("Directions", _steer),
    "see": ("Your image", _see),
    "between": ("Between two", _between),
    "denoise": ("Step by step", _denoise),
}
