"""`python -m experiments.verify`: the verb of zoo/commands/verify.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("verify")
