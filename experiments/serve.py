"""`python -m experiments.serve`: the verb of zoo/commands/serve.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("serve")
