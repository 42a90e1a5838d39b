"""Doors: `python -m experiments.VERB` is `zoo VERB`. The verbs lie in zoo/commands/."""
