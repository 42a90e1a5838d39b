"""Where data sets come from: a file for each kind of origin, found by name."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from zoo.data import arguments
from zoo.data.source import Source
from zoo.data.sources import building
from zoo.data.sources.captioned import Captioned
from zoo.data.sources.captions import Captions
from zoo.data.sources.clips import Clips
from zoo.data.sources.digits import Digits
from zoo.data.sources.domains import Domains
from zoo.data.sources.emoji import Emoji
from zoo.data.sources.folder import Folder
from zoo.data.sources.idx import Idx
from zoo.data.sources.moving import Moving
from zoo.data.sources.npz import Npz
from zoo.data.sources.pairs import Pairs
from zoo.data.sources.photographs import Photographs
from zoo.data.sources.prepared import Prepared
from zoo.data.sources.records import Records
from zoo.data.sources.scenes import Scenes
from zoo.data.sources.stacked import Stacked
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
# what its constructor would raise of these words, as `check` does of options; neither
# imports a framework.
# A class with `prepare(which, data_dir, origin, report)` is of a set that is got once.
BY_NAME = {
    "digits": Digits,
    "captioned": Captioned,
    "emoji": Emoji,
    "moving": Moving,
    "photographs": Photographs,
    "scenes": Scenes,
    "stacked": Stacked,
}
SMALL = ("digits",)  # opened in no time
# `{name: Option}` of all that one may choose about some kind of set.
OPTIONS = {
    name: each
    for kind in (*BY_PATH.values(), *BY_NAME.values())
    for name, each in kind.options.items()
} | {"domains": OPTION}


def names() -> tuple[str, ...]:
    """The names to show in a catalogue; every other image set of tfds works too."""
    others = (
        f"{kind}:{part}" if part else kind
        for kind, each in BY_NAME.items()
        for part in each.parts
        if kind not in SMALL
    )
    by_path = (f"{kind}:PATH" for kind in BY_PATH)
    return (*SMALL, *building.ORIGINS, *others, *by_path)


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
    values, _ = chosen(name, options)
    if kind in BY_NAME:
        BY_NAME[kind].require(path, data_dir)
    elif kind not in BY_PATH:
        building.require_name(name, data_dir)
    elif not pathlib.Path(path).expanduser().exists():
        BY_PATH[kind](path, **values)  # says what it wants


def is_got(name: str) -> bool:
    """Whether a set is of a kind that `prepare` gets once."""
    return hasattr(BY_NAME.get(name.partition(":")[0]), "prepare")


def prepare(
    name: str,
    data_dir: arguments.Place = None,
    origin: arguments.Place = None,
    report: Callable[[str], None] = print,
) -> list[pathlib.Path]:
    """Gets a set once, such as emoji, unless it is there; returns the folders that it
    is in, none if the set is of a kind that needs no such thing.

    Args:
        name: As for `find`.
        data_dir: Where sets are kept, or None.
        origin: A folder with the files that would be downloaded, or None.
        report: Is called with lines that tell how far the work has come.

    Raises: ValueError, FileNotFoundError, ConnectionError, ModuleNotFoundError: in one
        sentence, what is missing or damaged, and the way out.
    """
    kind, _, which = name.partition(":")
    if is_got(name):
        return BY_NAME[kind].prepare(which, data_dir, origin, report)
    if origin is not None:
        ready = filter(is_got, BY_NAME)
        raise ValueError(
            f"--from is for sets that are downloaded by the zoo: {', '.join(ready)}. "
            f"Received: dataset={name!r}, from={str(origin)!r}."
        )
    return []


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
    kind, _, path = name.partition(":")
    values, domains = chosen(name, options)
    if domains is not None:
        others = {key: v for key, v in (options or {}).items() if key != "domains"}
        return TwoClasses(find(name, data_dir, others, build), domains)
    if kind in BY_PATH:
        return BY_PATH[kind](path, **values)
    if kind in BY_NAME:
        return BY_NAME[kind](path, data_dir, build, **values)
    files = building.at_hand(name, data_dir)
    if files:
        return Idx(name, files, data_dir, build)
    return Prepared(name, data_dir, build)


def chosen(name: str, options: Mapping[str, Any] | None) -> tuple[dict[str, Any], Any]:
    """Returns the values of all options of a set, and the two classes that shall be its
    domains, or None; a kind that `makes_domains` keeps them among its options.

    Args:
        name: As for `find`; of the set nothing is read.
        options: `{name: value}`, those that are chosen.

    Raises: ValueError: if one is unknown, or its value is of no use.
    """
    kind, _, which = name.partition(":")
    of_kind = BY_PATH.get(kind) or BY_NAME.get(kind)
    options, domains = dict(options or {}), None
    if of_kind is None or not of_kind.makes_domains(options.get("domains")):
        domains = options.pop("domains", None)
    of_whom = f"{kind}:" if kind in BY_PATH else repr(name)
    values = arguments.options(of_whom, of_kind.options if of_kind else {}, options)
    if of_kind is not None:
        of_kind.check(which, values)
    return values, domains
