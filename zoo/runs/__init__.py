"""A training run: settings, folder, course."""

from zoo.runs.checkpoints import Progress
from zoo.runs.folder import RunFolder

__all__ = ["Progress", "RunFolder"]
