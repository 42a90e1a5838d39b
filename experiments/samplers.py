"""`python -m experiments.samplers`: the verb of zoo/commands/samplers.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("samplers")
