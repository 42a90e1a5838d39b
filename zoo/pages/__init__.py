"""Self-contained HTML pages: skeleton, tables, pictures inside the file.

    pages.page("Title", pages.section("Samples", pages.gallery(figure, figure)))

Pure functions. Whatever is no `Html` is text and is escaped, so a folder called
`<script>` appears by that name. A page loads nothing: style and pictures are in it, and
its policy tells the browser to ask nobody for more.
"""

from zoo.pages.markup import Html, element, escape
from zoo.pages.parts import (
    bullets,
    contents,
    figure,
    gallery,
    legend,
    missing,
    page,
    paragraph,
    row,
    section,
    table,
)
from zoo.pages.pictures import chart, grid, image

__all__ = [
    "Html",
    "bullets",
    "chart",
    "contents",
    "element",
    "escape",
    "figure",
    "gallery",
    "grid",
    "image",
    "legend",
    "missing",
    "page",
    "paragraph",
    "row",
    "section",
    "table",
]
