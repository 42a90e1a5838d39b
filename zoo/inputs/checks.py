"""What users hand to a model, checked before any computation and named in plain
words."""

import operator

import numpy as np

SMALLEST, LARGEST = 8, 256
SLACK = 1e-3  # rescaled floats may miss -1 and 1 by a rounding


def image_shape_of(shape):
    """Returns (H, W, C) of an image or batch shape, checked.

    Raises: ValueError: unless height and width are 8 to 256 and channels 1 or 3.
    """
    try:
        dims = tuple(None if n is None else operator.index(n) for n in shape)
    except (TypeError, ValueError):  # ValueError: a TensorShape of unknown rank
        raise ValueError(
            "An image shape is three integers (height, width, channels). "
            f"Received: {shape!r}."
        ) from None
    image = dims[-3:]
    if len(dims) not in (3, 4) or None in image:
        raise ValueError(
            "Images need a known shape [H, W, C] or [B, H, W, C]. "
            f"Received: shape {list(dims)}."
        )
    if image[2] not in (1, 3):
        raise ValueError(
            "Images need 1 channel (grey) or 3 (RGB), channels last. "
            f"Received: {image[2]} channels in shape {list(dims)}."
        )
    if not all(SMALLEST <= size <= LARGEST for size in image[:2]):
        raise ValueError(
            f"Images need a height and width of {SMALLEST} to {LARGEST} pixels. "
            f"Received: {image[0]}x{image[1]}."
        )
    return image


def split(data):
    """Returns (images, labels or None) of a batch: images, (images, labels) or tfds'
    dict."""
    if isinstance(data, dict):
        if "image" not in data:
            raise ValueError(
                "A batch given as a dict needs the key 'image' (and may have 'label'). "
                f"Received: keys {sorted(data)}."
            )
        images, labels = data["image"], data.get("label")
    elif isinstance(data, (tuple, list)):
        if not data or any(part is not None for part in data[2:]):
            raise ValueError(
                "A batch is images or (images, labels); sample and class weights have "
                f"no place in a model's losses. Received: {len(data)} parts."
            )
        images, labels = (*data, None)[:2]
    else:
        images, labels = data, None
    if not hasattr(images, "shape"):
        raise ValueError(
            "The images of a batch are one array [B, H, W, C]. "
            f"Received: {type(images).__name__}."
        )
    return images, labels


def to_array(images):
    """Returns `images` as a NumPy array; `[N, H, W]` gets its one channel.

    Raises: ValueError: unless they are an array, a tensor or a list of equal shapes.
    """
    try:
        array = np.asarray(images)
    except ValueError:  # a list of different shapes
        array = None
    if array is None or array.ndim == 0:
        raise ValueError(
            f"Images come as one array [N, H, W, C]. Received: {type(images).__name__}."
        )
    # No image is as narrow as 1 or 3 pixels: such a last axis is the channels already.
    is_grey = array.ndim == 3 and array.shape[-1] not in (1, 3)
    return array[..., None] if is_grey else array


def standardize(x, y=None):
    """Returns (x, y) in the form that Keras' `fit` takes, NumPy images as `[N, H, W,
    C]`.

    Args:
        x: Images or (images, labels), as NumPy arrays; a `tf.data` set or a Keras
            PyDataset of batches.
        y: Labels, if `x` is an array of images.
    """
    if hasattr(x, "element_spec") or hasattr(x, "num_batches"):
        if y is not None:
            raise ValueError("Labels belong into the data set when images come as one.")
        return x, None
    if isinstance(x, (tuple, dict)):
        x, labels = split(x)
        y = labels if y is None else y
    if not hasattr(x, "__array__"):
        raise ValueError(
            "Images come as a NumPy array, a pair (images, labels), a tf.data set or "
            f"a keras.utils.PyDataset. Received: {type(x).__name__}."
        )
    x = to_array(x)
    if y is None:
        return x, None
    y = to_labels(y)
    if y.ndim == 0 or y.dtype.kind not in "iuf":
        raise ValueError(
            "Labels are one integer an image, shape [N]. "
            f"Received: {y.dtype} of shape {list(y.shape)}."
        )
    if len(y) != len(x):
        raise ValueError(
            "Images and labels need the same length. "
            f"Received: {len(x)} images, {len(y)} labels."
        )
    return x, y


def to_labels(labels):
    """Returns labels as an array; ValueError if they are lists of different lengths."""
    try:
        return np.asarray(labels)
    except ValueError:
        raise ValueError(
            "Labels are one integer an image, shape [N]. "
            f"Received: a {type(labels).__name__} of unequal parts."
        ) from None


