"""`python -m experiments.interpolate`: the verb of zoo/commands/interpolate.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("interpolate")
