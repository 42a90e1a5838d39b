"""Names of classes: what a label is called, and which label a name means."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zoo.inputs import suggestions

Names = Sequence[str] | None
_MOST_LISTED = 20


def checked_names(names: Any, count: int | None) -> tuple[str, ...]:
    """Returns the names of `count` classes; ValueError if they are of no use.

    Args:
        names: A name for each label, in the order of the labels.
        count: Number of classes that a model knows; None or 0 if it knows none.
    """
    if not count:
        raise ValueError(
            "Only a model that knows classes (num_classes) has names of them. "
            f"Received: class_names={names!r:.300}."
        )
    is_list = isinstance(names, Iterable) and not isinstance(names, (str, bytes))
    texts = tuple(names) if is_list else ()
    sound = all(isinstance(name, str) and name for name in texts)
    if len(texts) != count or not sound or len(set(texts)) < count:
        raise ValueError(
            f"class_names are {count} different texts, one for each class. "
            f"Received: class_names={names!r:.300}."
        )
    return tuple(map(str, texts))  # plain ones, of NumPy's own


def names_of(data: Any, count: int | None) -> tuple[str, ...] | None:
    """Returns what data call the `count` classes of a model, or None if they do not
    tell: without `class_names`, with those of fewer classes, or with equal ones."""
    try:
        return checked_names(getattr(data, "class_names", None), count)
    except ValueError:
        return None


def numbers(labels: Any, names: Names) -> Any:
    """Returns labels with numbers in the place of names; other labels as they are.

    Args:
        labels: Numbers or names, or one name. A text is looked up as a name first, then
            read as a number.
        names: A name for each label, or None if there are none.

    Raises: ValueError: for an unknown name, with the nearest that is known.
    """
    if isinstance(labels, str):
        labels = [labels]
    if isinstance(labels, np.ndarray) and labels.dtype.kind not in "UO":
        return labels
    if not isinstance(labels, Iterable):
        return labels
    labels = list(labels)
    return [
        _number(label, names) if isinstance(label, str) else label for label in labels
    ]


def _number(text, names):
    """The label that a text means."""
    if names and text in names:
        return list(names).index(text)
    if text.isdecimal():
        return int(text)
    if not names:
        raise ValueError(
            "The classes of this model have numbers alone; model.class_names = (...) "
            f"names them. Received: label {text!r}."
        )
    raise ValueError(
        f"Unknown class {text!r}{suggestions.nearest(text, names)}; classes are "
        f"{listed(names)}. Received: label {text!r}."
    )


def listed(names: Sequence[str]) -> str:
    """Returns the first names with their numbers, for a message."""
    first = ", ".join(f"{i} ({name})" for i, name in enumerate(names[:_MOST_LISTED]))
    return first + (", ..." if len(names) > _MOST_LISTED else "")
