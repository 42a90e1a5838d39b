"""The run folder: what lies where, settings and rows, who may go on here.

    run.json           settings, parameters, versions, git commit, seed, command line
    metrics.csv        one row an epoch
    logs/              TensorBoard: scalars and pictures
    samples/           pictures, one grid an epoch
    checkpoints/       the last two, each with its progress inside
    model.keras        the finished model      model.best.keras   the best by --monitor
    SHA256SUMS         checksums of all this, once the run has ended

Every file appears complete or not at all, so a run may be killed at any time.
"""

import csv
import json
import os
import pathlib

from zoo.files import archives, atomic, sums
from zoo.runs import checkpoints, defaults, lock
from zoo.runs.checkpoints import Progress
from zoo.runs.circumstances import circumstances
from zoo.runs.settings import CHANGEABLE, LATER, Settings

__all__ = [
    "Progress",
    "RunFolder",
    "kept_class_names",
    "kept_rules",
    "owner",
    "require_folder",
]


class RunFolder:
    """Paths and files of one run; nothing is written before `open`."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.record = self.path / "run.json"
        self.metrics = self.path / "metrics.csv"
        self.logs = self.path / "logs"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.model = self.path / "model.keras"
        self.best = self.path / "model.best.keras"
        self.curves = self.path / "curves.png"
        self.checksums = self.path / sums.SUMS

    # --- may this run go on here? ---------------------------------------------------

    def stored(self):
        """Settings of the run in this folder as a dict; None if it holds none.

        Raises:
            ValueError: if the path is a file or holds files that are no run's, or
                run.json is damaged.
            PermissionError: if it cannot be written to.
        """
        require_folder(self.path)
        if not self.record.exists():
            if self.path.is_dir() and any(map(_is_foreign, self.path.iterdir())):
                raise ValueError(
                    "The work folder holds other files and no run; choose another "
                    f"--workdir. Received: {self.path}."
                )
            return None
        settings = self.read_record()["settings"]
        if "schedule_epochs" not in settings:  # what goes on keeps to them
            raise _damaged(self.record)
        return settings

    def read_record(self):
        """What run.json tells, a dict; ValueError if it is damaged."""
        try:
            record = json.loads(self.record.read_text())
            record["settings"]["epochs"]
            return record
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _damaged(self.record) from None

    def require_same(self, settings, done, force=False):
        """Raises ValueError, with the differences, unless `settings` go on with it.

        Args:
            done: Finished epochs.
            force: Whether other settings may go on, too.
        Returns: the differences, sentences; none unless they are forced.
        """
        stored = self.stored()
        changes = _differences(stored, settings)
        if changes and not force:
            raise ValueError(
                f"{self.path} holds another run: {'; '.join(changes)}. "
                "Repeat its settings, choose another --workdir, or go on nonetheless "
                "by --force, which run.json will tell."
            )
        if settings.epochs and settings.epochs < max(done, stored["epochs"] or 0):
            raise ValueError(
                f"The epochs of a run can only grow: {self.path} has done {done}"
                f" of {stored['epochs'] or 'any'}. Received: epochs={settings.epochs}."
            )
        return changes

    def snapshot(self):
        """What tells whether a training has changed the folder: the content of run.json
        and the names of the checkpoints."""
        record = self.record.read_bytes() if self.record.exists() else None
        return record, [file.name for file in self.saved()]

    def require_unchanged(self, snapshot):
        """Raises ValueError if a training has changed the folder since `snapshot`."""
        self.stored()  # no run may have become files that are no run's
        if self.snapshot() != snapshot:
            raise ValueError(
                "Another process has trained in the work folder since this one looked "
                "into it: repeat the command, which looks anew, or choose another "
                f"--workdir. Received: {self.path}."
            )

    # --- records --------------------------------------------------------------------

    def open(self, settings, facts, progress, continuation):
        """Makes the folder, writes run.json, and puts away what lies after `progress`:
        rows, and checkpoints that are damaged.

        Args:
            facts: More that run.json tells, such as parameters by network.
            continuation: What it tells of going on, such as forced settings.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.checksums.unlink(missing_ok=True)
        # Before all else: from here on the folder is known to hold a run.
        record = {"settings": settings.plain(), "seed": settings.seed, **facts}
        if self.record.exists():
            now = {key: facts[key] for key in ("data", "rules")}
            now["settings"] = settings.plain()
            record = self.read_record() | now
            record.setdefault("continued", []).append(circumstances() | continuation)
        else:
            record |= circumstances()
        with atomic.replaced(self.record) as temporary:
            pathlib.Path(temporary).write_text(json.dumps(record, indent=2) + "\n")
        for folder in (self.samples, self.checkpoints):
            folder.mkdir(exist_ok=True)
        self.write_rows([row for row in self.rows() if row["epoch"] <= progress.epoch])
        checkpoints.put_away(self.checkpoints, progress.step)
        self.clear()

    def clear(self):
        """Removes the halves of files that a killed process was about to write."""
        single = (self.record, self.metrics, self.curves, self.checksums)
        inside = (folder / "*" for folder in (self.samples, self.checkpoints))
        atomic.clear(*single, self.model, self.best, *inside)

    def rows(self):
        """Rows of metrics.csv: one dict of numbers an epoch; ValueError if damaged."""
        if not self.metrics.exists():
            return []
        whole = {"epoch": int, "step": int}
        try:
            with open(self.metrics, newline="") as file:
                rows = [
                    {name: whole.get(name, float)(text) for name, text in row.items()}
                    for row in csv.DictReader(file)
                ]
            for row in rows:
                row["epoch"], row["step"]
            return rows
        except (ValueError, TypeError, KeyError, csv.Error):
            raise _damaged(self.metrics) from None

    def write_rows(self, rows):
        """Writes metrics.csv anew: a table of one row an epoch is small."""
        if not rows:
            self.metrics.unlink(missing_ok=True)
            return
        with atomic.replaced(self.metrics) as temporary:
            with open(temporary, "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)

    # --- checkpoints and lock, as their modules tell ---------------------------------

    def saved(self):
        """The checkpoints' paths, oldest first."""
        return checkpoints.saved(self.checkpoints)

    def latest(self):
        """Newest whole checkpoint's path, or None, and its `Progress`."""
        return checkpoints.latest(self.checkpoints)

    def save_checkpoint(self, model, progress, best=False):
        """Writes model and progress as one file; keeps it as the best, if it is."""
        copy = self.best if best else None
        checkpoints.save(self.checkpoints, model, progress, copy)

    def is_training(self):
        """Whether a process trains in this folder now."""
        return lock.is_training(self.path)

    def held(self):
        """The context in which other trainings are kept out of the folder."""
        return lock.held(self.path)


def owner(path):
    """Returns the `RunFolder` of a path: a run's folder, or one of its models or
    checkpoints. None if the path belongs to no run."""
    path = pathlib.Path(path)
    folder = path if path.is_dir() else path.parent
    for each in map(RunFolder, (folder, folder.parent)):
        if each.record.is_file():
            return each
    return None


def kept_rules(path):
    """Returns the rules by which a run read its picture files, a dict as that of
    `pictures.Rules.plain`. None if its images came as arrays, for an older run, and
    for a path that belongs to no run.

    Args:
        path: As for `owner`.
    Raises: ValueError: if run.json is damaged.
    """
    folder = owner(path)
    return None if folder is None else folder.read_record().get("rules")


def kept_class_names(path):
    """Returns what the classes of a trained model are called, in the order of their
    labels; None if its file does not tell. Nothing but the file's words is read.

    Args:
        path: A run folder, or a `.keras` file.
    Raises: ValueError: if the file is none of the zoo. FileNotFoundError: if there is
        none.
    """
    folder = RunFolder(path)
    files = (folder.model, folder.best) if folder.path.is_dir() else (folder.path,)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise FileNotFoundError(
            f"The folder holds no finished model (model.keras). Received: {path}."
        )
    return archives.config(file)["build_config"].get("class_names")


def _damaged(file):
    return ValueError(f"The file is damaged. Received: {file}.")


def _is_foreign(path):
    """Whether a file was not left by a run that was killed before it had its record."""
    return not path.name.startswith(atomic.TEMPORARY)


def require_folder(path):
    """Raises ValueError or PermissionError unless `path` is a folder that we may write
    to, or can become one."""
    existing = pathlib.Path(path).absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise ValueError(f"A folder is no file and lies in none. Received: {path}.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(
            f"The folder cannot be written: {existing} is not ours to change. "
            f"Received: {path}."
        )


def _differences(stored, settings):
    """Returns sentences on what differs between a run's stored settings and these."""
    wanted = settings.plain()
    if stored["model"] == settings.model:
        stored = stored | {"config": defaults.since(stored)}
    changes = []
    for name in (name for name in wanted if name not in CHANGEABLE):
        default = {} if name in LATER else getattr(Settings, name, None)
        there, here = stored.get(name, default), wanted[name]
        if isinstance(there, dict) and isinstance(here, dict):
            keys = [key for key in {**there, **here} if there.get(key) != here.get(key)]
            changes += [(f"{name} {k}", there.get(k), here.get(k)) for k in keys]
        elif there != here:
            changes.append((name, there, here))
    return [f"{name} is {there} there and {here} here" for name, there, here in changes]
