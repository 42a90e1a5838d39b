"""Several trained models on one data set, side by side on one page.

entries = comparison.find(["runs/vae-digits", "runs/gan-digits"])
comparison.measure(entries, evaluation.Options(), evaluation.Stages())
comparison.write(entries, "compare.html", seed=0)
"""

import pathlib

from zoo import pages
from zoo.files.atomic import replaced
from zoo.pages.comparison import pictures, tables
from zoo.pages.comparison.entries import Entry, find, measure
from zoo.pages.comparison.pictures import side_by_side
from zoo.pages.places import require_place

__all__ = [
    "Entry",
    "find",
    "measure",
    "page",
    "require_place",
    "side_by_side",
    "write",
]


def write(entries, path, seed=0):
    """Writes the page, into a new folder if need be; see `page`."""
    text = page(entries, seed)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary:
        pathlib.Path(temporary).write_text(text)


def page(entries, seed=0):
    """Returns the comparison as the text of an HTML file.

    Args:
        entries: Measured `Entry`s of one data set.
        seed: Sample i is the image of `seed + i`.
    Raises: ValueError: if the models were not measured by one protocol.
    """
    material = pictures.Material.of(entries[0].subject, seed)
    sections = (
        pages.section(section.title, *section.parts(entries, material))
        for section in pictures.SECTIONS
    )
    labels = ", ".join(entry.label for entry in entries)
    return pages.page(
        f"{labels} on {entries[0].subject.dataset}",
        *sections,
        pages.section("Scores", *tables.scores(entries)),
        pages.section("Models", *tables.models(entries)),
        pages.section("Learning curves", *pictures.curves(entries)),
    )
