"""Trains a tiny model for many steps and watches what grows: memory, time, files.

    python tests/long_run.py gan 20000 /tmp/long

Compared are the second tenth of the run (its first is warm-up) and the last one.
"""

import pathlib
import statistics
import subprocess
import sys
import time

from tiny_runs import of

from zoo import checksums
from zoo.runs import RunFolder

STEPS_PER_EPOCH = 90  # of the 1,350 digits of the training split, 15 a batch
FLAGS = ["--image_size=8", "--batch_size=15"]
ROOT = pathlib.Path(__file__).parent.parent


def watched(command, folder):
    """Runs a training; returns [(finished epochs, resident memory in KiB, bytes of the
    newest checkpoint)], some ten a second."""
    looks = []
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while process.poll() is None:
            time.sleep(0.1)
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            resident = [line for line in status.splitlines() if "VmRSS" in line]
            if resident and folder.metrics.exists():
                epoch = len(folder.metrics.read_text().splitlines()) - 1
                looks.append((epoch, int(resident[0].split()[1]), newest(folder)))
    finally:
        process.kill()
    assert process.returncode == 0
    return looks


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
    value is than the first: of memory, of an epoch's seconds, of a checkpoint; and the
    bytes of TensorBoard's folder."""
    epochs = -(-steps // STEPS_PER_EPOCH)
    folder = RunFolder(where / name)
    flags = [*of(name), *FLAGS, f"--epochs={epochs}", f"--workdir={folder.path}"]
    looks = watched([sys.executable, "-m", "experiments.train", *flags], folder)

    rows = folder.rows()
    assert [row["epoch"] for row in rows] == list(range(1, epochs + 1))
    assert [row["step"] for row in rows] == [
        STEPS_PER_EPOCH * epoch for epoch in range(1, epochs + 1)
    ]
    wrong = [line for sound, line in checksums.check(folder) if not sound]
    assert not wrong, wrong

    memory = [(epoch, kib) for epoch, kib, _ in looks]
    seconds = [(row["epoch"] - 1, row["seconds"]) for row in rows]
    sizes = {size for _, _, size in looks if size}
    logs = sum(file.stat().st_size for file in folder.logs.rglob("*"))
    first, last = (statistics.median(tenth(memory, n, epochs)) for n in (1, 9))
    # Other work on the machine makes some epochs longer, none shorter.
    slow, late = (min(tenth(seconds, number, epochs)) for number in (1, 9))
    print(
        f"{name}: {rows[-1]['step']} steps; memory {first / 1024:.0f} to "
        f"{last / 1024:.0f} MiB ({100 * (last / first - 1):+.2f} %); fastest epoch "
        f"{slow:.3f} to {late:.3f} s; checkpoints {min(sizes)} to {max(sizes)} bytes; "
        f"TensorBoard {logs} bytes"
    )
    return last / first - 1, late / slow - 1, max(sizes) / min(sizes) - 1, logs


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]))