def shape_of(x):
    """Returns the checked image shape of standardized data, without taking a batch of a
    `tf.data` set."""
    if not hasattr(x, "element_spec"):
        images, _ = first_batch(x)
        return image_shape_of(images.shape)
    spec, _ = split(x.element_spec)
    if spec.shape.rank == 3 and spec.shape[-1] in (1, 3):
        raise ValueError(
            "The tf.data set yields single images; call .batch(128) on it first. "
            f"Received: elements of shape {spec.shape.as_list()}."
        )
    if spec.shape.rank != 4:
        raise ValueError(
            "Batches of images have the shape [B, H, W, C]. "
            f"Received: elements of shape {spec.shape}."
        )
    return image_shape_of(spec.shape)


def first_batch(x, y=None, size=256):
    """Returns the first (images, labels or None) of standardized data as NumPy arrays;
    `size` images of an array, all if None."""
    if hasattr(x, "element_spec"):
        batch = next(iter(x.take(1).as_numpy_iterator()), None)
    elif hasattr(x, "num_batches"):
        batch = None if x.num_batches == 0 else x[0]
    else:
        return x[:size], y
    if batch is None:
        raise ValueError("The data set is empty: it yields no batch.")
    return split(batch)


def check_images(images, image_shape=None, value_range=None, training=False):
    """Raises ValueError unless `images` are `[B, H, W, C]`, uint8 or float in [-1, 1].

    Args:
        images: NumPy array; or an eager tensor, whose values are not looked at (that
            would wait for its device).
        image_shape: (H, W, C) of the model, if it has one.
        value_range: (-1, 1) to assert the range of floats without a negative value.
        training: Whether floats without any negative value are suspected to be [0, 1].
    """
    shape = image_shape_of(images.shape)
    if len(images.shape) != 4:
        raise ValueError(
            "Images come as [B, H, W, C]; images[None] makes a batch of a single one. "
            f"Received: shape {list(images.shape)}."
        )
    if image_shape is not None and shape != tuple(image_shape):
        raise ValueError(
            f"The model was built for images of {'x'.join(map(str, image_shape))}. "
            f"Received: {'x'.join(map(str, shape))}."
        )
    if value_range is not None and not np.array_equal(value_range, (-1, 1)):
        raise ValueError(f"value_range can only be (-1, 1). Received: {value_range!r}.")
    dtype = getattr(images.dtype, "name", str(images.dtype))  # "torch.float32" as text
    if not dtype.endswith("uint8") and "float" not in dtype:
        raise ValueError(
            f"Images are uint8 in 0..255 or float in [-1, 1]. Received: dtype {dtype}."
        )
    if not isinstance(images, np.ndarray):
        return
    if images.size == 0:
        raise ValueError(
            f"The images are an empty batch. Received: shape {list(images.shape)}."
        )
    if dtype != "uint8":
        _check_floats(images, value_range, training)


def _check_finite(what, values):
    wrong = values.size - int(np.isfinite(values).sum())
    if wrong:
        raise ValueError(
            f"{what} contain NaN or infinite values. "
            f"Received: {wrong} of {values.size} values."
        )


def _check_floats(images, value_range, training):
    _check_finite("Images", images)
    low, high = float(images.min()), float(images.max())
    if low < -1 - SLACK or high > 1 + SLACK:
        raise ValueError(
            "Float images lie in [-1, 1]: map by images / 127.5 - 1, or pass uint8. "
            f"Received: values from {low:.4g} to {high:.4g}."
        )
    if training and value_range is None and low >= -0.01:
        raise ValueError(
            "No value of the first batch is negative: are these images in [0, 1]? Map "
            "them by 2 * images - 1, or pass value_range=(-1, 1) if they are right. "
            f"Received: values from {low:.4g} to {high:.4g}."
        )


def to_latents(z, latent_dim):
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


def check_integer(what, value, least, most=None):
    """Raises ValueError unless `value` is an integer from `least` (to `most`); `what`
    names it."""
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_integer or value < least or (most is not None and value > most):
        limit = "" if most is None else f" to {most}"
        raise ValueError(
            f"{what} is an integer from {least}{limit}. Received: {value!r}."
        )


def check_labels(labels, count, num_classes):
    """Raises ValueError unless `labels` are int `[count]` in [0, num_classes)."""
    labels = to_labels(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            "Labels are one integer an image, shape [B]. "
            f"Received: {labels.dtype} of shape {list(labels.shape)}."
        )
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"Labels lie in [0, {num_classes}); num_classes={num_classes} is a setting "
            f"of the model. Received: label {int(wrong[0])}."
        )
