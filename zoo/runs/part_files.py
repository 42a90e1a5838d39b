"""Trained models that a run's model has as parts: read from files when the run begins,
and from its own checkpoints ever after."""

import dataclasses
import pathlib
from typing import Any

from zoo.core import registry, saving
from zoo.files import sums


@dataclasses.dataclass(frozen=True)
class PartFile:
    """The file of a part.

    Attributes:
        file: The path as the user typed it.
        sha256: Of the file, when the run began.
        value: The model; or, where a run goes on, what its config keeps of it.
    """

    file: str
    sha256: str
    value: Any

    def plain(self):
        """What run.json keeps."""
        return {"file": self.file, "sha256": self.sha256}


def read(cls, config, stored):
    """Returns {setting: `PartFile`} of the settings in `config` that are paths.

    Args:
        cls: The model's class.
        config: Its settings, as they were asked for.
        stored: Settings of the run in the folder, or None: the part that it began with
            is not read again.
    Raises: ValueError, FileNotFoundError: if a file is none of a model.
    """
    parts = {}
    for name in registry.part_names(cls):
        path = config.get(name)
        if not isinstance(path, str):
            continue
        known = (stored or {}).get("parts", {}).get(name)
        if known is not None and known["file"] == path:
            parts[name] = PartFile(path, known["sha256"], stored["config"][name])
        else:
            file = saving.file_of(pathlib.Path(path))
            parts[name] = PartFile(path, sums.sha256(file), saving.load(file))
    return parts
