"""How much memory there is, asked before much of it is wanted."""

import pathlib
import sys

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


def require(size: int, name: str, way: str) -> None:
    """Raises ValueError unless `size` bytes are free.

    Args:
        size: Bytes that are about to be taken.
        name: Of the data set that takes them.
        way: What else could be done, for the message.
    """
    left = free()
    if size > left:
        raise ValueError(
            f"The images take {size / 2**30:.1f} GiB of memory, and {left / 2**30:.1f} "
            f"GiB are free: {way}. Received: {name!r}."
        )
