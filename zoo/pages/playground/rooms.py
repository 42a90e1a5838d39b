"""Rooms of the page, a function of a `Player` each: components and what they call.

`plan.ROOMS` names them. Each shows something before it is asked for anything.
"""

import gradio as gr
import numpy as np

from zoo.core import latents
from zoo.inputs import pixels
from zoo.pages.playground import parts, pictures, uploads
from zoo.pages.playground.plan import AVERAGE
from zoo.pages.playground.player import MOST_IMAGES

FITTED = {  # by `fit` of `pictures.Rules`, what happens to an upload
    "crop": "It is cut about its middle and scaled to",
    "pad": "With a margin, it is scaled to",
    "stretch": "It is stretched to",
}
SPAN = 3.0  # standard deviations to either side
MINE = "my images"
FIRST, FIRST_IN_STEPS = 16, 4  # images at the beginning; fewer where they take long
STEPS = 8  # images on the way between two, at the beginning


def sample(player):
    count = FIRST_IN_STEPS if player.can("steps") else FIRST
    with gr.Row():
        with gr.Column(scale=1):
            seed = parts.whole(0, "Seed (of the first image)")
            number = parts.Slider(1, MOST_IMAGES, count, step=1, label="Images")
            options = parts.options(player)
            button = gr.Button("Sample", variant="primary")
        with gr.Column(scale=2):
            first = pictures.sheet(player.sample(0, count))
            picture = parts.picture("Samples", first)

    @parts.answer([picture])
    def draw(seed, count, *values):
        chosen = parts.chosen(player, options, values)
        return pictures.sheet(player.sample(seed, count, **chosen))

    inputs = [seed, number, *options.values()]
    gr.on([button.click, seed.submit], draw, inputs, picture)


def steer(player):
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
                parts.Slider(-SPAN, SPAN, 0.0, step=0.1, label=f"{name} ({share:.0%})")
                for name, share in zip(axes.names, axes.shares)
            ]
            gr.Markdown("In standard deviations, with shares of the variance.")
            reset = gr.Button("All to 0")
        with gr.Column(scale=1, elem_classes="in-sight"):
            picture = parts.picture("Image", moved(kinds[0], 0))

    move = parts.answer([picture])(moved)

    inputs, events = [kind, number, *sliders], [kind.change, number.change]
    events += [slider.input for slider in sliders]
    quietly = {"trigger_mode": "always_last", "show_progress": "hidden"}
    gr.on(events, move, inputs, picture, **quietly)
    zeros = reset.click(lambda: [0.0] * len(sliders), None, sliders)
    zeros.then(move, inputs, picture, **quietly)


def look(player):
    def looked(prompt, seed):
        image, words = player.looked(prompt, seed)
        panels = [("the picture", image), *words]
        return [(pictures.sheet(each[None]), word) for word, each in panels]

    with gr.Row():
        with gr.Column(scale=1):
            prompt = gr.Textbox(player.example, label="Prompt")
            seed = parts.whole(0, "Seed")
            button = gr.Button("Look", variant="primary")
        with gr.Column(scale=2):
            gallery = gr.Gallery(
                looked(player.example, 0),
                label="The picture, and where it looked at each word",
                columns=3,
                format="png",
                interactive=False,
            )
    event = parts.answer([gallery])(looked)
    gr.on([button.click, prompt.submit, seed.submit], event, [prompt, seed], gallery)


# --- an image -------------------------------------------------------------------------


def see(player):
    shape, first = player.model.image_shape, player.see(_first_image(player))
    with gr.Row():
        with gr.Column(scale=1), gr.Tabs(selected="file"):
            with gr.Tab("Upload", id="file"):
                file, inverted = file_field(player.rules)
            with gr.Tab("Draw", id="drawing"):
                canvas = parts.canvas(shape[1], shape[0])
                show = gr.Button("Look at the drawing", variant="primary")
            if player.can("data"):
                with gr.Tab("Test image", id="test"):
                    number = parts.whole(0, "Its number")
                    take = gr.Button("Look at it", variant="primary")
        with gr.Column(scale=2):
            panels = list(_pictures(first).items())
            with gr.Row():
                outputs = [parts.picture(*panel) for panel in panels[:2]]
            outputs += [parts.picture(*panel) for panel in panels[2:]]
            is_known = first.classes is not None
            outputs.append(gr.Label(visible=is_known, **_classes(first)))

    def seen(image):
        answer = player.see(image)
        return [*_pictures(answer).values(), gr.Label(**_classes(answer))]

    @parts.answer(outputs)
    def upload(path, inverted):
        if path is None:
            return [None] * len(outputs)
        return seen(uploads.read(path, player.rules, inverted))

    @parts.answer(outputs)
    def drawing(layers):
        if layers["composite"] is None:
            raise ValueError("Nothing is drawn yet.")
        return seen(uploads.drawn(layers["composite"], shape))

    @parts.answer(outputs)
    def look(number):
        return seen(player.space.test_images([number])[0])

    gr.on([file.change, inverted.change], upload, [file, inverted], outputs)
    show.click(drawing, canvas, outputs)
    if player.can("data"):
        gr.on([take.click, number.submit], look, number, outputs)


