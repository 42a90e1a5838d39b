"""Places of the page that answer: their markup, and the script that all of them share.

Without scripts, a browser shows none of them.
"""

import json
import pathlib

import numpy as np
from keras import ops

from zoo import backend, pages
from zoo.inputs import pixels
from zoo.pages.tour import drawing, networks

SCRIPT = pathlib.Path(__file__).with_name("live.js")
PICTURES = 4
MAPPED = 500  # codes of a map
KERNELS = {  # key of its name in the texts: its nine weights, row by row
    "across": (-1, -1, -1, 0, 0, 0, 1, 1, 1),
    "upright": (-1, 0, 1, -1, 0, 1, -1, 0, 1),
    "outline": (-1, -1, -1, -1, 8, -1, -1, -1, -1),
    "blur": (0.11, 0.11, 0.11, 0.11, 0.12, 0.11, 0.11, 0.11, 0.11),
    "same": (0, 0, 0, 0, 1, 0, 0, 0, 0),
}


def script(places):
    """Returns the text of the script, or None where no place answers."""
    answers = any('class="live"' in place for place in places)
    return SCRIPT.read_text("utf-8") if answers else None


def filter_by_hand(images, words):
    """A filter of 3x3 whose weights can be typed, beside what it sees in a picture.

    Args:
        images: `[N, H, W, C]`, uint8 or float in [-1, 1]; the first few are shown.
        words: `Words` of the page's language.
    """
    images = pixels.to_uint8(images[:PICTURES]).astype(float).mean(axis=-1)
    kernels = [words(f"live.{name}") for name in KERNELS]
    numbers = [words("live.image", number=k + 1) for k in range(len(images))]
    before, after = (_canvas(words(f"live.{name}")) for name in ("before", "after"))
    return pages.element(
        "div",
        pages.element("h3", words("live.title")),
        pages.paragraph(words("live.about")),
        _buttons("kernel", kernels),
        _buttons("image", numbers),
        pages.element("div", before, _weights(words), after, class_="answering"),
        class_="live",
        hidden="",
        data_images=json.dumps(np.rint(images).astype(int).tolist()),
        data_kernels=json.dumps([list(kernel) for kernel in KERNELS.values()]),
    )


def generator(model, words, key):
    """A generator whose noise can be mixed and, with labels, whose class can be chosen;
    None of a network that no page can hold.

    Args:
        model: With a network `generator` and perhaps labels.
        key: Of the place's title and sentence in the texts, below "live".
    """
    layers = networks.layers_of(model.averaged_network("generator", True))
    height, width, channels = model.image_shape
    if layers is None or height != width or channels != 1:
        return None
    classes = model.config["num_classes"] if model.can("labels") else 0
    title, noise = words(f"live.{key}"), words("live.mix")
    slider = pages.element(
        "input", type="range", min=0, max=100, value=0, aria_label=noise
    )
    fresh = pages.element("button", words("live.fresh"), type="button", data_new="")
    labels = [str(label) for label in range(classes)]
    return pages.element(
        "div",
        pages.element("h3", title),
        pages.paragraph(words(f"live.{key}_about")),
        _buttons("class", labels) if classes else None,
        pages.element("p", noise, " ", slider, fresh, class_="buttons"),
        pages.element("div", _canvas(words("live.made")), class_="answering"),
        class_="live",
        hidden="",
        data_layers=json.dumps(layers),
        data_noise=json.dumps(np.round(_noise(model), 4).tolist()),
        data_classes=classes,
    )


def maps(models, images, colours, names, words):
    """Maps of the codes of test images, side by side: a point is moved on all of them,
    and each model draws the image of its place. None unless all codes are pairs.

    Args:
        models: Autoencoders, by the key of their name in the texts, below "models".
        images: `[N, H, W, C]`.
        colours: N colours as CSS writes them, of their classes.
        names: Of the classes.
    """
    images, colours = images[:MAPPED], list(colours)[:MAPPED]
    layers = [_decoder(model) for model in models.values()]
    if None in layers:
        return None
    data, figures = [], []
    for (role, model), each in zip(models.items(), layers):
        z = model.encode(images)
        data.append(
            {
                "layers": each,
                "codes": np.round(z, 3).tolist(),
                "colours": colours,
                "low": z.min(axis=0).tolist(),
                "high": z.max(axis=0).tolist(),
            }
        )
        name = words(f"models.{role}")
        about = words("live.map", model=name)
        canvas = {"tabindex": 0, "aria_label": about, "class_": "map"}
        canvas["role"] = "application"  # it takes the arrow keys
        figures.append(pages.figure(pages.element("canvas", **canvas), about))
        figures.append(_canvas(words("live.drawn", model=name)))
    return pages.element(
        "div",
        pages.element("h3", words("live.maps")),
        pages.paragraph(words("live.maps_about")),
        drawing.legend(names),
        pages.element("div", *figures, class_="maps"),
        class_="live",
        hidden="",
        data_maps=json.dumps(data),
    )


def _decoder(model):
    """The layers of a decoder of pairs of numbers, or None."""
    shape = model.image_shape
    if model.config["latent_dim"] != 2 or shape[0] != shape[1] or shape[2] != 1:
        return None
    layers = networks.layers_of(model.decoder)
    likelihood = model.config.get("likelihood")
    if layers is None or likelihood not in (None, "bernoulli"):
        return None
    return [*layers, networks.PIXEL] if likelihood else layers


def _noise(model):
    """The noise of the seeds 0 and 1."""
    z = model.noise(backend.tensor(np.arange(2)))
    return ops.convert_to_numpy(z).astype(float)


def _canvas(title):
    return pages.figure(pages.element("canvas", role="img", aria_label=title), title)


def _weights(words):
    """The fields of nine weights."""
    fields = (
        pages.element(
            "input",
            type="number",
            step="any",
            value=f"{weight:g}",
            aria_label=words("live.weight", row=k // 3 + 1, column=k % 3 + 1),
        )
        for k, weight in enumerate(KERNELS["across"])
    )
    return pages.element("div", *fields, class_="kernel")


def _buttons(kind, names):
    """A row of buttons; the script reads their numbers in `data-<kind>`."""
    buttons = (
        pages.element("button", name, type="button", **{f"data_{kind}": number})
        for number, name in enumerate(names)
    )
    return pages.element("p", *buttons, class_="buttons")
