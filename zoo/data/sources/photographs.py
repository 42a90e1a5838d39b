"""Patches of photographs at 64x64 in colour, cut from wallpapers of Debian."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import logging

from zoo.data import arguments, resize, source
from zoo.data.sources import ready
from zoo.inputs import pictures

VERSION = "1.0.0"
SIDE = 64
# (long side of a photograph before it is cut, step from patch to patch), in pixels.
SCALES = ((1024, 64), (512, 32))
FLATTEST = 2.0  # grey levels between neighbours, below which a patch shows nothing
PACKAGES = (
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
)
# The photographs among them, chosen by eye: neither drawn nor nearly grey, each in one
# of its sizes, for a picture lies there under up to twelve names.
_PLACES = {
    "backgrounds/mate/nature/{}.jpg": (
        "Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm "
        "TwoWings YellowFlower"
    ),
    "wallpapers/{}/contents/images/2560x1600.jpg": (
        "BytheWater ColorfulCups EveningGlow FallenLeaf Kite OneStandsOut "
        "Path summer_1am"
    ),
    "backgrounds/{}.jpg": (
        "Bridge_by_Sander_Klootwijk Dragonfly_by_Bolly Kleiber_by_Lukas_Baubkus "
        "Picture_0B_by_freespace Picture_1A_by_freespace Wine_by_Jakkub_Mede "
        "aitzgorri_by_Aitzol_Berasategi free_by_Peter_Nerlich "
        "friends_by_Aitzol_Berasategi greentock_by_Peter_Nerlich "
        "life_by_Aitzol_Berasategi picosdeeuropa_by_Aitzol_Berasategi "
        "seeding_by_Clements_Engelhardt sunset_by_Aitzol_Berasategi"
    ),
}
PHOTOGRAPHS = {  # {name: path below /usr/share}
    name: place.format(name)
    for place, names in _PLACES.items()
    for name in names.split()
}

WAY_OUT = (
    f"`apt-get install {' '.join(PACKAGES)}` brings them; where that is not possible, "
    "unpack the packages by `dpkg -x PACKAGE.deb FOLDER` and name the folder by "
    "--from=FOLDER"
)


class Photographs(source.Source):
    """64x64 patches of 33 photographs, without labels.

    A photograph is reduced to 1024 pixels and cut into patches side by side, then to
    512 and cut into patches that overlap by half; sky and blur are left out. All
    patches of a photograph are in the same split, a function of its name: three are the
    test set, three validation.

    Source: the wallpapers of four packages of Debian (GPL-2+, CC-BY, CC-BY-SA, CC0).

    Args:
        which: Empty, for there is one set of this name.
        data_dir: Where sets are kept, or None.
        build: Not used: experiments.prepare makes the set.
    """

    name = "photographs"
    class_names = None
    image_shape = (SIDE, SIDE, 3)
    rules = pictures.Rules(None, 3).plain()

    def __init__(
        self, which: str = "", data_dir: arguments.Place = None, build: bool = True
    ):
        self.require(which, data_dir)
        folder = ready.place("photographs", VERSION, data_dir)
        table = ready.table(folder)
        try:
            splits = [table["splits"][name] for name in table["patches"]]
            sound = set(splits) <= set(arguments.PARTS)
        except (KeyError, TypeError):
            sound = False
        if not sound:
            raise ready.damaged(folder, "its table is of another form")
        _tell_lacking(
            set(table["patches"]),
            "are not in the prepared set, which experiments.prepare completes",
        )
        shape = self.image_shape
        self._patches = ready.pictures(folder, "patches", len(splits), shape)
        of = np.array(splits)
        self._rows = {split: np.flatnonzero(of == split) for split in arguments.PARTS}
        both = np.flatnonzero(of != "test")
        self._rows[arguments.BOTH] = both
        self.num_examples = {split: len(rows) for split, rows in self._rows.items()}

    @staticmethod
    def require(which: str, data_dir: arguments.Place = None) -> None:
        """Raises ValueError if something stands behind the name, FileNotFoundError if
        the set is not prepared."""
        if which:
            raise ValueError(
                "photographs is one set: nothing stands behind its name. "
                f"Received: 'photographs:{which}'."
            )
        folder = ready.place("photographs", VERSION, data_dir)
        what = "cuts them from wallpapers of Debian"
        ready.require(folder, "photographs", data_dir, what)

    @staticmethod
    def prepare(
        which: str,
        data_dir: arguments.Place,
        origin: arguments.Place,
        report: Callable[[str], None],
    ) -> list[pathlib.Path]:
        """Cuts the patches, unless they are there; returns their folder. Those of too
        few photographs are cut anew once there are more.

        Args:
            which, data_dir: As for the class.
            origin: A folder into which the packages are unpacked, or None if they are
                installed.
            report: Is called with lines that tell how far the work has come.
        Raises: FileNotFoundError: if the packages are not there.
        """
        folder = ready.place("photographs", VERSION, data_dir)
        names = _prepared(folder) if ready.is_prepared(folder) else set()
        files = _files(origin)
        if not names or (names < set(files)):
            _require_files(files, origin)
            _prepare(folder, files, report, anew=bool(names))
        return [folder]

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, 3]}`."""
        patches = self._patches[self._rows[split]]
        return {"image": resize.resize_all(patches, image_size)}


