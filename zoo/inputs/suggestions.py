"""Suggests which name was meant by a name that is unknown."""

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[str]) -> str:
    """Returns ` (did you mean 'x'?)` for the most similar of `known`, upper and lower
    case alike, or nothing."""
    lowered = {str(name).lower(): name for name in known}
    close = difflib.get_close_matches(str(word).lower(), lowered, n=1)
    return f" (did you mean {lowered[close[0]]!r}?)" if close else ""
