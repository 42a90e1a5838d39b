"""Picture files that become images of one kind."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import logging
from PIL import Image

from zoo.data import disk, source
from zoo.data.sources import walk
from zoo.data.sources.passed import Passed, Skipped
from zoo.data.sources.walk import Path
from zoo.inputs import pictures


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a user may choose about picture files, each as in `OPTIONS`."""

    color: str = "auto"
    fit: str = "crop"
    background: str = "white"
    bits: int | None = None

    def with_bits(self, name: str, headers: Sequence[pictures.Header]) -> "Choice":
        """Returns the same with the bits that the files of a set use."""
        return dataclasses.replace(self, bits=used_bits(name, headers, self.bits))


OPTIONS = {
    "color": source.Option(
        Choice.color,
        "Channels: 1 if all files are grey, else 3; or grey, or rgb.",
        ("auto", "grey", "rgb"),
    ),
    "fit": source.Option(
        Choice.fit, "How other proportions come to image_size.", pictures.FITS
    ),
    "background": source.Option(
        Choice.background,
        "Colour behind transparency and beside fit=pad, or #rrggbb.",
    ),
    "bits": source.Option(
        Choice.bits, "Used by files of 16 bits [by the largest value].", pictures.BITS
    ),
}


def folder(name: str) -> pathlib.Path:
    """Returns the folder of a set that is named "kind:PATH"; FileNotFoundError if there
    is none."""
    kind, _, path = name.partition(":")
    root = pathlib.Path(path).expanduser()
    if not path or not root.is_dir():
        raise FileNotFoundError(
            f"{kind}: wants the path of a folder that exists. Received: {path!r}."
        )
    return root


def walked(name: str, root: pathlib.Path) -> list[Path]:
    """Returns the files below a folder, sorted; the log tells what is passed over."""
    paths, unwalkable = walk.files(root)
    passed = Passed()
    for text in unwalkable:
        passed.add(text)
    passed.warn("What cannot be walked of %r is passed over: %s", name)
    return paths


def named(paths: list[Path]) -> list[Path]:
    """Returns the files whose names end as those of pictures do."""
    endings = Image.registered_extensions()
    return [
        path
        for path in paths
        if endings.get(os.path.splitext(path[-1])[1].lower()) in pictures.FORMATS
    ]


def facts(file: pathlib.Path) -> tuple[pictures.Header, bytes]:
    """Returns the header of a picture file and a hash of its content."""
    walk.size(file)
    return pictures.header(file), walk.digest(file)


def scan(
    name: str, root: pathlib.Path, paths: Sequence[Path], look: Callable = facts
) -> dict[Path, Any]:
    """Returns `{path: facts}` of the pictures that can be read; ValueError if there are
    none.

    Args:
        name: Of the data set.
        root: The folder.
        paths: Below it.
        look: Function of a file that returns its facts.
    """
    skipped = Skipped(name)
    files = {path: root.joinpath(*path) for path in paths}
    known = {path: skipped.attempt(file, look, file) for path, file in files.items()}
    skipped.report(len(paths), "any split")
    return {path: each for path, each in known.items() if each}


def used_bits(name: str, headers: Sequence[pictures.Header], bits: int | None) -> int:
    """Returns the bits that files of 16 bits use, which the log tells; `bits` if it is
    given."""
    cut = sum(header.is_cut for header in headers)
    if cut:
        logging.warning(
            "Of %d colour files of %r, which have 16 bits a value, the upper 8 are "
            "read: if they use fewer, scale them before.",
            cut,
            name,
        )
    return deepest(name, [header.bits for header in headers], bits)


def deepest(name: str, used: Sequence[int | None], bits: int | None) -> int:
    """Returns the bits that are white in the files of a set, which the log tells if
    some have 16.

    Args:
        name: Of the data set.
        used: By each file, None of one that has no 16 bits a value.
        bits: What is to be returned, or None for the most that are used.
    """
    deep = [each for each in used if each is not None]
    if not deep:
        return bits or 16
    bits = bits or max(deep)
    log = logging.warning if bits < 16 else logging.info
    log(
        "%d files of %r have 16 bits a value and use %d: %d is white.",
        *(len(deep), name, bits, 2**bits - 1),
    )
    return bits


