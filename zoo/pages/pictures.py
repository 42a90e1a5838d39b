"""Pictures as part of the page's text (data URIs)."""

import base64
import io

from zoo import pixels, plots
from zoo.pages.markup import element

SHARP = 720  # pixels: small images are enlarged to about this width, unsmoothed
GAP = 2  # pixels between images, before that
DPI = 200  # of charts, enough for paper


def image(png, size, alt):
    """The PNG file `png` (bytes) of `size` (width, height), described by `alt`."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return element("img", src=source, width=size[0], height=size[1], alt=alt)


def grid(images, alt, columns=None):
    """Images `[N, H, W, C]`, uint8 or float in [-1, 1], as one picture; `columns` a
    row."""
    picture = pixels.grid(images, columns=columns, padding=GAP)[GAP:-GAP, GAP:-GAP]
    picture = plots.enlarged(picture, SHARP)
    height, width, _ = picture.shape
    return image(pixels.png(picture), (width, height), alt)


def chart(figure, alt):
    """A matplotlib `Figure` as a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    width, height = (round(DPI * inches) for inches in figure.get_size_inches())
    return image(buffer.getvalue(), (width, height), alt)
