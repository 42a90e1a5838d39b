"""The rooms of styles, "mix" and "project" in `plan.ROOMS`."""

import gradio as gr
import numpy as np

from zoo.inputs import pixels
from zoo.pages.playground import parts, pictures, uploads
from zoo.pages.playground.rooms import file_field


def mix(player):
    def mixtures(row, column, level, truncation):
        table = player.mixed(row, column, level, truncation)
        return pictures.sheet(table.reshape(-1, *table.shape[2:]), table.shape[1])

    levels = player.model.levels
    with gr.Row():
        with gr.Column(scale=1):
            seeds = [
                parts.whole(value, f"Seed (of the first {of})")
                for value, of in ((0, "row"), (10, "column"))
            ]
            level = parts.Slider(0, levels, 1, step=1, label="Levels that are coarse")
            truncation = parts.truncation()
            button = gr.Button("Mix", variant="primary")
        with gr.Column(scale=2):
            picture = parts.picture("Mixtures", mixtures(0, 10, 1, 1.0))

    inputs = [*seeds, level, truncation]
    gr.on(
        [button.click, level.release],
        parts.answer([picture])(mixtures),
        inputs,
        picture,
    )


def project(player):
    def beside(image, answer):
        return pictures.sheet(np.stack([pixels.to_float(image), answer]), columns=2)

    begin = player.mean_style()
    first = player.space.test_images([0])[0] if player.can("data") else begin
    with gr.Row():
        with gr.Column(scale=1):
            file, inverted = file_field(player.rules)
            if player.can("data"):
                number = parts.whole(0, "Or the number of a test image")
            steps = parts.Slider(50, 1000, 300, step=50, label="Steps")
            button = gr.Button("Search", variant="primary")
        with gr.Column(scale=2):
            title = (
                "The picture, and what the styles make: the mean one, before a search"
            )
            picture = parts.picture(title, beside(first, begin))

    @parts.answer([picture])
    def search(path, inverted, steps, number=None):
        if path is not None:
            image = uploads.read(path, player.rules, inverted)
        elif number is not None:
            image = player.space.test_images([number])[0]
        else:
            raise ValueError("There is no picture yet.")
        return beside(image, player.projected(image, steps))

    inputs = [file, inverted, steps, *([number] if player.can("data") else [])]
    button.click(search, inputs, picture)
