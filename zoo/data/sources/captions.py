"""A folder of picture files, each with one text or more that describe it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data import examples, source
from zoo.data.sources import captioning
from zoo.data.sources.folder import Folder
from zoo.data.sources.walk import Path


class Captions(Folder):
    """A `Folder` whose pictures have captions, which `captioning` tells how to write:
    in metadata.jsonl or metadata.csv, or in NAME.txt beside each picture.

    A picture without a caption is named in the log and left out.

    Args:
        path: Of the folder.
        text_column: The columns of the metadata that hold texts, separated by commas;
            those with a number behind the name, as in text_2, belong to them.
        rules: The options of `Folder`.
    """

    kind = "captions"
    options = Folder.options | {
        "text_column": source.Option(
            "text", "Columns of metadata.csv or .jsonl with texts, e.g. text,tags."
        )
    }

    def __init__(self, path: str, text_column: str = "text", **rules: Any):
        self._columns = captioning.columns(text_column)
        super().__init__(path, **rules)

    @staticmethod
    def check(which: str, options: Mapping[str, Any]) -> None:
        """Raises ValueError if text_column names no column, or background no colour."""
        Folder.check(which, options)
        captioning.columns(options["text_column"])

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`, None for captions."""
        return super().fields() | {"caption": None}

    def _pictures(self, paths: list[Path]) -> list[Path]:
        """Those of the files below the folder that have a caption."""
        self._texts = captioning.texts(self.name, self._root, paths, self._columns)
        return list(self._texts)

    def _words(self, rows: np.ndarray) -> dict[str, Any]:
        """The fields of rows that are no pixels: the label and the captions."""
        texts = np.empty(len(rows), dtype=object)
        texts[:] = [tuple(self._texts[self._paths[row]]) for row in rows]
        return super()._words(rows) | {"caption": texts}
