"""Trains a tiny model for many steps and watches what grows: memory, time, files.

    PYTHONPATH=.:tests python tests/tools/long_run.py gan 20000 /tmp/long

Memory is compared between the second tenth of the run (its first is warm-up) and the
last one. A shared machine gets faster and slower within seconds, so the time of late
steps is compared with that of early ones at the same moment: from seven tenths on, a
second run of the same flags, a tenth old, trains beside it.
"""

import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import tiny
from tiny_runs import of

import zoo
from zoo.runs import checksums
from zoo.runs.folder import RunFolder

BATCHES_PER_EPOCH = 90  # the 1,350 digits of the training split, 15 per batch
FLAGS = ["--image_size=8", "--batch_size=15"]
ROOT = pathlib.Path(__file__).parents[2]


class Watched:
    """A training in a process of its own, and what was measured of it."""

    def __init__(self, flags, path):
        self.folder = RunFolder(path)
        command = [sys.executable, "-m", "experiments.train", f"--workdir={path}"]
        self.process = subprocess.Popen([*command, *flags], cwd=ROOT)
        self.looks = []  # (finished epochs, bytes of memory, s of processor time)
        self.sizes = set()  # sizes of checkpoints in bytes

    def watch_until(self, epoch):
        """Measures ten times per second until so many epochs, or all, are finished."""
        while self.is_running() and self.finished() < epoch:
            time.sleep(0.1)
            self.look()

    def look(self):
        if self.is_running():
            self.looks.append((self.finished(), *spent(self.process.pid)))
            self.sizes |= {newest(self.folder)} - {None}

    def is_running(self):
        return self.process.poll() is None

    def finished(self):
        try:
            return len(self.folder.metrics.read_text().splitlines()) - 1
        except FileNotFoundError:
            return 0

    def seconds_an_epoch(self, first):
        """Returns the processor time of an epoch, from measurement number `first`
        on."""
        firsts = {}  # {finished epochs: the moment when they were finished}
        for epoch, _, seconds in self.looks[first:]:
            firsts.setdefault(epoch, seconds)
        (start, before), *_, (end, after) = sorted(firsts.items())[1:]
        return (after - before) / (end - start)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def spent(pid):
    """Returns the resident memory in bytes and the processor time in seconds of a
    process, as proc(5) has them."""
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return int(pages) * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")


def newest(folder):
    """Returns the bytes of the last checkpoint, or None if it has just been removed."""
    try:
        return folder.saved()[-1].stat().st_size
    except (FileNotFoundError, IndexError):
        return None


def tenth(pairs, number, epochs):
    """Returns the values of those (epoch, value) that lie within a tenth of the run,
    counted from 0."""
    within = [value for epoch, value in pairs if epoch * 10 // epochs == number]
    assert within, f"nothing was seen of tenth {number}"
    return within


def main(name, steps, where):
    """Trains, prints what was seen and returns how much larger, as shares, the last
    value is than the first: of memory, of processor time, of a checkpoint; and the
    bytes of TensorBoard's folder."""
    batches_per_step = zoo.get(name, **tiny.CONFIGS[name]).batches_per_step
    steps_per_epoch = BATCHES_PER_EPOCH // batches_per_step
    epochs = -(-steps // steps_per_epoch)
    flags = [*of(name), *FLAGS, f"--epochs={epochs}"]
    with Watched(flags, where / name) as run:
        run.watch_until(epochs * 7 // 10)
        run.process.send_signal(signal.SIGSTOP)
        with Watched(flags, where / f"{name}-young") as young:
            young.watch_until(-(-epochs // 10))
            first, young_first = len(run.looks), len(young.looks)
            run.process.send_signal(signal.SIGCONT)
            while run.is_running():
                time.sleep(0.1)
                run.look()
                young.look()
    assert run.process.returncode == 0

    rows = run.folder.rows()
    assert [row["epoch"] for row in rows] == list(range(1, epochs + 1))
    assert [row["step"] for row in rows] == [
        steps_per_epoch * epoch for epoch in range(1, epochs + 1)
    ]
    wrong = [line for sound, line in checksums.check(run.folder) if not sound]
    assert not wrong, wrong

    memory = [(epoch, resident) for epoch, resident, _ in run.looks]
    early, late = (statistics.median(tenth(memory, n, epochs)) for n in (1, 9))
    now, then = run.seconds_an_epoch(first), young.seconds_an_epoch(young_first)
    smallest, largest = min(run.sizes), max(run.sizes)
    logs = sum(file.stat().st_size for file in run.folder.logs.rglob("*.tfevents.*"))
    grown = (late / early - 1, now / then - 1, largest / smallest - 1)
    print(
        f"{name}: {rows[-1]['step']} steps; memory {early / 2**20:.0f} to "
        f"{late / 2**20:.0f} MiB ({grown[0]:+.2%}); processor time of a late epoch "
        f"{now:.3f} s, of an early one {then:.3f} s ({grown[1]:+.1%}); checkpoints "
        f"{smallest} to {largest} bytes; TensorBoard {logs} bytes"
    )
    return *grown, logs


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]))
