"""A folder with pairs of pictures: a source, and the image that is made from it."""

import dataclasses
import functools
import hashlib
from typing import Any

import numpy as np
from absl import logging
from PIL import Image

from zoo.data import examples
from zoo.data.sources import layout, of_files, pairing, picture_files, walk
from zoo.data.sources.passed import Passed
from zoo.inputs import pictures

FIELDS = ("source", "image")  # A and B


class Pairs(of_files.OfFiles):
    """Folders A and B with pictures of equal names, endings aside; or one folder with
    pictures that show A and B side by side, which are cut in the middle.

    Side by side they lie in the folder itself or in its folders train, val and test.
    Splits are train/A and train/B, or A/train and B/train (val and test alike), or
    train, val and test of side-by-side pictures; without them a tenth of the pairs is
    the test set, a tenth of the rest validation, by content: pairs that share a picture
    are on one side. A is the source and B the image, each with channels of its own: one
    if all of its files are grey. A pair without its other half, or of halves whose
    proportions differ, is named in the log and left out.

    Args:
        path: Of the folder.
        options: Fields of `picture_files.Choice`. With fit=stretch, proportions may
            differ.
    """

    class_names = None

    def __init__(self, path: str, **options: Any):
        choice = picture_files.Choice(**options)
        self.name = f"pairs:{path}"
        root = picture_files.folder(self.name)
        paths = picture_files.walked(self.name, root)
        pairs, is_joint, splits = pairing.paired(self.name, paths)
        # A file that shows both is looked at once.
        distinct = list(dict.fromkeys(path for pair in pairs for path in pair[:2]))
        look = _joint_facts if is_joint else picture_files.facts
        facts = picture_files.scan(self.name, root, distinct, look)
        pairs = _readable(self.name, pairs, facts)
        headers = {path: header for path, (header, _) in facts.items()}
        usable = _halved if is_joint else _matching
        pairs, headers = usable(self.name, pairs, headers, choice.fit)
        choice = choice.with_bits(self.name, list(headers.values()))
        self._files = {}
        for side, field in enumerate(FIELDS):
            load = functools.partial(_half, side) if is_joint else pictures.read
            of_side = {pair[side]: headers[pair[side]] for pair in pairs}
            self._files[field] = picture_files.PictureFiles(
                self.name, root, of_side, choice, load
            )
        self.rules = self._files["image"].rules
        self.image_shape = self._files["image"].shape
        digests = [
            facts[pair.source][1] if is_joint else tuple(facts[p][1] for p in pair[:2])
            for pair in pairs
        ]
        self._rows = _cut(self.name, [pair.split for pair in pairs], splits, digests)
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`."""
        return {field: self._files[field].shape for field in FIELDS}

    def labels(self, split: str) -> None:
        """Returns None: pairs have no labels."""


def _joint_facts(file):
    """The header of a file that shows both, and a hash of the pixels of each half: so
    two files that share but one of their pictures are known."""
    walk.size(file)
    pixels = pictures.read(file, pictures.Rules(None, 3))
    halves = [pixels[:, part] for part in _parts(pixels.shape[1])]
    digests = [hashlib.sha256(repr(each.shape).encode()) for each in halves]
    for digest, half in zip(digests, halves):
        digest.update(half.tobytes())
    return pictures.header(file), tuple(digest.digest() for digest in digests)


def _readable(name, pairs, facts):
    """The pairs of which both files can be read."""
    whole = [pair for pair in pairs if pair.source in facts and pair.image in facts]
    if not whole:
        raise ValueError(
            f"pairs: no pair has two pictures that can be read. Received: {name!r}."
        )
    return whole


def _matching(name, pairs, facts, fit):
    """The pairs whose halves have the same proportions, and all headers."""
    passed, matching = Passed(), []
    for pair in pairs:
        (height, width), (high, wide) = (facts[path].size for path in pair[:2])
        # A side that was rounded to pixels makes no difference.
        is_alike = abs(height * wide - high * width) <= max(height, width, high, wide)
        if is_alike or fit == "stretch":
            matching.append(pair)
        else:
            sizes = f"{width}x{height} and {wide}x{high}"
            passed.add(f"{'/'.join(pair.source)!r} ({sizes} pixels)")
    passed.warn(
        "Pairs of %r whose proportions differ are passed over, but not with "
        "fit=stretch: %s",
        name,
    )
    if not matching:
        raise ValueError(
            "pairs: the two pictures of a pair have the same proportions, unless "
            f"fit=stretch is chosen. Received: {name!r} with {passed}."
        )
    return matching, facts


def _halved(name, pairs, facts, fit):
    """The pairs that one file shows side by side, and the headers of their halves."""
    passed, even = Passed(), []
    for pair in pairs:
        width = facts[pair.image].size[1]
        if width % 2:
            passed.add(f"{'/'.join(pair.image)!r} ({width} pixels)")
        else:
            even.append(pair)
    passed.warn("Pictures of %r whose width is odd are passed over: %s", name)
    if not even:
        raise ValueError(
            "pairs: wants folders A and B, or pictures of even width that show both "
            f"side by side. Received: {name!r} with {passed}."
        )
    halves = {}
    for pair in even:
        header = facts[pair.image]
        height, width = header.size
        halves[pair.image] = dataclasses.replace(header, size=(height, width // 2))
    return even, halves


def _cut(name, splits, wanted, digests):
    """The rows of each split; the log names those of the `wanted` ones that no pair is
    left of."""
    for split in sorted(wanted - set(splits)):
        logging.warning(
            "The %s folder of %r holds no pair that can be used: what stands for it is "
            "cut from the pairs to train on.",
            *(split, name),
        )
    return layout.cut(name, splits, pairing.connected(digests))


def _half(side, file, rules):
    """Reads the left (0) or right (1) half of a picture file."""
    whole = pictures.read(file, dataclasses.replace(rules, image_size=None))
    half = whole[:, _parts(whole.shape[1])[side]]
    if rules.image_size is None:
        return half
    image = Image.fromarray(half[..., 0] if rules.channels == 1 else half)
    fitted = pictures.fitted(image, rules.image_size, rules.fit, rules.background)
    return np.asarray(fitted).reshape(*rules.image_size, rules.channels)


def _parts(width):
    """The columns of the left and of the right half of a picture."""
    return slice(0, width // 2), slice(width // 2, 2 * (width // 2))
