"""`python -m experiments.publish`: the verb of zoo/commands/publish.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("publish")
