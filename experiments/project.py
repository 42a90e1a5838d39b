"""`python -m experiments.project`: the verb of zoo/commands/project.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("project")
