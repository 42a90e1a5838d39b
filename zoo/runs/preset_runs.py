"""A preset as a run folder, which every verb can read: its model and its settings."""

import json
import pathlib

from zoo.core import saving
from zoo.files import atomic
from zoo.pretrained import presets
from zoo.pretrained.presets import building
from zoo.runs.folder import RunFolder

FOLDER = pathlib.Path("runs", "presets")


def place(name):
    """Returns the folder `runs/presets/MODEL-NAME` of the preset `name`, written now
    unless it is there; what verbs make of the preset goes there, too.

    Raises: ValueError: if there is no such preset, it is damaged, or the folder holds
        another run. OSError: if it cannot be written.
    """
    preset = presets.find(name)
    folder = RunFolder(FOLDER / preset.stem)
    mark = {"name": preset.name, "sha256": preset.sha256}
    if _known(folder) != mark or not folder.model.is_file():
        folder.path.mkdir(parents=True, exist_ok=True)
        model = building.build(preset, compiled=False)
        settings = preset.settings | {"workdir": str(folder.path)}
        record = preset.facts | {"settings": settings, "preset": mark}
        model.save(folder.model)
        with atomic.replaced(folder.record) as temporary:
            text = json.dumps(record, indent=2) + "\n"
            pathlib.Path(temporary).write_text(text)
    return folder.path


def _known(folder):
    """The name and the checksum of the preset that a folder holds, or None.

    Raises: ValueError: if it holds something else.
    """
    if folder.stored() is None:
        return None
    mark = folder.read_record().get("preset")
    if mark is None:
        raise ValueError(
            f"The folder of a preset holds another run. Received: {folder.path}."
        )
    return mark


def opened(path):
    """Returns the model of a run folder, of a `.keras` file, or of a preset's name."""
    if presets.is_name(path):
        return building.build(presets.find(path))
    return saving.load(path)
