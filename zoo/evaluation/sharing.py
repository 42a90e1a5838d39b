"""A finished run goes to a hub: the model without its optimizers, picture and card."""

import dataclasses
import pathlib
import shutil
import tempfile

from zoo.core import lending, saving
from zoo.evaluation import publishing
from zoo.files import hub
from zoo.runs.folder import RunFolder

FACTS = """---
library_name: keras
tags: [zoo, {model}]
---

"""


def share(workdir, name, words):
    """Sends the model of a finished run to `name`, "hf://USER/REPO"; returns the
    address of the change.

    Args:
        words: `publishing.Words`.
    Raises: as `publishing.publish` and `hub.send`.
    """
    hub.require(name)
    with tempfile.TemporaryDirectory(prefix="zoo-hub-") as folder:
        files = pathlib.Path(folder) / "files"
        files.mkdir()
        words = dataclasses.replace(words, without=())
        published = publishing.publish(
            workdir, pathlib.Path(folder) / "preset", words, bounded=False
        )
        preset = published.preset
        model = saving.load(RunFolder(workdir).model)
        lending.without_optimizers(model).save(files / hub.FILE)
        if preset.sheet.is_file():
            shutil.copy(preset.sheet, files)
        card = preset.path.with_suffix(".md").read_text("utf-8")
        model, _, short = preset.name.partition("/")
        card = card.replace(
            f'zoo.get("{model}", weights="{short}")', f'zoo.load("{name}")'
        )
        text = FACTS.format(model=model) + card
        (files / "README.md").write_text(text, "utf-8")
        return hub.send(files, name)
