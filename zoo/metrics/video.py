"""How well frames are foretold: by horizon, beside what needs no model, of many draws.

A prediction of a moving thing blurs as it reaches further, so each number is one of a
horizon. Means of PSNR are means over frames of their PSNRs, not the PSNR of a mean
error. A mean image scores better than the last frame, once more: a number means
something only beside both.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from zoo import inputs
from zoo.inputs import pixels
from zoo.metrics import reconstruction

# An error below that of rounding to 8 bits counts as that: else one equal frame would
# make a mean infinite.
CEILING = -10 * np.log10((1 / 255) ** 2 / 12)  # 58.9 dB


class Draws(NamedTuple):
    """PSNR of several predictions of one past, by horizon, mean over clips.

    Attributes:
        count: Predictions of a past, N. The best of N rises with N.
        best: `[K]`, of the prediction with the highest mean over its frames.
        mean: `[K]`, mean over the predictions.
        first: `[K]`, of the first one alone.
    """

    count: int
    best: np.ndarray
    mean: np.ndarray
    first: np.ndarray


# --- predictions ----------------------------------------------------------------------


def psnr_by_horizon(future, predictions):
    """PSNR of each horizon `[K]` in decibels, mean over clips.

    Args:
        future, predictions: `[N, K, H, W, C]`, uint8 or float in [-1, 1].
    Raises: ValueError: unless both are clips of one shape.
    """
    return _frame_psnr(clips(future), clips(predictions)).mean(axis=0)


def ssim_by_horizon(future, predictions):
    """Structural similarity of each horizon `[K]`, mean over clips; arguments as of
    `psnr_by_horizon`."""
    frames = _paired_frames(clips(future), clips(predictions))
    each = reconstruction.ssim(*frames)
    return each.reshape(len(future), -1).mean(axis=0)


def best_of(future, predictions):
    """Returns the `Draws` of several predictions of each past.

    The best is chosen by the mean over its frames, so that it is one film.

    Args:
        future: `[N, K, H, W, C]`, uint8 or float in [-1, 1].
        predictions: `[N, S, K, H, W, C]`, S of each past.
    Raises: ValueError: unless the shapes fit.
    """
    future, predictions = clips(future), np.asarray(predictions)
    count = predictions.shape[1] if predictions.ndim == 6 else 0
    if not count or predictions.shape != (len(future), count, *future.shape[1:]):
        raise ValueError(
            "There are predictions [N, S, K, H, W, C] of a future [N, K, H, W, C]. "
            f"Received: {list(predictions.shape)} and {list(future.shape)}."
        )
    each = np.stack(
        [_frame_psnr(future, predictions[:, draw]) for draw in range(count)], axis=1
    )
    winners = each.mean(axis=2).argmax(axis=1)
    best = each[np.arange(len(each)), winners]
    return Draws(
        count, best.mean(axis=0), each.mean(axis=(0, 1)), each[:, 0].mean(axis=0)
    )


def _frame_psnr(future, predictions):
    """PSNR of each frame `[N, K]`, at most `CEILING`."""
    frames = _paired_frames(future, predictions)
    decibels = np.minimum(reconstruction.psnr(*frames), CEILING)
    return decibels.reshape(future.shape[:2])


def _paired_frames(future, predictions):
    """The frames of both, `[N K, H, W, C]`, checked."""
    if future.shape != predictions.shape:
        raise ValueError(
            "Predictions are of the shape of the future that they foretell. "
            f"Received: {list(predictions.shape)} and {list(future.shape)}."
        )
    if not np.isfinite(predictions).all():
        raise ValueError("Predictions are finite. Received: NaN or infinity.")
    return [each.reshape(-1, *each.shape[2:]) for each in (future, predictions)]


def continued(model, films, past, seed=0):
    """The first `past` frames of clips `[N, T, H, W, C]`, and behind them those that
    `model.predict_frames` foretells, uint8 `[N, T, H, W, C]`."""
    films = pixels.to_uint8(clips(films))
    future = model.predict_frames(films[:, :past], films.shape[1] - past, seed=seed)
    return np.concatenate([films[:, :past], pixels.to_uint8(future)], axis=1)


# --- what needs no model --------------------------------------------------------------


def copied(past, frames):
    """The last frame of each past, `frames` times: float64 `[N, frames, H, W, C]` in
    [-1, 1]."""
    inputs.check_integer("The number of frames", frames, 1)
    last = pixels.intensities(clips(past)[:, -1:])
    return pixels.signed(np.repeat(last, frames, axis=1))


def mean_image(train, count, frames):
    """The mean of all frames of `train` `[M, T, H, W, C]`, for `count` clips: float64
    `[count, frames, H, W, C]` in [-1, 1]."""
    inputs.check_integer("The number of frames", frames, 1)
    mean = pixels.intensities(clips(train)).mean(axis=(0, 1))
    return pixels.signed(np.broadcast_to(mean, (count, frames, *mean.shape)))


def cross_fade(first, last, frames):
    """`frames` frames between images `[N, H, W, C]`, in which the first fades and the
    last appears: float64 `[N, frames, H, W, C]` in [-1, 1]. One frame is their mean."""
    inputs.check_integer("The number of frames", frames, 1)
    a, b = (pixels.intensities(np.asarray(image)) for image in (first, last))
    times = [k / (frames + 1) for k in range(1, frames + 1)]
    return pixels.signed(np.stack([(1 - t) * a + t * b for t in times], axis=1))


def constant_velocity(past, frames):
    """The last frame of each past, moved on in a straight line: float64 `[N, frames, H,
    W, C]` in [-1, 1].

    A frame moves as a whole, by the last step of its centre of light; what comes in
    from outside is black. It foretells one object exactly until it bounces. A past of
    one frame stands still.
    """
    inputs.check_integer("The number of frames", frames, 1)
    x = pixels.intensities(clips(past))
    steps = np.diff(centres(past), axis=1)
    velocities = steps[:, -1] if steps.shape[1] else np.zeros((len(x), 2))
    moved = [
        [
            ndimage.shift(last, (*(velocity * k), 0), order=1)
            for k in range(1, frames + 1)
        ]
        for last, velocity in zip(x[:, -1], velocities)
    ]
    return pixels.signed(np.array(moved))


# --- motion ---------------------------------------------------------------------------


def speeds(films):
    """Pixels a frame by which the centre of light moves, `[N, T - 1]`, of clips `[N, T,
    H, W, C]` of one bright object on black."""
    return np.linalg.norm(np.diff(centres(films), axis=1), axis=-1)


def centres(films):
    """Centre of light of each frame, float64 `[N, T, 2]`: row and column in pixels; the
    middle of a frame that is all black.

    Args:
        films: `[N, T, H, W, C]`, uint8 or float in [-1, 1].
    """
    light = pixels.intensities(clips(films)).sum(axis=-1)
    mass = light.sum(axis=(2, 3))
    is_black = mass == 0
    places = []
    for axis, side in zip((3, 2), light.shape[2:]):
        profile = light.sum(axis=axis)
        place = profile @ np.arange(side) / np.where(is_black, 1, mass)
        places.append(np.where(is_black, (side - 1) / 2, place))
    return np.stack(places, axis=-1)


def clips(array):
    """Returns clips `[N, T, H, W, C]` as they are; ValueError unless of that rank."""
    array = np.asarray(array)
    if array.ndim != 5 or 0 in array.shape[:2]:
        raise ValueError(
            f"Clips are an array [N, T, H, W, C]. Received: shape {list(array.shape)}."
        )
    return array
