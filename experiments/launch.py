"""`python -m experiments.launch`: the verb of zoo/commands/launch.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("launch")
