"""Presets for the tests: tiny models in a folder of their own."""

import json

from zoo.core import lending
from zoo.pretrained import presets
from zoo.pretrained.presets import record, weights

SETTINGS = {"dataset": "digits", "classes": None, "image_size": 8, "data_dir": None}
SETTINGS |= {"epochs": 1, "schedule_epochs": 1, "options": {}}


def store(model, folder, name="digits", without=(), **changes):
    """Writes a preset of `model` without a run; returns it."""
    lent = lending.weights(model)
    lent = {key: arrays for key, arrays in lent.items() if key not in without}
    stem = f"{model.registry_name}-{name}"
    folder.mkdir(exist_ok=True)
    content = {
        "name": f"{model.registry_name}/{name}",
        "model": model.registry_name,
        "config": model.get_config(),
        "build": model.get_build_config(),
        "file": f"{stem}.npz",
        "sha256": weights.write(folder / f"{stem}.npz", weights.packed(lent)),
        "weights": {k: sum(a.size for a in arrays) for k, arrays in lent.items()},
        "without": list(without),
        "settings": SETTINGS,
        "facts": {"image_shape": list(model.image_shape)},
        "protocol": {},
        "scores": {},
        "details": {},
        "scores_of": "nothing",
        "about": "A tiny model",
        "licence": "Apache-2.0",
        "limits": [],
        "commands": {},
    }
    preset = record.Preset(path=folder / f"{stem}.json", **content | changes)
    write(preset)
    return preset


def write(preset):
    """Writes the .json file of a preset."""
    preset.path.write_text(json.dumps(preset.plain()))


def use(monkeypatch, folder):
    """Has the zoo look for its presets in `folder`."""
    monkeypatch.setattr(presets, "FOLDER", folder)
    return folder
