"""The card of a preset, in Markdown: what it is, of what, how good, and what not."""

import dataclasses
import pathlib
from typing import NamedTuple

from zoo.core import describe
from zoo.evaluation import table

OURS = "Apache-2.0"
# Of data sets, by the name before a colon; those made by rule are the project's own.
LICENCES = {
    "digits": "CC BY 4.0, UCI's optical recognition of handwritten digits",
    "fashion_mnist": "MIT, Zalando SE",
    "mnist": "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
    "emoji": "of the pictures: Twemoji CC BY 4.0, Noto Emoji Apache-2.0",
    "emoji:twitter": "of the pictures: Twemoji CC BY 4.0",
    "emoji:google": "of the pictures: Noto Emoji Apache-2.0",
    "emoji:openmoji": "of the pictures: OpenMoji CC BY-SA 4.0",
    "scenes": "Apache-2.0, made by rule",
}
WRAPPED = ("moving", "stacked", "captioned")  # of another set, "moving:digits"


def licence(dataset):
    """Returns the licence of a preset of the data set `dataset`, with that of the data.

    Raises: ValueError: if the zoo does not know the data's.
    """
    kind, _, which = dataset.partition(":")
    known = LICENCES.get(which if kind in WRAPPED else dataset)
    if known is None:
        raise ValueError(
            "The zoo does not know the licence of this data: --licence says under "
            "which the weights may be passed on. "
            f"Received: dataset={dataset!r}."
        )
    return f"{OURS}; data: {known}"


def summary(model):
    """Returns the line that the catalogue has on a model."""
    return describe.describe(model.registry_name).summary


class Whole(NamedTuple):
    """A `.keras` file that stands in the place of a preset's weights.

    Attributes:
        load: The line of Python that loads it.
        file: Its name; `sha256`: of its bytes.
    """

    load: str
    file: str
    sha256: str


def card(preset, scores, grey_levels, whole=None):
    """Returns the card of a `Preset`.

    Args:
        scores: The `Evaluation` that its scores are from.
        grey_levels: By how much a pixel of its sheet differs from the run's, or None
            without a sheet.
        whole: The `Whole` that the card is of, in the place of the preset's file.
    """
    model, _, name = preset.name.partition("/")
    file = "/".join(pathlib.Path(scores.file).parts[-2:])
    scores = dataclasses.replace(scores, file=file, not_applicable={})
    lines = [f"# {preset.name}", "", preset.about, ""]
    if grey_levels is not None:
        lines += [f"![What it makes]({preset.sheet.name})", ""]
    load = whole.load if whole else f'zoo.get("{model}", weights="{name}")'
    lines += ["```python", "import zoo", "", load]
    lines += ["```", "", *_facts(preset, grey_levels, whole), "", "## Recipe", ""]
    lines += ["```", preset.commands["train"], preset.commands["publish"], "```", ""]
    lines += [*_settings(preset), "", "## Scores", ""]
    lines += [f"Of {preset.scores_of}.", "", "```", *table.lines(scores), "```", ""]
    lines += ["## Limits", "", *(f"- {each.rstrip('.')}." for each in preset.limits)]
    lines += [
        f"- It knows {preset.settings['dataset']} alone: pictures of another kind or "
        "size need training on."
    ]
    return "\n".join(lines) + "\n"


def _facts(preset, grey_levels, whole):
    networks = ", ".join(f"{name} {count:,}" for name, count in preset.weights.items())
    sizes = preset.build["image_shape"]
    shape, kind = "x".join(map(str, sizes)), "clips" if len(sizes) == 4 else "images"
    names = preset.build.get("class_names")
    rows = {
        "model": f"`{preset.model}`, {kind} of {shape}",
        "data": f"`{preset.settings['dataset']}`, its training split",
        "classes": ", ".join(names) if names else None,
        "licence": preset.licence,
        "weights": f"{sum(preset.weights.values()):,} ({networks}), half precision; "
        "of networks with an average, the average",
        "left out": ", ".join(preset.without) or None,
        "rounding": grey_levels is not None
        and f"{grey_levels:.2f} grey levels a pixel of the picture above",
        "file": f"`{preset.file}`, sha256 `{preset.sha256}`",
        "code": preset.facts.get("git_commit"),
    }
    if whole:
        rows["weights"] = f"{networks}; single precision, averages beside their own"
        rows["rounding"] = None
        rows["file"] = f"`{whole.file}`, sha256 `{whole.sha256}`"
    lines = [f"| {title} | {text} |" for title, text in rows.items() if text]
    return ["| | |", "|---|---|", *lines]


def _settings(preset):
    """Lines on how it was trained."""
    settings = preset.settings
    rates = ", ".join(f"{n} {rate:g}" for n, rate in settings["learning_rate"].items())
    length = [f"{settings['epochs']} epochs"] if settings["epochs"] else []
    length += [f"{settings['minutes']:g} minutes"] if settings["minutes"] else []
    config = ", ".join(f"{key}={value!r}" for key, value in preset.config.items())
    return [
        f"- settings: {config}",
        f"- {' or '.join(length)}, batches of {settings['batch_size']}",
        f"- learning rates: {rates}; seed {settings['seed']}",
    ]
