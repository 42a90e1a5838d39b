"""`python -m experiments.evaluate`: the verb of zoo/commands/evaluate.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("evaluate")
