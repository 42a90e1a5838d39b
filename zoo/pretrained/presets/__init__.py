"""Presets: models that come trained, by name.

    zoo.presets()                               what there is
    zoo.get("cgan", weights="fashion_mnist")    one of them, trained
    zoo.get("cgan", weights="fashion_mnist").fit(images)   which learns on

A preset is three files or four in `files/`: NAME.json (all that there is to say of it),
NAME.npz (weights in half precision), NAME.md (its card) and, of a model that makes
pictures, NAME.png. `experiments.publish` makes them of a finished run.
"""

import pathlib
import re

from zoo.core import registry
from zoo.inputs import suggestions
from zoo.pretrained.presets.record import Preset

__all__ = ["FOLDER", "Preset", "find", "get", "is_name", "names", "presets", "require"]

FOLDER = pathlib.Path(__file__).parent / "files"
NAME = re.compile(r"([a-z0-9_]+)/([A-Za-z0-9_.-]+)")


def names(model=None):
    """Returns the sorted names of all presets, such as "cgan/fashion_mnist", or of
    those of one model."""
    stems = sorted(file.stem for file in FOLDER.glob("*.json"))
    known = [stem.replace("-", "/", 1) for stem in stems]
    return [each for each in known if model in (None, each.partition("/")[0])]


def presets():
    """Returns what there is to know of each preset in short, a list of dicts: `name`,
    `model`, `data`, `weights` (their number), `licence` and `about`, a line."""
    return [find(name).row for name in names()]


def is_name(text):
    """Whether `text` looks like the name of a preset: MODEL/NAME, and no path that
    exists."""
    match = NAME.fullmatch(text)
    is_model = match is not None and match[1] in registry.names()
    return is_model and not pathlib.Path(text).exists()


def require(name):
    """Raises ValueError unless there is a preset `name`, and suggests the nearest;
    imports nothing."""
    known = names()
    if name in known:
        return
    available = f"Presets: {', '.join(known)}" if known else "None comes with this zoo"
    raise ValueError(
        f"There is no such preset{suggestions.nearest(name, known)}. {available}; "
        f"`experiments.publish` makes one of a run. Received: {name!r}."
    )


def find(name):
    """Returns the `Preset` called `name`; its weights are not read yet.

    Raises: ValueError: for an unknown name, or a file that is damaged or newer.
    """
    require(name)
    return Preset.read(FOLDER / f"{name.replace('/', '-', 1)}.json")


def get(model, weights, image_shape=None, config=None):
    """Returns the trained model `weights` of the model called `model`, compiled.

    Args:
        weights: "fashion_mnist", or in full "cgan/fashion_mnist".
        image_shape: (H, W, C), if it is to be made sure of.
        config: {setting: value} on top of the preset's, of those that each call may
            choose, too, such as the sampler.
    Raises: ValueError: for an unknown preset, a damaged file, or a size or setting that
        the preset does not have.
    """
    name = str(weights) if "/" in str(weights) else f"{model}/{weights}"
    if name.partition("/")[0] != model:
        raise ValueError(
            f"The weights {name!r} are of another model. Received: model={model!r}."
        )
    preset = find(name)
    from zoo.pretrained.presets import building  # slow: a wrong name need not wait

    return building.build(preset, image_shape, config or {})
