"""The frames of films, one at a time: animations, videos, folders of numbered frames.

Encoders merge equal frames that follow each other and keep the time that they stand. So
a film is told in steps: the shortest time that one in twenty of its frames stands is a
step, for a stray short frame is no rhythm, and a frame that stands longer is that many
steps long.
"""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import importlib
import itertools
import os
import pathlib
import re
import statistics
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from zoo.data.sources import layout, walk
from zoo.data.sources.walk import Path
from zoo.inputs import pictures

VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")  # which `av` reads
LARGEST_VIDEO = 2**36  # bytes
LONGEST = 100_000  # frames of a film; what comes behind them is left out
USUAL = 100  # milliseconds that a frame stands of which a file says 0, as browsers do
RHYTHM = 20  # one in so many frames stands as long as a step, or shorter
STILL, FILM = "still", "film"  # kinds of files
_NUMBERED = re.compile(r"(.*?)(\d+)")  # the name of a frame without its ending

# Function of `pictures.Rules` that returns a frame, uint8 `[H, W, C]`; to be called
# before the next frame is asked for.
Load: TypeAlias = Callable[[pictures.Rules], np.ndarray]


@dataclasses.dataclass
class Film:
    """What is known of a film, once all of its frames have been seen.

    Attributes:
        files: One file, or those of its frames in their order.
        digest: A hash of its content.
        size: (height, width) of all frames.
        is_grey: Whether all frames are grey, on the background.
        bits: As `pictures.Header.bits`, the most of all frames.
        lengths: Steps that each frame stands, cut to a number that was asked for.
        pace: Steps that most frames stand, if nothing is cut: their median.
        is_cut: Whether there were more than `LONGEST` frames.
    """

    files: list[pathlib.Path]
    digest: bytes
    size: tuple[int, int]
    is_grey: bool
    bits: int | None
    lengths: list[int]
    pace: float
    is_cut: bool

    @property
    def num_steps(self) -> int:
        return sum(self.lengths)


def gathered(root: pathlib.Path, paths: list[Path]) -> dict[Path, list[pathlib.Path]]:
    """Returns `{path of a film: its files}`, of the films among files, sorted.

    Stills whose names end in numbers are the frames of one film, which is called as
    their folder; or as the folder and the names before the numbers, where there are
    several in one, where the folder is a split, or where films would else lie at
    different depths, so that one is beside the folders of others. Each other file is a
    film, if it is one at all.
    """
    films: dict[Path, list[pathlib.Path]] = {}
    numbered: dict[tuple[Path, str], list] = {}
    depths = set()
    for path in paths:
        file = root.joinpath(*path)
        name, kind = _NUMBERED.fullmatch(os.path.splitext(path[-1])[0]), _kind(file)
        if name and kind == STILL:
            numbered.setdefault((path[:-1], name[1]), []).append((int(name[2]), file))
        else:
            films[path] = [file]
            depths |= {len(path)} if kind == FILM else set()
    several = {key: frames for key, frames in numbered.items() if len(frames) > 1}
    for (folder, _), frames in numbered.items():
        if len(frames) == 1:
            ((_, file),) = frames
            films[*folder, file.name] = [file]
    for key, path in _called(list(several), depths).items():
        films[path] = [file for _, file in sorted(several[key])]
    return dict(sorted(films.items()))


def _called(keys, depths):
    """`{(folder, prefix): path}` of films of numbered frames, beside films that lie at
    these depths."""
    counts = collections.Counter(folder for folder, _ in keys)
    long = {(folder, prefix): (*folder, prefix or "-") for folder, prefix in keys}
    short = {
        key: (key[0] or (".",)) if counts[key[0]] == 1 else path
        for key, path in long.items()
    }
    is_split = any(path[-1].lower() in layout.SPLITS for path in short.values())
    is_even = len(depths | {len(path) for path in short.values()}) < 2
    return short if is_even and not is_split else long


def seen(files: list[pathlib.Path], background: str, longest: int) -> Film:
    """Returns the `Film` that files are, all of whose frames are looked at.

    Args:
        files: As `gathered` returns them.
        background: Colour behind transparency.
        longest: Steps that a frame may stand; more would be one still after the other.

    Raises: Exception: of any kind, by Pillow or av, if a file is damaged or no film.
        ValueError: if frames differ in size, or numbers are missing among them.
        ModuleNotFoundError: for a video without av.
    """
    if len(files) > 1:
        return _seen_numbered(files, background)
    (file,) = files
    is_video = file.suffix.lower() in VIDEOS
    digest = walk.digest(file, LARGEST_VIDEO if is_video else walk.LARGEST)
    rules = pictures.Rules(None, 3, background=background)
    sizes, durations, is_grey, is_cut = set(), [], True, False
    with contextlib.closing(_frames(files)) as frames:
        for load, duration in frames:
            if len(durations) == LONGEST:
                is_cut = True
                break
            # Each frame is decoded, for its size, and to know whether it is whole.
            pixels = load(rules)
            sizes.add(pixels.shape[:2])
            _require_one(sizes)
            durations.append(duration)
            is_grey = is_grey and bool(np.all(pixels == pixels[..., :1]))
    if not durations:
        raise ValueError("it has no frames")
    steps = _steps(durations)
    lengths, pace = [min(longest, each) for each in steps], statistics.median(steps)
    return Film(files, digest, sizes.pop(), is_grey, None, lengths, pace, is_cut)


