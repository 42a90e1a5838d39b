"""A folder of image files as a data set; the only place that opens image files."""

import hashlib
import os
import pathlib
import warnings

import numpy as np
from absl import logging
from PIL import Image, ImageOps

from zoo.data import resize, source

# Named, because Pillow would also open formats that start another program (EPS).
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF")
_GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L")
_ORIENTATION = 0x0112  # EXIF; 5 to 8 mean that the camera was held on its side


class Folder(source.Source):
    """Sub-folders are labels, sorted by name; a folder without any is unlabelled.

    Files anywhere below a sub-folder belong to it. Hidden files and linked folders are
    passed over. Transparency is laid on white, EXIF rotation applied, of an animation
    the first frame taken; if every file is grey the images have one channel, else
    three. A file that cannot be read is skipped and named in the log.

    The splits are cut by hashes of the files' content (`source.by_content`): a tenth is
    the test set, a tenth of the rest validation, and no image is in two of them.
    """

    def __init__(self, path: str):
        self.name = f"folder:{path}"
        self._root = pathlib.Path(path).expanduser()
        if not path or not self._root.is_dir():
            raise FileNotFoundError(
                f"folder: wants the path of a folder that exists. Received: {path!r}."
            )
        found, class_names = _files(self._root)
        self._skipped = []
        opened = [(each, self._try(_header, each[0])) for each in found]
        self._files = [(file, label) for (file, label), header in opened if header]
        headers = [header for _, header in opened if header]
        self._report(len(found), len(self._files), "any split")
        self.class_names = class_names
        self._grey = all(grey for _, grey, _ in headers)
        sizes = {size for size, _, _ in headers}
        width, height = sizes.pop() if len(sizes) == 1 else (None, None)
        self.image_shape = (height, width, 1 if self._grey else 3)
        self._rows = source.by_content([digest for _, _, digest in headers])
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    def read(self, split, image_size):
        """Returns `{"image": uint8 [N, H, W, C], "label": int32 [N]}`."""
        shape = self.shape(image_size)
        files = [self._files[row] for row in self._rows[split]]
        images = np.empty((len(files), *shape), dtype=np.uint8)
        labels = []
        self._skipped = []
        for file, label in files:
            pixels = self._try(_pixels, file, self._grey, image_size)
            if pixels is not None:
                images[len(labels)] = pixels.reshape(shape)
                labels.append(label)
        if files:
            self._report(len(files), len(labels), split)
        columns = {"image": images[: len(labels)]}
        if self.class_names is not None:
            columns["label"] = np.array(labels, np.int32)
        return columns

    def labels(self, split):
        """Returns the int32 labels `[N]` of the files, or None if unlabelled."""
        if self.class_names is None:
            return None
        return np.array([self._files[row][1] for row in self._rows[split]], np.int32)

    def _try(self, function, file, *arguments):
        """Returns what `function` makes of an image file, or None if it cannot."""
        try:
            with warnings.catch_warnings():
                # A file that unpacks to a monstrous image is treated as unreadable.
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return function(file, *arguments)
        except Exception as error:  # decoders raise anything on hostile bytes
            self._skipped.append(f"{str(file)!r} ({error})")
            return None

    def _report(self, total, left, where):
        """Names the skipped files in the log; ValueError if no image is left."""
        if self._skipped:
            logging.warning(
                "%d of %d files of %r (%s) are skipped, since they cannot be read: %s",
                total - left,
                total,
                self.name,
                where,
                ", ".join(self._skipped),
            )
        if not left:
            raise ValueError(
                f"No readable image ({', '.join(FORMATS)}) is among the {total} files "
                f"of {where}. Received: {self.name!r}."
            )


def _files(root: pathlib.Path):
    """Returns the files with their labels, sorted by path, and the class names."""
    entries = [entry for entry in os.scandir(root) if not entry.name.startswith(".")]
    folders = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    below = {name: _walk(root / name) for name in folders}
    names = [name for name in folders if below[name]]
    loose = sorted(entry.path for entry in entries if entry.is_file())
    if not names:
        return [(pathlib.Path(path), -1) for path in loose], None
    if loose:
        logging.warning(
            "Files beside the sub-folders of %r have no label and are passed over: %s",
            str(root),
            ", ".join(map(repr, loose)),
        )
    found = [(file, label) for label, name in enumerate(names) for file in below[name]]
    # A name may hold line breaks or bytes that are no text: shown escaped.
    return found, tuple(n if n.isprintable() else ascii(n)[1:-1] for n in names)


def _walk(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files below a folder, sorted; links to folders are not followed."""
    found = []
    for parent, folders, files in os.walk(folder, onerror=_pass_over):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [pathlib.Path(parent, name) for name in files if name[0] != "."]
        found += [path for path in paths if path.is_file()]  # no pipes, no sockets
    return sorted(found)


def _pass_over(error: OSError) -> None:
    """Names a sub-folder that cannot be listed in the log."""
    logging.warning("A folder of images is passed over: %s", error)


def _header(file: pathlib.Path) -> tuple[tuple[int, int], bool, bytes]:
    """Returns (width, height), whether the image is grey, and a hash of the file."""
    with open(file, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    with Image.open(file, formats=FORMATS) as image:
        turned = image.getexif().get(_ORIENTATION, 1) >= 5
        size = image.size[::-1] if turned else image.size
        return size, image.mode in _GREY, digest


def _pixels(file: pathlib.Path, grey: bool, image_size: int | None) -> np.ndarray:
    """Returns uint8 `[H, W]` or `[H, W, 3]`, resized if a size is given."""
    with Image.open(file, formats=FORMATS) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode in ("I", "F"):
        raise ValueError("32-bit pixels, whose range is unknown")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L" if grey else "RGB")
    return np.asarray(resize.resize(image, image_size) if image_size else image)
