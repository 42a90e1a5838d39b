"""A folder of picture files as a data set."""

from typing import Any

import numpy as np

from zoo.data.sources import layout, of_files, picture_files
from zoo.data.sources.walk import Path


class Folder(of_files.OfFiles):
    """Sub-folders are labels, sorted by name; a folder without any is unlabelled.

    Files anywhere below a sub-folder belong to it; one without a readable image is no
    label. Folders train, val and test are used as splits, see `layout.arrange`. Hidden
    files are passed over, links to folders followed as far as `walk.files` tells.
    Transparency is laid on a background, EXIF rotation applied, of an animation the
    first frame taken; if every file is grey the images have one channel, else three. Of
    files with 16 bits a value, the largest of the set tells which of them are used. A
    file that cannot be read is skipped and named in the log.

    Without ready splits, or where one is missing, it is cut by hashes of the files'
    content (`source.by_content`): a tenth is the test set, a tenth of the rest
    validation, and no image is in two of them.
    """

    kind = "folder"

    def __init__(self, path: str, **options: Any):
        choice = picture_files.Choice(**options)
        self.name = f"{self.kind}:{path}"
        self._root = picture_files.folder(self.name)
        paths = self._pictures(picture_files.walked(self.name, self._root))
        headers = picture_files.scan(self.name, self._root, paths)
        arranged = layout.arrange(list(headers))
        arranged.tell(self.name)
        self.class_names = arranged.printable_names()
        self._paths, splits, labels = zip(*arranged.files)
        self._labels = np.array(labels, np.int32)
        used = {path: headers[path][0] for path in self._paths}
        choice = choice.with_bits(self.name, list(used.values()))
        files = picture_files.PictureFiles(self.name, self._root, used, choice)
        self._files = {"image": files}
        self.rules, self.image_shape = files.rules, files.shape
        digests = [headers[path][1] for path in self._paths]
        self._rows = layout.cut(self.name, splits, digests)
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    def _pictures(self, paths: list[Path]) -> list[Path]:
        """Those of the files below the folder that are to be read as pictures."""
        return paths

    def labels(self, split: str) -> np.ndarray | None:
        """Returns the int32 labels `[N]` of the files, or None if unlabelled."""
        return None if self.class_names is None else self._labels[self._rows[split]]

    def _words(self, rows: np.ndarray) -> dict[str, Any]:
        """The fields of rows that are no pixels: the label."""
        return {} if self.class_names is None else {"label": self._labels[rows]}
