"""`python -m experiments.attention`: the verb of zoo/commands/attention.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("attention")
