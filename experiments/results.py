"""`python -m experiments.results`: the verb of zoo/commands/results.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("results")
