"""Trains recipes one after the other; the same command goes on where it stopped."""

import pathlib
import re

from zoo import commands
from zoo.commands import processes, recipes, train

RECIPES = recipes.FOLDER
VERB = commands.Verb(
    "reproduce",
    __doc__.strip(),
    "python -m experiments.reproduce --recipes=gan-fashion_mnist,wgan-fashion_mnist",
)
VERB.group("What")
VERB.define("list", "recipes", ["all"], "Files of experiments/recipes, without .flags.")
VERB.define("list", "seeds", ["0"], "Seeds, each a run of its own.")
VERB.group("Where")
VERB.define(
    "string",
    "runs",
    "runs",
    "Folder of the runs: recipe-NAME, recipe-NAME-seed1 for seed 1, ...",
)


def main():
    known = sorted(file.stem for file in RECIPES.glob("*.flags"))
    wanted = known if VERB.flags.recipes == ["all"] else VERB.flags.recipes
    seeds = VERB.flags.seeds
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"There is no such recipe; there are {', '.join(known)}. "
                f"Received: {name!r}."
            )
    if not seeds or not all(seed.isdecimal() for seed in seeds):
        raise ValueError(
            "--seeds takes whole numbers from 0, e.g. 0,1. "
            f"Received: seeds={','.join(seeds)}."
        )
    jobs = [(name, seed) for seed in seeds for name in wanted]
    runs = VERB.flags.runs
    return max(run(*job, f"{n}/{len(jobs)}", runs) for n, job in enumerate(jobs, 1))


def folder(runs, recipe, seed="0"):
    """Returns the run folder, within `runs`, of a recipe and a seed, both texts.

    It is recipe-NAME. The recipe of the run without flags has NAME; so has a run that
    an earlier version trained by its recipe there, until there is the other.
    """
    name = recipe if seed == "0" else f"{recipe}-seed{seed}"
    place, plain = (pathlib.Path(runs, each) for each in (f"recipe-{name}", name))
    if recipe == train.RECIPE.stem or (not place.exists() and _is_by(recipe, plain)):
        return plain
    return place


def folders(runs, recipe):
    """Returns the run folders of a recipe: of seed 0, and of all others that are
    there."""
    within = pathlib.Path(runs)
    others = [*within.glob(f"{recipe}-seed*"), *within.glob(f"recipe-{recipe}-seed*")]
    seeds = sorted({path.name.rpartition("-seed")[2] for path in others})
    return [folder(runs, recipe, seed) for seed in ("0", *seeds)]


def recipe_of(path):
    """Returns the recipe of which a folder is the run of seed 0, or None."""
    recipe = path.name.removeprefix("recipe-")
    is_known = (RECIPES / f"{recipe}.flags").is_file()
    return recipe if is_known and folder(path.parent, recipe) == path else None


def _is_by(recipe, path):
    """Whether the run in a folder was trained by a recipe, as its command tells: a
    training of the same model and data without it has the same folder."""
    record = path / "run.json"
    if not record.is_file():
        return False
    return bool(re.search(rf"[/=]{re.escape(recipe)}\.flags\b", record.read_text()))


def run(name, seed, number, runs):
    """Trains one recipe in a process of its own; returns the exit code."""
    recipe = RECIPES / f"{name}.flags"
    # Run.json then has the path as it is typed.
    if recipe.is_relative_to(pathlib.Path.cwd()):
        recipe = recipe.relative_to(pathlib.Path.cwd())
    flags = [f"--flagfile={recipe}", f"--seed={seed}"]
    return processes.train(flags, folder(runs, name, seed), number)
