"""`python -m experiments.arithmetic`: the verb of zoo/commands/arithmetic.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("arithmetic")
