"""Where data sets come from: a file for each kind of origin, found by name."""

import pathlib
from typing import Any

from zoo.data import arguments
from zoo.data.source import Source
from zoo.data.sources import building
from zoo.data.sources.captions import Captions
from zoo.data.sources.clips import Clips
from zoo.data.sources.digits import Digits
from zoo.data.sources.domains import Domains
from zoo.data.sources.folder import Folder
from zoo.data.sources.idx import Idx
from zoo.data.sources.npz import Npz
from zoo.data.sources.pairs import Pairs
from zoo.data.sources.prepared import Prepared
from zoo.data.sources.records import Records
from zoo.data.sources.two_classes import OPTION, TwoClasses
from zoo.inputs import pictures

BY_PATH = {  # of names "kind:PATH"
    "folder": Folder,
    "captions": Captions,
    "pairs": Pairs,
    "domains": Domains,
    "clips": Clips,
    "npz": Npz,
    "records": Records,
}
# Of names "kind" or "kind:WHICH". A class has `require(which, data_dir)`, which raises
# what its constructor would raise of these words; it imports no framework.
BY_NAME = {"digits": Digits}
SMALL = ("digits",)  # opened in no time
# `{name: Option}` of all that one may choose about some kind of set.
OPTIONS = {
    name: each
    for kind in (*BY_PATH.values(), *BY_NAME.values())
    for name, each in kind.options.items()
} | {"domains": OPTION}


def names() -> tuple[str, ...]:
    """The names to show in a catalogue; every other image set of tfds works too."""
    by_path = (f"{kind}:PATH" for kind in BY_PATH)
    return (*BY_NAME, *building.ORIGINS, *by_path)


def require(
    name: str | None, data_dir: arguments.Place, options: dict[str, Any]
) -> None:
    """Raises ValueError or FileNotFoundError if the words of `find` are of no use, as
    far as that is told without reading the set.

    Args:
        name: As for `find`; None if only options are known yet.
        data_dir: Where tfds keeps its sets, or None.
        options: `{name: value}` for the source.
    """
    if "background" in options:
        pictures.is_grey(options["background"])
    if name is None:
        arguments.options("data sets", OPTIONS, options)
        return
    kind, _, path = name.partition(":")
    options = {key: value for key, value in options.items() if key != "domains"}
    if kind in BY_NAME:
        arguments.options(repr(name), BY_NAME[kind].options, options)
        BY_NAME[kind].require(path, data_dir)
        return
    if kind not in BY_PATH:
        arguments.options(repr(name), {}, options)
        building.require_name(name, data_dir)
        return
    values = arguments.options(f"{kind}:", BY_PATH[kind].options, options)
    if not pathlib.Path(path).expanduser().exists():
        BY_PATH[kind](path, **values)  # says what it wants


def find(
    name: str,
    data_dir: arguments.Place = None,
    options: dict[str, Any] | None = None,
    build: bool = True,
) -> Source:
    """Returns the source that `name` means; with the option domains, two of its
    classes.

    MNIST's idx files, where they are at hand, are read without TensorFlow.

    Args:
        name: As for `zoo.data.open`.
        data_dir: Where tfds keeps its sets, or None.
        options: `{name: value}` for the source.
        build: Whether tfds may write a set that it has not built yet.

    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be used and why.
    """
    if not isinstance(name, str):
        raise ValueError(f"A data set is given by its name. Received: {name!r}.")
    options = dict(options or {})
    domains = options.pop("domains", None)
    if domains is not None:
        return TwoClasses(find(name, data_dir, options, build), domains)
    kind, _, path = name.partition(":")
    if kind in BY_PATH:
        declared = BY_PATH[kind].options
        return BY_PATH[kind](path, **arguments.options(f"{kind}:", declared, options))
    if kind in BY_NAME:
        values = arguments.options(repr(name), BY_NAME[kind].options, options)
        return BY_NAME[kind](path, data_dir, build, **values)
    arguments.options(repr(name), {}, options)
    files = building.at_hand(name, data_dir)
    if files:
        return Idx(name, files, data_dir, build)
    return Prepared(name, data_dir, build)
