"""Where the recipes lie, which are files of flags."""

import pathlib

_PACKAGE = pathlib.Path(__file__).parents[1]
_CLONE = _PACKAGE.parent / "experiments" / "recipes"
# `pip install .` puts the folder into the package: `package_dir` of setup.py.
_INSTALLED = _PACKAGE / "recipes"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _CLONE


def typed(file):
    """Returns the path of a recipe as one types it: from the root of a clone, or in
    full where the zoo is installed."""
    root = FOLDER.parents[1]
    return (file.relative_to(root) if FOLDER == _CLONE else file).as_posix()
