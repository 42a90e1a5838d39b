"""Three grey pictures as the three colours of one: a thousand classes to be covered."""

from typing import Any

import numpy as np

from zoo.data import arguments, drawn
from zoo.data.sources import borrowed

NUM_TRAIN, NUM_TEST = 60_000, 10_000
CHANNELS = 3


class Stacked(borrowed.Borrowing):
    """`stacked:digits` and its like: red, green and blue are three pictures of a set of
    ten classes, and the label is the number that their labels spell, 000 to 999.

    A model that covers all of them has 1,000 modes.

    Source: "Stacked MNIST" of Metz et al. 2016, arXiv:1611.02163, section 3.3.1, and
        Srivastava et al. 2017, arXiv:1705.07761.

    Args:
        which: Name of a set of ten classes.
        data_dir, build: As for `zoo.data.open`, of that set.
        drawn_from: Number that the set is drawn from, from 0.
    """

    kind = "stacked"
    parts = borrowed.NAMES
    options = {"drawn_from": drawn.SEED}
    class_names = tuple(f"{number:03d}" for number in range(1000))
    image_shape = (28, 28, CHANNELS)

    def __init__(
        self,
        which: str,
        data_dir: arguments.Place = None,
        build: bool = True,
        drawn_from: int = 0,
    ):
        super().__init__(which, data_dir, build, NUM_TRAIN, NUM_TEST)
        self._seed = drawn.checked_seed(drawn_from)

    def columns(self, split: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns the images, which are put together on demand, and labels 0 to 999."""
        start, stop = self._rows[split]
        part = "test" if split == "test" else "train"
        numbers = drawn.uniforms(stop, self._seed, int(part == "test"), CHANNELS)
        rows = self.choices(split, numbers)[start:]
        base = self.borrowed(part, image_size)
        labels = base["label"][rows] @ np.array([100, 10, 1], np.int32)
        shape = *base["image"].shape[1:3], CHANNELS

        def draw(chosen):
            return np.moveaxis(base["image"][chosen][..., 0], 1, -1)

        return {"image": drawn.Column(rows, shape, draw), "label": labels}
