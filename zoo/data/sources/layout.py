"""What the sub-folders of a folder of pictures mean: splits, classes, or neither."""

import dataclasses

SPLITS = {  # names of folders, in any case
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}

Path = tuple[str, ...]  # parts of a path, below the folder


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


def arrange(paths: list[Path]) -> Layout:
    """Returns the `Layout` of the readable files of a folder, given sorted.

    Folders train, val (valid, validation) and test are splits, if train is among them
    with another, or alone; other folders beside them are passed over. Sub-folders, of
    the splits or of the folder, are classes. Where there is but one sub-folder, and it
    holds nothing but sub-folders, these are taken for what they would be without it.
    """
    above = _descended(paths)
    depth = len(above)
    splits = _splits({path[depth] for path in paths if len(path) > depth + 1})
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


def _descended(paths):
    """The folders above the first one that branches, into nothing but folders."""
    above = ()
    while paths and all(len(path) > len(above) + 1 for path in paths):
        folders = {path[len(above)] for path in paths}
        if len(folders) > 1 or _splits(folders):
            return above
        above = (*above, *folders)
    return ()


def _splits(folders):
    """`{folder: split}` of those that are splits, empty if they are taken for classes:
    train alone among other names may well be one."""
    splits = {name: SPLITS[name.lower()] for name in folders if name.lower() in SPLITS}
    kinds = set(splits.values())
    if "train" in kinds and (len(kinds) > 1 or len(splits) == len(folders)):
        return splits
    return {}
