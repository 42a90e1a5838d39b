"""The fields that a batch may have, and how a batch is read by them.

| field | what | in tensors |
|---|---|---|
| `image` | pictures, uint8 or float in [-1, 1] | float32 `[B, H, W, C]` |
| `source` | the image beside the one to be made, of a size of its own | the same |
| `clip` | moving pictures | float32 `[B, T, H, W, C]` |
| `label` | a class a row | int32 `[B]` |
| `caption` | a text a row | tokens, int32 `[B, L]` |
"""

import dataclasses

from zoo.inputs import forms
from zoo.inputs.tensors import Batch, Tensor

PLURALS = {
    "image": "images",
    "source": "sources",
    "clip": "clips",
    "label": "labels",
    "caption": "captions",
}
PIXELS = ("image", "source", "clip")


@dataclasses.dataclass(frozen=True)
class Layout:
    """Which fields a model's batches have, and in which order.

    Attributes:
        takes: The fields, in the order of a batch that is a tuple.
        targets: Whether a batch may hold a second array of images, into which the model
            learns to turn the first ones; it is read as ("source", "image").
        is_paired: Whether row i of each field belongs to row i of the others. Without
            pairs, two domains may have different numbers of rows.
    """

    takes: tuple = ("image", "label")
    targets: bool = False
    is_paired: bool = True

    def read(self, batch: Batch, first_only: bool = False) -> dict[str, Tensor]:
        """Returns {field: value} of a batch that is one value, a tuple in the order of
        `takes`, or a dict. Values that are None are left out; labels may be missing.

        Args:
            first_only: Whether the first field is enough, as it is for a prediction.
        Raises: ValueError: if the batch holds other fields.
        """
        if isinstance(batch, tuple) and isinstance(batch[0] if batch else None, dict):
            # Keras packs a single batch as (x, None, None), whatever x is.
            batch = batch[0] if all(part is None for part in batch[1:]) else batch
        if isinstance(batch, dict):
            fields = self._by_name(batch)
        elif isinstance(batch, (tuple, list)):
            fields = self._in_order(batch)
        else:
            fields = {self.takes[0]: batch}
        fields = {name: value for name, value in fields.items() if value is not None}
        for value in fields.values():
            forms.refuse_pil(value)
        required = [name for name in self.takes if name != "label"]
        required = required[:1] if first_only else required
        if any(name not in fields for name in required):
            raise ValueError(
                f"A batch is {self.words()}. Received: "
                f"{' and '.join(PLURALS[name] for name in fields) or 'nothing'} only."
            )
        for name in fields:
            if name in PIXELS and not hasattr(fields[name], "shape"):
                raise ValueError(
                    f"The {PLURALS[name]} of a batch are one array "
                    f"{'[B, T, H, W, C]' if name == 'clip' else '[B, H, W, C]'}. "
                    f"Received: {type(fields[name]).__name__}."
                )
        return fields

    def _by_name(self, batch):
        names = {*self.takes, *(("source", "image") if self.targets else ())}
        if not set(batch) <= names or self.takes[0] not in batch:
            needs = [repr(name) for name in self.takes if name != "label"]
            keys = f"the key{'s' * (len(needs) > 1)} {' and '.join(needs)}"
            label = " (and may have 'label')" if "label" in self.takes else ""
            raise ValueError(
                f"A batch given as a dict needs {keys}{label}, and has no others. "
                f"Received: keys {sorted(map(str, batch))}."
            )
        return batch

    def _in_order(self, batch):
        count = len(self.takes)
        if not batch or any(part is not None for part in batch[count:]):
            raise ValueError(
                f"A batch is {self.words()}; sample and class weights have "
                f"no place in a model's losses. Received: {len(batch)} parts."
            )
        names = self.takes
        if len(batch) > 1 and names[:2] == ("image", "label") and rank(batch[1]) > 2:
            if not self.targets:
                raise ValueError(
                    f"A batch is {self.words()}: this model has no use for a second "
                    "array of images; ae and vae learn to make one of the other. "
                    f"Received: an array of shape {list(batch[1].shape)} for labels."
                )
            names = ("source", "image")
        return dict(zip(names, batch))

    def words(self) -> str:
        """Returns what a batch is in words, e.g. "images or (images, labels)"."""
        names = [PLURALS[name] for name in self.takes]
        whole = f"({', '.join(names)})" if len(names) > 1 else names[0]
        if self.takes[1:] == ("label",):
            whole = f"{names[0]} or {whole}"
        return f"{whole} or (images, targets)" if self.targets else whole


IMAGES = Layout()


def rank(value: object) -> int:
    """Returns the rank of an array, a tensor or a spec, and 0 for anything else."""
    shape = getattr(value, "shape", ())
    return getattr(shape, "rank", None) or len(shape or ())
