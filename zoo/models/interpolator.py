"""Frames between frames: how things moved, and so where they were on the way.

A network looks at two images and a time between them, and tells for each pixel of the
image at that time where to look for it in the first one and in the last one. Both are
moved so, and blended. Films become slower, or get back the frames that they lack.

Huang et al. 2022, "Real-Time Intermediate Flow Estimation for Video Frame
Interpolation" (RIFE), arXiv:2011.06294.
"""

from collections.abc import Sequence

import keras
from keras import ops

from zoo.core import ranks
from zoo.core.model import ImageModel
from zoo.core.registry import register
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import motion

FEWEST = 3  # frames of a clip, of which one lies between two others


@register("interpolator")
class Interpolator(ImageModel):
    """Interpolation of frames by motion.

    With frames x_a, x_b, x_c of a clip, a < b < c, and t = (b - a) / (c - a), the
    network tells flows f and g, a trust m and a rest r for each pixel:
        x_hat = ((1 - t) m w(x_a, t f) + t (1 - m) w(x_c, (1 - t) g)) / ((1 - t) m +
        t (1 - m)) + 4 t (1 - t) r,
        motion: |x_b - x_hat| + laplacian_weight sum over s of
        |L_s(x_b) - L_s(x_hat)|, means over pixels,
    where w(x, f) at a pixel p is x at p + f(p), and L_s are what each size of an image
    has beyond the next smaller one. Which frames are taken is drawn for each clip of a
    batch; half of them run backwards.

    Args:
        width: Channels of the finest level. Paper: 90.
        levels: Sizes at which motion is looked for, each half of the one before: about
            4 * 2^levels pixels are as far as it sees a thing move. Paper: 3.
        reach: Frames from the first to the last one in training, at most. Paper: 6.
        laplacian_weight: Weight of the differences by size. Paper: 1, and no others.
    Batch: clips `[B, T, H, W, C]` of 3 frames or more, float32 in [-1, 1], and labels,
        which tell the model nothing.
    Reports: `l1`, `mse`: absolute and squared error per pixel of frames between, pixels
        in [-1, 1], means over the epoch.
    Raises: ValueError: if a size is below 1, the reach is below 2, a weight is
        negative, or clips have fewer than 3 frames.
    Source: Huang et al. 2022, arXiv:2011.06294. Departures: flows are told per unit of
        time, and images weigh by their nearness, as in Jiang et al. 2018, arXiv:
        1712.00080, so that the images at the ends are the two themselves; no teacher
        that sees x_b; any frame between, as the authors' arbitrary-time model has it;
        the rest is a layer, not a second U-Net; a smaller network. Its sizes are not
        as many as those of Reda et al. 2022 (FILM), arXiv:2202.04901, for 32 pixels.
    """

    networks = ("motion",)
    terms = ("l1", "mse")
    takes = ("clip", "label")
    makes = "clip"
    monitor = "l1"
    paper = "Huang et al. 2022, arXiv:2011.06294"

    def __init__(
        self,
        width: int = 32,
        levels: int = 3,
        reach: int = 8,
        laplacian_weight: float = 0.1,
    ):
        self.width, self.levels, self.reach = width, levels, reach
        self.laplacian_weight = laplacian_weight
        super().__init__()
        self.require_at_least(width=1, levels=1, reach=2, laplacian_weight=0)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"motion": keras.optimizers.AdamW(1e-3, weight_decay=1e-3)}

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        if image_shape[0] < FEWEST:
            raise ValueError(
                f"{self.name!r} learns from clips of at least {FEWEST} frames: one "
                f"between two others. Received: clips of {image_shape[0]}."
            )
        return {
            "motion": motion.build_network(image_shape[1:], self.width, self.levels)
        }

    # --- training ---------------------------------------------------------------------

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        first, middle, last, times = self.triples(images)
        x_hat = self.at(first, last, times, training)
        l1, mse = ops.mean(ops.abs(x_hat - middle)), ops.mean((x_hat - middle) ** 2)
        loss = l1
        if self.laplacian_weight:
            details = zip(motion.details(x_hat), motion.details(middle))
            loss = loss + self.laplacian_weight * sum(
                ops.mean(ops.abs(a - b)) for a, b in details
            )
        return {"motion": loss}, {"l1": l1, "mse": mse}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        clips, _ = self.unpack(data)
        return self.track(self.update(self.objective, clips), clips)

    def triples(self, clips: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns three frames of each clip, `[B, H, W, C]`, and the time `[B]` of the
        second one between the others."""
        count = clips.shape[1]
        u = self.uniform(ops.shape(clips)[0], (4,))
        most = min(self.reach, count - 1)
        gap = 2 + ops.floor(u[:, 0] * (most - 1))
        start = ops.floor(u[:, 1] * (count - gap))
        step = 1 + ops.floor(u[:, 2] * (gap - 1))
        backwards = ops.cast(u[:, 3] < 0.5, "float32")
        ends = start + backwards * gap, start + (1.0 - backwards) * gap
        first, middle, last = (
            _frames(clips, place) for place in (ends[0], start + step, ends[1])
        )
        past = step / gap
        return first, middle, last, past + backwards * (1.0 - 2.0 * past)

    # --- frames between ---------------------------------------------------------------

    def at(
        self, first: Tensor, last: Tensor, times: Tensor, training: bool = False
    ) -> Tensor:
        """Returns the images `[B, H, W, C]` at `times` `[B]` between two."""
        answer = self.motion([first, last, times], training=training)
        return motion.blend(first, last, answer, ranks.column(times, first))

    def to_between(
        self, first: Tensor, last: Tensor, times: Sequence[float], ema: bool = True
    ) -> Tensor:
        zeros = ops.zeros_like(first[:, 0, 0, 0])
        frames = [self.at(first, last, zeros + t) for t in times]
        return ops.clip(ops.stack(frames, axis=1), -1.0, 1.0)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns clips with each frame but both ends drawn from its neighbours."""
        frame = images.shape[2:]
        first = ops.reshape(images[:, :-2], (-1, *frame))
        last = ops.reshape(images[:, 2:], (-1, *frame))
        middle = self.to_between(first, last, (0.5,))
        middle = ops.reshape(middle, (-1, images.shape[1] - 2, *frame))
        return ops.concatenate([images[:, :1], middle, images[:, -1:]], axis=1)


def _frames(clips, places):
    """Returns the frame `[B, H, W, C]` of each clip at its place `[B]`."""
    chosen = ops.one_hot(ops.cast(places, "int32"), clips.shape[1], dtype=clips.dtype)
    return ops.einsum("bt,bthwc->bhwc", chosen, clips)
