"""`python -m experiments.gpu`: the verb of zoo/commands/gpu.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("gpu")
