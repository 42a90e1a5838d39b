"""Which picture files below a folder are pairs: a source, and the image made from it.

A/1.png B/1.png                 and below train, val and test, as train/A/1.png
A/train/1.png B/train/1.png     the other way round
1.png                           both side by side; also train/1.png
"""

import os
from typing import NamedTuple

from absl import logging

from zoo.data.sources import layout, picture_files
from zoo.data.sources.passed import Passed
from zoo.data.sources.walk import Path

SIDES = ("a", "b")  # names of folders, in any case: source and image
SHOWN = 10  # names of folders that an error lists


class Pair(NamedTuple):
    """Two files, or twice the one that shows both; its split, or None without any."""

    source: Path
    image: Path
    split: str | None


class Pairing(NamedTuple):
    """The pairs, sorted; whether each is one file that shows both; and the splits that
    folders are named by, whether they hold pairs or not."""

    pairs: list[Pair]
    is_joint: bool
    splits: set[str]


def paired(name: str, paths: list[Path]) -> Pairing:
    """Returns the `Pairing` of the files of a folder; the log tells which of the two
    ways it is, and which files have no part in it.

    Names in the folders A and B are equal but for their endings. Side by side are the
    pictures in the folder itself, or in its folders train, val and test.

    Raises: ValueError: if only one of the folders is there, or no names are equal, or
        the pictures lie in other folders.
    """
    above = layout.top(picture_files.named(paths) or paths, _is_top)
    below = [path for path in paths if path[: len(above)] == above]
    passed = [path for path in paths if path[: len(above)] != above]
    halves: dict = {side: {} for side in SIDES}
    others, splits = [], set()
    for path in below:
        side, split, key = _place(path[len(above) :])
        if side is None:
            others.append(path)
        else:
            splits |= {split} - {None}
            halves[side].setdefault((split, key), []).append(path)
    if any(halves.values()):
        layout.tell(name, above, [*passed, *others])
        logging.info("%r is read as pairs of the folders A and B", name)
        return Pairing(_in_two_folders(name, halves), False, splits)
    joint = _side_by_side(name, others, len(above))
    files = {pair.source for pair in joint}
    layout.tell(name, above, [*passed, *(p for p in others if p not in files)])
    logging.info("%r is read as pictures that show A and B side by side", name)
    return Pairing(joint, True, {pair.split for pair in joint if pair.split})


def _in_two_folders(name, halves):
    """The pairs of `{side: {(split, key): files}}`."""
    first, second = (halves[side] for side in SIDES)
    for side, half in halves.items():
        if not half:
            raise ValueError(
                f"pairs: wants a folder {side.upper()} with pictures beside the other "
                f"one. Received: {name!r}."
            )
    common = {key for key in first if len(first[key]) == 1 == len(second.get(key, ()))}
    _tell_alone(name, [*first.items(), *second.items()], common)
    if not common:
        raise ValueError(
            "pairs: wants pictures of equal names in the folders A and B, and there "
            f"are none. Received: {name!r}."
        )
    pairs = sorted(Pair(first[key][0], second[key][0], key[0]) for key in common)
    if not any(pair.split for pair in pairs):
        return pairs
    outside = Passed()
    for pair in pairs:
        if pair.split is None:
            outside.add(repr("/".join(pair.source)))
    outside.warn(
        "Pairs of %r that lie outside its folders train, val and test are passed over: "
        "%s",
        name,
    )
    return [pair for pair in pairs if pair.split]


def _side_by_side(name, paths, depth):
    """Each file as a pair, of the folder that is `depth` folders deep."""
    folders = {path[depth] for path in paths if len(path) > depth + 1}
    splits = layout.named_splits(folders)
    if splits:
        ready = [path for path in paths if len(path) > depth + 1]
        pairs = [Pair(path, path, splits.get(path[depth])) for path in ready]
        return [pair for pair in pairs if pair.split]
    pairs = [Pair(path, path, None) for path in paths if len(path) == depth + 1]
    if folders and not picture_files.named([pair.source for pair in pairs]):
        raise ValueError(
            "pairs: wants folders called A and B with pictures of equal names, or "
            "pictures that show both side by side, in the folder itself or in its "
            "folders train, val and test; here they lie in others. "
            f"Received: {name!r} with the folders "
            f"{', '.join(map(repr, sorted(folders)[:SHOWN]))}."
        )
    return pairs


def _is_top(folder):
    """Whether a folder of this name is a side or a split."""
    return folder.lower() in SIDES or folder.lower() in layout.SPLITS


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
    that others connect: the smallest of them, since that depends on no order or name.

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
