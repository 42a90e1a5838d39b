"""Checks the flags of a verb before a framework is imported."""

import pathlib
import zipfile

from zoo.commands import recipes


def require_least(verb):
    """Raises ValueError if a number of `verb` is smaller than its flag takes."""
    for name, least in verb.least.items():
        value = verb.flags[name].value
        if value is not None and value < least:
            raise ValueError(f"--{name} is at least {least}. Received: {name}={value}.")


def require_models(verb):
    """Raises ValueError if a flag of `verb` names a model that does not exist."""
    from zoo.core import registry

    for name in values(verb, verb.models):
        registry.require(name)


def require_runs(verb):
    """Raises FileNotFoundError, with the command that would train it, if a flag of
    `verb` names a run that does not exist."""
    from zoo.pretrained import presets

    for name in values(verb, ("weights",) if verb.has_weights else ()):
        presets.require(name)
    # A run that is watched may have saved nothing yet.
    is_watched = "watch" in verb.flags and verb.flags["watch"].value
    _fetch_runs(verb)
    for path in values(verb, _named(verb)):
        if presets.is_name(path) and "init_from" in verb.runs:
            presets.require(path)
            continue
        lack = _lack(pathlib.Path(path))
        if lack and not (is_watched and pathlib.Path(path).is_dir()):
            command = training(path)
            hint = f"; `{command}` trains it" if command else ""
            raise FileNotFoundError(f"{lack}{hint}. Received: {path}.")


def _fetch_runs(verb):
    """Has flags that name models on a hub name their files."""
    from zoo.files import hub

    for name in verb.runs:
        flag = verb.flags[name]
        if isinstance(flag.value, list):
            flag.value = [_fetched(hub, path) for path in flag.value]
        elif flag.value is not None:
            flag.value = _fetched(hub, flag.value)


def _fetched(hub, path):
    return str(hub.fetch(path)) if hub.is_name(path) else path


def _named(verb):
    """The flags that name runs; not --workdir where a preset stands in its place."""
    is_replaced = verb.has_weights and verb.flags["weights"].value
    is_typed = "workdir" in verb.flags and verb.flags["workdir"].present
    left = ("workdir",) if is_replaced and not is_typed else ()
    return [name for name in verb.runs if name not in left]


def _lack(path):
    """Why nothing at `path` can be a model; "" if something may be."""
    if not path.exists():
        return "There is no such file or folder"
    if path.is_file():
        return "" if zipfile.is_zipfile(path) else "The file is no model of the zoo"
    names = ("run.json", "*.keras", "checkpoints/*.keras")
    if any(file for name in names for file in path.glob(name)):
        return ""
    return "The folder holds no finished model (model.keras)"


def require_data(verb):
    """Raises ValueError or FileNotFoundError if the flags of `verb` say a data set that
    cannot be, as far as that is told without opening it."""
    # What a set lacks that is got first is told by the verb that gets it.
    if "background" not in verb.flags or "from" in verb.flags:
        return
    from zoo import data

    where = verb.dataset()
    data.require(where.pop("dataset"), **where)


def require_settings(model, texts):
    """Raises ValueError unless each of `texts` is key=value of a setting that `model`,
    a name or None, has."""
    from zoo.core import registry

    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value. Received: set={text!r}.")
        if model is not None:
            registry.require_setting(model, key, value)


def values(verb, names):
    """Yields the values of the flags called `names`, one at a time."""
    for name in names:
        value = verb.flags[name].value
        yield from [value] if isinstance(value, str) else value or []


def training(path):
    """Returns the command that trains the run `path` if that is named like a recipe or
    MODEL-DATASET, else None."""
    from zoo.core import registry

    name = pathlib.Path(path).name
    model, _, dataset = name.partition("-")
    recipe = recipes.FOLDER / f"{name}.flags"
    if recipe.is_file():
        flags = f"--flagfile={recipes.typed(recipe)}"
    elif model in registry.names() and dataset:
        flags = f"--model={model} --dataset={dataset}"
    else:
        return None
    return f"python -m experiments.train {flags} --workdir={path}"