def _first_image(player):
    """The image to begin with: of the data set, or else of the model, or else black."""
    if player.can("data"):
        return player.space.test_images([0])[0]
    if player.can("sample"):
        return pixels.to_uint8(player.sample(0, 1))[0]
    return np.zeros(player.model.image_shape, "uint8")


def file_field(rules):
    """The field of a file, and whether light and dark change places."""
    height, width = rules.image_size
    file = gr.File(
        label=f"Picture, at most {uploads.LARGEST >> 20} MB",
        file_types=["image"],
        height=140,
    )
    inverted = gr.Checkbox(label="Change light and dark")
    gr.Markdown(
        f"{FITTED[rules.fit]} {width}x{height}. Transparent parts lie "
        f"on {rules.background}."
    )
    return file, inverted


def _pictures(seen):
    """{label: picture} of a `Seen`."""
    panels = {"What the model sees": pictures.sheet(seen.image[None])}
    if seen.reconstruction is not None:
        panels["Reconstruction"] = pictures.sheet(seen.reconstruction[None])
    if seen.attention is not None:
        panels["Where it looked"] = pictures.sheet(seen.attention[None])
    if seen.z is not None:
        panels["Encoding"] = pictures.bars(seen.z)
    return panels


def _classes(seen):
    """What `gr.Label` takes of a `Seen`."""
    label = f"Class, {seen.classifier}"
    return {"value": seen.classes, "label": label, "num_top_classes": 5}


# --- several images -------------------------------------------------------------------


def between(player):
    kinds = list(player.starts)
    kinds += [MINE] if player.can("reconstruct") else []

    def ways(ends, steps, path):
        images = player.between(*ends, steps, path)
        return pictures.sheet(images, columns=min(8, steps))

    first = None
    if player.starts:
        ends = [player.start(kinds[0], number) for number in (0, 1)]
        first = ways(ends, STEPS, "linear")
    with gr.Row():
        with gr.Column(scale=1):
            kind = gr.Radio(kinds, value=kinds[0], label="Between")
            with gr.Row(visible=kinds[0] != MINE) as numbered:
                a, b = parts.whole(0, "From number"), parts.whole(1, "To number")
            with gr.Row(visible=kinds[0] == MINE) as uploaded:
                picker = {"file_types": ["image"], "height": 140, "min_width": 120}
                files = [gr.File(label=label, **picker) for label in ("From", "To")]
            steps = parts.Slider(2, 24, STEPS, step=1, label="Images")
            path = gr.Radio(list(latents.PATHS), value="linear", label="Path")
            button = gr.Button("Interpolate", variant="primary")
        with gr.Column(scale=2):
            picture = parts.picture("From one to the other", first)

    def swap(kind):
        return gr.Row(visible=kind != MINE), gr.Row(visible=kind == MINE)

    @parts.answer([picture])
    def interpolate(kind, a, b, file_a, file_b, steps, path):
        if kind != MINE:
            return ways([player.start(kind, number) for number in (a, b)], steps, path)
        if None in (file_a, file_b):
            raise ValueError("A way between images needs two of them.")
        images = [uploads.read(file, player.rules) for file in (file_a, file_b)]
        return ways([player.encoded(image) for image in images], steps, path)

    kind.change(swap, kind, [numbered, uploaded])
    button.click(interpolate, [kind, a, b, *files, steps, path], picture)


def denoise(player):
    first = player.denoising(0)
    last = len(first) - 1
    with gr.Row():
        with gr.Column(scale=1):
            seed = parts.whole(0, "Seed")
            options = parts.options(player)
            button = gr.Button("Denoise", variant="primary")
        with gr.Column(scale=2):
            picture = parts.picture("Image at this step", pictures.sheet(first[-1:]))
            step = parts.Slider(0, last, last, step=1, label="Step", interactive=True)
            strip = parts.picture("From noise to image", pictures.strip(first))
    film = gr.State(first)

    @parts.answer([film])
    def remove(seed, *values):
        return player.denoising(seed, **parts.chosen(player, options, values))

    def play(film):
        """Shows each step, one after the other."""
        if film is None:
            return
        last, whole = len(film) - 1, pictures.strip(film)
        for number, x_t in enumerate(film):
            yield (
                pictures.sheet(x_t[None]),
                gr.Slider(maximum=last, value=number),
                whole,
            )
            whole = gr.skip()  # is there already

    def at(film, number):
        if film is None:
            return None
        return pictures.sheet(film[min(number, len(film) - 1)][None])

    inputs = [seed, *options.values()]
    ended = button.click(remove, inputs, film, show_progress_on=picture)
    ended.then(play, film, [picture, step, strip], show_progress="hidden")
    step.input(at, [film, step], picture, show_progress="hidden")
