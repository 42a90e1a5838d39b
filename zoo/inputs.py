"""What users hand to a model, checked before any computation and named in plain
words."""

import numpy as np

SMALLEST, LARGEST = 8, 256
_SLACK = 1e-3  # rescaled floats may miss -1 and 1 by a rounding


def image_shape_of(shape):
    """Returns (H, W, C) of an image or batch shape, checked.

    Raises: ValueError: unless height and width are 8 to 256 and channels 1 or 3.
    """
    dims = tuple(None if size is None else int(size) for size in shape)
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
        return data["image"], data.get("label")
    if isinstance(data, (tuple, list)):
        if len(data) > 2:
            raise ValueError(
                "A batch is images or (images, labels); sample and class weights have "
                f"no place in a model's losses. Received: {len(data)} parts."
            )
        return data[0], data[1] if len(data) > 1 else None
    return data, None


def standardize(x, y=None):
    """Returns (x, y) in the form that Keras' `fit` takes, NumPy images as `[N, H, W,
    C]`.

    Args:
        x: Images or (images, labels), as NumPy arrays; a `tf.data` set or a Keras
            PyDataset of batches.
        y: Labels, if `x` is an array of images.
    """
    if x is None:
        raise ValueError("fit needs images: a NumPy array or a tf.data set.")
    if hasattr(x, "element_spec") or hasattr(x, "num_batches"):
        if y is not None:
            raise ValueError("Labels belong into the data set when images come as one.")
        return x, None
    if isinstance(x, (tuple, dict)):
        x, labels = split(x)
        y = labels if y is None else y
    if not hasattr(x, "__array__"):
        raise ValueError(
            "Training data is a NumPy array of images, a pair (images, labels), a "
            f"tf.data set or a keras.utils.PyDataset. Received: {type(x).__name__}."
        )
    x = np.asarray(x)
    if x.ndim == 3:  # [N, H, W]: one grey channel
        x = x[..., None]
    if len(x) == 0:
        raise ValueError(f"The data set is empty. Received: images {list(x.shape)}.")
    if y is None:
        return x, None
    y = np.asarray(y)
    if len(y) != len(x):
        raise ValueError(
            "Images and labels need the same length. "
            f"Received: {len(x)} images, {len(y)} labels."
        )
    return x, y


def shape_of(x):
    """Returns the checked image shape of standardized data, without taking a batch of a
    `tf.data` set."""
    if not hasattr(x, "element_spec"):
        images, _ = split(x[0]) if hasattr(x, "num_batches") else (x, None)
        return image_shape_of(images.shape)
    spec, _ = split(x.element_spec)
    if spec.shape.rank == 3:
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
    """Returns the first (images, labels or None) of standardized data as NumPy
    arrays."""
    if hasattr(x, "element_spec"):
        batch = next(iter(x.take(1).as_numpy_iterator()), None)
        if batch is None:
            raise ValueError("The data set is empty: it yields no batch.")
        return split(batch)
    if hasattr(x, "num_batches"):
        return split(x[0])
    return x[:size], y


def check_images(images, image_shape=None, value_range=None, training=False):
    """Raises ValueError unless `images` are `[B, H, W, C]`, uint8 or float in [-1, 1].

    Args:
        images: NumPy array.
        image_shape: (H, W, C) of the model, if it has one.
        value_range: (-1, 1) to assert the range of floats without a negative value.
        training: Whether floats without any negative value are suspected to be [0, 1].
    """
    shape = image_shape_of(images.shape)
    if image_shape is not None and shape != tuple(image_shape):
        raise ValueError(
            f"The model was built for images of {'x'.join(map(str, image_shape))}. "
            f"Received: {'x'.join(map(str, shape))}."
        )
    if value_range not in (None, (-1, 1), [-1, 1]):
        raise ValueError(f"value_range can only be (-1, 1). Received: {value_range!r}.")
    if images.dtype == np.uint8 or images.size == 0:
        return
    if images.dtype.kind != "f":
        raise ValueError(
            "Images are uint8 in 0..255 or float in [-1, 1]. "
            f"Received: dtype {images.dtype}."
        )
    _check_floats(images, value_range, training)


def _check_floats(images, value_range, training):
    if not np.isfinite(images).all():
        wrong = int((~np.isfinite(images)).sum())
        raise ValueError(
            f"Images contain NaN or infinite values. Received: a batch with {wrong}."
        )
    low, high = float(images.min()), float(images.max())
    if low < -1 - _SLACK or high > 1 + _SLACK:
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


def check_labels(labels, count, num_classes):
    """Raises ValueError unless `labels` are int `[count]` in [0, num_classes)."""
    labels = np.asarray(labels)
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
