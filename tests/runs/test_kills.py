"""Tests runs that are killed at any moment, and disks that fill up."""

import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest
from tiny_runs import TINY

from zoo import data
from zoo.files import archives
from zoo.runs.folder import RunFolder

ROOT = pathlib.Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
FULL = (pytest.mark.full, pytest.mark.slow)


def started(*command, **options):
    return subprocess.run(
        [sys.executable, *command],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=3600,
        **options,
    )


def sentence(done):
    """Returns the sentence with which a command failed; warnings may stand before
    it."""
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("train: ") and last.endswith("."), last
    return last


@pytest.mark.parametrize(
    "count",
    [pytest.param(3, marks=pytest.mark.slow), pytest.param(50, marks=FULL)],
)
def test_a_run_survives_kills_at_any_moment(count, tmp_path):
    done = started(
        str(ROOT / "tests" / "tools" / "kills.py"), str(count), str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr


PREPARE = """
import sys, zoo.data
zoo.data.load("fashion_mnist", "test", data_dir=sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.full
def test_a_data_set_whose_preparation_was_killed_is_prepared_anew(tmp_path):
    command = [sys.executable, "-c", PREPARE, str(tmp_path)]
    process = subprocess.Popen(command, env=ENVIRONMENT, cwd=tmp_path)
    end = time.monotonic() + 120
    while not any(tmp_path.glob("fashion_mnist/*incomplete*")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    images, labels = next(iter(data.load("fashion_mnist", "test", data_dir=tmp_path)))
    assert images.shape[1:] == (28, 28, 1) and len(images) == len(labels)


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv = ["train", *sys.argv[2:]]
runpy.run_module("experiments.train", run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.full
def test_a_file_that_cannot_grow_ends_the_run_in_a_sentence(tmp_path):
    flags = [*TINY, f"--workdir={tmp_path}/run", "--image_every=1000"]
    done = started("-m", "experiments.train", *flags, "--epochs=1")
    assert done.returncode == 0, done.stderr
    folder = RunFolder(tmp_path / "run")
    (before,) = folder.saved()
    size = before.stat().st_size
    done = started("-c", LIMITED, str(size * 3 // 4), *flags, "--epochs=3")
    assert ".keras: File too large" in sentence(done)
    assert folder.saved() == [before] and not list(folder.path.rglob(".partial-*"))
    archives.verify(before)
    done = started("-m", "experiments.train", *flags, "--epochs=3")
    assert done.returncode == 0, done.stderr
    assert [row["epoch"] for row in folder.rows()] == [1, 2, 3]


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of 8 MiB and returns its folder."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("file systems may not be mounted here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_full_disk_ends_the_run_in_a_sentence(small_disk, share):
    flags = [*TINY, f"--workdir={small_disk}/run"]
    done = started("-m", "experiments.train", *flags, "--epochs=1")
    assert done.returncode == 0, done.stderr
    folder = RunFolder(small_disk / "run")
    (before,) = folder.saved()
    # This leaves room for a part of the next one.
    left = int(share * before.stat().st_size)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - left))
    done = started("-m", "experiments.train", *flags, "--epochs=3")
    assert "No space left on device" in sentence(done)
    assert folder.saved() == [before] and not list(folder.path.rglob(".partial-*"))
    archives.verify(before)
    filler.unlink()
    done = started("-m", "experiments.train", *flags, "--epochs=3")
    assert done.returncode == 0, done.stderr
    assert [row["epoch"] for row in folder.rows()] == [1, 2, 3]
