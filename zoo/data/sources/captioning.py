"""Reads the captions of a folder of pictures, as users write them.

    metadata.jsonl   {"file_name": "cat.png", "text": "a cat"} a line, or a list
    metadata.csv     file_name,text; several texts in more rows, or in text_2, text_3
    cat.txt          beside cat.png, a text a line, where there is no metadata

Metadata may lie in any folder; its file names are relative to that. All is UTF-8. Rows
that are of no use are named in the log; a file that is not readable is an error.
"""

import csv
import itertools
import json
import os
import pathlib
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import IO, Any

from zoo.data.sources import picture_files, walk
from zoo.data.sources.passed import Passed
from zoo.data.sources.walk import Path
from zoo.inputs import suggestions

FILE = "file_name"  # the column of metadata that names the picture
LONGEST = 10_000  # characters of a text; more is taken for a mistake
LONGEST_LINE = 2**20  # characters of a line of metadata, which is read into memory
LARGEST_TEXT = 2**20  # bytes of NAME.txt
SHOWN = 20  # names of columns that an error lists

Texts = dict[Path, dict[str, None]]  # the texts of a picture, each once, in their order


def columns(text_column: str) -> tuple[str, ...]:
    """Returns the names of the columns that hold texts; ValueError if none are told."""
    names = text_column.split(",") if isinstance(text_column, str) else ()
    names = tuple(name.strip() for name in names)
    if not names or not all(names):
        raise ValueError(
            "text_column names a column of the metadata, or several with commas. "
            f"Received: text_column={text_column!r}."
        )
    return names


def texts(
    name: str, root: pathlib.Path, paths: list[Path], columns: tuple[str, ...]
) -> Texts:
    """Returns the texts of each picture that has one, in the order of the paths.

    Args:
        name: Of the data set, for the log.
        root: The folder.
        paths: Of all files below it.
        columns: Of the metadata that hold texts.

    Raises: ValueError: if a metadata file cannot be read, or no picture has a text.
    """
    metadata = [path for path in paths if path[-1].lower() in _READERS]
    rows = Passed()
    if metadata:
        texts = _from_metadata(root, paths, metadata, columns, rows)
    else:
        texts = _from_neighbours(root, paths, rows)
    rows.warn("Texts of %r are of no use and passed over: %s", name)
    missing = Passed()
    for path in picture_files.named(paths):
        if path not in texts:
            missing.add(repr("/".join(path)))
    missing.warn("Pictures of %r without a caption are passed over: %s", name)
    if not texts:
        reason = f" ({rows})" if rows.count else ""
        raise ValueError(
            f"captions: wants metadata.jsonl or metadata.csv with {FILE} and "
            f"{columns[0]} for the pictures, or NAME.txt beside each, and no picture "
            f"has a caption{reason}. Received: {name!r}."
        )
    return {path: texts[path] for path in paths if path in texts}


def _from_neighbours(root, paths, rows):
    """The texts of NAME.txt beside pictures: a text a line."""
    lines = {}
    for path in paths:
        stem, ending = os.path.splitext(path[-1])
        if ending.lower() == ".txt":
            lines[*path[:-1], stem] = _lines(root, path, rows)
    texts = {}
    for path in paths:
        stem, ending = os.path.splitext(path[-1])
        if ending.lower() != ".txt" and lines.get((*path[:-1], stem)):
            texts[path] = lines[*path[:-1], stem]
    return texts


def _lines(root, path, rows):
    """The texts of one NAME.txt; what is of no use goes to `rows`."""
    file = root.joinpath(*path)
    texts = {}
    try:
        if file.stat().st_size > LARGEST_TEXT:
            raise ValueError(f"more than {LARGEST_TEXT:,} bytes")
        for line in file.read_text("utf-8-sig").splitlines():
            if line.strip():
                texts[_checked(line)] = None
    except UnicodeDecodeError:
        rows.add(f"{str(file)!r} (no UTF-8)")
        return {}
    except (OSError, ValueError) as error:
        rows.add(f"{str(file)!r} ({error})")
        return {}
    return texts


def _from_metadata(root, paths, metadata, columns, rows):
    """The texts that metadata files tell of the files below the folder."""
    # The letters of a name may be composed in one way on disk and in another here.
    known = {unicodedata.normalize("NFC", "/".join(path)): path for path in paths}
    texts: Texts = {}
    for path in metadata:
        for where, row in _rows(root.joinpath(*path), columns):
            try:
                picture = _picture(row, path[:-1], known)
                new = _row_texts(row, columns)
            except ValueError as error:
                rows.add(f"{where} ({error})")
            else:
                texts.setdefault(picture, {}).update(dict.fromkeys(new))
    return texts


