"""Which picture files below a folder are pairs: a source, and the image made from it.

A/1.png B/1.png                 and below train, val and test, as train/A/1.png
A/train/1.png B/train/1.png     the other way round
1.png                           both side by side; also train/1.png
"""

import os
from typing import NamedTuple

from zoo.data.sources import layout
from zoo.data.sources.passed import Passed
from zoo.data.sources.walk import Path

SIDES = ("a", "b")  # names of folders, in any case: source and image


class Pair(NamedTuple):
    """Two files, or twice the one that shows both; its split, or None without any."""

    source: Path
    image: Path
    split: str | None


def in_two_folders(name: str, paths: list[Path]) -> list[Pair]:
    """Returns the pairs of folders A and B, sorted; none if there are no such folders.

    Names are equal but for their endings. The log tells which files have no other half.

    Raises: ValueError: if only one of the folders is there, or no names are equal.
    """
    above = layout.descended(paths, lambda names: bool(_sides(names) | _splits(names)))
    halves: dict = {side: {} for side in SIDES}
    passed = []
    for path in paths:
        side, split, key = _place(path[len(above) :])
        if side is None:
            passed.append(path)
        else:
            halves[side].setdefault((split, key), []).append(path)
    first, second = (halves[side] for side in SIDES)
    if not first and not second:
        return []
    for side, half in halves.items():
        if not half:
            raise ValueError(
                f"pairs: wants a folder {side.upper()} with pictures beside the other "
                f"one. Received: {name!r}."
            )
    layout.tell(name, above, passed)
    common = [key for key in first if len(first[key]) == 1 == len(second.get(key, ()))]
    has_splits = any(split for split, _ in common)
    common = {key for key in common if key[0] or not has_splits}
    _tell_alone(name, [*first.items(), *second.items()], common)
    if not common:
        raise ValueError(
            "pairs: wants pictures of equal names in the folders A and B, and there "
            f"are none. Received: {name!r}."
        )
    return sorted(Pair(first[key][0], second[key][0], key[0]) for key in common)


def side_by_side(name: str, paths: list[Path]) -> list[Pair]:
    """Returns each file as a pair, with its split if the folders are named so."""
    above = layout.descended(paths, lambda names: bool(layout.named_splits(names)))
    depth = len(above)
    folders = {path[depth] for path in paths if len(path) > depth + 1}
    splits = layout.named_splits(folders)
    pairs, passed = [], []
    for path in paths:
        split = splits.get(path[depth]) if len(path) > depth + 1 else None
        if splits and split is None:
            passed.append(path)
        else:
            pairs.append(Pair(path, path, split))
    layout.tell(name, above, passed)
    return pairs


def _place(path):
    """(side or None, split or None, path without both and without its ending)."""
    folders = [folder.lower() for folder in path[:-1]]
    side = split = None
    depth = 0
    for folder in folders[:2]:
        if folder in SIDES and side is None:
            side = folder
        elif folder in layout.SPLITS and split is None:
            split = layout.SPLITS[folder]
        else:
            break
        depth += 1
    return side, split, (*path[depth:-1], os.path.splitext(path[-1])[0])


def _sides(folders):
    return {folder for folder in folders if folder.lower() in SIDES}


def _splits(folders):
    return {folder for folder in folders if folder.lower() in layout.SPLITS}


def _tell_alone(name, halves, common):
    """Names the files in the log whose other half is missing, or not the only one."""
    alone = Passed()
    for key, paths in halves:
        if key not in common:
            for path in paths:
                alone.add(repr("/".join(path)))
    alone.warn("Pictures of %r without one other half are passed over: %s", name)


def connected(pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    """Returns one hash a pair, which is the same for pairs that share a picture, or
    that others connect.

    Args:
        pairs: The hashes of both pictures of each pair.
    """
    parents: dict[bytes, bytes] = {}

    def root(digest):
        while (parent := parents.setdefault(digest, digest)) != digest:
            parents[digest] = parents[parent]
            digest = parent
        return digest

    for pair in pairs:
        first, second = sorted(map(root, pair))
        parents[second] = first
    return [root(first) for first, _ in pairs]
