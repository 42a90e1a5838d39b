"""`python -m experiments.benchmark`: the verb of zoo/commands/benchmark.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("benchmark")
