"""The run folder: settings, one row an epoch, atomic checkpoints, exact resuming.

    run.json           settings, parameters, versions, git commit, seed, command line
    metrics.csv        one row an epoch
    logs/              TensorBoard: scalars and pictures
    samples/           pictures, one grid an epoch
    checkpoints/       the last two, each with its progress inside
    model.keras        the finished model      model.best.keras   the best by --monitor

Every file appears complete or not at all, so a run may be killed at any time.
"""

import csv
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata

from zoo import backend, saving
from zoo.settings import differences

KEPT = 2  # checkpoints: should the disk spoil one, there is another
PACKAGES = ("keras", backend.NAME, "numpy", "scikit-learn", "tensorflow-datasets")


@dataclasses.dataclass
class Progress:
    """How far a run has come; lies inside each checkpoint.

    Attributes:
        epoch: Finished epochs.
        batch: Batches done of the epoch that comes next.
        step: Training steps since the start.
        seconds: Training time since the start, without validation and pictures.
        epoch_seconds: The part of `seconds` that belongs to the unfinished epoch.
        best: Best value of the monitored term, or None.
        means: State of each term's mean over the unfinished epoch.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    best: float | None = None
    means: list = dataclasses.field(default_factory=list)


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

    # --- may this run go on here? ---------------------------------------------------

    def stored(self):
        """Settings of the run in this folder as a dict; None if it holds none.

        Raises:
            ValueError: if the path is a file or holds files that are no run's.
            PermissionError: if it cannot be written to.
        """
        require_folder(self.path)
        if not self.record.exists():
            if self.path.is_dir() and any(self.path.iterdir()):
                raise ValueError(
                    "The work folder holds other files and no run; choose another "
                    f"--workdir. Received: {self.path}."
                )
            return None
        return self.read_record()["settings"]

    def read_record(self):
        """What run.json tells, a dict; ValueError if it is damaged."""
        try:
            record = json.loads(self.record.read_text())
            record["settings"]["epochs"]
            return record
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"The file is damaged. Received: {self.record}.") from None

    def require_same(self, settings):
        """Raises ValueError, with the differences, unless `settings` go on with it."""
        stored = self.stored()
        found = differences(stored, settings)
        if found:
            raise ValueError(
                f"{self.path} holds another run: {'; '.join(found)}. "
                "Repeat its settings, or choose another --workdir."
            )
        done = self.latest()[1].epoch
        if settings.epochs and settings.epochs < max(done, stored["epochs"] or 0):
            raise ValueError(
                f"The epochs of a run can only grow: {self.path} has done {done}"
                f" of {stored['epochs'] or 'any'}. Received: epochs={settings.epochs}."
            )

    # --- records --------------------------------------------------------------------

    def open(self, settings, facts, progress):
        """Makes the folder, writes run.json, and drops the rows after `progress`.

        Args:
            facts: More that run.json tells, such as parameters by network.
        """
        for folder in (self.path, self.samples, self.checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        record = {"settings": settings.plain(), "seed": settings.seed, **facts}
        if self.record.exists():
            record = self.read_record() | {"settings": settings.plain()}
            record.setdefault("continued", []).append(circumstances())
        else:
            record |= circumstances()
        with saving.replaced(self.record) as temporary:
            pathlib.Path(temporary).write_text(json.dumps(record, indent=2) + "\n")
        self.write_rows([row for row in self.rows() if row["epoch"] <= progress.epoch])

    def rows(self):
        """Rows of metrics.csv: one dict of numbers an epoch."""
        if not self.metrics.exists():
            return []
        whole = {"epoch": int, "step": int}
        with open(self.metrics, newline="") as file:
            return [
                {name: whole.get(name, float)(text) for name, text in row.items()}
                for row in csv.DictReader(file)
            ]

    def write_rows(self, rows):
        """Writes metrics.csv anew: a table of one row an epoch is small."""
        if not rows:
            self.metrics.unlink(missing_ok=True)
            return
        with saving.replaced(self.metrics) as temporary:
            with open(temporary, "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)

    # --- checkpoints ----------------------------------------------------------------

    def saved(self):
        """The checkpoints' paths, oldest first."""
        return sorted(self.checkpoints.glob("[0-9]*.keras"))

    def latest(self):
        """Newest checkpoint's path (None if there is none) and its `Progress`."""
        files = self.saved()
        if not files:
            return None, Progress()
        return files[-1], self.progress_of(files[-1])

    def progress_of(self, checkpoint):
        """The `Progress` inside a checkpoint's file."""
        with zipfile.ZipFile(checkpoint) as archive:
            return Progress(**json.loads(archive.read("progress.json")))

    def save_checkpoint(self, model, progress, best=False):
        """Writes model and progress as one file; keeps it as the best, if it is."""
        path = self.checkpoints / f"{progress.step:08d}.keras"
        with saving.replaced(path) as temporary:
            model.save(temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr("progress.json", json.dumps(vars(progress)))
            # Before the checkpoint that knows of it: if killed in between, the
            # epoch is trained again, and ends in the same best model.
            if best:
                with saving.replaced(self.best) as copy:
                    shutil.copyfile(temporary, copy)
        for old in self.saved()[:-KEPT]:
            old.unlink()


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


def circumstances():
    """Command line, time, versions, git commit and machine of this process, a dict."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "command": shlex.join(_command()),
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions,
        "git_commit": git_commit(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
    }


def _command():
    """The command line as typed; Python keeps only the path of `-m module`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is None:
        return ["python", *sys.argv]
    return ["python", "-m", spec.name.removesuffix(".__main__"), *sys.argv[1:]]


def git_commit():
    """Commit of the code, with "-dirty" if files differ from it; None without git."""
    folder = pathlib.Path(__file__).parent
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
