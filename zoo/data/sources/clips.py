"""A folder of films, of which clips are cut."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from zoo.data import arguments, disk, examples, source
from zoo.data.sources import films, layout, picture_files
from zoo.data.sources.passed import Passed, Skipped
from zoo.inputs import pictures

SLOW = 3  # steps that most frames of a film stand, from which the log tells it


class Clips(source.Source):
    """GIF, WebP, APNG, MP4 and MKV files, and folders of numbered frames.

    A film is cut into clips of `frames` frames, each the `every`-th of the film, one
    behind the other without overlap; what is left at its end is not used. Sub-folders
    are labels and splits as those of a `Folder`, where a folder of frames stands for a
    file; a split that is missing is cut by content, and all clips of a film are on one
    side. A film that is damaged or too short is named in the log and left out.

    Args:
        path: Of the folder.
        frames: Of a clip, 2 to 128.
        every: Steps from one frame of a clip to the next.
        options: Fields of `picture_files.Choice`.
    """

    options = picture_files.OPTIONS | {
        "frames": source.Option(16, "Frames of a clip."),
        "every": source.Option(2, "Each how many-th frame of a film a clip takes."),
    }

    def __init__(self, path: str, frames: int = 16, every: int = 2, **options: Any):
        choice = picture_files.Choice(**options)
        fit, background = choice.fit, choice.background
        self.name = f"clips:{path}"
        how = {"frames": frames, "every": every, "background": background}
        self.check(path, how)
        self._frames, self._every = int(frames), int(every)
        seen = self._seen(background)
        arranged = layout.arrange(list(seen))
        arranged.tell(self.name)
        self.class_names = arranged.printable_names()
        paths, splits, labels = zip(*arranged.files)
        self._labels = np.array(labels, np.int32)
        self._films = [seen[path] for path in paths]
        is_grey = all(film.is_grey for film in self._films)
        channels = picture_files.channels(
            choice.color, is_grey, fit == "pad", background
        )
        deep = [film.bits for film in self._films]
        bits = picture_files.deepest(self.name, deep, choice.bits)
        self.rules = {"fit": fit, "background": background, "bits": bits}
        sizes = {film.size for film in self._films}
        height, width = sizes.pop() if len(sizes) == 1 else (None, None)
        self.image_shape = (self._frames, height, width, channels)
        digests = [film.digest for film in self._films]
        split_films = layout.cut(self.name, splits, digests)
        self._rows = {s: self._clips(rows) for s, rows in split_films.items()}
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    @staticmethod
    def check(which: str, options: Mapping[str, Any]) -> None:
        """Raises ValueError if a number is out of bounds, or background no colour."""
        source.Source.check(which, options)
        bounds = (examples.MIN_FRAMES, examples.MAX_FRAMES)
        arguments.whole("frames", options["frames"], *bounds)
        arguments.whole("every", options["every"], 1)

    def fields(self) -> dict[str, examples.Shape]:
        """Returns `{field: shape of a row as stored}`."""
        label = {} if self.class_names is None else {"label": ()}
        return {"clip": self.image_shape} | label

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"clip": uint8 [N, T, H, W, C], "label": int32 [N]}`."""
        shape, rows = self.shape(image_size), self._rows[split]
        clips, kept = np.empty((len(rows), *shape), np.uint8), []
        skipped = Skipped(self.name)
        for number in dict.fromkeys(rows[:, 0].tolist()):
            of_film = rows[rows[:, 0] == number]
            file = self._films[number].files[0]
            skipped.attempt(file, self._fill, clips, kept, of_film)
        skipped.warn(
            "Films of %r whose frames cannot be read are skipped: %s", self.name
        )
        kept = np.array(kept, np.int64).reshape(-1, 2)
        return {"clip": clips[: len(kept)]} | self._words(kept)

    def _fill(self, clips, kept, rows):
        """Puts the clips of rows behind those that are kept, one after the other."""
        for row, clip in zip(rows, self._of_film(rows, clips.shape[1:])):
            clips[len(kept)] = clip
            kept.append(row)

    def columns(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """As `read`, but of a large set a clip is read when it is asked for; a film
        that cannot be read is then a ValueError."""
        if not self.is_large(image_size):
            return self.read(split, image_size)
        shape, rows = self.shape(image_size), self._rows[split]
        logging.info(
            "The films of %r are decoded again and again, since they do not fit into "
            "memory: records, by experiments.prepare, are faster.",
            self.name,
        )
        read = functools.partial(self._asked, shape=shape)
        column = disk.Column(rows, shape, read, is_film=True)
        return {"clip": column} | self._words(rows)

    def labels(self, split: str) -> np.ndarray | None:
        """Returns the int32 labels `[N]` of the clips, or None if unlabelled."""
        return self._words(self._rows[split]).get("label")

    def _words(self, rows):
        """The field of rows that is no pixels: the label."""
        return {} if self.class_names is None else {"label": self._labels[rows[:, 0]]}

    def _seen(self, background):
        """`{path: Film}` of the films that are long enough."""
        root = picture_files.folder(self.name)
        files = films.gathered(root, picture_files.walked(self.name, root))
        if any(file.suffix.lower() in films.VIDEOS for (file, *_) in files.values()):
            films.av()
        skipped, short, cut, slow = Skipped(self.name), Passed(), Passed(), Passed()
        seen = {}
        for path, frames in files.items():
            how = (frames, background, self._span)
            film = skipped.attempt(frames[0], films.seen, *how)
            if film is None:
                continue
            name = repr("/".join(path))
            if film.is_cut:
                cut.add(name)
            if self._count(film):
                seen[path] = film
                if film.pace >= SLOW:
                    slow.add(f"{name} ({film.pace:g})")
            else:
                short.add(f"{name} ({film.num_steps})")
        self._tell(skipped, short, cut, slow)
        if not seen:
            raise ValueError(
                "clips: wants GIF, WebP, APNG, MP4 or MKV files, or folders of "
                f"numbered frames, of at least {self._span} frames, as frames="
                f"{self._frames} and every={self._every} say, and none is so. "
                f"Received: {self.name!r}."
            )
        return seen

    def _tell(self, skipped, short, cut, slow):
        """Names in the log what is left out, and what will look strange."""
        skipped.warn("Films of %r that cannot be read are skipped: %s", self.name)
        short.warn(
            f"Films of %r with fewer than the {self._span} frames that a clip spans "
            "are skipped (smaller frames or every make it shorter): %s",
            self.name,
        )
        cut.warn(
            f"Films of %r are used up to their frame {films.LONGEST:,}: %s", self.name
        )
        slow.warn(
            "Most frames of films of %r stand several steps, so that clips are nearly "
            "stills (a larger every makes them livelier): %s",
            self.name,
        )

    @property
    def _span(self):
        """The steps of a film that a clip needs."""
        return (self._frames - 1) * self._every + 1

    def _count(self, film):
        """The number of clips of a film."""
        left = film.num_steps - self._span
        return left // (self._frames * self._every) + 1 if left >= 0 else 0

    def _clips(self, numbers):
        """The rows (number of film, number of its clip) of films."""
        rows = [
            (n, clip) for n in numbers for clip in range(self._count(self._films[n]))
        ]
        return np.array(rows, np.int64).reshape(-1, 2)

    def _asked(self, rows, shape):
        """Yields the clips of rows, of which those of a film are ascending; ValueError
        names a film that cannot be read."""
        films_end, clips_end = np.diff(rows, axis=0).T
        starts = np.flatnonzero((films_end != 0) | (clips_end <= 0)) + 1
        for part in np.split(rows, starts):
            try:
                yield from self._of_film(part, shape)
            except Exception as error:  # decoders raise anything on hostile bytes
                file = self._films[part[0, 0]].files[0]
                raise ValueError(
                    f"A film cannot be read ({error}): take it away. "
                    f"Received: {str(file)!r}."
                ) from None

    def _of_film(self, rows, shape):
        """Yields the clips of rows of one film, ascending."""
        how = (self._frames, self._every, pictures.for_shape(shape, self.rules))
        yield from films.clips(self._films[rows[0, 0]], rows[:, 1].tolist(), *how)
