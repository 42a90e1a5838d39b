"""Sets that `experiments.prepare` gets once and that are read from disk ever after.

    DATA_DIR/KIND/VERSION/table.json    what the pictures are
    DATA_DIR/KIND/VERSION/NAME.npy      pictures, uint8 [N, H, W, C]

A folder appears complete or not at all. Arrays are mapped, not read, so that a set is
open within a moment.
"""

import json
import pathlib
import secrets
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data import arguments
from zoo.data.sources import building
from zoo.files import folders

TABLE = "table.json"


def place(kind: str, version: str, data_dir: arguments.Place) -> pathlib.Path:
    """Returns the folder of a set, which may not exist."""
    return building.home(data_dir) / kind / version


def command(name: str, data_dir: arguments.Place) -> str:
    """Returns the command that prepares a set."""
    where = f" --data_dir={data_dir}" if data_dir else ""
    return f"python -m experiments.prepare --dataset={name}{where}"


def is_prepared(folder: pathlib.Path) -> bool:
    """Whether a set is in its `place`; ValueError if what is there lacks its table."""
    if (folder / TABLE).is_file():
        return True
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise damaged(folder, f"it holds no {TABLE}")
    return False


def require(
    folder: pathlib.Path, name: str, data_dir: arguments.Place, what: str
) -> None:
    """Raises FileNotFoundError, with the command, unless a set is prepared; ValueError
    if it is damaged.

    Args:
        folder: Its `place`.
        name: Of the data set, as the command takes it.
        data_dir: As the user gave it.
        what: What the command does, for the message.
    """
    if not is_prepared(folder):
        raise FileNotFoundError(
            f"{name} is not prepared yet: `{command(name, data_dir)}` {what}, once. "
            f"Received: no folder {folder}."
        )


def write(
    folder: pathlib.Path,
    table: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    anew: bool = False,
) -> None:
    """Writes a set into its `place`; it appears complete or not at all.

    What another process has prepared meanwhile is kept.

    Args:
        folder: The place.
        table: What the pictures are.
        arrays: `{name: pictures}`, uint8 `[N, H, W, C]`.
        anew: Whether it takes the place of a set that is there.
    """
    old = folder.with_name(f".old-{secrets.token_hex(4)}")
    try:
        with folders.appearing(folder, ".partial-") as temporary:
            for name, array in arrays.items():
                np.save(temporary / f"{name}.npy", array)
            text = json.dumps(table, ensure_ascii=False, indent=0)
            (temporary / TABLE).write_text(text, "utf-8")
            if anew:
                folders.replace(folder, old)
    except OSError:
        if anew or not (folder / TABLE).is_file():
            raise
    finally:
        if old.exists() and not folder.exists():
            folders.replace(old, folder)
        shutil.rmtree(old, ignore_errors=True)


def table(folder: pathlib.Path) -> dict[str, Any]:
    """Returns the table of a set; ValueError if it is damaged."""
    try:
        content = json.loads((folder / TABLE).read_text("utf-8"))
        if isinstance(content, dict):
            return content
        reason = "it holds no table"
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
    raise damaged(folder, f"{TABLE}: {reason}")


def pictures(folder: pathlib.Path, name: str, count: int, shape: tuple) -> np.ndarray:
    """Returns the pictures of a set, mapped from disk, uint8 `[count, *shape]`;
    ValueError if the file is damaged."""
    try:
        array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(folder, f"{name}.npy: {error}") from None
    if array.dtype != np.uint8 or array.shape != (count, *shape):
        raise damaged(folder, f"{name}.npy does not fit {TABLE}")
    return array


def damaged(folder: pathlib.Path, reason: str) -> ValueError:
    """Returns the error that a set is to be prepared anew."""
    return ValueError(
        f"The prepared set is damaged ({reason}): delete its folder and prepare it "
        f"anew by experiments.prepare. Received: {folder}."
    )
