"""Files that appear complete or not at all, and loading that counts every variable."""

import io
import os
import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

import h5py
import keras
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

from zoo.core import registry
from zoo.files import archives, hub

# Counts and seeds: which one a backend of Keras takes is its own affair, and each
# converts what another has written.
WHOLE = ("int32", "int64", "uint32")


def write(
    model: keras.Model,
    file: str | os.PathLike,
    members: Mapping[str, str] | None = None,
) -> None:
    """Writes a model's `.keras` file in place, with checksums; the texts of `members`,
    {name: text}, become members of the archive."""
    _remember_what_is_skipped()
    keras.Model.save(model, file)
    archives.seal(file, dict(members or {}))


def _remember_what_is_skipped():
    """Has Keras remember the attributes that its walk through a model passes over.

    Keras 3.15 stores them as "skipset" and looks for them as "skiplist": it would make
    an optimizer of its own for each optimizer that is saved, and of its variables
    TensorFlow keeps 70 kB for ever.
    """
    for kind in ("Layer", "Functional", "Metric", "Optimizer"):
        name = f"saving_attr_skiplist_{kind}"
        if global_state.get_global_attribute(name) is None:
            skipped = saving_lib.get_attr_skipset(kind)
            global_state.set_global_attribute(name, skipped)


def load(path: str | os.PathLike) -> keras.Model:
    """Returns the model of a `.keras` file, of a run folder (its `model.keras`), or of
    a hub ("hf://USER/REPO", see `zoo.files.hub`).

    Only names and numbers are read: the class comes from the registry, the optimizers
    are Keras' own, and no code of the file runs.

    Raises: ValueError: if the file is not a zoo model, is damaged, or a variable is
        missing or left over. FileNotFoundError: if there is none.
    """
    path = hub.fetch(str(path)) if hub.is_name(path) else path
    file = file_of(pathlib.Path(path))
    archives.verify(file)
    config = archives.config(file)
    try:
        model = registry.find(config["name"])(**config["config"])
        if config["compile_config"]:
            model.compile_from_config(config["compile_config"])
        model.build_from_config(config["build_config"])
    except ValueError:
        raise
    except Exception as error:  # numbers that no network can be made of
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"The settings in the file make no model ({reason[0]}). Received: {file}."
        ) from None
    load_weights(model, file)
    return model


def file_of(path: pathlib.Path) -> pathlib.Path:
    """Returns the `.keras` file that a path means: itself, or that of a run folder."""
    if path.is_dir():
        for name in ("model.keras", "model.best.keras"):
            if (path / name).is_file():
                return path / name
        raise FileNotFoundError(
            f"The folder holds no finished model (model.keras). Received: {path}."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file or folder. Received: {path}.")
    return path


def load_weights(model: keras.Model, file: pathlib.Path) -> None:
    """Loads all variables of `model` from a `.keras` file, and checks that the file
    holds exactly these."""
    expected, stored = _variables_of(model), _listing(file)
    if expected != stored:
        missing, extra = sorted(expected - stored), sorted(stored - expected)
        raise ValueError(
            f"The file's variables are not the model's: {len(missing)} missing"
            f"{_first(missing)}, {len(extra)} left over{_first(extra)}. "
            f"Received: {file}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras drops optimizer state with a warning
        try:
            model.load_weights(file)
        except (UserWarning, *archives.DAMAGE) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{reason} Received: {file}.") from None


def _first(names):
    return f" (e.g. {names[0]})" if names else ""


class _Memory(io.BytesIO):
    """A file of weights that lies on no disk: were the disk full, HDF5 would end the
    process. Keras looks at its name alone."""

    def __str__(self):
        return "model.weights.h5"


def _variables_of(model):
    memory = _Memory()
    model.save_weights(memory)
    with h5py.File(memory) as file:
        return _datasets(file)


def _listing(path):
    with archives.weights(path) as weights, h5py.File(weights) as file:
        return _datasets(file)


def _datasets(file):
    """Returns {"path shape dtype"} of all datasets; what is no array in this very file
    (a link, a dataset whose values lie elsewhere) is named as such."""
    listing = set()

    def visit(name, link):
        if not isinstance(link, h5py.HardLink):
            listing.add(f"{name} (a link)")
            return
        item = file[name]
        if isinstance(item, h5py.Dataset):
            elsewhere = " (elsewhere)" * bool(item.external or item.is_virtual)
            kind = "int" if item.dtype in WHOLE else item.dtype
            listing.add(f"{name} {list(item.shape or ())} {kind}{elsewhere}")

    file.visititems_links(visit)
    return listing


def with_parts(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings `config` of a class with trained models in the place of
    their paths: files or run folders."""
    paths = {
        name: config[name]
        for name in registry.part_names(cls)
        if isinstance(config.get(name), (str, pathlib.PurePath))
    }
    return config | {name: load(path) for name, path in paths.items()}
