"""Parts of the page that its rooms share."""

import functools
import html
import math
import threading

import gradio as gr
import numpy as np

ANY = "any"  # label
CANVAS = 280  # pixels of a drawing's side
ONE_AT_A_TIME = threading.Lock()  # a model's graphs are shared by all readers


def answer(outputs):
    """Decorates an event's function: no other one runs at the same time. Its errors
    become words on the page, and the components `outputs` are emptied."""

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


def picture(label, value=None, min_width=240, visible=True):
    return gr.Image(
        value,
        label=label,
        format="png",
        interactive=False,
        buttons=["download", "fullscreen"],
        elem_classes="picture",
        min_width=min_width,  # by default two side by side on a screen, not on a phone
        visible=visible,
    )


def film(label, value=None):
    """A picture that plays: the path of a GIF."""
    return gr.Image(
        value,
        label=label,
        type="filepath",
        format="gif",
        interactive=False,
        buttons=["download", "fullscreen"],
        elem_classes="picture",
    )


def _require_number(value, label):
    """Raises gr.Error unless `value` is a finite number. A page sends no others, but
    whoever calls the server may."""
    if type(value) in (int, float) and math.isfinite(value):
        return
    received = f"a {type(value).__name__}" if type(value) is not float else value
    raise gr.Error(
        html.escape(f"{label} is a number. Received: {received}."),
        title="Not possible",
        print_exception=False,
    )


class Number(gr.Number):
    """Gradio's field of a number, which tells what is none."""

    is_template = True  # looks like Gradio's own

    def preprocess(self, payload):
        if payload is not None:
            _require_number(payload, self.label)
        return super().preprocess(payload)


class Slider(gr.Slider):
    """Gradio's slider, which tells what is no number."""

    is_template = True

    def preprocess(self, payload):
        _require_number(payload, self.label)
        return super().preprocess(payload)


def whole(value, label):
    """A field of whole numbers from 0."""
    return Number(value, label=label, precision=0, minimum=0)


def canvas(width, height, sheet="black"):
    """A sheet to draw on: a black one in white, a white one in black."""
    factor = CANVAS / max(width, height)
    width, height = round(width * factor), round(height * factor)
    empty = np.full((height, width, 3), 255 if sheet == "white" else 0, "uint8")
    colours = ["#ffffff", "#808080", "#000000"]
    return gr.ImageEditor(
        {"background": empty, "layers": [], "composite": None},
        label="Drawing",
        type="numpy",
        sources=(),
        layers=False,
        transforms=(),
        canvas_size=(width, height),
        fixed_canvas=True,
        brush=gr.Brush(
            default_size=8 if sheet == "white" else 16,
            colors=colours[::-1] if sheet == "white" else colours,
        ),
        buttons=[],
    )


# --- options of samples ---------------------------------------------------------------


def options(player):
    """Fields of a model's options, {name: component}."""
    model, fields = player.model, {}
    if "prompt" in player.options:
        about = {"label": "Prompt", "placeholder": "what the image shows"}
        fields["prompt"] = gr.Textbox(**about)
    if "label" in player.options:
        fields["label"] = gr.Dropdown([ANY, *player.class_names], label="Label")
    if "guidance" in player.options:
        value = float(model.guidance)
        fields["guidance"] = Slider(0, 8, value, step=0.5, label="Guidance")
    if "steps" in player.options:
        steps = min(model.steps, player.most)
        fields["steps"] = Slider(1, player.most, steps, step=1, label="Steps")
    if "sampler" in player.options:
        names = list(model.samplers)
        fields["sampler"] = gr.Dropdown(names, value=model.sampler, label="Sampler")
    if "truncation" in player.options:
        fields["truncation"] = truncation()
    return fields


def truncation():
    """A slider from the mean of all styles to each as it is."""
    return Slider(0, 1, 1.0, step=0.05, label="Truncation: 0 is the mean style")


def chosen(player, fields, values):
    """Returns the options of a sample, of the `values` of their `fields`."""
    options = dict(zip(fields, values))
    if "label" in options:
        label = options["label"]
        options["label"] = None if label == ANY else player.class_names.index(label)
    return options
