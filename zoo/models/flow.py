"""Flow matching along straight lines.

A network learns the velocity at which a point moves from an image to noise on a
straight line, mean over all lines through that point. Samples run back along these
velocities, an ordinary differential equation: no schedule, no variances, few steps.

Lipman et al. 2022, "Flow Matching for Generative Modeling", arXiv:2210.02747; Liu et
al. 2022, "Flow Straight and Fast", arXiv:2209.03003 (rectified flow).
"""

from typing import Literal

from keras import ops

from zoo import diffusion
from zoo.core import ranks
from zoo.core.registry import register
from zoo.diffusion.denoiser import Denoiser
from zoo.inputs.tensors import Batch, Losses, Tensor

LEAST = 0.05  # noise by which an error of "x0" is divided: below, it would explode


@register("flow")
class Flow(Denoiser):
    """Flow matching: the velocity on straight lines from images to noise.

    Of x_t = (1 - t) x_0 + t eps, at a random t in [0, 1), the network tells the
    velocity dx_t/dt = eps - x_0:
        unet: |(eps - x_0) - u_hat(x_t, t)|^2
    or the image itself, which the same loss weighs by the noise:
        unet: |(x_0 - x_hat_0(x_t, t)) / max(t, 0.05)|^2

    Args:
        prediction: What the network tells: "velocity", or "x0", which it tells better
            where the data are simple, as on a background of one colour: there noise
            is to be forgotten, and not to be found in pixels that it hardly moves (Li
            and He 2025).
        overshoot: Whether a guess of x_0 beyond black or white is no error where the
            pixel is just that, as in the `ddpm`. Of our own.
        num_classes: Classes of a conditional model; 0 learns without labels.
        label_dropout: Share of labels withheld in training, so that the network learns
            to do without.
        guidance: Of samples with labels: 0 ignores the label, 1 heeds it, more
            exaggerates.
        sampler: "euler" or "heun" (two calls of the network a step). Paper: a solver
            with adaptive steps; Liu et al.: "euler" too.
        steps: Of the sampler.
        width: Channels of the first level. Paper: 256 (CIFAR-10).
        mult: Their multiplier at each level. Paper: (1, 2, 2, 2).
        depth: Residual blocks a level. Paper: 2.
        attention: Levels with self-attention, from 0. Paper: (1,), which is 16x16.
        patch: Side of the squares of pixels that the network sees as one. Paper: 1.
        dropout: Share of features dropped in training. Paper: 0.
        ema_decay: Decay a step of the network's average, which `sample` uses; 0 keeps
            none. Liu et al.: 0.999999 (CIFAR-10).
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; int labels `[B]` if conditional.
    Reports: `velocity`: squared error per pixel of the velocity, mean over the epoch;
        in validation of the average, with the same noise in each epoch.
    Raises: ValueError: if a size is below 1 or a share outside [0, 1).
    Source: Lipman et al. 2022, arXiv:2210.02747, equation 23 with sigma_min = 0, which
        is equation 1 of Liu et al. 2022, arXiv:2209.03003. Departures: t runs from
        image to noise, as in the `ddpm`; x_0 is kept in [-1, 1] while sampling; labels
        and guidance are those of Ho and Salimans 2022, arXiv:2207.12598; a network for
        two CPU cores. "x0" is the x-prediction with v-loss of Li and He 2025,
        arXiv:2511.13720, section 4, with a uniform t.
    """

    terms = ("velocity",)
    monitor = "velocity"
    samplers = ("euler", "heun")
    time_scale = 1000.0  # the embedding's wavelengths are made for 0 to 1000
    paper = "Lipman et al. 2022, arXiv:2210.02747"

    def __init__(
        self,
        prediction: Literal["velocity", "x0"] = "velocity",
        overshoot: bool = False,
        num_classes: int = 0,
        label_dropout: float = 0.1,
        guidance: float = 1.0,
        sampler: Literal["euler", "heun"] = "euler",
        steps: int = 50,
        width: int = 32,
        mult: tuple[int, ...] = (1, 2, 2),
        depth: int = 1,
        attention: tuple[int, ...] = (2,),
        patch: int = 1,
        dropout: float = 0.0,
        ema_decay: float = 0.9999,
    ):
        self.prediction, self.overshoot = prediction, overshoot
        self.num_classes, self.label_dropout = num_classes, label_dropout
        self.guidance, self.sampler, self.steps = guidance, sampler, steps
        self.ema_decay = ema_decay
        super().__init__()
        self.require_settings()

    def levels(self, steps: int) -> diffusion.Levels:
        return diffusion.flow_levels(steps)

    def level_at(self, share: float) -> diffusion.Levels:
        return diffusion.flow_levels(1, share)

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        x_0 = self.enter(images)
        rows = ops.shape(x_0)[0]
        t = self.uniform(rows, ())
        eps = self.normal(rows, self.noised_shape)
        labels = self.drop_labels(labels, rows)
        share = ranks.column(t, x_0)
        x_t = (1.0 - share) * x_0 + share * eps
        output = self.ask(self.judged(training), x_t, t, labels, training)
        error = diffusion.error(
            self.prediction, output, x_0, eps, 1.0 - share, share, self.overshoot
        )
        if self.prediction == "x0":
            error = error / ops.maximum(share, LEAST)
        error = ops.mean(ops.square(error))
        return {"unet": error}, {"velocity": error}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, labels = self.unpack(data)
        terms = self.update(self.objective, images, labels)
        return self.track(terms, images)
