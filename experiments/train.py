"""`python -m experiments.train`: the verb of zoo/commands/train.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("train")
