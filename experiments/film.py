"""`python -m experiments.film`: the verb of zoo/commands/film.py."""

from zoo import commands

if __name__ == "__main__":
    commands.enter("film")
