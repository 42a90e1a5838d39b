"""Is a run folder what its training wrote? Checksums in the format of `sha256sum`."""

import hashlib

from zoo import archives, saving


def write(folder):
    """Writes SHA256SUMS into a `RunFolder`: all files that its training made."""
    lines = [f"{_sha256(file)}  {_name(folder, file)}\n" for file in _files(folder)]
    with saving.replaced(folder.checksums) as temporary:
        with open(temporary, "w") as file:
            file.writelines(lines)


def check(folder):
    """Looks at a `RunFolder`; returns [(whether it is sound, sentence)].

    A finished run is compared with its SHA256SUMS. Of any run, settings, rows and
    checkpoints must be readable, and there is one row an epoch.

    Raises: FileNotFoundError: if the folder holds no run.
    """
    if not folder.record.is_file():
        raise FileNotFoundError(
            f"The folder holds no run (run.json). Received: {folder.path}."
        )
    found = [_sound(folder.record, folder.read_record), _rows(folder)]
    models = [file for file in (folder.model, folder.best) if file.is_file()]
    for file in folder.saved() + models:
        found.append(_sound(file, archives.verify, file))
    if not folder.saved():
        found.append((False, f"{folder.checkpoints}: there is no checkpoint"))
    if folder.checksums.is_file():
        return found + _compared(folder)
    return found + [(True, f"{folder.path}: not finished, so without SHA256SUMS yet")]


def _files(folder):
    """The files that training makes, sorted; what is put beside them is not its."""
    single = (folder.record, folder.metrics, folder.curves, folder.model, folder.best)
    below = [*folder.samples.rglob("*"), *folder.logs.rglob("*"), *folder.saved()]
    return sorted(file for file in (*single, *below) if file.is_file())


def _name(folder, file):
    return file.relative_to(folder.path).as_posix()


def _sha256(file):
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sound(file, read, *arguments):
    try:
        read(*arguments)
        return True, f"{file}: whole"
    except (ValueError, OSError) as error:
        return False, f"{file}: {error}"


def _rows(folder):
    try:
        epochs = [row["epoch"] for row in folder.rows()]
    except (ValueError, KeyError):
        return False, f"{folder.metrics}: damaged"
    one_each = epochs == list(range(1, len(epochs) + 1))
    return one_each, f"{folder.metrics}: {len(epochs)} rows, one an epoch" + (
        "" if one_each else " is not so"
    )


def _compared(folder):
    """Compares the files with SHA256SUMS; [(whether they agree, sentence)]."""
    told = {}
    for line in folder.checksums.read_text(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        told[name] = digest
    there = {_name(folder, file): file for file in _files(folder)}
    missing = sorted(set(told) - set(there))
    extra = sorted(set(there) - set(told))
    other = [n for n in sorted(set(told) & set(there)) if _sha256(there[n]) != told[n]]
    agree = len(told) - len(missing) - len(other)
    return [
        (True, f"{folder.checksums}: {agree} of {len(told)} files agree"),
        *((False, f"{folder.path / name}: missing") for name in missing),
        *((False, f"{folder.path / name}: another content") for name in other),
        *((False, f"{folder.path / name}: not in SHA256SUMS") for name in extra),
    ]
