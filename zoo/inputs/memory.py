"""How much memory there is, asked before much of it is wanted."""

import math
import pathlib
import sys
from typing import Any

_LIMITS = (  # of a container: (limit, use), in bytes
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free() -> int:
    """Returns the bytes that this process may still take, as far as the system tells
    them; without an answer, as many as a number can name."""
    sizes = [sys.maxsize]
    try:
        lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
        sizes += [int(s.split()[1]) * 1024 for s in lines if "MemAvailable" in s]
    except (OSError, ValueError):
        pass
    for limit, use in _LIMITS:
        try:
            texts = [pathlib.Path(path).read_text() for path in (limit, use)]
            sizes.append(int(texts[0]) - int(texts[1]))
        except (OSError, ValueError):  # no container, or one without a limit ("max")
            pass
    return max(0, min(sizes))


def require(size: int, received: Any, way: str, what: str = "The images take") -> None:
    """Raises ValueError unless `size` bytes are free.

    Args:
        size: Bytes that are about to be taken.
        received: What the user gave that takes them, such as a data set's name.
        way: What else could be done, for the message.
        what: What takes them, and a verb.
    """
    left = free()
    if size > left:
        raise ValueError(
            f"{what} {size / 2**30:,.1f} GiB of memory, and {left / 2**30:,.1f} GiB "
            f"are free: {way}. Received: {received!r}."
        )


def require_samples(count: int, image_shape: tuple) -> None:
    """Raises ValueError unless `count` new images fit into memory: float32, and for a
    moment twice, as they were computed and as one array."""
    size = 2 * 4 * count * math.prod(image_shape)
    what = f"{count:,} images of {'x'.join(map(str, image_shape))} take"
    require(size, count, "ask for fewer", what)
