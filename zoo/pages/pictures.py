"""Pictures as part of the page's text (data URIs)."""

import base64
import html
import io
import re

from zoo.drawing import plots
from zoo.inputs import pixels
from zoo.pages.markup import element

SHARP = 720  # pixels; small images are enlarged to about this width, without smoothing
GAP = 2  # pixels between images, before that
DPI = 200  # of charts; enough for paper where a chart has thousands of points
# Words of charts stay words, so that the page can translate them. Names within the file
# depend on nothing but what is drawn.
WORDS = {"svg.fonttype": "none", "svg.hashsalt": "zoo"}


def image(content, size, alt, kind="png"):
    """A file (bytes) of the type image/`kind` and of `size` (width, height), described
    by `alt`."""
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
    return element("img", src=source, width=size[0], height=size[1], alt=alt)


def grid(images, alt, columns=None):
    """Images `[N, H, W, C]`, uint8 or float in [-1, 1], as one picture, with so
    many `columns`."""
    picture = pixels.grid(images, columns=columns, padding=GAP)[GAP:-GAP, GAP:-GAP]
    picture = plots.enlarged(picture, SHARP)
    height, width, _ = picture.shape
    return image(pixels.png(picture), (width, height), alt)


def chart(figure, alt, translated=str):
    """A matplotlib `Figure` as a picture (SVG).

    Args:
        figure: The figure.
        alt: What it shows.
        translated: Function of a label that returns its words on the page.
    """
    from matplotlib import rc_context  # takes a second to import

    buffer = io.StringIO()
    with rc_context(WORDS):
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None})

    def words(label):
        return f">{html.escape(translated(html.unescape(label[1])))}</text>"

    content = re.sub("(?<=[^/])>([^<]+)</text>", words, buffer.getvalue())
    size = (round(DPI * inches) for inches in figure.get_size_inches())
    return image(content.encode(), tuple(size), alt, "svg+xml")
