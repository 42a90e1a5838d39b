"""Where a page can be written."""

import pathlib

from zoo.runs.folder import require_folder


def require_place(path):
    """Raises ValueError or PermissionError unless a page can be written to `path`."""
    path = pathlib.Path(path)
    if path.suffix != ".html" or path.is_dir():
        raise ValueError(f"The page is a .html file. Received: {path}.")
    require_folder(path.parent)
