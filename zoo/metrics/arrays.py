"""The arrays that metrics take: checked, and refused in a sentence."""

import numpy as np


def matrix(features, name="features", at_least=1):
    """Returns `features` as float64 `[N, D]`.

    Raises: ValueError: unless they are of rank 2, finite, and at least `at_least` rows.
    """
    array = np.asarray(features, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"The {name} are an array [N, D]. Received: shape {list(array.shape)}."
        )
    if len(array) < at_least:
        raise ValueError(
            f"The {name} must be of at least {at_least} images. Received: {len(array)}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"The {name} must be finite. Received: NaN or infinity.")
    return array


def pair(real, generated, at_least=1):
    """Returns two sets of features as `matrix` does, of one size D."""
    real = matrix(real, "real features", at_least)
    generated = matrix(generated, "generated features", at_least)
    same_size(real.shape[1], generated.shape[1])
    return real, generated


def same_size(one, other):
    """Raises ValueError unless two sets of features are of one size."""
    if one != other:
        raise ValueError(
            "Features can be compared only if one extractor made them. "
            f"Received: features of sizes {one} and {other}."
        )


def images(array):
    """Returns images `[N, H, W, C]` as they are; ValueError unless of that rank."""
    array = np.asarray(array)
    if array.ndim != 4 or not len(array):
        raise ValueError(
            f"Images are an array [N, H, W, C]. Received: shape {list(array.shape)}."
        )
    return array


def images_or_clips(array):
    """Returns images, or clips `[N, T, H, W, C]`, as they are; ValueError unless of one
    of these ranks."""
    array = np.asarray(array)
    if array.ndim == 5 and len(array):
        return array
    return images(array)


def labels(values, num_classes):
    """Returns int64 labels `[N]`; ValueError unless whole and in [0, num_classes)."""
    array = np.asarray(values)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise ValueError(
            "Labels are an array of integers [N]. "
            f"Received: {array.dtype} of shape {list(array.shape)}."
        )
    if array.min() < 0 or array.max() >= num_classes:
        raise ValueError(
            f"Labels are 0 to {num_classes - 1}. "
            f"Received: {array.min()} to {array.max()}."
        )
    return array.astype(np.int64)
