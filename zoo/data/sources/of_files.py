"""What sets of picture files share: how their pictures are read, now or on demand."""

import functools
from typing import Any

import numpy as np

from zoo.data import source
from zoo.data.sources import picture_files


class OfFiles(source.Source):
    """A set whose rows are files, in each field that is a picture.

    A subclass sets in its constructor:

        self._files   {field: PictureFiles}
        self._rows    {split: numbers of files, ascending}, the same in all fields; of
                      domains, {field: {split: numbers}}
    """

    options = picture_files.OPTIONS
    _files: dict[str, picture_files.PictureFiles]
    _rows: dict[str, Any]

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{field: array}`: pictures, uint8 `[N, H, W, C]`, and what else is
        told of those rows of which every picture can be read."""
        shapes = self.shapes(image_size)
        parts = {
            field: files.read(self._numbers(split, field), shapes[field], split)
            for field, files in self._files.items()
        }
        if self.domains:
            return {field: images for field, (images, _) in parts.items()}
        common = functools.reduce(np.intersect1d, (kept for _, kept in parts.values()))
        columns = {
            field: images if len(kept) == len(common) else images[np.isin(kept, common)]
            for field, (images, kept) in parts.items()
        }
        return columns | self._words(common)

    def columns(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """As `read`, but of a large set a picture is read when it is asked for; one
        that cannot be read is then a ValueError."""
        if not self.is_large(image_size):
            return self.read(split, image_size)
        shapes = self.shapes(image_size)
        columns = {
            field: files.column(self._numbers(split, field), shapes[field])
            for field, files in self._files.items()
        }
        return columns | self._words(self._numbers(split, "image"))

    def _numbers(self, split: str, field: str) -> np.ndarray:
        """The files that are the rows of a field in a split."""
        return self._rows[field][split] if self.domains else self._rows[split]

    def _words(self, rows: np.ndarray) -> dict[str, Any]:
        """The fields of rows that are no pixels."""
        return {}
