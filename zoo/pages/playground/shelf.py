"""All models that are at hand: presets, and the runs of a folder. None is read yet."""

import dataclasses
import functools
import pathlib

from zoo.pretrained import presets
from zoo.runs.folder import RunFolder

FIRST = "gan/emoji"  # colour, and small: it answers soon


@dataclasses.dataclass(frozen=True)
class Subject:
    """A trained model that the page can show before it is read.

    Attributes:
        name: Of the preset, or of the run's folder.
        about: A sentence on it.
        sheet: The path of a picture that was drawn when it was trained, or None.
        preset: Whether it is a preset.
    """

    name: str
    about: str
    sheet: str | None
    preset: bool

    @functools.cached_property
    def player(self):
        """The `Player`; a preset is written to `runs/presets` first.

        Raises: ValueError, OSError: as `Player` does, and if a preset is damaged.
        """
        from zoo.pages.playground.player import Player  # slow: frameworks
        from zoo.runs import preset_runs

        return Player(preset_runs.place(self.name) if self.preset else self.name)


def subjects(folder="runs"):
    """Returns the `Subject`s of all presets and of the finished runs in `folder`, the
    newest first."""
    shelved = [_of_preset(name) for name in presets.names()]
    shelved.sort(key=lambda subject: subject.name != FIRST)
    return shelved + [_of_run(run) for run in _finished(pathlib.Path(folder))]


def _of_preset(name):
    preset = presets.find(name)
    row = preset.row
    sheet = preset.path.with_suffix(".png")
    about = f"{row['about']}. Trained on {row['data']}; {row['weights']:,} weights."
    return Subject(name, about, str(sheet) if sheet.is_file() else None, True)


def _finished(folder):
    """The `RunFolder`s in `folder` that hold a model, the newest first."""
    runs = [RunFolder(path) for path in sorted(folder.glob("*/"))]
    runs = [run for run in runs if run.model.is_file()]
    return sorted(runs, key=lambda run: -run.model.stat().st_mtime)


def _of_run(run):
    about = "A run of one's own."
    try:
        settings = run.read_record()["settings"]
        about = f"{settings['model']} on {settings['dataset']}, a run of one's own."
    except (OSError, KeyError, TypeError, ValueError):
        pass  # whoever opens it is told what is wrong
    sheets = sorted((run.path / "samples").glob("*.png"))
    return Subject(str(run.path), about, str(sheets[-1]) if sheets else None, False)
