"""`python -m experiments.request`: the verb of zoo/commands/request.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("request")
