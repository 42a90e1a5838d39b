"""`python -m experiments.export`: the verb of zoo/commands/export.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("export")
