"""`python -m experiments.extractor`: the verb of zoo/commands/extractor.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("extractor")
