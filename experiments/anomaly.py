"""`python -m experiments.anomaly`: the verb of zoo/commands/anomaly.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("anomaly")
