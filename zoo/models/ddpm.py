"""The denoising diffusion probabilistic model.

Noise is added to an image in many small steps until nothing else is left, and a network
learns to take one step back. A GAN makes an image in one pass; this model makes it from
noise little by little, and its loss is a plain squared error.

Ho et al. 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, algorithms
1 and 2.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from zoo import diffusion, inputs
from zoo.core import ranks
from zoo.core.inference import seeds_from
from zoo.core.registry import register
from zoo.diffusion import bound
from zoo.diffusion.denoiser import Denoiser
from zoo.diffusion.options import Options
from zoo.inputs.tensors import Batch, Losses, Tensor


@register("ddpm")
class DDPM(Denoiser):
    """Denoising diffusion model: noise taken away little by little is an image.

    With x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps at a random t, the
    network predicts eps:
        unet: |eps - eps_hat(x_t, t)|^2 (+ 0.001 T bound_t, if the variance is learned)

    Args:
        num_timesteps: T, the number of noise levels. Paper: 1000.
        schedule: How beta rises over the levels: "linear" or "cosine" (Nichol and
            Dhariwal 2021).
        prediction: What the network predicts: "eps", "x0" or "v" = sqrt(alpha_bar) eps
            - sqrt(1 - alpha_bar) x_0; the loss is the squared error of that.
        overshoot: Whether a predicted x_0 beyond black or white counts as no error
            where the pixel is black or white itself. Samples are clipped to that range,
            so a background of one colour comes out plain. This is the zoo's own; the
            decoder of the paper, equation 13, also counts all that lies beyond the last
            value as that value.
        variance: Variance of a step back: "beta" or "posterior" (the paper has both),
            or "learned", which lies between the two by a v for each pixel (Nichol and
            Dhariwal 2021). In the bound, "beta" of the step to x_0 is the posterior
            variance of the step before it, as in the code of Ho et al. ("fixedlarge").
        min_snr: gamma of the min-SNR weight of each level's loss, 5 in its paper (Hang
            et al. 2023); 0 gives all levels the same weight.
        num_classes: Classes of a conditional model; 0 learns without labels. Paper: 0.
        label_dropout: Share of labels that are withheld in training, so that the
            network also learns to predict without a label.
        guidance: How strongly samples follow their label: at 0 not at all, at 1 as the
            network has learned it, above 1 more strongly.
        sampler: "ddpm", "ddim", "heun" or "dpmpp_2m". Paper: "ddpm".
        steps: Steps of the sampler, at most `num_timesteps`. Paper: 1000.
        width: Channels of the first level. Paper: 128.
        mult: Multiplier of `width` at each level. Paper: (1, 2, 2, 2).
        depth: Residual blocks per level. Paper: 2.
        attention: Levels with self-attention, counted from 0. Paper: (1,), which has
            16x16 pixels.
        patch: Side of the squares of pixels that the network sees as one. Paper: 1.
        dropout: Share of features dropped in training. Paper: 0.1.
        ema_decay: Decay per step of the network's average, which `sample` uses; 0 keeps
            no average. Paper: 0.9999.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; int labels `[B]` if conditional.
    Reports: `denoising`: weighted squared error per pixel of the prediction; `vlb`, if
        the variance is learned: the variational bound without the term of the prior, in
        bits per dimension, estimated from one t per image. Both are means over the
        epoch; validation measures the average, with the same noise in each epoch.
    Raises: ValueError: if a size is below 1, a share lies outside [0, 1), or `steps`
        exceeds `num_timesteps`.
    Source: Ho et al. 2020, arXiv:2006.11239, algorithms 1 and 2, appendix B; the
        learned variance of Nichol and Dhariwal 2021, arXiv:2102.09672, equations 15 and
        16; guidance of Ho and Salimans 2022, arXiv:2207.12598. Departures: by default
        the network suits two CPU cores and the sampler is DDIM with 50 steps; gradients
        are not clipped; attention has no biases; the last layers of branches start with
        small weights in place of zeros.
    """

    monitor = "denoising"
    samplers = ("ddpm", "ddim", "heun", "dpmpp_2m")
    nll_unit = "bits per dimension"
    paper = "Ho et al. 2020, arXiv:2006.11239"

    def __init__(
        self,
        num_timesteps: int = 1000,
        schedule: Literal["linear", "cosine"] = "linear",
        prediction: Literal["eps", "x0", "v"] = "eps",
        overshoot: bool = False,
        variance: Literal["beta", "posterior", "learned"] = "beta",
        min_snr: float = 0.0,
        num_classes: int = 0,
        label_dropout: float = 0.1,
        guidance: float = 1.0,
        sampler: Literal["ddim", "ddpm", "heun", "dpmpp_2m"] = "ddim",
        steps: int = 50,
        width: int = 32,
        mult: tuple[int, ...] = (1, 2, 2),
        depth: int = 1,
        attention: tuple[int, ...] = (2,),
        patch: int = 1,
        dropout: float = 0.1,
        ema_decay: float = 0.9999,
    ):
        self.num_timesteps, self.prediction = num_timesteps, prediction
        self.overshoot, self.variance, self.min_snr = overshoot, variance, min_snr
        self.num_classes, self.label_dropout = num_classes, label_dropout
        self.guidance, self.sampler, self.steps = guidance, sampler, steps
        self.ema_decay = ema_decay
        super().__init__()
        self.require_settings()
        self.require_at_least(num_timesteps=1, min_snr=0)
        # A NumPy array, because Keras would track a list, and tensors belong to graphs.
        self.alpha_bar = diffusion.alpha_bars(
            diffusion.SCHEDULES[schedule](num_timesteps)
        )
        self.levels(steps)

    @property
    def terms(self) -> tuple[str, ...]:
        return ("denoising", "vlb") if self.outputs == 2 else ("denoising",)

    @property
    def outputs(self) -> int:  # the second output is v
        return 2 if self.config["variance"] == "learned" else 1

    def levels(self, steps: int) -> diffusion.Levels:
        return diffusion.discrete_levels(self.alpha_bar, steps)

    def level_at(self, share: float) -> diffusion.Levels:
        t = round(share * (self.num_timesteps - 1))
        return diffusion.discrete_levels(self.alpha_bar[: t + 1], 1)

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        x_0 = self.enter(images)
        rows = ops.shape(x_0)[0]
        t = self.integers(rows, (), 0, self.num_timesteps)
        eps = self.normal(rows, self.noised_shape)
        labels = self.drop_labels(labels, rows)
        x_t = self.q_sample(x_0, t, eps)
        answer = self.ask(self.judged(training), x_t, t, labels, training)
        output, *v = self.split(answer)
        alpha, sigma = self.alpha_sigma(t, x_0)
        missed = diffusion.error(
            self.prediction, output, x_0, eps, alpha, sigma, self.overshoot
        )
        error = ops.mean(ops.square(missed), axis=ranks.row_axes(missed))
        denoising = ops.mean(self.weight(t) * error)
        if not v:
            return {"unet": denoising}, {"denoising": denoising}
        vlb = ops.mean(self.bound_at(t, x_0, x_t, ops.stop_gradient(output), *v))
        return {"unet": denoising + 1e-3 * vlb}, {"denoising": denoising, "vlb": vlb}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, labels = self.unpack(data)
        terms = self.update(self.objective, images, labels)
        return self.track(terms, images)

    def q_sample(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """Returns x_t, which is `x_0` with the noise `eps` of the level `t`, int
        `[B]`."""
        alpha, sigma = self.alpha_sigma(t, x_0)
        return alpha * x_0 + sigma * eps

    def alpha_sigma(self, t: Tensor, x: Tensor) -> list[Tensor]:
        """Returns sqrt(alpha_bar) and sqrt(1 - alpha_bar) at int `t` `[B]`, each `[B,
        1, ...]` with the rank of `x`."""
        columns = np.sqrt(self.alpha_bar), np.sqrt(1.0 - self.alpha_bar)
        return self.at(t, columns, x)

    def at(self, t: Tensor, columns: Sequence[np.ndarray], x: Tensor) -> list[Tensor]:
        """Returns the entries at int `t` `[B]` of each of the NumPy `columns` `[T]`,
        each `[B, 1, ...]` with the rank of `x`."""
        return [ranks.column(ops.take(c.astype("float32"), t), x) for c in columns]

    def split(self, answer: Tensor) -> tuple[Tensor, ...]:
        """Returns (output,), or (output, v) with a learned variance. Where the network
        answers 0, v is 1/2."""
        if self.outputs == 1:
            return (answer,)
        output, v = ops.split(answer, 2, axis=-1)
        return output, 0.5 * (v + 1.0)

    def interpret(
        self, output: Tensor, x: Tensor, alpha: Tensor, sigma: Tensor
    ) -> tuple[Tensor, ...]:
        output, *v = self.split(output)
        return *super().interpret(output, x, alpha, sigma), *v

    def bound_at(
        self, t: Tensor, x_0: Tensor, x_t: Tensor, output: Tensor, v: Tensor
    ) -> Tensor:
        """Returns an estimate of the bound `[B]` in bits per dimension: T times its
        term of the step `t` `[B]`."""
        x_0_hat, _ = diffusion.interpret(
            self.prediction, output, x_t, *self.alpha_sigma(t, x_t)
        )
        columns = bound.step_columns(self.levels(self.num_timesteps), "learned")
        columns = [column[::-1] for column in columns]  # from data to noise, as t goes
        w_0, log_beta, log_least = self.at(t, columns, x_t)
        logvar = diffusion.log_variance("learned", log_beta, log_least, v)
        nats = bound.step_nats(x_0, x_0_hat, logvar, w_0, log_least, 1 - t)
        return self.num_timesteps * nats / (math.prod(self.noised_shape) * math.log(2))

    def weight(self, t: Tensor) -> Tensor:
        """Returns the weight `[B]` of the loss at int `t` `[B]`."""
        if not self.min_snr:
            return 1.0
        snr = self.prediction, self.alpha_bar, self.min_snr
        return ops.take(diffusion.min_snr_weights(*snr).astype("float32"), t)

    def sampler_of(self, options: Options) -> Callable:
        if (options.sampler or self.sampler) == "ddpm" and options.variance is None:
            options = dataclasses.replace(options, variance=self.variance)
        if options.variance == "learned" and self.outputs == 1:
            raise ValueError(
                f"{self.name!r} has learned no variance: that is a setting of the "
                "model, variance='learned'. Received: variance='learned'."
            )
        return super().sampler_of(options)

    def nll(
        self,
        images: ArrayLike,
        labels: ArrayLike | None = None,
        k: int | None = None,
        seed: int = 0,
        ema: bool = True,
        batch_size: int = 250,
    ) -> np.ndarray:
        """Returns the variational bound of -log P(x) `[N]`, in bits per dimension.

        Args:
            images: `[N, H, W, C]` of 8 bits: uint8, or float in [-1, 1].
            labels: int `[N]` for -log P(x | label); without them the network gets no
                label.
            k: Steps down the noise levels; each calls the network once. Fewer steps are
                faster and also give a bound, but a looser one. All levels if None.
            seed: Seed of the noise, which is drawn once per level; image i uses
                `seed + i`.
        Raises: ValueError: for floats that are no pixels of 8 bits, such as those in
            [0, 1]: a bound of their bins would mean nothing.
        """
        images = self.ready("nll", images)
        grey = 127.5 * (images + 1.0)
        if np.abs(grey - np.rint(grey)).max() > 0.1:
            raise ValueError(
                "The bound is that of 8-bit pixels: uint8, or images / 127.5 - 1 of "
                "them. Received: floats between their values."
            )
        inputs.check_integer("batch_size", batch_size, 1)
        if k is not None:
            inputs.check_integer("k", k, 1, self.num_timesteps)
        seeds = seeds_from(seed, len(images))
        rows = () if labels is None else (self.checked_labels(labels, len(images)),)
        return self.in_batches("bits", batch_size, seeds, images, *rows, ema=ema, k=k)

    def bits(
        self,
        seeds: Tensor,
        images: Tensor,
        labels: Tensor | None = None,
        ema: bool = True,
        k: int | None = None,
    ) -> Tensor:
        """Returns the bound `[B]` in bits per dimension."""
        k = self.num_timesteps if k is None else k
        levels = diffusion.discrete_levels(self.alpha_bar, k, "linspace")
        nats = bound.variational_bound(
            self.predictor(levels, labels, ema),
            self.enter(images),
            levels,
            self.noise_of(seeds),
            self.variance,
        )
        return nats / (math.prod(self.noised_shape) * math.log(2))
