"""`python -m experiments.compare`: the verb of zoo/commands/compare.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("compare")
