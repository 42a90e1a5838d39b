"""`python -m experiments.gallery`: the verb of zoo/commands/gallery.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("gallery")
