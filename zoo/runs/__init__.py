"""A training run: settings, folder, course."""

from zoo.runs.folder import Progress, RunFolder

__all__ = ["Progress", "RunFolder"]
