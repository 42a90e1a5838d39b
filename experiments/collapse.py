"""`python -m experiments.collapse`: the verb of zoo/commands/collapse.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("collapse")
