"""The parts of a page, each a function from texts and pictures to `Html`."""

import base64
import hashlib
import pathlib

from zoo.pages.markup import Html, element, escape

STYLE = pathlib.Path(__file__).with_name("page.css")
# Browsers ask no host for anything, whatever a page may hold.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title, *content, lang="en", script=None):
    """Returns the text of a whole HTML file.

    Args:
        title: Of the window, and the heading.
        content: Parts of the page, in order.
        lang: Language of the texts, such as "ja".
        script: JavaScript that runs at the end of the page; no other one does, for the
            policy names its checksum.
    """
    policy = POLICY
    if script is not None:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
        content = (*content, element("script", Html(script)))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width"),
        element("link", rel="icon", href="data:,"),  # without it, browsers ask for one
        element("title", title),
        element("style", Html(STYLE.read_text())),
    )
    body = element("body", element("main", element("h1", title), *content))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang=lang)}\n"


def section(title, *content, id=None):
    """A heading and what belongs to it; links lead to its `id`."""
    return element("section", element("h2", title), *content, id=id)


def contents(links, label):
    """A bar of links that stays at the top of the window; {address: text}."""
    each = (element("a", text, href=address) for address, text in links.items())
    return element("nav", *each, class_="contents", aria_label=label)


def paragraph(*content, note=False):
    """A paragraph; a `note` is small."""
    return element("p", *content, class_="note" if note else None)


def bullets(items):
    """A list of texts or `Html`."""
    return element("ul", *(element("li", item) for item in items))


def gallery(*figures, width="medium"):
    """Figures side by side, as many as fit.

    Args:
        width: Of each: "small", "medium", "large", or "wide" for one below the other.
    """
    return element("div", *figures, class_=f"gallery {width}")


def figure(picture, caption, note=None):
    """A picture under its caption, with a note below it."""
    below = None if note is None else paragraph(note, note=True)
    return element("figure", element("figcaption", caption), picture, below)


def missing(caption, reason):
    """A figure without a picture: the reason stands in its place."""
    return figure(element("p", reason, class_="missing"), caption)


def table(columns, rows, caption=None, kind=None):
    """A table; on a narrow screen each row becomes a block with labelled cells.

    Args:
        columns: Titles of the columns after the first, which titles the rows.
        rows: What `row` returns for the same columns.
        kind: Its class in page.css, if it is of a kind of its own.
    """
    titles = (element("th", column, scope="col") for column in columns)
    head = element("tr", element("td"), *titles)
    title = None if caption is None else element("caption", caption)
    parts = (title, element("thead", head), element("tbody", *rows))
    return element("table", *parts, class_=kind)


def row(title, columns, cells, note=None, best=(), detail=False):
    """A row of a table.

    Args:
        title: What the row is about; `note`: small text after it.
        columns: As for the table; a narrow screen repeats them next to the cells.
        cells: One for each column; None where there is nothing to say.
        best: Numbers of the cells to mark.
        detail: Whether the row belongs to the one above it.
    """
    elements = []
    for number, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        text = element("span", "n/a", class_="none") if cell is None else escape(cell)
        marked = element("strong", text) if number in best else text
        elements.append(element("td", marked, data_label=column))
    kind = "detail" if detail else None
    small = None if note is None else element("small", f" {note}")
    return element(
        "tr", element("th", title, small, scope="row"), *elements, class_=kind
    )


def legend(colours):
    """What colours mean; {name: colour as CSS writes it}."""
    chips = (
        element("span", element("i", style=f"background:{colour}"), name)
        for name, colour in colours.items()
    )
    return element("p", *chips, class_="legend")
