"""What a model that translates makes of a picture: of a source, or of an image."""

import dataclasses
import functools

import numpy as np

MOST_SIDE = 256  # pixels of a source that is enlarged at its own size


@dataclasses.dataclass(frozen=True)
class Translated:
    """A picture and what became of it, images `[H, W, C]`, uint8 or float in [-1, 1].

    Attributes:
        source: What the model was given.
        answer: What it made of it.
        truth: The image that the source was made of, or None.
    """

    source: np.ndarray
    answer: np.ndarray
    truth: np.ndarray | None = None


class Translator:
    """The translations of a `Player`'s model.

    Attributes:
        has_sources: Whether the model makes its sources of images.
        has_back: Whether it goes from images to sources, too.
    """

    def __init__(self, player):
        self.player, self.model = player, player.model
        self.has_sources = self.model.can("sources")
        self.has_back = self.model.can("back")

    def rules(self, is_source):
        """Returns the `pictures.Rules` by which a file becomes a source or an image. An
        upscaler's source keeps its size."""
        shape = self.shape(is_source)
        keeps = is_source and self.model.can("upscale")
        size = None if keeps else shape[:2]
        by = {"image_size": size, "channels": shape[-1]}
        return dataclasses.replace(self.player.rules, **by)

    def shape(self, is_source):
        """Returns the shape (H, W, C) of a source or of an image."""
        return self.model.shape_of_field("source" if is_source else "image")

    def translated(self, read, of_image, seed=0, back=False):
        """Returns the `Translated` of the picture that `read(is_source)` reads.

        Args:
            of_image: Whether the picture is an image, of which a source is made.
            back: Whether it is an image to go back from.
        """
        picture = read(is_source=not (of_image or back))
        if of_image or back:
            return self.of_image(picture, seed, back)
        return self.of_source(picture, seed)

    def of_image(self, image, seed=0, back=False):
        """Returns the `Translated` of an image uint8 `[H, W, C]`: of the source that
        the model makes of it or, `back`, of the image itself."""
        if back:
            answer = self.model.translate(image[None], back=True, seed=seed)[0]
            return Translated(image, answer)
        source = self.model.sources(image[None], seed=seed)
        return Translated(source[0], self.model.translate(source, seed=seed)[0], image)

    def of_source(self, source, seed=0):
        """Returns the `Translated` of a source uint8 `[h, w, c]`.

        Raises: ValueError: if it is too large to be enlarged on a page.
        """
        if not self.model.can("upscale"):
            answer = self.model.translate(source[None], seed=seed)[0]
            return Translated(source, answer)
        height, width = source.shape[:2]
        if max(height, width) > MOST_SIDE:
            raise ValueError(
                f"The page enlarges pictures of at most {MOST_SIDE} pixels a side; "
                "`experiments.translate` enlarges any. "
                f"Received: {width}x{height}."
            )
        return Translated(source, self.model.upscale(source[None])[0])

    @functools.cached_property
    def first(self):
        """The `Translated` to begin with: of a test image, or of an empty sheet."""
        if self.has_sources and self.player.can("data"):
            return self.of_image(self.player.space.test_images([0])[0])
        return self.of_source(np.zeros(self.shape(is_source=True), "uint8"))

    @property
    def sheet(self):
        """The colour of the sheet that sources are drawn on, of which most of a source
        consists: edges are black on white."""
        source = self.first.source
        middle = 127.5 if source.dtype == np.uint8 else 0.0
        return "white" if np.median(source) > middle else "black"
