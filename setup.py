"""Builds the package: pyproject.toml says what it is, this file which folders it has.

The recipes lie beside the doors in experiments/, and are installed within the package:
pyproject.toml cannot both search for packages and name one that lies elsewhere.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["zoo*"]), "zoo.recipes"],
    package_dir={"zoo.recipes": "experiments/recipes"},
)
