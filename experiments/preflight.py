"""Checks the flags of a verb before a framework is imported."""

import pathlib

RECIPES = pathlib.Path(__file__).parent / "recipes"


def require_models(verb):
    """Raises ValueError if a flag of `verb` names a model that does not exist."""
    from zoo.core import registry

    for name in values(verb, verb.models):
        registry.require(name)


def require_runs(verb):
    """Raises FileNotFoundError, with the command that would train it, if a flag of
    `verb` names a run that does not exist."""
    for path in values(verb, verb.runs):
        if not pathlib.Path(path).exists():
            command = training(path)
            hint = f"; `{command}` trains it" if command else ""
            raise FileNotFoundError(
                f"There is no such file or folder{hint}. Received: {path}."
            )


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
    if (RECIPES / f"{name}.flags").is_file():
        flags = f"--flagfile=experiments/recipes/{name}.flags"
    elif model in registry.names() and dataset:
        flags = f"--model={model} --dataset={dataset}"
    else:
        return None
    return f"python -m experiments.train {flags} --workdir={path}"
