"""Tests what is reported about the processor."""

import pytest

from zoo.commands import machine


@pytest.mark.parametrize(
    "lines, has",
    [
        ("flags\t\t: fpu avx2 avx512_bf16 fma\n", True),
        ("flags\t\t: fpu avx2 fma\n", False),
        ("Features\t: fp asimd bf16\n", True),
        ("Features\t: fp asimd\n", False),
        ("processor\t: 0\n", True),  # the file does not say it
    ],
)
def test_whether_the_processor_has_bfloat16(tmp_path, monkeypatch, lines, has):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    machine.CPUINFO.write_text(f"model name\t: A Processor\n{lines}")
    assert machine.has_bfloat16() is has


def test_a_system_without_the_file_does_not_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    assert machine.has_bfloat16()
