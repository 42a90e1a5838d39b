"""How docstrings of the zoo are laid out on the site: formulas and sections of its own.

Griffe knows "Args:" and its like, on a line of their own; ours also have "Batch:" and
"Source:", whose text begins on the same line, and formulas, which are indented.
"""

import re

import griffe

OURS = re.compile(r"(Batch|Raises|Reports|Returns|Source|Yields): (?=\S)")
LISTED = re.compile(r"(Args|Attributes|Raises|Returns|Yields):$")


class Layout(griffe.Extension):
    """Lays out the docstring of each object."""

    def on_object(self, *, obj, **_):
        if obj.docstring is not None:
            obj.docstring.value = laid_out(obj.docstring.value)


def laid_out(text):
    """Returns a docstring with the paragraphs that Markdown needs to see."""
    lines, part = [], "words"
    for line in text.splitlines():
        before, part = part, _part(line, part)
        if part != before or OURS.match(line):
            lines.append("")
        if part == "ours":  # an indent would make its further lines a formula
            line = OURS.sub(r"**\1:** ", line).strip()
        lines.append(line)
    return "\n".join(lines)


def _part(line, part):
    """What `line` is a part of, where the line before was one of `part`."""
    if OURS.match(line):
        return "ours"
    if LISTED.match(line):
        return "listed"
    goes_on = not line or line.startswith(" ")
    if part in ("ours", "listed") and goes_on or not line:
        return part
    return "formula" if goes_on else "words"
