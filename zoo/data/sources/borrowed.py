"""Sets of grey pictures from which other sets are made by rule."""

from typing import Any

import numpy as np

from zoo.data import arguments, drawn
from zoo.inputs import suggestions

NAMES = ("digits", "fashion_mnist", "mnist")


class Borrowing(drawn.Drawn):
    """A set `KIND:WHICH` whose examples are put together from those of a set `WHICH`:
    train from its train split, validation from its validation, test from its test.

    Args:
        which: Name of the set, one of `parts`.
        data_dir, build: As for `zoo.data.open`, of that set.
        num_train, num_test: Examples of train and validation together, and of test.
    """

    kind = ""  # the word before the colon

    def __init__(
        self,
        which: str,
        data_dir: arguments.Place,
        build: bool,
        num_train: int,
        num_test: int,
    ):
        # Here, for the sources include this one.
        from zoo.data import sources

        self.require(which, data_dir)
        super().__init__(num_train, num_test)
        self.name = f"{self.kind}:{which}"
        self._parts: dict[tuple, dict[str, Any]] = {}
        self.base = sources.find(which, data_dir, None, build)
        self.base_names: tuple[str, ...] = self.base.class_names or ()

    @classmethod
    def require(cls, which: str, data_dir: arguments.Place = None) -> None:
        """Raises ValueError if what stands behind the name is no set to borrow from."""
        if which not in cls.parts:
            received = f"{cls.kind}:{which}" if which else cls.kind
            near = suggestions.nearest(which, cls.parts)
            raise ValueError(
                f"{cls.kind}: wants the name of a set{near}: {', '.join(cls.parts)}. "
                f"Received: {received!r}."
            )

    def borrowed(self, part: str, image_size: tuple | None) -> dict[str, Any]:
        """Returns `{"image": uint8 [N, H, W, 1], "label": int32 [N]}`, of part "train",
        which holds validation, too, at its end, or "test"."""
        split = "test" if part == "test" else "train+validation"
        if (part, image_size) not in self._parts:
            self._parts[part, image_size] = self.base.read(split, image_size)
        return self._parts[part, image_size]

    def choices(self, split: str, numbers: np.ndarray) -> np.ndarray:
        """Returns which of `borrowed` each number in [0, 1) means, int64.

        Args:
            split: Name of the split.
            numbers: `[N, ...]`, of all rows of the split's part.
        """
        if split == "test":
            return np.floor(numbers * self.base.num_examples["test"]).astype(np.int64)
        cut, size = self._rows["train"][1], self.base.num_examples["train"]
        rest = self.base.num_examples["validation"]
        chosen = np.floor(numbers * size)
        chosen[cut:] = size + np.floor(numbers[cut:] * rest)
        return chosen.astype(np.int64)
