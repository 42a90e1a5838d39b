"""Trains a tiny model for many steps and watches what grows: memory, time, files.

    PYTHONPATH=. python tests/long_run.py gan 20000 /tmp/long

Compared are the second tenth of the run (its first is warm-up) and the last one.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time

import tiny
from tiny_runs import of

import zoo
from zoo import checksums
from zoo.runs import RunFolder

BATCHES_PER_EPOCH = 90  # of the 1,350 digits of the training split, 15 a batch
FLAGS = ["--image_size=8", "--batch_size=15"]
ROOT = pathlib.Path(__file__).parent.parent


def watched(command, folder):
    """Runs a training; returns [(finished epochs, resident memory in bytes, processor
    time in seconds, bytes of the newest checkpoint)], some ten a second."""
    looks = []
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while process.poll() is None:
            time.sleep(0.1)
            if folder.metrics.exists() and process.poll() is None:
                epoch = len(folder.metrics.read_text().splitlines()) - 1
                looks.append((epoch, *spent(process.pid), newest(folder)))
    finally:
        process.kill()
    assert process.returncode == 0
    return looks


def spent(pid):
    """Resident memory in bytes and processor time in seconds of a process: proc(5)."""
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return int(pages) * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")


def newest(folder):
    """Bytes of the last checkpoint; None if it has just been removed."""
    try:
        return folder.saved()[-1].stat().st_size
    except (FileNotFoundError, IndexError):
        return None


def tenth(pairs, number, epochs):
    """Values of (epoch, value) within a tenth of the run, from 0."""
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
    folder = RunFolder(where / name)
    flags = [*of(name), *FLAGS, f"--epochs={epochs}", f"--workdir={folder.path}"]
    looks = watched([sys.executable, "-m", "experiments.train", *flags], folder)

    rows = folder.rows()
    assert [row["epoch"] for row in rows] == list(range(1, epochs + 1))
    assert [row["step"] for row in rows] == [
        steps_per_epoch * epoch for epoch in range(1, epochs + 1)
    ]
    wrong = [line for sound, line in checksums.check(folder) if not sound]
    assert not wrong, wrong

    memory = [(epoch, resident) for epoch, resident, _, _ in looks]
    first, last = (statistics.median(tenth(memory, n, epochs)) for n in (1, 9))
    clock = [(epoch, seconds) for epoch, _, seconds, _ in looks]
    early, late = (tenth(clock, number, epochs) for number in (1, 9))
    early, late = (part[-1] - part[0] for part in (early, late))
    sizes = {size for *_, size in looks if size}
    logs = sum(file.stat().st_size for file in folder.logs.rglob("*.tfevents.*"))
    grown = (last / first - 1, late / early - 1, max(sizes) / min(sizes) - 1)
    print(
        f"{name}: {rows[-1]['step']} steps; memory {first / 2**20:.0f} to "
        f"{last / 2**20:.0f} MiB ({grown[0]:+.2%}); processor time of a tenth of the "
        f"run {early:.1f} to {late:.1f} s ({grown[1]:+.1%}); checkpoints {min(sizes)} "
        f"to {max(sizes)} bytes; TensorBoard {logs} bytes"
    )
    return *grown, logs


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]))
