"""Starts verbs as a user types them, in a process of their own or within this one."""

import os
import pathlib
import subprocess
import sys

from zoo import commands

ROOT = pathlib.Path(__file__).parents[1]


def start(verb, *flags, cwd):
    """Starts a command in a new process; returns its `Popen`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # a user's machine does not set it
    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{verb}", *flags],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def typed(verb, *flags, cwd, timeout=600):
    """Returns the output of a command that succeeds."""
    process = start(verb, *flags, cwd=cwd)
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    assert err == ""
    return out


def called(verb, *flags):
    """Returns the exit code of the same command within this process, which saves the
    imports."""
    return commands.start(verb.VERB, verb.main, [verb.VERB.name, *flags])