def _picture(row, folder, known):
    """The path of the file that a row is about; ValueError if it is of no use."""
    name = row.get(FILE) if isinstance(row, dict) else None
    if row is None:
        raise ValueError(f"it is no JSON object of at most {LONGEST_LINE:,} characters")
    if not isinstance(name, str) or not name:
        raise ValueError(f"it has no {FILE}")
    if posixpath.isabs(name) or re.match(r"[A-Za-z]:[\\/]", name):
        raise ValueError(f"{name[:200]!r} is absolute, not relative to the metadata")
    path = posixpath.normpath(posixpath.join(*folder, name))
    if path == ".." or path.startswith("../"):
        raise ValueError(f"{name[:200]!r} leads out of the folder")
    path = known.get(unicodedata.normalize("NFC", path))
    if path is None:
        raise ValueError(f"there is no file {name[:200]!r}")
    return path


def _row_texts(row, columns):
    """The texts of a row; ValueError if one is of no use, or there is none."""
    if None in row:
        raise ValueError("more values than columns: a text with commas needs quotes")
    values = [value for key, value in row.items() if _is_wanted(key, columns)]
    values = itertools.chain(*(v if isinstance(v, list) else [v] for v in values))
    texts = [_checked(value) for value in values if value not in (None, "")]
    if not texts:
        raise ValueError("it has no text")
    return texts


def _checked(text: Any) -> str:
    """Returns a text without the space around it; ValueError if it is none."""
    if not isinstance(text, str):
        raise ValueError(f"{str(text)[:50]!r} is no text")
    text = text.strip()
    if not text:
        raise ValueError("a text is empty")
    if len(text) > LONGEST:
        raise ValueError(
            f"a text has {len(text):,} characters, and {LONGEST:,} are the most"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds what UTF-8 cannot") from None
    return text


def _is_wanted(key, columns):
    """Whether a column holds texts: it is one of `columns`, or one with a number."""
    return key in columns or re.sub(r"[_ -]?\d+$", "", key) in columns


def _rows(file: pathlib.Path, columns) -> Iterator[tuple[str, Any]]:
    """Yields (place, row) of a metadata file; ValueError if it is of no use."""
    seen: dict[str, None] = {}
    try:
        if file.stat().st_size > walk.LARGEST:
            raise ValueError(f"it has more than {walk.LARGEST:,} bytes")
        with open(file, encoding="utf-8-sig", newline="") as lines:
            read = _READERS[file.name.lower()]
            for number, row in read(_bounded(lines), (FILE, *columns)):
                if len(seen) < SHOWN or not all(c in seen for c in (FILE, *columns)):
                    seen.update(dict.fromkeys(row or ()))
                yield f"line {number} of {str(file)!r}", row
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file.name} is not UTF-8 ({error.reason}): save it with that encoding. "
            f"Received: {str(file)!r}."
        ) from None
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{file.name} cannot be read ({error}). Received: {str(file)!r}."
        ) from None
    names = [key for key in seen if key is not None]
    for wanted in (FILE, *columns):
        if names and not any(_is_wanted(key, (wanted,)) for key in names):
            hint = "" if wanted == FILE else " (text_column says which holds the texts)"
            raise ValueError(
                f"{file.name} has no column {wanted!r}"
                f"{suggestions.nearest(wanted, names)}{hint}. "
                f"Received: columns {names[:SHOWN]} in {str(file)!r}."
            )


def _bounded(file: IO[str]) -> Iterator[str | None]:
    """Yields the lines of a file, None for one that is too long."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        while line and line[-1] not in "\r\n":
            line = file.readline(LONGEST_LINE)
        yield None


def _json_rows(
    lines: Iterable[str | None], columns: tuple[str, ...]
) -> Iterator[tuple[int, Any]]:
    """Yields (line, row) of JSON lines; a row is None if it is no object."""
    for number, line in enumerate(lines, 1):
        if line is None or line.strip():
            try:
                row = json.loads(line or "")
            except (ValueError, RecursionError):
                row = None
            yield number, row if isinstance(row, dict) else None


def _csv_rows(
    lines: Iterable[str | None], columns: tuple[str, ...]
) -> Iterator[tuple[int, Any]]:
    """Yields (line, row) of comma-separated values below a line of names."""
    reader, end = csv.DictReader(_whole(lines), strict=True), 1
    try:
        names = reader.fieldnames or ()
        for name in dict.fromkeys(names):
            if _is_wanted(name, columns) and names.count(name) > 1:
                raise ValueError(f"several of its columns are called {name[:50]!r}")
        for row in reader:
            end = reader.line_num
            yield end, row
    except csv.Error as error:
        raise ValueError(
            f"{error}, after line {end}: a text in quotes may lack its end"
        ) from None


def _whole(lines: Iterable[str | None]) -> Iterator[str]:
    """Yields the lines of a table; ValueError if one is too long, for what is behind it
    may belong to it."""
    for number, line in enumerate(lines, 1):
        if line is None:
            raise ValueError(f"line {number} has more than {LONGEST_LINE:,} characters")
        yield line


_READERS = {"metadata.jsonl": _json_rows, "metadata.csv": _csv_rows}
