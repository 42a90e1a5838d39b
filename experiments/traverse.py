"""`python -m experiments.traverse`: the verb of zoo/commands/traverse.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("traverse")
