"""Palette: one picture becomes another, by taking noise away.

A source, such as a drawing, could become many images. A network that learns the
difference of pixels answers with their blurred mean, and pix2pix mostly with one of
them. This model learns to remove noise from images while it looks at their sources. So
each start from noise ends in another answer, and the loss is a plain squared error: no
game, and nothing that is made for a task.

Saharia et al. 2021, "Palette: Image-to-Image Diffusion Models", arXiv:2111.05826, whose
method is that of Saharia et al. 2021, "Image Super-Resolution via Iterative Refinement"
(SR3), arXiv:2104.07636, algorithms 1 and 2.
"""

from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from zoo import backend, diffusion
from zoo.core import ranks, translating
from zoo.core.registry import register
from zoo.diffusion.denoiser import UNetModel
from zoo.diffusion.options import Options
from zoo.diffusion.sampling import Descent
from zoo.inputs import tasks
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import unet, upscaling

NUM_TIMESTEPS = 2000
GAMMA = diffusion.alpha_bars(np.linspace(1e-6, 0.01, NUM_TIMESTEPS))
PLACE = 2**30  # step of a seed's numbers that place its hole; no sampler comes to it


@register("palette")
class Palette(UNetModel):
    """Palette: noise becomes the image of a source, which the network sees beside it.

    With an image x_0, its source, and x_gamma = sqrt(gamma) x_0 + sqrt(1 - gamma) eps
    at a random gamma, the network gets source and x_gamma, one behind the other as
    channels, and gamma itself; it predicts v = sqrt(gamma) eps - sqrt(1 - gamma) x_0:
        unet: |v - v_hat(source, x_gamma, gamma)|^2
    or eps or x_0 in its place. Most tasks make the source from the image, so that they
    need no pairs.

    Args:
        task: What becomes what. "edges": drawn edges become the image, "colour": a grey
            image gets its colours, "fill": a mid-grey hole is filled, "upscale": a
            small image becomes a large one, "pairs": sources of the data set become its
            images.
        scale: How many times as high and as wide an image becomes by "upscale": 2 or 4.
        consistent: Whether each guess of x_0 keeps what the source tells of it: the
            luma, the pixels around the hole, or the means of blocks.
        prediction: What the network predicts: "v", "eps" or "x0". Paper: "eps".
        overshoot: Whether a predicted x_0 beyond black or white counts as no error
            where the pixel is black or white itself, as in the `ddpm`.
        sampler: "dpmpp_2m", "ddim", "heun" or "ddpm". Paper: "ddpm".
        steps: Steps of the sampler, at most 2000. Paper: 1000.
        width: Channels of the first level. Paper: 256.
        mult: Multiplier of `width` at each level. Paper: (1, 1, 2, 2, 4, 4).
        depth: Residual blocks per level. Paper: 2.
        attention: Levels with self-attention, counted from 0. Paper: those of 32, 16
            and 8 pixels.
        patch: Side of the squares of pixels that the network sees as one. Paper: 1.
        dropout: Share of features dropped in training. Paper: not given.
        ema_decay: Decay per step of the network's average, which answers; 0 keeps no
            average. Paper: 0.9999.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1], and labels, which tell the model
        nothing; with "pairs" (sources `[B, H, W, c]`, images `[B, H, W, C]`).
    Reports: `denoising`: squared error per pixel of the prediction, of "fill" per pixel
        of the hole, mean over the epoch; validation measures the average, with the same
        noise in each epoch.
    Raises: ValueError: if a size is below 1, a share lies outside [0, 1), there are
        more steps than levels, or, once the shapes are known, if they do not fit the
        task.
    Source: Saharia et al. 2021, arXiv:2111.05826, section 3 and its loss; SR3,
        arXiv:2104.07636, algorithms 1 and 2 and equation 10. The schedule is linear in
        1 - gamma_t / gamma_(t-1), from 1e-6 to 0.01, as in
        github.com/Janspiry/Palette-Image-to-Image-Diffusion-Models; the paper's sizes
        are those of the network it names, Dhariwal and Nichol 2021, arXiv:2105.05233.
        Departures: the network predicts v; the sampler goes down the schedule of the
        training, by second order in 20 steps; holes are mid-grey, not noise; small
        images are means of blocks, enlarged to squares in place of bicubic; being
        consistent is Wang et al. 2022 (DDNM), arXiv:2212.00490, and the zoo's own for
        colours; by default the network suits two CPU cores.
    """

    terms = ("denoising",)
    monitor = "denoising"
    samplers = ("dpmpp_2m", "ddim", "heun", "ddpm")
    time_scale = 1000.0  # the embedding's wavelengths suit times from 0 to 1000
    paper = "Saharia et al. 2021, arXiv:2111.05826"

    def __init__(
        self,
        task: Literal["edges", "colour", "fill", "upscale", "pairs"] = "edges",
        scale: Literal[2, 4] = 4,
        consistent: bool = True,
        prediction: Literal["v", "eps", "x0"] = "v",
        overshoot: bool = True,
        sampler: Literal["dpmpp_2m", "ddim", "heun", "ddpm"] = "dpmpp_2m",
        steps: int = 20,
        width: int = 32,
        mult: tuple[int, ...] = (1, 2),
        depth: int = 1,
        attention: tuple[int, ...] = (1,),
        patch: int = 2,
        dropout: float = 0.0,
        ema_decay: float = 0.999,
    ):
        self.task, self.scale, self.consistent = task, scale, consistent
        self.prediction, self.overshoot = prediction, overshoot
        self.sampler, self.steps, self.ema_decay = sampler, steps, ema_decay
        super().__init__()
        self.require_sizes()
        self.levels(steps)

    @property
    def takes(self) -> tuple[str, ...]:
        is_paired = self.config["task"] == "pairs"
        return ("source", "image") if is_paired else ("image", "label")

    @property
    def makes_sources(self) -> bool:
        return self.config["task"] != "pairs"

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"unet": keras.optimizers.Adam(1e-3)}

    # --- the network, which sees the source -------------------------------------------

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        if self.makes_sources:
            self.source_shape = self._shape_of_sources(image_shape)
        if self.task != "upscale":
            tasks.require_shapes("palette", self.task, self.source_shape, image_shape)
        keys = "width", "mult", "depth", "attention", "patch", "dropout"
        sizes = {key: self.config[key] for key in keys}
        sizes["source_channels"] = self.source_shape[-1]
        return {"unet": unet.build_unet(image_shape, **sizes)}

    def _shape_of_sources(self, image_shape):
        if self.task == "upscale":
            return upscaling.source_shape(image_shape, self.scale)
        channels = tasks.source_channels(self.task, image_shape[-1])
        return (*image_shape[:2], channels)

    def ask(
        self,
        network: keras.Model,
        x: Tensor,
        t: Tensor,
        source: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        """Returns what `network` answers for x_gamma `[B, H, W, C]` beside `source`, at
        gamma `t` `[B]`."""
        if self.task == "upscale":
            source = upscaling.enlarge(source, self.scale)
        both = ops.concatenate([source, x], axis=-1)
        return super().ask(network, both, t, training=training)

    # --- training ---------------------------------------------------------------------

    def objective(
        self, first: Tensor, second: Tensor | None = None, training: bool = True
    ) -> Losses:
        source, x_0 = self.pair(first, second)
        rows = ops.shape(x_0)[0]
        gamma, alpha, sigma = self.random_level(rows, x_0)
        eps = self.normal(rows, self.image_shape)
        x_gamma = alpha * x_0 + sigma * eps
        output = self.ask(self.judged(training), x_gamma, gamma, source, training)
        missed = diffusion.error(
            self.prediction, output, x_0, eps, alpha, sigma, self.overshoot
        )
        error = ops.square(missed)
        if self.task == "fill":  # only the hole is learned, which no file has rounded
            hole = ops.cast(tasks.is_hole(source, near=1e-3), error.dtype)
            error = error * hole / ops.mean(hole)
        error = ops.mean(error)
        return {"unet": error}, {"denoising": error}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        fields = self.unpack(data)
        terms = self.update(self.objective, *fields)
        return self.track(terms, fields[0])

    def pair(self, first: Tensor, second: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns sources and images of a batch's fields, the first of which are images
        if the model makes their sources."""
        if not self.makes_sources:
            return first, second
        return self.source_of(first, self.uniform(ops.shape(first)[0], (2,))), first

    def random_level(self, rows: Tensor, like: Tensor) -> tuple[Tensor, ...]:
        """Returns gamma `[rows]`, uniform between two neighbouring levels, and
        sqrt(gamma) and sqrt(1 - gamma), of the rank of `like`.

        Source: SR3, equation 10.
        """
        t = self.integers(rows, (), 0, NUM_TIMESTEPS)
        variances = np.append(0.0, 1.0 - GAMMA).astype("float32")
        low, high = ops.take(variances, t), ops.take(variances, t + 1)
        variance = low + self.uniform(rows, ()) * (high - low)
        gamma = 1.0 - variance
        columns = (ranks.column(each, like) for each in (gamma, variance))
        return gamma, *(ops.sqrt(column) for column in columns)

    # --- sources and answers ----------------------------------------------------------

    def source_of(self, images: Tensor, u: Tensor) -> Tensor:
        """Returns the sources of images; `u` `[B, 2]` in [0, 1) places their holes."""
        if self.task == "upscale":
            return upscaling.block_mean(images, self.scale)
        return tasks.source_of(self.task, images, u)

    def kept(self, source: Tensor, x_0: Tensor) -> Tensor:
        """Returns the guess `x_0` `[B, H, W, C]` with what its source tells of it."""
        if self.task != "upscale":
            return tasks.kept(self.task, source, x_0)
        return upscaling.consistent(source, x_0, self.scale)

    def to_source(self, images: Tensor, seeds: Tensor) -> Tensor:
        return self.source_of(images, translating.places(seeds, PLACE))

    def to_target(
        self,
        sources: Tensor,
        seeds: Tensor,
        back: bool = False,
        labels: Tensor | None = None,
        ema: bool = True,
        sampler: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
    ) -> Tensor:
        options = {"sampler": sampler, "steps": steps, "eta": eta}
        start = self.translation(sources, seeds, back, labels, ema, **options)
        return ops.clip(start.run(x=start.x), -1.0, 1.0)

    def translation(
        self,
        sources: Tensor,
        seeds: Tensor,
        back: bool = False,
        labels: Tensor | None = None,
        ema: bool = True,
        **options: Any,
    ) -> Descent:
        """Returns the `Descent` from the noise of `seeds` to the images of
        `sources`."""
        chosen = Options(**options)
        rows = ops.zeros_like(sources[:, :1, :1, :1])  # one seed may be that of all
        x = rows + backend.normal_of_seeds(seeds, self.image_shape)
        return self.descent(x, self.ladder(chosen), seeds, sources, ema, chosen)

    def levels(self, steps: int) -> diffusion.Levels:
        levels = diffusion.discrete_levels(GAMMA, steps)
        return levels._replace(t=levels.alpha**2)  # the network is told gamma

    def predictor(
        self,
        levels: diffusion.Levels,
        source: Tensor | None = None,
        ema: bool = True,
        guidance: float = 1.0,
    ) -> Callable:
        """Returns `predict` as `zoo.diffusion` takes it."""
        predict = super().predictor(levels, source, ema, guidance)
        row = diffusion.table("float32", levels.alpha, levels.sigma)

        def consistent(x, k):
            guess, eps = predict(x, k)
            alpha, sigma = row(k)
            x_0 = self.kept(source, guess)
            return x_0, eps + alpha / sigma * (guess - x_0)  # x stays what it is

        return consistent if self.consistent else predict

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns the answers to sources, or to what it makes of images, by the noise
        of seed 0."""
        if self.makes_sources:
            images = self.source_of(images, translating.middle(images))
        return self.to_target(images, np.zeros(1, "int64"))
