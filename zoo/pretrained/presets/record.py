"""What there is to say of a preset: its NAME.json, checked."""

import dataclasses
import json
import pathlib

from zoo.core import registry

VERSION = 1  # of the files; a zoo reads those of earlier versions
MOST_WEIGHTS, MOST_BYTES = 1_400_000, 3_000_000  # of a preset
MOST_BYTES_IN_ALL = 30_000_000


@dataclasses.dataclass(frozen=True)
class Preset:
    """A trained model in the box; nothing but words and numbers are read of it.

    Attributes:
        path: Of its .json; the other files lie beside it.
        name: "MODEL/NAME". `model`, `config`, `build`: the model's name, settings and
            what `build_from_config` takes, its class names included.
        file, sha256: Of the weights.
        weights: {network: number of weights in the file}.
        without: Names of networks whose weights were left out.
        settings, facts: Of the run that it was made of, as its run.json had them.
        protocol, scores, details: As in its evaluation.json; `scores_of`: which weights
            were measured.
        about, licence, limits, commands: Words; of `commands` by what they did.
        version: Of the format.
    """

    path: pathlib.Path
    name: str
    model: str
    config: dict
    build: dict
    file: str
    sha256: str
    weights: dict
    without: list
    settings: dict
    facts: dict
    protocol: dict
    scores: dict
    details: dict
    scores_of: str
    about: str
    licence: str
    limits: list
    commands: dict
    version: int = VERSION

    @classmethod
    def read(cls, path):
        """Returns the `Preset` of a .json file.

        Raises: ValueError: if it is damaged, or of a newer version.
        """
        path = pathlib.Path(path)
        try:
            content = json.loads(path.read_text("utf-8"))
            version = content["version"]
            is_newer = isinstance(version, int) and version > VERSION
            preset = None if is_newer else cls(path=path, **content)
        except (ValueError, KeyError, TypeError, RecursionError, OSError):
            raise ValueError(
                f"The file of the preset is damaged. Received: {path}."
            ) from None
        if preset is None:
            raise ValueError(
                "The preset is of a newer version of the zoo, which "
                "`pip install --upgrade` brings. "
                f"Received: {path} of version {version}, this zoo reads {VERSION}."
            )
        preset._require_sound()
        return preset

    def plain(self):
        """What the .json file holds."""
        content = dataclasses.asdict(self)
        del content["path"]
        return content

    @property
    def stem(self):
        """The name of its files, without suffix."""
        return self.name.replace("/", "-", 1)

    @property
    def archive(self):
        """The path of its weights."""
        return self.path.with_name(self.file)

    @property
    def sheet(self):
        """The path of its picture, which a model has that makes pictures."""
        return self.path.with_suffix(".png")

    @property
    def row(self):
        """What `zoo.presets` tells of it."""
        return {
            "name": self.name,
            "model": self.model,
            "data": self.settings["dataset"],
            "weights": sum(self.weights.values()),
            "licence": self.licence,
            "about": self.about,
        }

    def _require_sound(self):
        types = {field.name: field.type for field in dataclasses.fields(self)}
        wrong = [
            n for n, kind in types.items() if not isinstance(getattr(self, n), kind)
        ]
        if not wrong and (
            self.stem != self.path.stem or pathlib.Path(self.file).name != self.file
        ):
            wrong = ["name" if self.stem != self.path.stem else "file"]
        if not wrong and self.model not in registry.names():
            wrong = ["model"]
        if wrong:
            raise ValueError(
                f"The file of the preset is damaged: its {wrong[0]!r} cannot be. "
                f"Received: {self.path}."
            )
