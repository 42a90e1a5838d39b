"""The 1,797 handwritten digits inside scikit-learn: real images, no download."""

from typing import Any

import numpy as np

from zoo.data import arguments, resize, source

NUM_TRAIN = 1500  # in file order; the remaining 297 are the test set


class Digits(source.Source):
    """8x8 grey digits of 16 levels, shown at 28x28 unless `image_size` says otherwise.

    Source: Alpaydin and Kaynak 1998, UCI "Optical Recognition of Handwritten Digits",
    the test part, as shipped by `sklearn.datasets.load_digits`.

    Args:
        which: Empty, for there is one set of this name.
        data_dir, build: Not used: the images are in a package.
    """

    name = "digits"
    class_names = tuple("0123456789")
    image_shape = (28, 28, 1)
    _rows = source.ranges(NUM_TRAIN, 297)
    num_examples = {split: stop - start for split, (start, stop) in _rows.items()}

    def __init__(
        self, which: str = "", data_dir: arguments.Place = None, build: bool = True
    ):
        self.require(which, data_dir)

    @staticmethod
    def require(which: str, data_dir: arguments.Place = None) -> None:
        """Raises ValueError if something stands behind the name."""
        if which:
            raise ValueError(
                "digits is one set: nothing stands behind its name. "
                f"Received: 'digits:{which}'."
            )

    def read(self, split: str, image_size: tuple[int, int] | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, 1], "label": int32 [N]}`; 16 is 255."""
        # scikit-learn takes a second to import: only who wants digits pays for it.
        from sklearn.datasets import load_digits

        bunch: Any = load_digits()
        start, stop = self._rows[split]
        offset = NUM_TRAIN if split == "test" else 0
        chosen = slice(offset + start, offset + stop)
        images = np.rint(bunch.images[chosen, ..., None] * (255 / 16)).astype(np.uint8)
        labels = bunch.target[chosen].astype(np.int32)
        return {"image": resize.resize_all(images, image_size or 28), "label": labels}
