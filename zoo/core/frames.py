"""Frames that follow others or lie between: what users call on a model of clips."""

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
from absl import logging
from numpy.typing import ArrayLike

from zoo import inputs
from zoo.core.translating import Translating
from zoo.inputs import pixels, shapes


class Frames(Translating):
    """The part of `Calls` for frames."""

    def predict_frames(
        self,
        past: ArrayLike,
        frames: int,
        seed: int | None = None,
        samples: int = 1,
        *,
        labels: ArrayLike | None = None,
        ema: bool = True,
        batch_size: int = 64,
        **options: Any,
    ) -> np.ndarray:
        """Returns the frames that follow, float32 `[N, frames, H, W, C]`.

        Args:
            past: Clips `[N, t, H, W, C]` of 1 to T frames, T that of the training.
            frames: How many are wanted, up to 128.
            seed, samples, labels: As of `translate`.
        """
        self.require("predict_frames")
        self.require_options("to_future", options)
        clips = self._past(past)
        self._require_frames(clips.shape[1], frames)
        labels = None if labels is None else self.checked_labels(labels, len(clips))
        options |= {"frames": int(frames), "ema": bool(ema)}
        rows = (clips, labels)
        return self._answers("to_future", rows, seed, samples, batch_size, options)

    def _require_frames(self, past, frames):
        """Raises ValueError unless `frames` frames can be made; tells if they lie
        beyond those of the training, behind `past` others."""
        inputs.check_integer("The number of frames", frames, 1, shapes.MOST_FRAMES)
        if past + frames > self.image_shape[0]:
            logging.warning(
                "%r learned from clips of %d frames: what lies beyond is a guess. "
                "Received: %d past frames and %d to come.",
                *(self.name, self.image_shape[0], past, frames),
            )

    def _past(self, past):
        """Returns the frames to go on from, float32 `[N, t, H, W, C]`, checked."""
        past = inputs.to_array(past, "clip")
        count, *frame = self.image_shape
        if past.ndim != 5 or not 1 <= past.shape[1] <= count:
            raise ValueError(
                f"Past frames are clips [N, t, H, W, C] of 1 to {count} frames. "
                f"Received: shape {list(past.shape)}."
            )
        flat = past.reshape(-1, *past.shape[2:])
        inputs.check_images(flat, frame)
        return pixels.to_float(past)

    def between(
        self,
        first: ArrayLike,
        last: ArrayLike,
        frames: int | None = None,
        times: float | Iterable[float] | None = None,
        *,
        ema: bool = True,
        batch_size: int = 64,
        **options: Any,
    ) -> np.ndarray:
        """Returns the images between two, float32 `[N, K, H, W, C]`.

        Args:
            first, last: Images `[N, H, W, C]`.
            frames: K images at equal distances, both ends left out.
            times: Or K numbers in (0, 1).
        """
        self.require("between")
        self.require_options("to_between", options)
        a, b = (self._frame(image) for image in (first, last))
        if a.shape != b.shape:
            raise ValueError(
                "The first and the last images have one shape. "
                f"Received: {list(a.shape)} and {list(b.shape)}."
            )
        options |= {"times": _times(frames, times), "ema": bool(ema)}
        return self.in_batches("to_between", batch_size, a, b, **options)

    def slower(
        self, clips: ArrayLike, times: int = 2, *, ema: bool = True
    ) -> np.ndarray:
        """Returns clips with frames between theirs, float32 `[N, (T - 1) times + 1, H,
        W, C]`: `times - 1` between each two, which stay as they are.

        Args:
            clips: `[N, T, H, W, C]` of 2 frames or more.
        """
        self.require("between")
        inputs.check_integer("times", times, 2, shapes.MOST_FRAMES)
        clips = inputs.to_array(clips, "clip")
        if clips.ndim != 5 or clips.shape[1] < 2:
            raise ValueError(
                "Clips [N, T, H, W, C] of 2 frames or more can be slower. "
                f"Received: shape {list(clips.shape)}."
            )
        count, frame = clips.shape[1], clips.shape[2:]
        first, last = (x.reshape(-1, *frame) for x in (clips[:, :-1], clips[:, 1:]))
        middle = self.between(first, last, frames=times - 1, ema=ema)
        middle = middle.reshape(-1, count - 1, times - 1, *frame)
        whole = np.asarray(pixels.to_float(clips))
        steps = np.concatenate([whole[:, :-1, None], middle], axis=2)
        steps = steps.reshape(len(whole), -1, *frame)
        return np.concatenate([steps, whole[:, -1:]], axis=1)

    def _frame(self, images):
        images = inputs.to_array(images)
        inputs.check_images(images, self.image_shape[-3:])
        return pixels.to_float(images)


def _times(frames, times):
    """Returns the times of the images between, a tuple of numbers in (0, 1)."""
    if (frames is None) == (times is None):
        raise ValueError(
            "What lies between is told by frames, a number, or by times. "
            f"Received: frames={frames!r}, times={times!r}."
        )
    if times is None:
        inputs.check_integer("The number of frames", frames, 1, shapes.MOST_FRAMES)
        return tuple(k / (frames + 1) for k in range(1, frames + 1))
    times = tuple(times) if hasattr(times, "__iter__") else (times,)
    sound = all(isinstance(t, numbers.Real) and 0 < float(t) < 1 for t in times)
    if not times or not sound:
        raise ValueError(f"Times lie in (0, 1). Received: times={times!r}.")
    return tuple(map(float, times))
