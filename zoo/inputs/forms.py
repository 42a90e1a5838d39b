"""Images and labels in another form than a model takes: which call brings them into
it."""

import sys
from typing import Any

import numpy as np

GREY = ("1", "L", "LA")  # modes of PIL images without colour


def refuse_pil(value: Any) -> None:
    """Raises ValueError if `value` is a PIL image or a list of them: pixels may be
    numbers of a palette, which only a conversion tells."""
    pil = sys.modules.get("PIL.Image")  # who has such an image has imported it
    if pil is None:
        return
    is_array = isinstance(value, np.ndarray) and value.ndim == 1
    is_list = is_array or isinstance(value, (list, tuple))
    first = value[:1] if is_list else [value]
    if not any(isinstance(image, pil.Image) for image in first):
        return
    if is_list:
        images = [image for image in value if isinstance(image, pil.Image)]
        call = f"np.asarray(i{_conversion(images)})"
        way = f"of PIL images: np.stack([{call} for i in images])"
    else:
        way = f"of a PIL image: np.asarray(image{_conversion([value])})[None]"
    raise ValueError(
        f"Images come as an array [N, H, W, C]; {way}. "
        f"Received: a {'list of PIL images' if is_list else 'PIL image'}."
    )


def _conversion(images):
    """The methods that make PIL images grey or RGB, and as large as the first one."""
    modes = {image.mode for image in images}
    mode = "L" if modes <= set(GREY) else "RGB"
    text = "" if modes == {mode} else f".convert({mode!r})"
    is_one_size = len({image.size for image in images}) == 1
    return text if is_one_size else f"{text}.resize({images[0].size})"


def wrong_labels(labels: np.ndarray, axis: str = "N") -> ValueError:
    """Returns the ValueError of an array of labels that are not integers `[axis]`."""
    way = _to_integers(labels)
    return ValueError(
        f"{f'{way}: labels' if way else 'Labels'} are one integer an image, shape "
        f"[{axis}]. Received: {labels.dtype} of shape {list(labels.shape)}."
    )


def _to_integers(labels):
    """Which call makes integers of labels, or nothing if that is not clear."""
    kind, rank = labels.dtype.kind, labels.ndim
    if rank == 1 and (kind == "U" or {type(label) for label in labels} == {str}):
        return "np.unique(labels, return_inverse=True)[1] makes integers of texts"
    if rank == 2 and labels.shape[1] > 1 and kind in "iuf":
        return "np.argmax(labels, axis=1) makes integers of a number a class"
    if kind == "b" or (kind == "f" and np.array_equal(labels, np.rint(labels))):
        if rank == 2 and labels.shape[1] == 1:
            return "np.int32(labels)[:, 0] makes integers of a column"
        return "np.int32(labels) makes integers of other numbers" if rank == 1 else ""
    return ""
