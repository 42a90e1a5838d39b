"""Runs that are killed at any moment, and disks that fill up."""

import os
import pathlib
import subprocess
import sys

import pytest
from tiny_runs import TINY

from zoo import archives
from zoo.runs import RunFolder

ROOT = pathlib.Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


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


@pytest.mark.parametrize(
    "count",
    [pytest.param(4, marks=pytest.mark.slow), pytest.param(50, marks=FULL)],
)
def test_a_run_survives_kills_at_any_moment(count, tmp_path):
    done = started(str(ROOT / "tests" / "kills.py"), str(count), str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv = ["train", *sys.argv[2:]]
runpy.run_module("experiments.train", run_name="__main__")
"""


@pytest.mark.slow
def test_a_file_that_cannot_grow_ends_the_run_in_a_sentence(tmp_path):
    flags = [*TINY, f"--workdir={tmp_path}/run", "--image_every=1000"]
    done = started("-m", "experiments.train", *flags, "--epochs=1")
    assert done.returncode == 0, done.stderr
    folder = RunFolder(tmp_path / "run")
    (before,) = folder.saved()
    size = before.stat().st_size
    done = started("-c", LIMITED, str(size * 3 // 4), *flags, "--epochs=3")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and ".keras: File too large" in done.stderr
    assert folder.saved() == [before] and not list(folder.path.rglob(".partial-*"))
    archives.verify(before)
    done = started("-m", "experiments.train", *flags, "--epochs=3")
    assert done.returncode == 0, done.stderr
    assert [row["epoch"] for row in folder.rows()] == [1, 2, 3]
