"""Is a run folder what its training wrote? Checksums in the format of `sha256sum`."""

import contextlib

from zoo.files import archives, sums
from zoo.runs import checkpoints


def write(folder):
    """Writes SHA256SUMS into a `RunFolder`: all files that its training made.

    If the run had ended before, training has written only the model and the curves
    again. Then the other files keep their old checksums, so that a change shows.
    """
    digests = {_name(folder, file): sums.sha256(file) for file in _files(folder)}
    if folder.checksums.is_file():
        again = [_name(folder, file) for file in (folder.model, folder.curves)]
        digests = _recorded(folder) | {n: digests[n] for n in again if n in digests}
    sums._write(folder.checksums, digests)


def check(folder):
    """Looks at a `RunFolder`; returns [(whether it is sound, sentence)].

    A finished run is compared with its SHA256SUMS. Of any run, settings, rows and
    checkpoints must be readable, and there is one row an epoch. A version of an
    exported model has SHA256SUMS alone.

    Raises: FileNotFoundError: if the folder holds neither.
    """
    if not folder.record.is_file():
        if folder.checksums.is_file():
            return _compared(folder, sums._below(folder.path))
        raise FileNotFoundError(
            "The folder holds no run (run.json) and no export (SHA256SUMS). "
            f"Received: {folder.path}."
        )
    results = [_sound(folder.record, folder.read_record), _rows(folder)]
    models = [file for file in (folder.model, folder.best) if file.is_file()]
    for file in folder.saved() + models:
        results.append(_sound(file, archives.verify, file))
    if not folder.saved():
        results.append((False, f"{folder.checkpoints}: there is no checkpoint"))
    if folder.checksums.is_file():
        return results + _compared(folder, _files(folder))
    if _is_done(folder):
        missing = f"{folder.checksums}: missing, though the run is done"
        return results + [(False, missing)]
    return results + [(True, f"{folder.path}: not finished, so without SHA256SUMS yet")]


def _files(folder):
    """The files that training writes, sorted, without what others put beside them."""
    single = (folder.record, folder.metrics, folder.curves, folder.model, folder.best)
    below = [*folder.samples.rglob("*"), *folder.logs.rglob("*"), *folder.saved()]
    return sorted(file for file in (*single, *below) if file.is_file())


def _name(folder, file):
    return file.relative_to(folder.path).as_posix()


def _sound(file, read, *arguments):
    try:
        read(*arguments)
        return True, f"{file}: whole"
    except (ValueError, OSError) as error:
        return False, f"{file}: {error}"


def _rows(folder):
    try:
        epochs = [row["epoch"] for row in folder.rows()]
    except (ValueError, KeyError, OSError):
        return False, f"{folder.metrics}: damaged"
    if epochs != list(range(1, len(epochs) + 1)):
        return False, f"{folder.metrics}: {len(epochs)} rows, one an epoch is not so"
    done = _epochs_done(folder)
    if len(epochs) < done:
        return False, f"{folder.metrics}: {len(epochs)} rows of {done} epochs"
    return True, f"{folder.metrics}: {len(epochs)} rows, one an epoch"


def _epochs_done(folder):
    """Finished epochs, as the newest checkpoint that can be read tells them."""
    for file in reversed(folder.saved()):
        with contextlib.suppress(ValueError, OSError):
            return checkpoints.progress_of(file).epoch
    return 0


def _is_done(folder):
    """Whether all epochs are done that run.json asks for."""
    try:
        return _epochs_done(folder) >= folder.read_record()["settings"]["epochs"]
    except (ValueError, TypeError, OSError):
        return False


def _recorded(folder):
    """{name: sha256} as SHA256SUMS has it."""
    lines = folder.checksums.read_text("utf-8", errors="replace").splitlines()
    pairs = (line.partition("  ") for line in lines)
    return {name: digest for digest, _, name in pairs}


def _compared(folder, files):
    """Compares `files` with SHA256SUMS; [(whether they agree, sentence)]."""
    recorded = _recorded(folder)
    present = {_name(folder, file): file for file in files}
    missing = sorted(set(recorded) - set(present))
    extra = sorted(set(present) - set(recorded))
    both = sorted(set(recorded) & set(present))
    other = [name for name in both if sums.sha256(present[name]) != recorded[name]]
    agree = len(recorded) - len(missing) - len(other)
    return [
        (True, f"{folder.checksums}: {agree} of {len(recorded)} files agree"),
        *((False, f"{folder.path / name}: missing") for name in missing),
        *((False, f"{folder.path / name}: another content") for name in other),
        *((False, f"{folder.path / name}: not in SHA256SUMS") for name in extra),
    ]
