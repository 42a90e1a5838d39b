"""Makes emoji of packages of npm: drawings at 64x64 and a table of what they show."""

import collections
import importlib
import io
import json
import pathlib
from typing import Any

import numpy as np

from zoo.data import arguments, source
from zoo.data.sources import concepts, npm, ready
from zoo.inputs import pictures

VERSION = "1.0.0"  # of the form on disk and of the packages together
SIDE = 64
LANGUAGES = ("en", "ja")
# {set on disk: its styles}, which are prepared together.
SETS = {"emoji": ("twitter", "google"), "openmoji": ("openmoji", "openmoji_black")}
STYLES = {style: kind for kind, styles in SETS.items() for style in styles}
# Tests put tarballs of their own in the place of these.
PACKAGES = {
    "words": npm.Package(
        "emojibase-data",
        "17.0.0",
        "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
        7,
    ),
    "twitter": npm.Package(
        "emoji-datasource-twitter",
        "16.0.0",
        "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
        62,
    ),
    "google": npm.Package(
        "emoji-datasource-google",
        "16.0.0",
        "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
        74,
    ),
    "openmoji": npm.Package(
        "openmoji",
        "17.0.0",
        "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
        4,
    ),
}
FOLDERS = {  # {style: (package, folder within it, ending)}
    "twitter": ("twitter", "package/img/twitter/64/", ".png"),
    "google": ("google", "package/img/google/64/", ".png"),
    "openmoji": ("openmoji", "package/color/svg/", ".svg"),
    "openmoji_black": ("openmoji", "package/black/svg/", ".svg"),
}
COMPONENT = "component"  # the group of skin tones and hair: parts, no emoji
WRONG = {("google", "1F1E8-1F1F6")}  # its flag of Sark is that of Saudi Arabia
MOST_VARIANTS = 40  # of a base concept that may lie outside the training set
_PER_REPORT = 1000  # drawings


def prepare(
    kind: str, data_dir: arguments.Place, origin: arguments.Place, report: npm.Report
) -> pathlib.Path:
    """Writes one of `SETS`, unless it is there, and returns its folder.

    Args:
        kind: The key of the set.
        data_dir: Where sets are kept, or None.
        origin: A folder with the tarballs, or None to have npm get them.
        report: Is told how far the work has come.
    Raises: ValueError, FileNotFoundError, ConnectionError, ModuleNotFoundError: in one
        sentence, what is missing or damaged, and the way out.
    """
    folder = ready.place(kind, VERSION, data_dir)
    if ready.is_prepared(folder):
        return folder
    if kind == "openmoji":
        _drawer()
    names = ["words", *dict.fromkeys(FOLDERS[style][0] for style in SETS[kind])]
    packages = [PACKAGES[name] for name in names]
    with npm.tarballs(packages, origin, report) as files:
        tarballs = dict(zip(names, files))
        table = _concepts(tarballs["words"])
        drawings = {
            style: _drawings(style, tarballs[FOLDERS[style][0]], table, report)
            for style in SETS[kind]
        }
    if kind == "openmoji":
        _leave_out_uncoloured(drawings["openmoji"], drawings["openmoji_black"])
    used = set().union(*drawings.values())
    content = {
        "packages": {package.name: package.version for package in packages},
        "concepts": [each for name, each in table.items() if name in used],
        "styles": {style: list(drawn) for style, drawn in drawings.items()},
    }
    arrays = {style: np.stack(list(each.values())) for style, each in drawings.items()}
    report(f"writing {folder}")
    ready.write(folder, content, arrays)
    return folder


def _concepts(tarball):
    """`{concept: what the table tells of it}`, ordered by a hash, so that neighbours
    are of all kinds."""
    files = [f"{language}/data.json" for language in LANGUAGES]
    words = _json(tarball, ["en/messages.json", *files])
    groups, subgroups = (
        {each["order"]: each["key"] for each in words["en/messages.json"][field]}
        for field in ("groups", "subgroups")
    )
    table = {}
    for language, file in zip(LANGUAGES, files):
        for entry in words[file]:
            group = groups.get(entry.get("group"))
            if group in (None, COMPONENT):
                continue
            for each in (entry, *entry.get("skins", ())):
                concept = concepts.concept(each["hexcode"])
                row = table.setdefault(concept, {"concept": concept, "group": group})
                row["subgroup"] = subgroups[entry["subgroup"]]
                texts = [each["label"], *entry.get("tags", ())]
                row[language] = list(dict.fromkeys(texts))
    table = {name: each for name, each in table.items() if set(LANGUAGES) <= set(each)}
    _split(table)
    # Another hash than that of the splits, by which base concepts would come last.
    return dict(
        sorted(table.items(), key=lambda item: source.text_digest(f"order {item[0]}"))
    )


