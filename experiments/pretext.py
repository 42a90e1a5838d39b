"""`python -m experiments.pretext`: the verb of zoo/commands/pretext.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("pretext")
