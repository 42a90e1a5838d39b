"""`python -m experiments.prepare`: the verb of zoo/commands/prepare.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("prepare")
