"""What a source passes over or cannot read, as the log names it."""

import pathlib
import warnings
from collections.abc import Callable
from typing import Any

from absl import logging
from PIL import Image

from zoo.inputs import pictures

NAMED = 20  # files at most that one line of the log names


class Passed:
    """What is passed over: how many, and the first of them, as the log names them."""

    def __init__(self):
        self.count, self.first = 0, []

    def add(self, text: str) -> None:
        """Counts one more, and keeps its text if it is among the first."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(text)

    def __str__(self):
        more = f" and {self.count - NAMED:,} more" if self.count > NAMED else ""
        return ", ".join(self.first) + more

    def warn(self, text: str, name: str) -> None:
        """Logs `text`, which has a place for the set's name and one for what is passed
        over, if there is any."""
        if self.count:
            logging.warning(text, name, self)


class Skipped(Passed):
    """The files of the set `name` that cannot be read."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def attempt(self, file: pathlib.Path, function: Callable, *arguments: Any) -> Any:
        """Returns what `function` makes of its arguments, or None if `file`, which is
        named then, is of no use to it."""
        try:
            with warnings.catch_warnings():
                # A file that unpacks to a monstrous image is treated as unreadable.
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return function(*arguments)
        except Exception as error:  # decoders raise anything on hostile bytes
            self.add(f"{str(file)!r} ({str(error)[:200]})")
            return None

    def report(self, total: int, where: str) -> None:
        """Names the skipped ones of `total` files in the log; ValueError if none of
        them is left."""
        if self.count:
            logging.warning(
                "%d of %d files of %r (%s) are skipped, since they cannot be read: %s",
                *(self.count, total, self.name, where, self),
            )
        if self.count == total:
            raise ValueError(
                f"No readable image ({', '.join(pictures.FORMATS)}) is among the "
                f"{total} files of {where}. Received: {self.name!r}."
            )
