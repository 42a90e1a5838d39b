"""What an evaluation says while it works: one line for each stage, with its time."""

import contextlib
import time


class Stages:
    """Writes "sampling 10,000 images ... 3.2 s" as the stage begins and ends.

    Args:
        stream: Where to; None for silence.
    """

    def __init__(self, stream=None):
        self.stream = stream
        self._title = ""

    @contextlib.contextmanager
    def stage(self, title):
        """The context of one stage of work."""
        began, self._title = time.monotonic(), title
        self._write(f"{title} ...")
        try:
            yield
        finally:
            # A bar of the work may have taken the line, and cleared it.
            again = f"\r{self._title} ..." if self._on_terminal() else ""
            self._write(f"{again} {time.monotonic() - began:.1f} s\n")

    def step(self, done, total):
        """Tells, on a terminal, how far the stage is."""
        if self._on_terminal():
            self._write(f"\r{self._title} {done:,} of {total:,} ...")

    def say(self, line):
        """Writes a line within a stage."""
        self._write(f"\n{line}\n")

    def _on_terminal(self):
        return self.stream is not None and self.stream.isatty()

    def _write(self, text):
        if self.stream is not None:
            self.stream.write(text)
            self.stream.flush()
