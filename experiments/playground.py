"""`python -m experiments.playground`: the verb of zoo/commands/playground.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("playground")
