"""How far reconstructions are from their images, and how sharp images are.

All of it is in units of pixels in [0, 1], and float64. Of clips `[N, T, H, W, C]`, too:
each row is one number, the mean over its frames where it is not one over all pixels.
"""

import numpy as np
from scipy import ndimage

from zoo.inputs import pixels
from zoo.metrics import arrays

BATCH = 1000
SIGMA, RADIUS = 1.5, 5  # the window of Wang et al.: 11 x 11
K1, K2 = 0.01, 0.03


def reconstruction_errors(images, reconstructions):
    """Returns {"mse", "psnr", "ssim"}, means over the images.

    Args:
        images, reconstructions: `[N, H, W, C]`, uint8 or float in [-1, 1].
    Raises: ValueError: unless both are images of one shape.
    """
    functions = {"mse": squared_errors, "psnr": psnr, "ssim": ssim}
    return {
        name: float(function(images, reconstructions).mean())
        for name, function in functions.items()
    }


def squared_errors(images, reconstructions):
    """Mean squared error of each image `[N]`."""
    return _by_batch(_squared_errors, images, reconstructions)


def psnr(images, reconstructions):
    """Peak signal-to-noise ratio of each image `[N]`, -10 log10 of the squared error,
    in decibels; infinite for equal images."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(squared_errors(images, reconstructions))


def ssim(images, reconstructions):
    """Structural similarity of each image `[N]`: 1 for equal images, mean over channels
    and all places where the window fits.

    The window is a normal curve of deviation 1.5 cut to 11 x 11, or less where an image
    is smaller than that.

    Source: Wang et al. 2004, doi:10.1109/TIP.2003.819861, section III.B; equal to
        scikit-image's with `gaussian_weights` and without `use_sample_covariance`.
    """
    return _by_batch(_ssim, images, reconstructions)


def gradient_energy(images):
    """Sharpness of each image `[N]`: mean squared difference of neighbouring pixels,
    across plus down. Noise is sharp too: read it beside a distance.

    Args:
        images: `[N, H, W, C]`, uint8 or float in [-1, 1].
    """
    return _by_batch(_gradient_energy, images)


def colourfulness(images):
    """Colourfulness of each image `[N]` with three channels: 0 of a grey one.

    Source: Hasler and Suesstrunk 2003, doi:10.1117/12.477378, section 7, equation of
        M^(3); of pixels in [0, 1] in place of [0, 255].
    """
    return _by_batch(_colourfulness, images)


def pca_errors(train, images, components, seed=0):
    """Mean squared error of each image `[N]` after the best linear autoencoder: PCA of
    `train` with so many `components`.

    Raises: ValueError: if there are fewer training images or pixels than components.
    """
    # scikit-learn takes a second to import: only who wants PCA pays for it.
    from sklearn.decomposition import PCA

    train, images = (
        pixels.intensities(arrays.images_or_clips(each)).reshape(len(each), -1)
        for each in (train, images)
    )
    if components > min(train.shape):
        raise ValueError(
            f"PCA of {train.shape[0]} images of {train.shape[1]} pixels has at most "
            f"{min(train.shape)} components. Received: {components}."
        )
    pca = PCA(components, random_state=seed).fit(train)
    return ((pca.inverse_transform(pca.transform(images)) - images) ** 2).mean(axis=1)


def _by_batch(function, *sets):
    """`function` of the intensities of all sets of images, a batch at a time."""
    sets = [arrays.images_or_clips(each) for each in sets]
    if len({each.shape for each in sets}) > 1:
        raise ValueError(
            "Images and their reconstructions are of one shape. "
            f"Received: {' and '.join(str(list(each.shape)) for each in sets)}."
        )
    parts = [
        function(*(pixels.intensities(each[start : start + BATCH]) for each in sets))
        for start in range(0, len(sets[0]), BATCH)
    ]
    return np.concatenate(parts)


def _squared_errors(x, y):
    return _row_means((x - y) ** 2)


def _gradient_energy(x):
    across, down = np.diff(x, axis=-2), np.diff(x, axis=-3)
    return _row_means(across**2) + _row_means(down**2)


def _colourfulness(x):
    red, green, blue = np.moveaxis(x, -1, 0)
    axes = tuple(range(1, red.ndim))
    opponents = (red - green, 0.5 * (red + green) - blue)
    spread = np.sqrt(sum(each.var(axis=axes) for each in opponents))
    mean = np.sqrt(sum(each.mean(axis=axes) ** 2 for each in opponents))
    return spread + 0.3 * mean


def _ssim(x, y):
    radius = min(RADIUS, (min(x.shape[-3:-1]) - 1) // 2)

    def mean(z):
        return ndimage.gaussian_filter(z, SIGMA, radius=radius, axes=(-3, -2))

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    likeness /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    inner = slice(radius, -radius)
    return _row_means(likeness[..., inner, inner, :])


def _row_means(values):
    """Means `[N]` over everything but the rows of `[N, ...]`."""
    return values.mean(axis=tuple(range(1, values.ndim)))
