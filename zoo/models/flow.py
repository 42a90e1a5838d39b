"""Flow matching along straight lines.

A point moves on a straight line from an image to noise. A network learns its velocity,
the mean over all lines that pass through that point. Sampling follows these velocities
back from noise, so it solves an ordinary differential equation: it needs no schedule of
noise and no variances, and few steps suffice.

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

LEAST = 0.05  # least t that an error of "x0" is divided by: a smaller one makes it huge


@register("flow")
class Flow(Denoiser):
    """Flow matching: the velocity on straight lines from images to noise.

    With x_t = (1 - t) x_0 + t eps at a random t in [0, 1), the network predicts the
    velocity dx_t/dt = eps - x_0:
        unet: |(eps - x_0) - u_hat(x_t, t)|^2
    or it predicts the image itself, with the same loss of the velocity that follows:
        unet: |(x_0 - x_hat_0(x_t, t)) / max(t, 0.05)|^2

    Args:
        prediction: What the network predicts: "velocity", or "x0", which is easier
            where the data are simple, as on a background of one colour: the network
            has to forget the noise there, not to find it in pixels that it hardly
            changes (Li and He 2025).
        overshoot: Whether a predicted x_0 beyond black or white counts as no error
            where the pixel is black or white itself, as in the `ddpm`. This is the
            zoo's own.
        num_classes: Classes of a conditional model; 0 learns without labels.
        label_dropout: Share of labels that are withheld in training, so that the
            network also learns to predict without a label.
        guidance: How strongly samples follow their label: at 0 not at all, at 1 as the
            network has learned it, above 1 more strongly.
        sampler: "euler" or "heun", which calls the network twice per step. Paper: a
            solver with adaptive steps; Liu et al.: "euler" too.
        steps: Steps of the sampler.
        width: Channels of the first level. Paper: 256 (CIFAR-10).
        mult: Multiplier of `width` at each level. Paper: (1, 2, 2, 2).
        depth: Residual blocks per level. Paper: 2.
        attention: Levels with self-attention, counted from 0. Paper: (1,), which has
            16x16 pixels.
        patch: Side of the squares of pixels that the network sees as one. Paper: 1.
        dropout: Share of features dropped in training. Paper: 0.
        ema_decay: Decay per step of the network's average, which `sample` uses; 0 keeps
            no average. Liu et al.: 0.999999 (CIFAR-10).
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; int labels `[B]` if conditional.
    Reports: `velocity`: squared error per pixel of the velocity, mean over the epoch;
        validation measures the average, with the same noise in each epoch.
    Raises: ValueError: if a size is below 1 or a share lies outside [0, 1).
    Source: Lipman et al. 2022, arXiv:2210.02747, equation 23 with sigma_min = 0, which
        is equation 1 of Liu et al. 2022, arXiv:2209.03003. Departures: t runs from
        image to noise, as in the `ddpm`; x_0 is kept in [-1, 1] while sampling; labels
        and guidance are those of Ho and Salimans 2022, arXiv:2207.12598; by default the
        network suits two CPU cores. "x0" is the x-prediction with v-loss of Li and He
        2025, arXiv:2511.13720, section 4, with a uniform t.
    """

    terms = ("velocity",)
    monitor = "velocity"
    samplers = ("euler", "heun")
    time_scale = 1000.0  # the embedding's wavelengths suit times from 0 to 1000
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
