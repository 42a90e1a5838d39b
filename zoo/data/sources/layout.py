"""What the sub-folders of a folder of pictures mean: splits, classes, or neither."""

import dataclasses
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import logging

from zoo.data import arguments, source
from zoo.data.sources.passed import Passed
from zoo.data.sources.walk import Path

SPLITS = {  # names of folders, in any case
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclasses.dataclass
class Layout:
    """How the files of a folder are used.

    Attributes:
        above: Folders that hold nothing but the next one, which were descended.
        class_names: Sorted, or None if there are no sub-folders.
        files: (path, split or None, label or -1), in the order of the paths. Without
            ready splits, all are None.
        passed: Files that were passed over.
    """

    above: Path
    class_names: tuple[str, ...] | None
    files: list[tuple[Path, str | None, int]]
    passed: list[Path]

    def tell(self, name: str) -> None:
        """Tells in the log what became of the folders of the set `name`."""
        tell(name, self.above, self.passed)

    def printable_names(self) -> tuple[str, ...] | None:
        """The class names; line breaks, or bytes that are no text, are escaped."""
        if self.class_names is None:
            return None
        return tuple(n if n.isprintable() else ascii(n)[1:-1] for n in self.class_names)


def tell(name: str, above: Path, passed: list[Path]) -> None:
    """Tells in the log which folder of a set is read and which files are not."""
    if above:
        logging.info("%r is read from its folder %r", name, above)
    files = Passed()
    for path in passed:
        files.add(repr("/".join(path)))
    files.warn(
        "Files of %r beside the sub-folders that are labels or splits are passed over: "
        "%s",
        name,
    )


def arrange(paths: list[Path]) -> Layout:
    """Returns the `Layout` of the readable files of a folder, given sorted.

    Folders train, val (valid, validation) and test are splits, if train is among them
    with another, or alone; other folders beside them are passed over. Sub-folders, of
    the splits or of the folder, are classes. Where there is but one sub-folder, and it
    holds nothing but sub-folders, these are taken for what they would be without it.
    """
    above = _descended(paths)
    depth = len(above)
    splits = named_splits({path[depth] for path in paths if len(path) > depth + 1})
    files, passed = [], []
    for path in paths:
        split = splits.get(path[depth]) if len(path) > depth + 1 else None
        if splits and split is None:
            passed.append(path)
        else:
            files.append((path, split))
    depth += bool(splits)
    names = sorted({path[depth] for path, _ in files if len(path) > depth + 1})
    if not names:
        return Layout(above, None, [(*file, -1) for file in files], passed)
    numbers = {name: number for number, name in enumerate(names)}
    labelled = []
    for path, split in files:
        if len(path) > depth + 1:
            labelled.append((path, split, numbers[path[depth]]))
        else:
            passed.append(path)
    return Layout(above, tuple(names), labelled, passed)


def top(paths: list[Path], is_top: Callable[[str], Any]) -> Path:
    """Returns the folders above the first with the name of a top, if these are the same
    wherever there is one; else those that hold all paths.

    Args:
        paths: Of the files that count.
        is_top: Function of the name of a folder.
    """
    above = {
        tuple(itertools.takewhile(lambda folder: not is_top(folder), path[:-1]))
        for path in paths
        if any(map(is_top, path[:-1]))
    }
    if len(above) == 1:
        return above.pop()
    folders = os.path.commonprefix([path[:-1] for path in paths])
    return tuple(itertools.takewhile(lambda folder: not is_top(folder), folders))


def _descended(paths):
    """The folders above the first one that branches, into nothing but folders, or whose
    sub-folders are splits."""
    above = ()
    while paths and all(len(path) > len(above) + 1 for path in paths):
        folders = {path[len(above)] for path in paths}
        if len(folders) > 1 or named_splits(folders):
            return above
        above = (*above, *folders)
    return ()


def named_splits(folders: set[str]) -> dict[str, str]:
    """Returns `{name: split}` of the folders that are splits, empty if they are taken
    for classes: train alone among other names may well be one."""
    splits = {name: SPLITS[name.lower()] for name in folders if name.lower() in SPLITS}
    kinds = set(splits.values())
    if "train" in kinds and (len(kinds) > 1 or len(splits) == len(folders)):
        return splits
    return {}


def cut(
    name: str, splits: Sequence[str | None], digests: list[bytes]
) -> dict[str, np.ndarray]:
    """Returns the rows of each split: the ready ones, and what is cut from training.

    Args:
        name: Of the data set.
        splits: That of each row, None if there are none.
        digests: A hash of each row's content, see `source.by_content`.

    Raises: ValueError: if there are ready splits, but nothing to train on.
    """
    ready = {
        split: np.array([n for n, each in enumerate(splits) if each == split], int)
        for split in arguments.PARTS
    }
    if not any(map(len, ready.values())):
        return source.by_content(digests)
    train = ready.pop("train")
    if not len(train):
        raise ValueError(
            "The train folder holds no readable image in a sub-folder, though "
            f"others do. Received: {name!r}."
        )
    ready = {split: rows for split, rows in ready.items() if len(rows)}
    parts = source.by_content([digests[row] for row in train], tuple(ready))
    rows = {split: train[part] for split, part in parts.items()} | ready
    both = np.concatenate([rows["train"], rows["validation"]])
    rows[arguments.BOTH] = np.sort(both)
    for split, trained in (("validation", rows["train"]), ("test", both)):
        known = {digests[row] for row in trained}
        common = sum(digests[row] in known for row in rows[split])
        if common:
            logging.warning(
                "%d %s images of %r are among those to train on, too.",
                *(common, split, name),
            )
    return rows
