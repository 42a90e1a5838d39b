"""A folder of picture files as a data set."""

import pathlib
import warnings
from typing import Any

import numpy as np
from absl import logging
from PIL import Image

from zoo.data import disk, source
from zoo.data.sources import layout, walk
from zoo.inputs import pictures

NAMED = 20  # files at most that one line of the log names


class Folder(source.Source):
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

    options = {
        "color": source.Option(
            "auto",
            "Channels: 1 if all files are grey, else 3; or grey, or rgb.",
            ("auto", "grey", "rgb"),
        ),
        "fit": source.Option(
            "crop", "How other proportions come to image_size.", pictures.FITS
        ),
        "background": source.Option(
            "white", "Colour behind transparency and beside fit=pad, or #rrggbb."
        ),
        "bits": source.Option(
            None, "Used by files of 16 bits [by the largest value].", pictures.BITS
        ),
    }

    def __init__(
        self,
        path: str,
        color: str = "auto",
        fit: str = "crop",
        background: str = "white",
        bits: int | None = None,
    ):
        self.name = f"folder:{path}"
        self._root = pathlib.Path(path).expanduser()
        if not path or not self._root.is_dir():
            raise FileNotFoundError(
                f"folder: wants the path of a folder that exists. Received: {path!r}."
            )
        has_grey_ground = pictures.is_grey(background)
        self._skipped = _Skipped()
        headers = self._headers()
        self._arrange(headers)
        used = [headers[path] for path, _, _ in self._files]
        if color == "auto":
            is_grey = not self._has_colour([each for each, _ in used])
            if fit == "pad" or any(each.is_clear for each, _ in used):
                is_grey = is_grey and has_grey_ground
            color = "grey" if is_grey else "rgb"
        bits = self._bits([each for each, _ in used], bits)
        self.rules = {"fit": fit, "background": background, "bits": bits}
        sizes = {each.size for each, _ in used}
        height, width = sizes.pop() if len(sizes) == 1 else (None, None)
        self.image_shape = (height, width, 1 if color == "grey" else 3)
        self._rows = self._cut([digest for _, digest in used])
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, C], "label": int32 [N]}`."""
        shape, rows = self.shape(image_size), self._rows[split]
        images, kept = np.empty((len(rows), *shape), dtype=np.uint8), []
        self._skipped = _Skipped()
        for row in rows:
            picture = self._try(pictures.read, self._path(row), self._by(shape))
            if picture is not None:
                images[len(kept)] = picture
                kept.append(row)
        if len(rows):
            self._report(len(rows), len(kept), split)
        columns = {"image": images[: len(kept)]}
        return columns | self._labelled(kept)

    def columns(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """As `read`, but of a large set a picture is read when it is asked for; one
        that cannot be read is then a ValueError."""
        if not self.is_large(image_size):
            return self.read(split, image_size)
        shape, rows = self.shape(image_size), self._rows[split]

        def read(rows):
            for row in rows:
                try:
                    yield pictures.read(self._path(row), self._by(shape))
                except Exception as error:  # decoders raise anything on hostile bytes
                    raise ValueError(
                        f"A picture cannot be read ({error}): take it away. "
                        f"Received: {str(self._path(row))!r}."
                    ) from None

        return {"image": disk.Column(rows, shape, read)} | self._labelled(rows)

    def labels(self, split: str) -> np.ndarray | None:
        """Returns the int32 labels `[N]` of the files, or None if unlabelled."""
        return self._labelled(self._rows[split]).get("label")

    def _labelled(self, rows):
        if self.class_names is None:
            return {}
        return {"label": np.array([self._files[row][2] for row in rows], np.int32)}

    def _path(self, row):
        return self._root.joinpath(*self._files[row][0])

    def _by(self, shape):
        """The rules by which files become images of a shape."""
        return pictures.for_shape(shape, self.rules)

    def _headers(self):
        """`{path: (header, hash of the content)}` of the files that can be read."""
        paths, passed = walk.files(self._root)
        if passed:
            logging.warning(
                "What cannot be walked of %r is passed over: %s",
                self.name,
                _listed(passed, len(passed)),
            )
        headers = {
            path: self._try(_header, self._root.joinpath(*path)) for path in paths
        }
        headers = {path: header for path, header in headers.items() if header}
        self._report(len(paths), len(headers), "any split")
        return headers

    def _arrange(self, headers):
        """Sets the class names and the files with their split and label."""
        arranged = layout.arrange(list(headers))
        self._files = arranged.files
        names = arranged.class_names
        if names is not None:
            # A name may hold line breaks or bytes that are no text: shown escaped.
            names = tuple(n if n.isprintable() else ascii(n)[1:-1] for n in names)
        self.class_names = names
        if arranged.above:
            logging.info("%r is read from its folder %r", self.name, arranged.above)
        if arranged.passed:
            files = [repr("/".join(path)) for path in arranged.passed]
            logging.warning(
                "Files of %r beside the sub-folders that are labels or splits are "
                "passed over: %s",
                self.name,
                _listed(files, len(files)),
            )

    def _cut(self, digests):
        """Rows of each split: the ready ones, and what is cut from the training set."""
        ready = {
            split: np.array(
                [n for n, file in enumerate(self._files) if file[1] == split]
            )
            for split in ("train", "validation", "test")
        }
        if not any(map(len, ready.values())):
            return source.by_content(digests)
        if not len(ready["train"]):
            raise ValueError(
                "The train folder holds no readable image in a sub-folder, though "
                f"others do. Received: {self.name!r}."
            )
        train = ready.pop("train").astype(int)
        ready = {split: rows.astype(int) for split, rows in ready.items() if len(rows)}
        parts = source.by_content([digests[row] for row in train], tuple(ready))
        rows = {split: train[part] for split, part in parts.items()} | ready
        both = np.concatenate([rows["train"], rows["validation"]])
        rows["train+validation"] = np.sort(both)
        known = {digests[row] for row in both}
        common = sum(digests[row] in known for row in rows["test"])
        if common:
            logging.warning(
                "%d test images of %r are among those to train on, too.",
                common,
                self.name,
            )
        return rows

    def _has_colour(self, headers):
        """Whether a file has colours. Among grey ones, a damaged one does not count."""
        coloured = [row for row, each in enumerate(headers) if not each.is_grey]
        if len(coloured) in (0, len(headers)):
            return bool(coloured)
        rules = pictures.Rules(None, 3)  # only reading shows whether a file is whole
        return any(
            self._try(pictures.read, self._path(row), rules) is not None
            for row in coloured
        )

    def _bits(self, headers, bits):
        """The bits that files of 16 bits use, which the log tells."""
        cut = sum(header.is_cut for header in headers)
        if cut:
            logging.warning(
                "Of %d colour files of %r, which have 16 bits a value, the upper 8 are "
                "read: if they use fewer, scale them before.",
                cut,
                self.name,
            )
        deep = [header.bits for header in headers if header.bits is not None]
        if not deep:
            return bits or 16
        used = bits or max(deep)
        log = logging.warning if used < 16 else logging.info
        log(
            "%d files of %r have 16 bits a value and use %d: %d is white.",
            len(deep),
            self.name,
            used,
            2**used - 1,
        )
        return used

    def _try(self, function, file, *arguments):
        """Returns what `function` makes of a picture file, or None if it cannot."""
        try:
            with warnings.catch_warnings():
                # A file that unpacks to a monstrous image is treated as unreadable.
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return function(file, *arguments)
        except Exception as error:  # decoders raise anything on hostile bytes
            self._skipped.add(file, error)
            return None

    def _report(self, total, left, where):
        """Names the skipped files in the log; ValueError if no image is left."""
        if self._skipped.count:
            logging.warning(
                "%d of %d files of %r (%s) are skipped, since they cannot be read: %s",
                total - left,
                total,
                self.name,
                where,
                _listed(self._skipped.first, self._skipped.count),
            )
        if not left:
            raise ValueError(
                f"No readable image ({', '.join(pictures.FORMATS)}) is among the "
                f"{total} files of {where}. Received: {self.name!r}."
            )


class _Skipped:
    """The files that could not be read: how many, and the first of them."""

    def __init__(self):
        self.count, self.first = 0, []

    def add(self, file, error):
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(f"{str(file)!r} ({str(error)[:200]})")


def _listed(texts, count):
    """The first of `count` texts as one."""
    more = f" and {count - NAMED:,} more" if count > NAMED else ""
    return ", ".join(texts[:NAMED]) + more


def _header(file):
    """Returns the header of a picture file and a hash of its content."""
    walk.size(file)
    return pictures.header(file), walk.digest(file)
