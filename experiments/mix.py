"""`python -m experiments.mix`: the verb of zoo/commands/mix.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("mix")
