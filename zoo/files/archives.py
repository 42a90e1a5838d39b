"""The archive that a `.keras` file is: what may be in it, and whether it is whole."""

import collections
import contextlib
import hashlib
import json
import pathlib
import struct
import zipfile
import zlib
from typing import Any

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CHECKSUMS = "sha256.json"  # {member: sha256}; written last
PROGRESS = "progress.json"  # of checkpoints: how far their run has come
MEMBERS = {"metadata.json", CONFIG, WEIGHTS, PROGRESS, CHECKSUMS}
KNOWN = {"compile_config", "config", "build_config"}
COMPILED = {"optimizer", "jit_compile", "run_eagerly"}
# The second one is in older files.
OPTIONAL = {"gradient_accumulation_steps", "steps_per_execution"}
# What zipfile and json raise on hostile bytes.
DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, struct.error),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RecursionError),
    SystemError,  # of h5py, where a bit within the weights is another
)


def seal(file, members):
    """Adds members {name: text} to a `.keras` file, and the checksums of them all."""
    with zipfile.ZipFile(file, "a") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        archive.writestr(CHECKSUMS, json.dumps(_checksums(archive), indent=1))


def verify(file):
    """Raises ValueError unless a `.keras` file holds the known members, each once, not
    compressed (Keras compresses none) and with the checksum that it had when written.
    """
    with _opened(file) as archive:
        names = archive.namelist()
        counts = collections.Counter(names)
        wrong = [name for name in counts if name not in MEMBERS or counts[name] > 1]
        wrong += [each.filename for each in archive.infolist() if each.compress_type]
        if wrong:
            raise ValueError(f"{wrong[0]!r} has no place in it")
        present = _checksums(
            archive
        )  # reads each member, so its CRC-32 is checked, too
        recorded = (
            json.loads(archive.read(CHECKSUMS)) if CHECKSUMS in names else present
        )
        names = {**present, **recorded}
        spoilt = [name for name in names if present.get(name) != recorded.get(name)]
        if spoilt:
            raise ValueError(f"the checksum of {spoilt[0]!r} is another")


def config(file: pathlib.Path) -> dict[str, Any]:
    """Returns what a `.keras` file tells of its model: `name`, `config`,
    `build_config` and `compile_config` (None if it was never compiled).

    Raises: ValueError: if it is no model of the zoo, or names a class that is neither
        an optimizer of Keras nor a schedule.
    """
    with _opened(file) as archive:
        content = json.loads(archive.read(CONFIG))
        if not isinstance(content, dict):
            raise ValueError("its config is no dict")
    package, _, name = str(content.get("registered_name")).partition(">")
    if package != "zoo":
        raise ValueError(f"The file holds no model of the zoo. Received: {file}.")
    if not content.get("build_config"):
        raise ValueError(f"The file holds a model without weights. Received: {file}.")
    parts = {key: content.get(key) for key in KNOWN}
    _require_plain(parts, file)
    return parts | {"name": name}


def progress(file):
    """Returns the progress of a run, a dict, that a checkpoint holds."""
    with _opened(file) as archive:
        progress = json.loads(archive.read(PROGRESS))
        if not isinstance(progress, dict):
            raise ValueError("its progress is no dict")
        return progress


@contextlib.contextmanager
def weights(file):
    """Yields the file of weights within a `.keras` file."""
    with _opened(file) as archive, archive.open(WEIGHTS) as opened:
        yield opened


@contextlib.contextmanager
def _opened(file):
    """Yields the archive; whatever is wrong with it becomes one sentence."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError:
        raise
    except DAMAGE as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"The file is no complete .keras file ({reason[0]}). Received: {file}."
        ) from None


def _checksums(archive):
    """{member: sha256} of all but the checksums."""
    checksums = {}
    for name in archive.namelist():
        if name != CHECKSUMS:
            with archive.open(name) as member:
                checksums[name] = hashlib.file_digest(member, "sha256").hexdigest()
    return checksums


def _require_plain(parts, file):
    """Raises ValueError unless the configs hold plain values, the optimizers of Keras
    and learning-rate schedules: nothing else that has a class is made of a file."""
    compiled = parts["compile_config"]
    sound = all(isinstance(each, (dict, type(None))) for each in parts.values())
    if sound and compiled:
        options = [value for key, value in compiled.items() if key != "optimizer"]
        nested = any(isinstance(value, (dict, list)) for value in options)
        sound = COMPILED <= set(compiled) <= COMPILED | OPTIONAL and not nested
    if not sound:
        raise ValueError(
            f"The configs of the file are not those of a model. Received: {file}."
        )
    for item in _classes(parts):
        module, registered = item.get("module"), item.get("registered_name")
        schedule = registered == "zoo>Schedule"
        optimizer = registered is None and str(module).startswith("keras.optimizers")
        if not schedule and not optimizer:
            raise ValueError(
                "The file names a class that no model of the zoo is made of: "
                f"{item['class_name']!r} of {module!r}. Received: {file}."
            )


def _classes(parts):
    """Yields all dicts within `parts` that name a class."""
    left = [parts]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            left += part.values()
        elif isinstance(part, list):
            left += part
