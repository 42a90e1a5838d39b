"""Fashion-MNIST with captions by template: what it is, its tone and its width."""

from typing import Any

import numpy as np

from zoo.data import arguments
from zoo.data.sources import borrowed

NUM_TRAIN, NUM_TEST = 60_000, 10_000
THINGS = (  # the classes as they are said
    *("T-shirt", "pair of trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
GARMENT = 50  # level from which a pixel belongs to the garment, not to the ground
# The thirds of the 54,000 training pictures, as near as whole pixels come, so that each
# word is true of one in three and the middle third is called neither. Tone is the mean
# level of the garment's pixels; width is that of its box divided by the height, and
# wide is what is wide for its class: by one measure for all, each sneaker would be wide
# and each dress narrow.
TONES = (150.0, 188.5)
WIDTHS = (
    *((0.76, 0.83), (0.39, 0.42), (0.72, 0.78), (0.47, 0.58), (0.71, 0.75)),
    *((1.48, 2.30), (0.74, 0.79), (2.01, 2.34), (0.93, 1.35), (1.22, 1.45)),
)
TONE_WORDS, WIDTH_WORDS = ("dark", "", "bright"), ("narrow", "", "wide")


class Captioned(borrowed.Borrowing):
    """`captioned:fashion_mnist`: images and labels as in `fashion_mnist`, and captions.

    Args:
        which: "fashion_mnist".
        data_dir, build: As for `zoo.data.open`, of that set.
    """

    kind = "captioned"
    parts = ("fashion_mnist",)
    image_shape = (28, 28, 1)

    def __init__(
        self, which: str, data_dir: arguments.Place = None, build: bool = True
    ):
        super().__init__(which, data_dir, build, NUM_TRAIN, NUM_TEST)
        self.class_names = self.base_names

    def fields(self) -> dict[str, Any]:
        """Returns `{field: shape of a row as stored}`, None for captions."""
        return {"image": self.image_shape, "label": (), "caption": None}

    def columns(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns images, labels and captions; those tell of the picture as stored."""
        columns = self.base.read(split, None)
        texts = captions(columns["image"], columns["label"])
        if image_size is not None:
            columns = self.base.read(split, image_size)
        return columns | {"caption": texts}

    def labels(self, split: str) -> np.ndarray | None:
        """Returns int32 labels `[N]`."""
        return self.base.labels(split)


def captions(images: np.ndarray, labels: np.ndarray) -> list[tuple[str, ...]]:
    """Returns several phrasings for each of images, uint8 `[N, 28, 28, 1]`, and int
    labels `[N]`."""
    tones, widths = measured(images, labels)
    phrasings = {
        (label, tone, width): _phrasings(thing, TONE_WORDS[tone], WIDTH_WORDS[width])
        for label, thing in enumerate(THINGS)
        for tone in range(3)
        for width in range(3)
    }
    rows = zip(labels.tolist(), tones.tolist(), widths.tolist())
    return [phrasings[row] for row in rows]


def measured(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which of `TONE_WORDS` and of `WIDTH_WORDS` is true, int `[N]` each.

    So a picture that a model has drawn can be asked whether it shows its caption.

    Args:
        images: Uint8 `[N, 28, 28, 1]`.
        labels: Int `[N]`, the class that each shall be.
    """
    garment = images[..., 0] >= GARMENT
    total = (images[..., 0] * garment).sum(axis=(1, 2), dtype=np.int64)
    tone = total / np.maximum(garment.sum(axis=(1, 2)), 1)
    width = _extent(garment.any(axis=1)) / _extent(garment.any(axis=2))
    low, high = np.array(WIDTHS)[labels].T
    tones = np.digitize(tone, TONES)
    return tones, 1 + (width > high).astype(int) - (width < low)


def _extent(is_there):
    """From the first to the last true value of each row, in pixels; 28 if none is."""
    first, last = is_there.argmax(axis=1), is_there[:, ::-1].argmax(axis=1)
    return is_there.shape[1] - first - last


def _phrasings(thing, *adjectives):
    """The ways to say a thing with its adjectives, of which any may be empty."""
    adjectives = [word for word in adjectives if word]
    plain = f"{', '.join(adjectives)} {thing}".strip()
    joined = " and ".join(adjectives)
    said = _with_article(plain)
    texts = (
        said,
        f"a picture of {said}",
        f"this is {_with_article(f'{joined} {thing}'.strip())}",
        f"{_with_article(thing)}, {joined}" if joined else f"one {thing}",
    )
    return tuple(dict.fromkeys(texts))


def _with_article(noun):
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
