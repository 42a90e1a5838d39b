"""Long runs: what they hold, write and take stays as large as it was."""

import long_run
import pytest

FULL = (pytest.mark.full, pytest.mark.slow)
COUNTS = [
    # Memory has hardly warmed up, and what is timed are epochs of half a second.
    pytest.param(1_350, 0.05, 1.0, marks=pytest.mark.slow),
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
    assert checkpoint < 0.01  # as text, the progress has more or fewer digits
    assert logs < MOST_LOGS
