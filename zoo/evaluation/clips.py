"""Scores of a model of clips: frames to come and between, reconstructions, samples.

Each score of frames to come stands beside those of what needs no model: the last frame
again, the mean image, the last frame moved on in a straight line.
"""

import dataclasses
import functools

import numpy as np

from zoo import metrics
from zoo.evaluation.bench import Bench, NotApplicableError
from zoo.evaluation.groups import Group
from zoo.evaluation.images import finite_pixels
from zoo.inputs import pixels, shapes
from zoo.metrics import protocol

MOST = 1000  # clips that are measured
DRAWS, MOST_DRAWN = 20, 100  # predictions of a past, of so many clips
LOOKS = {"speed": metrics.speeds, "sharpness": metrics.gradient_energy}
BASELINES = {  # {what needs no model: its name in scores}
    "last frame": "copied",
    "mean image": "mean_image",
    "straight on": "velocity",
}
GAPS = 1, 5  # frames between two others


@dataclasses.dataclass(frozen=True)
class NoFeatures:
    """Stands in the place of an extractor: clips are compared pixel by pixel."""

    name: str = protocol.NO_FEATURES
    sha256: str = ""


class ClipBench(Bench):
    """Real clips of a `Subject`: `test` and `train`, uint8 `[N, T, H, W, C]`.

    Attributes:
        past: Frames of a clip that are shown before the others are foretold.
    """

    def __init__(self, subject, options, progress, split="test"):
        fewer = min(options.num_images, MOST)
        options = dataclasses.replace(options, num_images=fewer)
        super().__init__(subject, options, progress, split)
        self.past = shapes.past_of(self.test.shape[1])
        self.details["examples"] = "clips"

    def _extractors(self):
        return NoFeatures(), None, None

    def _second(self):
        return None

    def prepare(self):
        """There are no features to measure."""

    def weaknesses(self):
        return []

    def predicted(self, clips, seed):
        """Returns the frames behind the past of `clips`, uint8 `[N, K, H, W, C]`."""
        frames = clips.shape[1] - self.past
        shown = clips[:, : self.past]
        return finite_pixels(self.model.predict_frames(shown, frames, seed=seed))


def foretold(bench):
    """PSNR and SSIM by horizon, their means, and speed and sharpness beside those of
    the true frames."""
    past, future = bench.test[:, : bench.past], bench.test[:, bench.past :]
    frames = future.shape[1]
    if not frames:
        raise NotApplicableError("clips of so few frames have no frames to come")
    made = bench.predicted(bench.test, bench.options.seed)
    predictions = {
        "model": made,
        "last frame": metrics.copied(past, frames),
        "mean image": metrics.mean_image(bench.train, len(past), frames),
        "straight on": metrics.constant_velocity(past, frames),
    }
    horizons, scores = {}, {}
    for name, each in predictions.items():
        each = pixels.to_uint8(each)
        curves = {
            "psnr": metrics.psnr_by_horizon(future, each),
            "ssim": metrics.ssim_by_horizon(future, each),
        }
        end = f"_{BASELINES[name]}" if name in BASELINES else ""
        scores |= {f"future_{k}{end}": curve.mean() for k, curve in curves.items()}
        horizons[name] = {k: curve.tolist() for k, curve in curves.items()}
    bench.details["horizons"], bench.details["past"] = horizons, bench.past
    return scores | _looks(made, future, "future_")


def between(bench, frames):
    """PSNR and SSIM of `frames` frames between the first one and one behind them,
    beside a cross-fade."""
    clips = bench.test[:, : frames + 2]
    if clips.shape[1] < frames + 2:
        raise NotApplicableError(f"clips have fewer than {frames + 2} frames")
    first, last, real = clips[:, 0], clips[:, -1], clips[:, 1:-1]
    images = {
        "": finite_pixels(bench.model.between(first, last, frames)),
        "_faded": metrics.cross_fade(first, last, frames),
    }
    scores = {}
    for end, each in images.items():
        each = pixels.to_uint8(each)
        curves = {
            "psnr": metrics.psnr_by_horizon(real, each),
            "ssim": metrics.ssim_by_horizon(real, each),
        }
        for name, curve in curves.items():
            scores[f"between_{frames}_{name}{end}"] = curve.mean()
    return scores


def drawn(bench):
    """PSNR of the best of `DRAWS` predictions of a past, their mean, and that of the
    first one alone."""
    clips = bench.test[:MOST_DRAWN]
    draws = []
    for number in range(DRAWS):
        seed = bench.options.seed + number * MOST
        draws.append(bench.predicted(clips, seed))
        bench.progress.step(number + 1, DRAWS)
    best = metrics.best_of(clips[:, bench.past :], np.stack(draws, axis=1))
    bench.details["draws"] = {"count": best.count, "clips": len(clips)}
    names = {"best": best.best, "mean": best.mean, "first": best.first}
    return {f"draws_psnr_{name}": curve.mean() for name, curve in names.items()}


def rebuilt(bench):
    """Errors of clips that are rebuilt from their latents."""
    images = finite_pixels(bench.model.reconstruct(bench.test))
    errors = metrics.reconstruction_errors(bench.test, images)
    return {f"recon_{name}": value for name, value in errors.items()}


def sampled(bench):
    """Speed and sharpness of new clips beside those of real ones."""
    count, seed = len(bench.test), bench.options.seed
    clips = finite_pixels(bench.model.sample(count, seed=seed))
    return _looks(clips, bench.test, "sample_")


def _looks(clips, real, begin):
    """Speed and sharpness of clips, divided by those of real ones."""
    scores = {}
    for name, measure in LOOKS.items():
        of_real = measure(real).mean()
        if of_real:
            scores[f"{begin}{name}"] = measure(clips).mean() / of_real
    return scores


GROUPS = (
    Group(
        "frames to come",
        ("predict_frames",),
        foretold,
        (
            *(f"future_{s}" for s in ("psnr", "ssim", *LOOKS)),
            *(f"future_{s}_{b}" for s in ("psnr", "ssim") for b in BASELINES.values()),
        ),
    ),
    Group(
        "draws of frames to come",
        ("predict_frames",),
        drawn,
        tuple(f"draws_psnr_{name}" for name in ("best", "mean", "first")),
    ),
    *(
        Group(
            f"frames between, {frames}",
            ("between",),
            functools.partial(between, frames=frames),
            tuple(
                f"between_{frames}_{score}{end}"
                for end in ("", "_faded")
                for score in ("psnr", "ssim")
            ),
        )
        for frames in GAPS
    ),
    Group(
        "reconstructions",
        ("reconstruct",),
        rebuilt,
        tuple(f"recon_{name}" for name in ("mse", "psnr", "ssim")),
    ),
    Group("new clips", ("sample",), sampled, tuple(f"sample_{name}" for name in LOOKS)),
)
