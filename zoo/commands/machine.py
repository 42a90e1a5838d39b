"""Facts about the machine: its processor, other work on it, the memory of a process."""

import contextlib
import os
import pathlib
import platform
import re

# Files of Linux; other systems do not have them.
CPUINFO, COUNTERS = pathlib.Path("/proc/cpuinfo"), pathlib.Path("/proc/stat")
STATUS, RESET = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


def processor():
    """Returns the name of the processor."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def has_bfloat16():
    """Whether the processor has instructions for bfloat16. Without them it takes
    several times as long as float32. True if the system does not say."""
    if not CPUINFO.exists():
        return True
    flags = re.search(
        r"^(?:flags|Features)\s*:(.*)$", CPUINFO.read_text(), re.MULTILINE
    )
    return not flags or bool(BFLOAT16 & set(flags[1].split()))


def busy_seconds():
    """Returns the CPU time that all processes have used so far; 0 if the system does
    not say."""
    if not COUNTERS.exists():
        return 0.0
    user, nice, system = COUNTERS.read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def forget_peak():
    """Resets `peak_memory` of this process, if the system can."""
    with contextlib.suppress(OSError):
        RESET.write_text("5")


def peak_memory():
    """Returns the most memory in MB that this process held at once; NaN if the system
    does not say."""
    if not STATUS.exists():
        return float("nan")
    return int(re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())[1]) / 1024
