"""Trains recipes one after the other; the same command goes on where it stopped."""

import pathlib
import sys

import experiments
from experiments import processes

RECIPES = pathlib.Path(__file__).parent / "recipes"
VERB = experiments.Verb(
    "reproduce",
    __doc__.strip(),
    "python -m experiments.reproduce --recipes=gan-fashion_mnist,wgan-fashion_mnist",
)
VERB.group("What")
VERB.define("list", "recipes", ["all"], "Files of experiments/recipes, without .flags.")
VERB.define("list", "seeds", ["0"], "Seeds, each a run of its own.")
VERB.group("Where")
VERB.define(
    "string", "runs", "runs", "Folder of the runs: RECIPE, RECIPE-seed1 for seed 1, ..."
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


def folder(runs, name, seed):
    """The run folder of a recipe and a seed, both texts, within `runs`."""
    return pathlib.Path(runs) / (name if seed == "0" else f"{name}-seed{seed}")


def run(name, seed, number, runs):
    """Trains one recipe in a process of its own; returns the exit code."""
    recipe = RECIPES / f"{name}.flags"
    if recipe.is_relative_to(pathlib.Path.cwd()):  # as it is typed, in run.json too
        recipe = recipe.relative_to(pathlib.Path.cwd())
    flags = [f"--flagfile={recipe}", f"--seed={seed}"]
    return processes.train(flags, folder(runs, name, seed), number)


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