def _steps(durations):
    """How many steps each frame stands, 1 or more."""
    known = sorted(each for each in durations if each) or [1]
    step = known[-(-len(known) // RHYTHM) - 1]
    return [max(1, int(each / step + 0.5)) for each in durations]


def _seen_numbered(files, background):
    """The `Film` of numbered frames, by their headers."""
    matches: list[Any] = [_NUMBERED.fullmatch(file.stem) for file in files]
    numbers = [int(match[2]) for match in matches]
    gaps = {after - before for before, after in itertools.pairwise(numbers)}
    if len(gaps) > 1 or gaps == {0}:
        raise ValueError("among the numbers of its frames some are missing or doubled")
    is_cut = len(files) > LONGEST
    files = files[:LONGEST]
    headers = [pictures.header(file) for file in files]
    sizes = {header.size for header in headers}
    _require_one(sizes)
    is_grey = all(header.is_grey for header in headers)
    if any(header.is_clear for header in headers):
        is_grey = is_grey and pictures.is_grey(background)
    digest = hashlib.sha256(b"".join(map(walk.digest, files))).digest()
    bits = max((h.bits for h in headers if h.bits is not None), default=None)
    lengths = [1] * len(files)
    return Film(files, digest, sizes.pop(), is_grey, bits, lengths, 1, is_cut)


def clips(
    film: Film, numbers: list[int], frames: int, every: int, rules: pictures.Rules
) -> Iterator[np.ndarray]:
    """Yields clips of a film, uint8 `[frames, H, W, C]`; nothing behind them is read.

    Args:
        film: The `Film`.
        numbers: Of the clips, which stand one behind the other, ascending.
        frames: Of a clip.
        every: Steps from one frame of a clip to the next.
        rules: By which a frame becomes an image.
    """
    wanted = (
        (number * frames + place) * every
        for number in numbers
        for place in range(frames)
    )
    images = []
    with contextlib.closing(_frames(film.files)) as loads:
        end, image = 0, None
        load: Any = None  # the first step lies behind the end
        lengths = iter(film.lengths)
        for step in wanted:
            while step >= end:
                (load, _), image = next(loads), None
                end += next(lengths)
            if image is None:
                image = load(rules)
            images.append(image)
            if len(images) == frames:
                yield np.stack(images)
                images.clear()


def _frames(files) -> Generator[tuple[Load, float], None, None]:
    """Yields (load, milliseconds that it stands) of each frame; 0 stands for the usual
    time of the film."""
    if len(files) > 1:
        for file in files:
            yield functools.partial(pictures.read, file), 0
    elif files[0].suffix.lower() in VIDEOS:
        yield from _of_video(files[0])
    else:
        yield from _of_animation(files[0])


def _of_animation(file):
    """The frames of a GIF, WebP or APNG file."""
    with Image.open(file, formats=pictures.FORMATS) as picture:
        # The picture that an APNG shows where animations are not known is no frame.
        number = int(bool(picture.info.get("default_image")))
        while True:
            try:
                picture.seek(number)
            except EOFError:
                return
            pictures.require(picture)
            picture.load()  # the time that a WebP's frame stands is known afterwards
            duration = picture.info.get("duration") or USUAL
            yield functools.partial(pictures.image, picture), duration
            number += 1


def _of_video(file):
    """The frames of a video, each of which stands until the next."""
    with av().open(os.fspath(file)) as container:
        frame = None
        for after in container.decode(video=0):
            if frame is not None:
                yield functools.partial(_image, frame), _milliseconds(frame, after)
            frame = after
        if frame is not None:
            yield functools.partial(_image, frame), 0


def _milliseconds(frame, after):
    """From a frame of a video to the one after it; 0 if the file does not tell."""
    if frame.pts is None or after.pts is None or frame.time_base is None:
        return 0
    return max(0, 1000 * float((after.pts - frame.pts) * frame.time_base))


def _image(frame, rules):
    """A frame of a video, upright, as uint8 `[H, W, C]`."""
    picture = frame.to_image()
    if frame.rotation:
        picture = picture.rotate(frame.rotation, expand=True)
    return pictures.image(picture, rules)


def av() -> Any:
    """Returns the package that reads videos; ModuleNotFoundError without it."""
    try:
        return importlib.import_module("av")
    except ImportError:
        raise ModuleNotFoundError(
            "MP4, MKV and other videos are read by av, which is not installed: "
            "pip install '.[video]'."
        ) from None


def _kind(file):
    """`FILM` or `STILL`, or None of what is neither."""
    if file.suffix.lower() in VIDEOS:
        return FILM
    try:
        walk.size(file)
        with Image.open(file, formats=pictures.FORMATS) as picture:
            return FILM if getattr(picture, "is_animated", False) else STILL
    except Exception:  # decoders raise anything on hostile bytes; `seen` tells of it
        return None


def _require_one(sizes):
    if len(sizes) > 1:
        listed = " and ".join(f"{width}x{height}" for height, width in sorted(sizes))
        raise ValueError(f"its frames have different sizes, {listed}")