def channels(color: str, is_grey: bool, has_ground: bool, background: str) -> int:
    """Returns the channels of the images, 1 or 3.

    Args:
        color: As in `OPTIONS`.
        is_grey: Whether all files are grey.
        has_ground: Whether the background shows somewhere.
        background: As in `OPTIONS`.
    """
    if has_ground and not pictures.is_grey(background):
        is_grey = False
    return 1 if color == "grey" or (color == "auto" and is_grey) else 3


class PictureFiles:
    """The files of one field, which become images by the same rules.

    Args:
        name: Of the data set.
        root: The folder.
        headers: `{path below it: pictures.Header}`, in the order of the rows.
        choice: The `Choice`, with the bits that files of 16 bits use.
        load: Function of (path, `pictures.Rules`) that returns a picture.
    Attributes:
        rules: As `Source.rules`.
        shape: `(H, W, C)`; H and W are None if sizes differ.
    """

    def __init__(
        self,
        name: str,
        root: pathlib.Path,
        headers: dict[Path, pictures.Header],
        choice: Choice,
        load: Callable = pictures.read,
    ):
        self._name, self._root, self._load = name, root, load
        self._paths = list(headers)
        fit, ground = choice.fit, choice.background
        pictures.is_grey(ground)  # raises where it is no colour
        has_ground = fit == "pad" or any(each.is_clear for each in headers.values())
        is_auto = choice.color == "auto"
        is_grey = is_auto and not self._has_colour(list(headers.values()))
        self.rules = {"fit": fit, "background": ground, "bits": choice.bits}
        sizes = {header.size for header in headers.values()}
        height, width = sizes.pop() if len(sizes) == 1 else (None, None)
        count = channels(choice.color, is_grey, has_ground, ground)
        self.shape = (height, width, count)

    def read(
        self, rows: np.ndarray, shape: tuple, where: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns those of the rows that can be read as uint8 `[N, H, W, C]`, and which
        they are; ValueError if there are none.

        Args:
            rows: Numbers of files.
            shape: `(H, W, C)` of an image.
            where: What the rows are, for the log.
        """
        images, kept = np.empty((len(rows), *shape), dtype=np.uint8), []
        skipped, rules = Skipped(self._name), pictures.for_shape(shape, self.rules)
        for row in rows:
            file = self._path(row)
            picture = skipped.attempt(file, self._load, file, rules)
            if picture is not None:
                images[len(kept)] = picture
                kept.append(row)
        if len(rows):
            skipped.report(len(rows), where)
        return images[: len(kept)], np.array(kept, dtype=np.int64)

    def column(self, rows: np.ndarray, shape: tuple) -> disk.Column:
        """Returns the rows as a column on disk. A picture is read when it is asked for;
        one that cannot be read is then a ValueError."""
        rules = pictures.for_shape(shape, self.rules)

        def read(rows):
            for row in rows:
                try:
                    yield self._load(self._path(row), rules)
                except Exception as error:  # decoders raise anything on hostile bytes
                    raise ValueError(
                        f"A picture cannot be read ({error}): take it away. "
                        f"Received: {str(self._path(row))!r}."
                    ) from None

        return disk.Column(rows, shape, read)

    def _path(self, row):
        return self._root.joinpath(*self._paths[row])

    def _has_colour(self, headers):
        """Whether a file has colours. Among grey ones, a damaged one does not count."""
        coloured = [row for row, each in enumerate(headers) if not each.is_grey]
        if len(coloured) in (0, len(headers)):
            return bool(coloured)
        rules = pictures.Rules(None, 3)  # only reading shows whether a file is whole
        skipped = Skipped(self._name)
        files = map(self._path, coloured)
        return any(
            skipped.attempt(file, self._load, file, rules) is not None for file in files
        )
