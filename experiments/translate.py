"""`python -m experiments.translate`: the verb of zoo/commands/translate.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("translate")
