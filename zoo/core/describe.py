"""What a model is, in words: for `zoo.describe` and the catalogue."""

import dataclasses

from zoo.core import registry


@dataclasses.dataclass(frozen=True)
class Description:
    """A model's facts; printed, a page of text.

    Attributes:
        name: Registry name.
        summary: One line.
        paper: Authors, year, arXiv number.
        networks: Names of the networks, in the order of play.
        losses: What each network descends, in plain text, from the docstring.
        terms: What training reports.
        config: {setting: default}.
        capabilities: Sorted names of what the model can do.
    """

    name: str
    summary: str
    paper: str
    networks: tuple
    losses: str
    terms: tuple
    config: dict
    capabilities: tuple

    def __str__(self):
        lines = [
            f"{self.name}: {self.summary}",
            f"  paper         {self.paper}",
            f"  networks      {', '.join(self.networks)}",
            f"  can           {', '.join(self.capabilities)}",
            f"  reports       {', '.join(self.terms)}",
            "  settings      "
            + ", ".join(f"{key}={value!r}" for key, value in self.config.items()),
            *(f"  {line}".rstrip() for line in self.losses.splitlines()),
        ]
        return "\n".join(lines)


def describe(name):
    """Returns the `Description` of the model called `name`."""
    cls = registry.find(name)
    model = cls()
    paragraphs = _docstring(cls).split("\n\n")
    return Description(
        name=name,
        summary=paragraphs[0].rstrip("."),
        paper=cls.paper,
        networks=cls.networks,
        losses=paragraphs[1],
        terms=tuple(model.terms),
        config=dict(model.config),
        capabilities=tuple(sorted(cls.capabilities())),
    )


def _docstring(cls):
    lines = cls.__doc__.strip().splitlines()
    return "\n".join([lines[0], *(line[4:] for line in lines[1:])])
