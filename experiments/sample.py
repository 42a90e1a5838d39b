"""`python -m experiments.sample`: the verb of zoo/commands/sample.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("sample")
