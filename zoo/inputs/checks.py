"""Checks what users hand to a model before any computation, and names in plain words
what is wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from zoo.inputs import fields, forms, shapes
from zoo.inputs.tensors import Tensor

SLACK = 1e-3  # floats that were rescaled may miss -1 and 1 by rounding


def to_array(images: ArrayLike, field: str = "image") -> np.ndarray:
    """Returns `images` as a NumPy array. Grey images `[N, H, W]` and grey clips `[N, T,
    H, W]` get an axis for their one channel.

    Raises: ValueError: unless they are an array, a tensor or a list of equal shapes.
    """
    forms.refuse_pil(images)
    try:
        array = np.asarray(images)
    except ValueError:  # a list of different shapes
        array = None
    if array is None or array.ndim == 0:
        raise ValueError(
            f"{fields.PLURALS[field].capitalize()} come as one array "
            f"{'[N, T, H, W, C]' if field == 'clip' else '[N, H, W, C]'}. "
            f"Received: {type(images).__name__}."
        )
    # No image is 1 or 3 pixels wide, so such a last axis holds the channels already.
    rank = 4 if field == "clip" else 3
    is_grey = array.ndim == rank and array.shape[-1] not in (1, 3)
    return array[..., None] if is_grey else array


def to_labels(labels: ArrayLike) -> np.ndarray:
    """Returns labels as an array `[N]`, also those that come as a column `[N, 1]` or as
    one-hot rows `[N, K]`; ValueError if they are lists of different lengths."""
    try:
        labels = np.asarray(labels)
    except ValueError:
        raise ValueError(
            "Labels are one integer an image, shape [N]. "
            f"Received: a {type(labels).__name__} of unequal parts."
        ) from None
    if labels.ndim == 2 and labels.shape[1] == 1 and labels.dtype.kind in "iu":
        return labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "iuf":
        if np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
            return labels.argmax(axis=1).astype("int32")
    return labels


def to_texts(captions: Sequence[str | bytes] | np.ndarray) -> list[str]:
    """Returns captions as a list of str; bytes are read as UTF-8.

    Raises: ValueError: unless each row is a text and at least one is not empty.
    """
    if isinstance(captions, (str, bytes)) or not hasattr(captions, "__len__"):
        raise ValueError(
            "Captions are texts, one a row, in a list or an array. "
            f"Received: {captions!r}."
        )
    texts = [_text(row, caption) for row, caption in enumerate(captions)]
    if not texts or not any(text.strip() for text in texts):
        raise ValueError(
            f"At least one caption says something. Received: {len(texts)} empty texts."
        )
    return texts


def _text(row, caption):
    if isinstance(caption, bytes):
        try:
            return caption.decode()
        except UnicodeDecodeError:
            raise ValueError(
                "Captions are texts in UTF-8. "
                f"Received: the bytes {caption[:20]!r} in row {row}."
            ) from None
    if not isinstance(caption, str):
        raise ValueError(
            "Captions are texts, one a row. "
            f"Received: {caption!r}, of type {type(caption).__name__}, in row {row}."
        )
    return str(caption)


def check_images(
    images: Tensor,
    image_shape: Sequence[int] | None = None,
    value_range: Sequence[int] | None = None,
    training: bool = False,
    field: str = "image",
) -> None:
    """Raises ValueError unless `images` are `[B, H, W, C]` (clips `[B, T, H, W, C]`),
    uint8 or float in [-1, 1].

    Args:
        images: NumPy array; or an eager tensor, whose values are not checked, because
            that would wait for its device.
        image_shape: (H, W, C) or (T, H, W, C) of the model, if it has one.
        value_range: (-1, 1) confirms this range for floats without a negative value.
        training: Whether floats without a negative value are refused, because they may
            lie in [0, 1].
        field: "image", "source" or "clip".
    """
    name = fields.PLURALS[field]
    shape = row_shape(images, field)
    if image_shape is not None and shape != tuple(image_shape):
        raise ValueError(
            f"The model was built for {name} of {'x'.join(map(str, image_shape))}. "
            f"Received: {'x'.join(map(str, shape))}."
        )
    if value_range is not None and not np.array_equal(value_range, (-1, 1)):
        raise ValueError(f"value_range can only be (-1, 1). Received: {value_range!r}.")
    dtype = getattr(images.dtype, "name", str(images.dtype))  # "torch.float32" as text
    if not dtype.endswith("uint8") and "float" not in dtype:
        raise ValueError(
            f"{name.capitalize()} are uint8 in 0..255 or float in [-1, 1]. "
            f"Received: dtype {dtype}."
        )
    if not isinstance(images, np.ndarray):
        return
    if images.size == 0:
        raise ValueError(
            f"The {name} are an empty batch. Received: shape {list(images.shape)}."
        )
    if dtype != "uint8":
        _check_floats(images, value_range, training, name)


def row_shape(images: Tensor, field: str) -> tuple[int, ...]:
    """Returns the checked shape of a row of a batch of images or clips."""
    dims = list(images.shape)
    if field == "clip":
        if len(dims) != 5:
            raise ValueError(
                "Clips come as [B, T, H, W, C]; clips[None] makes a batch of a single "
                f"one. Received: {_kind(dims)} of shape {dims}."
            )
        return shapes.clip_shape_of(dims)
    if len(dims) == 5:
        raise ValueError(
            f"{fields.PLURALS[field].capitalize()} come as [B, H, W, C]. "
            f"Received: clips of shape {dims}, which this model does not take."
        )
    if len(dims) == 2:
        raise ValueError(
            "images[None, ..., None] makes a batch of a single grey image, "
            "images.reshape(-1, H, W, C) one of rows of pixels: images come as "
            f"[B, H, W, C]. Received: shape {dims}."
        )
    shape = shapes.BY_FIELD[field](dims)
    if len(dims) != 4:
        raise ValueError(
            "Images come as [B, H, W, C]; images[None] makes a batch of a single one. "
            f"Received: shape {dims}."
        )
    return shape


def _kind(dims):
    return {3: "images", 4: "images, or a single clip,"}.get(len(dims), "an array")


def _check_finite(what, values):
    wrong = values.size - int(np.isfinite(values).sum())
    if wrong:
        raise ValueError(
            f"{what} contain NaN or infinite values. "
            f"Received: {wrong} of {values.size} values."
        )


def _check_floats(images, value_range, training, name):
    _check_finite(name.capitalize(), images)
    low, high = float(images.min()), float(images.max())
    if low < -1 - SLACK or high > 1 + SLACK:
        raise ValueError(
            f"Float {name} lie in [-1, 1]: map by {name} / 127.5 - 1, or pass uint8. "
            f"Received: values from {low:.4g} to {high:.4g}."
        )
    if training and value_range is None and low >= -0.01:
        raise ValueError(
            f"No value is negative: are these {name} in [0, 1]? Map them by 2 * {name} "
            "- 1, or pass value_range=(-1, 1) if they are right. "
            f"Received: values from {low:.4g} to {high:.4g}."
        )


def to_latents(z: ArrayLike, latent_dim: int) -> np.ndarray:
    """Returns latents as float32 `[N, latent_dim]`, checked."""
    try:
        latents = np.asarray(z, "float32")
    except (TypeError, ValueError):
        raise ValueError(
            f"Latents are one array of numbers [N, {latent_dim}]. "
            f"Received: {type(z).__name__}."
        ) from None
    if latents.ndim != 2 or latents.shape[1] != latent_dim or not len(latents):
        raise ValueError(
            f"Latents have the shape [N, {latent_dim}], N at least 1. "
            f"Received: {list(latents.shape)}."
        )
    _check_finite("Latents", latents)
    return latents


def check_integer(
    what: str, value: object, least: int, most: int | None = None
) -> None:
    """Raises ValueError unless `value` is an integer of at least `least`, and at most
    `most` if that is given; `what` is its name in the message."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        if least <= value and (most is None or value <= most):
            return
    limit = "" if most is None else f" to {most}"
    raise ValueError(f"{what} is an integer from {least}{limit}. Received: {value!r}.")


def check_labels(labels: ArrayLike, count: int, num_classes: int) -> None:
    """Raises ValueError unless `labels` are int `[count]` in [0, num_classes)."""
    labels = to_labels(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise forms.wrong_labels(labels, "B")
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"Labels lie in [0, {num_classes}); num_classes={num_classes} is a setting "
            f"of the model. Received: label {int(wrong[0])}."
        )
