"""What comes in: its fields, its range, its checks."""

from zoo.inputs.checks import *  # noqa: F403