def _prepared(folder):
    """The names of the photographs that a prepared set holds."""
    names = ready.table(folder).get("patches")
    if not isinstance(names, list) or not set(map(type, names)) <= {str}:
        raise ready.damaged(folder, "its table is of another form")
    return set(names)


def _files(origin):
    """`{name: file}` of the photographs that are there."""
    files = {name: _root(origin) / path for name, path in PHOTOGRAPHS.items()}
    return {name: file for name, file in files.items() if file.is_file()}


def _root(origin):
    """The folder below which photographs lie."""
    return pathlib.Path(origin or "/").expanduser() / "usr" / "share"


def _require_files(present, origin):
    """Raises FileNotFoundError if no photographs are there; the log names those that
    are not."""
    if not present:
        raise FileNotFoundError(
            f"The wallpapers are not installed: {WAY_OUT}. "
            f"Received: no photographs below {_root(origin)}."
        )
    _tell_lacking(present, "are not there and left out")


def _tell_lacking(present, what):
    """Names in the log the photographs that are not among the present ones."""
    lacking = [name for name in PHOTOGRAPHS if name not in present]
    if lacking:
        logging.warning(
            "%d of %d photographs %s (%s): %s.",
            *(len(lacking), len(PHOTOGRAPHS), what, ", ".join(lacking), WAY_OUT),
        )


def _prepare(folder, files, report, anew):
    """Writes the set of these files, `anew` if it is there."""
    cut = {}
    for number, (name, file) in enumerate(files.items(), 1):
        try:
            cut[name] = _patches(file)
        except Exception as error:  # decoders raise anything on damaged bytes
            logging.warning("%r cannot be read and is left out: %s", str(file), error)
        report(f"photograph {number} of {len(files)}: {name}")
    rows = [(name, n) for name, patches in cut.items() for n in range(len(patches))]
    # By a hash, so that neighbours are of all photographs.
    rows.sort(key=lambda row: source.text_digest(f"{row[0]} {row[1]}"))
    splits = _splits()
    missing = [
        s for s in arguments.PARTS if s not in {splits[name] for name, _ in rows}
    ]
    if missing:
        raise FileNotFoundError(
            "Too few photographs can be read to have some of each split: install all "
            f"of {', '.join(PACKAGES)}. Received: none of {', '.join(missing)}."
        )
    table = {"splits": splits, "patches": [name for name, _ in rows]}
    report(f"writing {folder}")
    patches = np.stack([cut[name][n] for name, n in rows])
    ready.write(folder, table, {"patches": patches}, anew)


def _patches(file):
    """The different patches of a photograph that show something, a list of uint8
    `[SIDE, SIDE, 3]`."""
    size = pictures.header(file).size
    patches = {}
    for long_side, step in SCALES:
        scale = min(1.0, long_side / max(size))
        height, width = (round(side * scale) for side in size)
        photograph = pictures.read(file, pictures.Rules((height, width), 3))
        for top in range(0, height - SIDE + 1, step):
            for left in range(0, width - SIDE + 1, step):
                patch = photograph[top : top + SIDE, left : left + SIDE]
                if _detail(patch) >= FLATTEST:
                    patches.setdefault(patch.tobytes(), patch)
    return list(patches.values())


def _detail(patch):
    """The mean step of grey from a pixel to its neighbours, below and to the right."""
    grey = patch.mean(axis=-1)
    return (np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey)).mean()) / 2


def _splits():
    """`{name: split}` of all photographs, whether they are there or not."""
    names = list(PHOTOGRAPHS)
    parts = source.by_content([source.text_digest(name) for name in names])
    return {names[row]: split for split in arguments.PARTS for row in parts[split]}