def _json(tarball, names):
    """`{name: content}` of JSON files of the package of words."""
    wanted = {f"package/{name}": name for name in names}
    texts = npm.members(tarball, wanted.__contains__)
    if len(texts) < len(wanted):
        lacking = ", ".join(sorted(set(wanted) - set(texts)))
        raise ValueError(f"{tarball.name} lacks files. Received: no {lacking}.")
    return {wanted[name]: json.loads(text) for name, text in texts.items()}


def _split(table):
    """Gives each concept its split and, of unpaired domains, its half: equal for all
    that have the same base concept. Bases of which there are very many are trained on,
    or else couples in all pairs of skin tones could be half of the test set."""
    bases = {name: concepts.base(name) for name in table}
    counts = collections.Counter(bases.values())
    cut = [name for name in table if counts[bases[name]] <= MOST_VARIANTS]
    parts = source.by_content([source.text_digest(bases[name]) for name in cut])
    splits = {cut[n]: split for split in ("validation", "test") for n in parts[split]}
    for name, row in table.items():
        row["split"] = splits.get(name, "train")
        row["half"] = source.text_digest(bases[name])[-1] % 2


def _drawings(style, tarball, table, report):
    """`{concept: uint8 [SIDE, SIDE, 3]}` of a style, in the order of the table; of
    equal ones that of the first `_rank`."""
    _, folder, ending = FOLDERS[style]
    files = npm.members(
        tarball, lambda name: name.startswith(folder) and name.endswith(ending)
    )
    contents = {
        concepts.concept(name[len(folder) : -len(ending)]): content
        for name, content in files.items()
    }
    names = [n for n in table if n in contents and _is_drawn(style, table[n])]
    drawn, known = {}, set()
    for number, name in enumerate(sorted(names, key=_rank), 1):
        try:
            picture = _picture(contents[name], ending)
        except Exception as error:  # decoders raise anything on damaged bytes
            raise ValueError(
                f"A drawing cannot be read ({error}). Received: {name} in "
                f"{tarball.name}."
            ) from None
        if picture.tobytes() not in known:
            known.add(picture.tobytes())
            drawn[name] = picture
        if number % _PER_REPORT == 0 or number == len(names):
            report(f"{style}: {number:,} of {len(names):,} drawings")
    if not drawn:
        raise ValueError(f"{tarball.name} holds no drawings. Received: no {folder}.")
    return {name: drawn[name] for name in table if name in drawn}


def _rank(concept):
    """0 for a base concept, 1 for a variant of one, 2 for a variant by a skin tone: of
    equal drawings the first is kept."""
    return int(concept != concepts.base(concept)) + int(concepts.has_tone(concept))


def _is_drawn(style, row):
    """Whether a style has a drawing of its own of a concept."""
    if style == "openmoji_black":  # its flags and skin tones have no colours to show
        return row["group"] != "flags" and not concepts.has_tone(row["concept"])
    return (style, row["concept"]) not in WRONG


def _picture(content, ending):
    """Returns a drawing on white, uint8 `[SIDE, SIDE, 3]`."""
    if ending == ".svg":
        draw = _drawer().svg_to_bytes
        content = bytes(draw(content.decode(), width=SIDE, height=SIDE))
    return pictures.read(io.BytesIO(content), pictures.Rules((SIDE, SIDE), 3))


def _drawer() -> Any:
    """Returns the package that draws SVG; ModuleNotFoundError without it."""
    try:
        return importlib.import_module("resvg_py")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "openmoji is drawn from SVG by resvg_py, which is not installed: "
            "pip install resvg_py."
        ) from None


def _leave_out_uncoloured(coloured, black):
    """Takes line drawings away that are no other than the coloured ones."""
    for name in [n for n in black if np.array_equal(black[n], coloured.get(n))]:
        del black[name]
