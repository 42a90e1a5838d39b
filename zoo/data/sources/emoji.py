"""Emoji at 64x64 in colour, with groups as labels and words in two languages."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data import arguments, resize, source
from zoo.data.sources import emoji_packages, ready
from zoo.inputs import pictures, suggestions

SHAPE = (emoji_packages.SIDE, emoji_packages.SIDE, 3)
DEFAULT = emoji_packages.SETS["emoji"]  # styles of the name without more
DOMAINS = ("source", "image")


class Emoji(source.Source):
    """The drawings of one or two styles, each on white, as experiments.prepare got
    them.

    `emoji` is all of twitter and google, `emoji:STYLE` one style, `emoji:STYLE:STYLE`
    pairs: what the first style draws is "source", the same emoji in the second is
    "image". A label is the emoji's group, a caption its name and then its tags.

    The splits are cut by hashes of base concepts (`concepts.base`): a tenth is the test
    set, a tenth of the rest validation; all skin tones and all styles of an emoji lie
    on the same side.

    With `domains="STYLE,STYLE"` the two styles are not paired: what is trained on is
    the one half of the concepts in the first style, "source", and the other half in the
    second, "image". Validation and test hold both of each concept, row by row.

    Source: emoji-datasource (twitter: CC-BY 4.0, google: Apache 2.0), openmoji (CC-BY-
    SA 4.0), words of emojibase (MIT).

    Args:
        which: Nothing, or one style or two, joined by ":".
        data_dir: Where sets are kept, or None.
        build: Not used: experiments.prepare gets the set.
        language: Of the captions, "en" or "ja".
        domains: Two styles, joined by ",", or as a sequence; None for paired fields.
    """

    options = {
        "language": source.Option(
            "en", "Language of the captions.", emoji_packages.LANGUAGES
        ),
        "domains": source.Option(
            None, "Two styles, or groups, not paired, e.g. twitter,google."
        ),
    }
    image_shape = SHAPE
    rules = pictures.Rules(None, 3).plain()

    def __init__(
        self,
        which: str = "",
        data_dir: arguments.Place = None,
        build: bool = True,
        language: str = "en",
        domains: Any = None,
    ):
        self.require(which, data_dir)
        self.name = f"emoji:{which}" if which else "emoji"
        self._language = language
        self._styles = _styles(which)
        if domains is not None:
            self._styles = _domains(which, domains)
            self.domains = DOMAINS
            for style in self._styles:
                _require_style(style, data_dir)
        self._tables, self._pictures = {}, {}
        for style in self._styles:
            self._open(style, data_dir)
        self._rows = self._cut(len(which.split(":")) == 2)
        both = zip(self._rows["train"], self._rows["validation"])
        self._rows[arguments.BOTH] = [one + other for one, other in both]
        self._name_groups()
        self.num_examples = {
            split: dict(zip(DOMAINS, map(len, columns)))
            if self.domains
            else len(columns[-1])
            for split, columns in self._rows.items()
        }

    @staticmethod
    def require(which: str, data_dir: arguments.Place = None) -> None:
        """Raises ValueError for an unknown style, FileNotFoundError if the set is not
        prepared."""
        for style in _styles(which):
            _require_style(style, data_dir)

    @staticmethod
    def check(which: str, options: Mapping[str, Any]) -> None:
        """Raises ValueError if domains are no two styles."""
        if options["domains"] is not None:
            _domains(which, options["domains"])

    @staticmethod
    def makes_domains(domains: Any) -> bool:
        """Whether a style is among the domains, or they are no words at all; others are
        two groups."""
        words = _words(domains)
        return not words or any(str(word) in emoji_packages.STYLES for word in words)

    @staticmethod
    def prepare(
        which: str, data_dir: arguments.Place, origin: arguments.Place, report: Any
    ) -> list[pathlib.Path]:
        """Gets what the styles need, unless it is there; returns the folders.

        Args:
            which, data_dir: As for the class.
            origin: A folder with the tarballs of the packages, or None for npm.
            report: Is called with lines that tell how far the work has come.
        """
        kinds = dict.fromkeys(emoji_packages.STYLES[style] for style in _styles(which))
        return [
            emoji_packages.prepare(kind, data_dir, origin, report) for kind in kinds
        ]

    def fields(self) -> dict[str, Any]:
        """Returns `{field: shape of a row as stored}`, None for captions."""
        if self.domains:
            return dict.fromkeys(DOMAINS, SHAPE)
        shapes = dict.fromkeys(self._fields, SHAPE)
        return shapes | {"label": (), "caption": None}

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, 3], "label": int32 [N], "caption": tuples
        [N]}`, and "source" of pairs; of domains only their pictures."""
        columns = {
            field: resize.resize_all(self._drawn(rows), image_size)
            for field, rows in zip(self._fields, self._rows[split])
        }
        if self.domains:
            return columns
        captions = [tuple(row[self._language]) for row in self._told(split)]
        return columns | self.labelled(split) | {"caption": captions}

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`, or None for domains."""
        if self.class_names is None:
            return None
        names = self.class_names
        labels = [names.index(row["group"]) for row in self._told(split)]
        return np.array(labels, np.int32)

    def _open(self, style, data_dir):
        """Reads the table of a style and maps its pictures."""
        kind = emoji_packages.STYLES[style]
        folder = ready.place(kind, emoji_packages.VERSION, data_dir)
        table = ready.table(folder)
        try:
            told = {
                each["concept"]: each | {"place": place}
                for place, each in enumerate(table["concepts"])
            }
            names = table["styles"][style]
            rows = {name: (number, told[name]) for number, name in enumerate(names)}
            sound = all(
                each["split"] in arguments.PARTS
                and each["half"] in (0, 1)
                and isinstance(each["group"], str)
                and all(each[language] for language in emoji_packages.LANGUAGES)
                for each in told.values()
            )
        except (KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            raise ready.damaged(folder, "its table is of another form")
        self._tables[style] = rows
        self._pictures[style] = ready.pictures(folder, style, len(names), SHAPE)

    def _cut(self, is_paired):
        """`{split: columns}`: rows (style, number, what is told) of each field."""
        tables = [self._tables[style] for style in self._styles]
        shared = [name for name in tables[0] if name in tables[-1]]
        self._fields = DOMAINS if is_paired or self.domains else ("image",)
        rows = {}
        for split in arguments.PARTS:
            if not is_paired and not self.domains:
                rows[split] = [self._mixed(split)]
            elif self.domains and split == "train":
                rows[split] = [
                    [r for r in self._all(style, table, split) if r[2]["half"] == half]
                    for half, (style, table) in enumerate(zip(self._styles, tables))
                ]
            else:
                rows[split] = [
                    self._all(style, {name: table[name] for name in shared}, split)
                    for style, table in zip(self._styles, tables)
                ]
        return rows

    def _mixed(self, split):
        """All rows of a split: an emoji in one style, in the other, the next emoji."""
        rows = [
            row
            for style in self._styles
            for row in self._all(style, self._tables[style], split)
        ]
        return sorted(rows, key=lambda row: row[2]["place"])

    @staticmethod
    def _all(style, table, split):
        """Those rows of a style that are in a split, in the order of its table."""
        rows = [(style, number, told) for number, told in table.values()]
        return [row for row in rows if row[2]["split"] == split]

    def _name_groups(self):
        """Sets the class names: all groups that are there."""
        if self.domains:
            self.class_names = None
            return
        columns = [columns[-1] for columns in self._rows.values()]
        groups = {row[2]["group"] for column in columns for row in column}
        self.class_names = tuple(sorted(groups))

    def _told(self, split):
        """What the table tells of each row of a split."""
        return [told for _, _, told in self._rows[split][-1]]

    def _drawn(self, rows):
        """The drawings of rows, uint8 `[N, H, W, 3]`."""
        images = np.empty((len(rows), *SHAPE), np.uint8)
        for style, drawings in self._pictures.items():
            places = [n for n, row in enumerate(rows) if row[0] == style]
            images[places] = drawings[[rows[n][1] for n in places]]
        return images


def _styles(which):
    """The styles that the words behind "emoji:" name; ValueError if of no use."""
    if not which:
        return DEFAULT
    styles = tuple(which.split(":"))
    _require_known(styles, f"emoji:{which}")
    if len(styles) > 2:
        raise ValueError(
            "emoji: is one style, or two of which the second is made from the first. "
            f"Received: 'emoji:{which}'."
        )
    return styles


def _domains(which, domains):
    """The two styles of the option domains; ValueError if of no use."""
    if which:
        raise ValueError(
            "domains names the styles, and then the set is emoji alone. "
            f"Received: 'emoji:{which}' with domains={domains!r}."
        )
    styles = _words(domains)
    if len(styles) != 2:
        raise ValueError(
            "domains of emoji are two styles, e.g. twitter,google. "
            f"Received: domains={domains!r}."
        )
    _require_known(styles, domains)
    return styles


def _words(domains):
    """The words of the option domains; none if it has none."""
    try:
        words = domains.split(",") if isinstance(domains, str) else tuple(domains)
    except TypeError:
        return ()
    return tuple(w.strip() if isinstance(w, str) else w for w in words)


def _require_known(styles, received):
    """Raises ValueError unless styles are known, and two are different."""
    for style in styles:
        if style not in emoji_packages.STYLES:
            known = tuple(emoji_packages.STYLES)
            raise ValueError(
                f"Unknown style of emoji{suggestions.nearest(str(style), known)}; "
                f"styles are {', '.join(known)}. Received: {received!r}."
            )
    if len(set(styles)) < len(styles):
        raise ValueError(f"Two styles of emoji are different. Received: {received!r}.")


def _require_style(style, data_dir):
    """Raises FileNotFoundError, with the command, unless a style is prepared."""
    kind = emoji_packages.STYLES[style]
    folder = ready.place(kind, emoji_packages.VERSION, data_dir)
    name = "emoji" if kind == "emoji" else f"emoji:{style}"
    packages = {
        emoji_packages.FOLDERS[each][0] for each in emoji_packages.SETS[kind]
    } | {"words"}
    size = sum(emoji_packages.PACKAGES[each].megabytes for each in packages)
    ready.require(folder, name, data_dir, f"gets it by npm ({size} MB)")
