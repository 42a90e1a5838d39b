"""A bar that shows how far a long computation is: on a terminal, and nowhere else."""

from collections.abc import Iterator

import tqdm

DELAY = 1.0  # seconds: what is done sooner needs no bar
PARTS = 100  # that a loop is cut into, so that the bar moves


class Bar(tqdm.tqdm):
    """tqdm's bar on stderr; silent where that is no terminal, or TQDM_DISABLE is set.

    Args:
        title: What is done.
        unit: What is counted.
        total: How many there are; may be set later.
    """

    def __init__(self, title: str, unit: str, total: int | None = None):
        super().__init__(
            desc=title,
            total=total,
            unit=f" {unit}",
            disable=None,
            delay=DELAY,
            leave=False,
            dynamic_ncols=True,
        )

    def parts(self, count: int) -> Iterator[tuple[int, int]]:
        """Yields (first, end) of the parts of a loop of `count` steps, and counts each
        once it is done; all of them at once if there is nobody to see the bar."""
        size = count if self.disable else -(-count // PARTS)
        for first in range(0, count, size):
            end = min(first + size, count)
            yield first, end
            self.update(end - first)
