"""`python -m experiments.reproduce`: the verb of zoo/commands/reproduce.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("reproduce")
