"""A folder with two domains of pictures that are not paired, as CycleGAN has them."""

import re
from typing import Any

from zoo.data import examples
from zoo.data.sources import layout, of_files, picture_files
from zoo.inputs import pictures

FIELDS = {"a": "source", "b": "image"}  # by the ends of the folders' names
_FOLDER = re.compile(rf"({'|'.join(layout.SPLITS)})[_-]?([ab])", re.IGNORECASE)


class Domains(of_files.OfFiles):
    """Folders trainA and trainB, and testA and testB, each with any number of pictures.

    A is the source and B the image. Folders valA and valB are used where there are any;
    a split that is missing is a tenth of the training pictures of its domain, cut by
    their content (`source.by_content`). Each domain has channels of its own: one if all
    of its pictures are grey. What cannot be read is named in the log and left out.

    Args:
        path: Of the folder.
        options: Fields of `picture_files.Choice`.
    """

    domains = ("source", "image")
    class_names = None

    def __init__(self, path: str, **options: Any):
        choice = picture_files.Choice(**options)
        self.name = f"domains:{path}"
        root = picture_files.folder(self.name)
        pictures.is_grey(choice.background)
        splits = self._splits(picture_files.walked(self.name, root))
        files = [path for of_field in splits.values() for path in of_field]
        scanned = picture_files.scan(self.name, root, files)
        facts = [header for header, _ in scanned.values()]
        choice = choice.with_bits(self.name, facts)
        self._files, self._rows = {}, {}
        for field, of_field in splits.items():
            readable = {p: split for p, split in of_field.items() if p in scanned}
            self._require(field, readable)
            headers = {path: scanned[path][0] for path in readable}
            files = picture_files.PictureFiles(self.name, root, headers, choice)
            digests = [scanned[path][1] for path in readable]
            self._files[field] = files
            self._rows[field] = layout.cut(self.name, list(readable.values()), digests)
        self.rules = self._files["image"].rules
        self.image_shape = self._files["image"].shape
        self.num_examples = {
            split: {field: len(self._rows[field][split]) for field in self.domains}
            for split in self._rows["image"]
        }

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`."""
        return {field: self._files[field].shape for field in self.domains}

    def labels(self, split: str) -> None:
        """Returns None: domains have no labels."""

    def _splits(self, paths):
        """`{field: {path: split}}` of the files in the folders of domains."""
        above = layout.top(picture_files.named(paths) or paths, _FOLDER.fullmatch)
        depth = len(above)
        splits, passed = {field: {} for field in FIELDS.values()}, []
        for path in paths:
            is_below = path[:depth] == above and len(path) > depth + 1
            name = _FOLDER.fullmatch(path[depth]) if is_below else None
            if name:
                field = FIELDS[name[2].lower()]
                splits[field][path] = layout.SPLITS[name[1].lower()]
            else:
                passed.append(path)
        layout.tell(self.name, above, passed)
        for field in self.domains:
            self._require(field, splits[field])
        return splits

    def _require(self, field, splits):
        """Raises ValueError unless there are pictures to train on."""
        if "train" not in splits.values():
            side = "A" if field == "source" else "B"
            raise ValueError(
                "domains: wants pictures in the folders trainA and trainB, and train"
                f"{side} holds none that can be read. Received: {self.name!r}."
            )
