"""What a model is, in words: for `zoo.describe` and the catalogue."""

import dataclasses
import inspect
import re
import textwrap
from typing import Any

from zoo.core import registry
from zoo.core.headers import Header

COLUMNS = 88


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
        settings: {setting: what it means and allows, from the docstring}.
        capabilities: Sorted names of what the model can do.
    """

    name: str
    summary: str
    paper: str
    networks: tuple
    losses: str
    terms: tuple
    config: dict
    settings: dict
    capabilities: tuple

    def __str__(self):
        lines = [
            f"{self.name}: {self.summary}",
            f"  paper         {self.paper}",
            f"  networks      {', '.join(self.networks)}",
            f"  can           {', '.join(self.capabilities)}",
            f"  reports       {', '.join(self.terms)}",
            *(f"  {line}".rstrip() for line in self.losses.splitlines()),
            "  settings",
            *self._settings(),
        ]
        return "\n".join(lines)

    def _settings(self):
        """Yields lines: a setting with its default, and beside it what it means."""
        defaults = {key: f"    {key}={value!r}" for key, value in self.config.items()}
        indent = max(map(len, defaults.values()), default=0) + 2
        for key, text in defaults.items():
            yield from textwrap.wrap(
                self.settings.get(key, ""),
                COLUMNS,
                initial_indent=f"{text:<{indent}}",
                subsequent_indent=" " * indent,
            ) or [text]


def describe(name: str) -> Description:
    """Returns the `Description` of the model called `name`.

    A model that has not been imported is described by the text of its file, without
    Keras; another, such as one of your own, by its class.
    """
    registry.require(name)
    module = registry.file_to_read(name)
    if module is None:
        return description(name, registry.find(name)())
    return description(name, Header(name, module))


def description(name: str, model: Any) -> Description:
    """Returns the `Description` of a model of default settings, or of its `Header`."""
    text = inspect.cleandoc(model.__doc__ or "")
    paragraphs = [*text.split("\n\n"), ""]
    return Description(
        name=name,
        summary=paragraphs[0].rstrip("."),
        paper=model.paper,
        networks=tuple(model.networks),
        losses=paragraphs[1],
        terms=tuple(model.terms),
        config=dict(model.config),
        settings=meanings(text),
        capabilities=tuple(sorted(model.capabilities())),
    )


def meanings(docstring: str) -> dict[str, str]:
    """Returns {setting: text} of the section `Args:` of a docstring."""
    section = re.search(r"^Args:\n((?:    .*\n|\n)+)", docstring + "\n", re.MULTILINE)
    entries = re.findall(
        r"^    (\w+): (.*(?:\n     .*)*)", section[1] if section else "", re.MULTILINE
    )
    return {key: " ".join(text.split()) for key, text in entries}
