"""Tests that long runs do not come to need more memory, disk or time."""

import long_run
import pytest

FULL = (pytest.mark.full, pytest.mark.slow)
COUNTS = [
    # The limits are wide: memory still grows at the start, and epochs take half a
    # second.
    pytest.param(900, 0.05, 1.0, marks=pytest.mark.slow),
    pytest.param(20_000, 0.02, 0.1, marks=FULL),
]
MOST_LOGS = 4 * 2**20  # bytes


@pytest.mark.parametrize("name", ["gan", pytest.param("ddpm", marks=FULL)])
@pytest.mark.parametrize("steps, more_memory, more_time", COUNTS)
def test_memory_time_and_files_do_not_grow(
    steps, more_memory, more_time, name, tmp_path
):
    memory, seconds, checkpoint, logs = long_run.main(name, steps, tmp_path)
    assert memory < more_memory
    assert seconds < more_time
    assert checkpoint < 0.01  # the progress is text and may have more or fewer digits
    assert logs < MOST_LOGS
