"""A finished run goes to a hub: the model without its optimizers, picture and card."""

import pathlib
import shutil
import tempfile

from zoo import evaluation
from zoo.core import lending, saving
from zoo.evaluation import cards, publishing
from zoo.files import hub, sums
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
    if words.without:
        raise ValueError(
            "A model goes to a hub as a whole: --without is of a preset. "
            f"Received: without={','.join(words.without)}."
        )
    with tempfile.TemporaryDirectory(prefix="zoo-hub-") as folder:
        files, run = pathlib.Path(folder) / "files", RunFolder(workdir)
        files.mkdir()
        published = publishing.publish(
            workdir, pathlib.Path(folder) / "preset", words, bounded=False
        )
        preset, file = published.preset, files / hub.FILE
        lending.without_optimizers(saving.load(run.model)).save(file)
        if preset.sheet.is_file():
            shutil.copy(preset.sheet, files)
        whole = cards.Whole(f'zoo.load("{name}")', file.name, sums.sha256(file))
        scores = evaluation.read(run.path / "evaluation.json")
        card = cards.card(preset, scores, published.grey_levels, whole)
        text = FACTS.format(model=preset.model) + card
        (files / "README.md").write_text(text, "utf-8")
        return hub.send(files, name)
