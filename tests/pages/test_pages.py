"""Tests pages: everything is escaped, and everything is inside the file."""

import base64
import io
import re
import xml.etree.ElementTree

import numpy as np
import pytest
import tiny
from PIL import Image

from zoo import pages

pytestmark = pytest.mark.any_backend
HOSTILE = '<script>alert("1")</script>'


def pictures(text):
    """Returns the pictures in a page, decoded; a chart is returned as the root of its
    SVG."""
    sources = re.findall(r'src="data:image/(png|svg\+xml);base64,([^"]+)"', text)
    assert len(sources) == text.count("<img")
    return [decoded(kind, base64.b64decode(each)) for kind, each in sources]


def decoded(kind, content):
    if kind == "png":
        return Image.open(io.BytesIO(content))
    return xml.etree.ElementTree.fromstring(content)


def words(chart):
    """Returns the texts of a chart, in order."""
    return [element.text for element in chart.iter() if element.tag.endswith("}text")]


@pytest.mark.parametrize(
    "part",
    [
        pages.section(HOSTILE),
        pages.paragraph(HOSTILE),
        pages.bullets([HOSTILE]),
        pages.missing(HOSTILE, HOSTILE),
        pages.figure(pages.image(b"", (1, 1), HOSTILE), HOSTILE, HOSTILE),
        pages.legend({HOSTILE: HOSTILE}),
        pages.table([HOSTILE], [pages.row(HOSTILE, [HOSTILE], [HOSTILE], HOSTILE)]),
        pages.table([], [], HOSTILE),
        pages.page(HOSTILE),
    ],
)
def test_a_hostile_text_appears_as_text(part):
    assert "<script" not in part
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;" in part


def test_markup_is_escaped_once():
    inner = pages.element("b", "1 < 2 & 3")
    assert pages.paragraph(inner, " > 0") == "<p><b>1 &lt; 2 &amp; 3</b> &gt; 0</p>"


def test_a_page_asks_no_host_for_anything():
    text = pages.page("A page", pages.grid(tiny.images(4), "four"), lang="ja")
    assert text.startswith('<!DOCTYPE html>\n<html lang="ja">')
    assert "default-src &#x27;none&#x27;; img-src data:" in text
    assert "<script" not in text and "@import" not in text and "url(" not in text
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources and all(source.startswith("data:") for source in sources)


def test_a_grid_is_the_images_enlarged_without_smoothing():
    (picture,) = pictures(pages.grid(tiny.images(6), "six", columns=3))
    width, height = 3 * 8 + 2 * 2, 2 * 8 + 2
    factor = picture.width // width
    assert factor > 10
    assert picture.size == (factor * width, factor * height)
    shrunk = np.asarray(picture)[::factor, ::factor]
    np.testing.assert_array_equal(shrunk[:8, :8], tiny.images(6)[0, ..., 0])
    np.testing.assert_array_equal(shrunk[-8:, -8:], tiny.images(6)[5, ..., 0])


def test_a_chart_tells_its_size_and_is_the_same_each_time():
    from matplotlib.figure import Figure

    text = pages.chart(Figure(figsize=(2, 1)), "nothing")
    (picture,) = pictures(text)
    assert 'width="400" height="200"' in text
    assert picture.get("viewBox") == "0 0 144 72"
    assert text == pages.chart(Figure(figsize=(2, 1)), "nothing")


def test_the_words_of_a_chart_are_told_as_words():
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().set(xlabel="a & b", ylabel="steps", title=HOSTILE)
    (chart,) = pictures(pages.chart(figure, "lines"))
    assert {"a & b", "steps", HOSTILE} <= set(words(chart))
    others = {"a & b": "<甲>", "steps": "段"}
    translate = lambda label: others.get(label, label)  # noqa: E731
    (translated,) = pictures(pages.chart(figure, "lines", translate))
    assert words(translated) == [others.get(word, word) for word in words(chart)]


def test_cells_know_their_columns_and_lack_nothing_silently():
    columns = ["a", "b", "c"]
    row = pages.row("score", columns, ["1", None, ""], best=(0,))
    assert '<td data-label="a"><strong>1</strong></td>' in row
    assert '<td data-label="b"><span class="none">n/a</span></td>' in row
    assert '<td data-label="c"></td>' in row
    with pytest.raises(ValueError):
        pages.row("score", columns, ["1"])
