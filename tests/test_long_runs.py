"""Long runs: what they hold, write and take stays as large as it was."""

import long_run
import pytest

FULL = (pytest.mark.full, pytest.mark.slow)
COUNTS = [
    pytest.param(900, 0.05, marks=pytest.mark.slow),  # memory has hardly warmed up
    pytest.param(20_000, 0.02, marks=FULL),
]
MOST_LOGS = 4 * 2**20  # bytes


@pytest.mark.parametrize("name", ["gan", "ddpm"])
@pytest.mark.parametrize("steps, most", COUNTS)
def test_memory_time_and_files_do_not_grow(steps, most, name, tmp_path):
    memory, seconds, checkpoint, logs = long_run.main(name, steps, tmp_path)
    assert memory < most
    assert seconds < 0.25
    assert checkpoint < 0.01  # as text, the progress has more or fewer digits
    assert logs < MOST_LOGS
