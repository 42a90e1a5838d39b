"""Files that appear complete or not at all, and loading that counts every variable."""

import contextlib
import json
import os
import pathlib
import tempfile
import warnings
import zipfile

import h5py

from zoo import registry


@contextlib.contextmanager
def replaced(path):
    """Yields a temporary sibling of `path` (same suffix), which then replaces it:
    synced and renamed on success, removed on failure. Keras itself writes in place."""
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no such folder. Received: {path.parent}.")
    handle, temporary = tempfile.mkstemp(
        prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
    )
    os.close(handle)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's are for the owner alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load(path):
    """Returns the model of a `.keras` file or of a run folder (its `model.keras`).

    Only names and numbers are read: the class comes from the registry, the optimizers
    are Keras' own, and no code of the file runs.

    Raises: ValueError: if the file is not a zoo model, or a variable is missing or left
        over. FileNotFoundError: if there is none.
    """
    file = _find(pathlib.Path(path))
    config = _read_config(file)
    model = registry.find(config["name"])(**config["config"])
    if not config.get("build_config"):
        raise ValueError(f"The file holds a model without weights. Received: {file}.")
    if config.get("compile_config"):
        model.compile_from_config(config["compile_config"])
    model.build_from_config(config["build_config"])
    load_weights(model, file)
    return model


def _find(path):
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


def _read_config(file):
    try:
        with zipfile.ZipFile(file) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(
            f"The file is no complete .keras file ({error}). Received: {file}."
        ) from None
    package, _, name = str(config.get("registered_name")).partition(">")
    if package != "zoo":
        raise ValueError(f"The file holds no model of the zoo. Received: {file}.")
    return config | {"name": name}


def load_weights(model, file):
    """Loads all variables of `model` from a `.keras` file, and checks that the file
    holds exactly these."""
    expected, found = _variables_of(model), _listing(file)
    if expected != found:
        missing, extra = sorted(expected - found), sorted(found - expected)
        raise ValueError(
            f"The file's variables are not the model's: {len(missing)} missing"
            f"{_first(missing)}, {len(extra)} left over{_first(extra)}. "
            f"Received: {file}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras drops optimizer state with a warning
        try:
            model.load_weights(file)
        except (UserWarning, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{reason} Received: {file}.") from None


def _first(names):
    return f" (e.g. {names[0]})" if names else ""


def _variables_of(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.weights.h5")
        model.save_weights(path)
        with h5py.File(path) as file:
            return _datasets(file)


def _listing(path):
    try:
        with zipfile.ZipFile(path) as archive:
            with (
                archive.open("model.weights.h5") as weights,
                h5py.File(weights) as file,
            ):
                return _datasets(file)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"The file is damaged ({error}). Received: {path}.") from None


def _datasets(file):
    """Returns {"path shape"} of all datasets."""
    found = set()

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found.add(f"{name} {list(item.shape)}")

    file.visititems(visit)
    return found
