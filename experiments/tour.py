"""`python -m experiments.tour`: the verb of zoo/commands/tour.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("tour")
