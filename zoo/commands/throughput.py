"""Speed of the zoo beside PyTorch, in training and sampling, measured in turns.

A round of one side follows a round of the other, each in a process of its own. A
machine that slows down slows neighbouring rounds alike, so what counts is the ratio of
neighbours.
"""

import dataclasses
import os
import platform
import statistics
from importlib import metadata

from zoo.commands import machine, sides

DISTURBED = 0.05  # a round with a larger share of other work does not count


@dataclasses.dataclass(frozen=True)
class Job:
    """What both sides train or sample, and how it is timed.

    Attributes:
        name: Name of the line in the table.
        model: Name of the model in the zoo; `config` are all its settings.
        rival: Name in `zoo.commands.pytorch.loop.MODELS`, or "steps": the zoo's
            compiled training step alone, without `fit` and data.
        dataset: Name of the data set; its train split is used.
        image_size: Side of the images in pixels, or (height, width); None for the size
            of the set.
        batches_per_step: Batches that a training step takes; a WGAN takes several.
        steps, rounds: Training steps per round, and rounds per side.
        threads: Threads of each side.
        clock: "wall", or "cpu": the time of the process on all its cores.
        task: "training" or "sampling", in which a round is one batch of images, made in
            `steps` steps of the sampler.
        precision: "float32", or "mixed_bfloat16": PyTorch's autocast to bfloat16.
        is_compiled: Whether PyTorch's networks go through `torch.compile`.
        replicas: Number of devices that share the zoo's batch.
    """

    name: str
    model: str
    rival: str
    config: dict
    dataset: str
    image_size: int | tuple | None
    batch_size: int
    batches_per_step: int
    steps: int
    rounds: int
    threads: int
    clock: str
    task: str = "training"
    precision: str = "float32"
    is_compiled: bool = False
    replicas: int = 1

    @property
    def images(self):
        """Images per round."""
        return self.images_per_step * (1 if self.task == "sampling" else self.steps)

    @property
    def images_per_step(self):
        """Images of a training step or, in sampling, of all steps together."""
        return self.batch_size * (
            1 if self.task == "sampling" else self.batches_per_step
        )

    @property
    def is_variant(self):
        """Whether PyTorch trains in another way than the zoo."""
        return self.rival not in (self.model, "steps")


@dataclasses.dataclass(frozen=True)
class Result:
    """Rounds of both sides.

    Attributes:
        job: The `Job`.
        zoo, rival: Rounds that count, of the zoo and of its rival; the zoo has one
            more, so that each of the rival's has two neighbours.
        first: The rounds of a single step that came before, one of each side.
        facts: {name: number} that the rival reports after it warmed up: `operations`,
            the floating-point operations of a training step, and `rate`, those per
            second when matrices are multiplied.
    """

    job: Job
    zoo: list
    rival: list
    first: tuple = ()
    facts: dict = dataclasses.field(default_factory=dict)

    @property
    def neighbours(self):
        """All pairs of neighbouring rounds (zoo, rival)."""
        return [*zip(self.zoo, self.rival), *zip(self.zoo[1:], self.rival)]

    @property
    def undisturbed(self):
        """The pairs without other work on the machine, which would slow down one side
        more."""
        limit = DISTURBED if self.job.clock == "wall" else 1.0
        return [p for p in self.neighbours if max(r.others for r in p) <= limit]

    @property
    def pairs(self):
        """The pairs that count."""
        return self.undisturbed or self.neighbours

    @property
    def ratios(self):
        return [zoo.speed / rival.speed for zoo, rival in self.pairs]

    def figures(self):
        """Returns, as far as it is known: images/s of both sides, the ratio and its
        range, pairs of rounds, other work, the most MB, seconds until the end of the
        first step, and the share of the rate at which matrices are multiplied."""
        zoo, rival = (statistics.median(r.speed for r in side) for side in self.sides)
        figures = {
            "images_per_second": zoo,
            "of_rival": rival,
            "ratio": statistics.median(self.ratios),
            "least": min(self.ratios),
            "most": max(self.ratios),
            "pairs": len(self.pairs),
            "others": max(r.others for pair in self.pairs for r in pair),
        }
        for index, of in enumerate(("", "_of_rival")):
            rounds = (self.zoo, self.rival)[index]
            if all("memory" in r.facts for r in rounds):
                figures["memory" + of] = max(r.facts["memory"] for r in rounds)
            if self.first:
                figures["first_step" + of] = self.first[index].facts["age"]
            if "rate" in self.facts:
                work = self.facts["operations"] / self.job.images_per_step
                share = (zoo, rival)[index] * work / self.facts["rate"]
                figures["of_matmul" + of] = share
        return figures

    @property
    def sides(self):
        """The rounds of each side that count."""
        return tuple(zip(*self.pairs))

    def line(self):
        """Returns a line below `header`."""
        return LINE.format(name=self.job.name, **self.figures())

    def costs(self):
        """Returns a line below that of `costs_header`."""
        figures, cells = self.figures(), []
        for key, form in COSTS.items():
            for of in ("", "_of_rival"):
                value = figures.get(key + of)
                cells.append(f"{'' if value is None else form.format(value):>10}")
        return f"{self.job.name:16}" + "".join(cells)


LINE = (
    "{name:16}{images_per_second:8.0f}{of_rival:9.0f}{ratio:8.2f}"
    "{least:7.2f} to {most:4.2f}{pairs:7}{others:12.0%}"
)
COSTS = {"memory": "{:.0f} MB", "first_step": "{:.1f} s", "of_matmul": "{:.0%}"}


def header(rival):
    """The line above those of `Result.line`; `rival` is "PyTorch" or "steps"."""
    return (
        f"{'images/s':16}{'zoo':>8}{rival:>9}{'ratio':>8}{'min to max':>15}{'pairs':>7}"
        f"{'other work':>12}"
    )


def costs_header(rival):
    """The lines above those of `Result.costs`."""
    titles = ("peak memory", "to first step", "of matmul rate")
    return (
        f"{'':16}{''.join(f'{title:>20}' for title in titles)}\n"
        + " " * 16
        + 3 * f"{'zoo':>10}{rival:>10}"
    )


def best(results):
    """Returns the lines of a table: each model at the batch size at which each side is
    fastest."""
    models = {}
    for result in results:
        job = result.job
        key = (job.model, job.rival, str(job.config), job.image_size, job.replicas)
        models.setdefault(key, []).append(result)
    lines = [f"{'best batch size':24}{'zoo':>16}{'rival':>16}{'ratio':>8}"]
    for measured in models.values():
        cells, speeds = [], []
        for key in ("images_per_second", "of_rival"):
            fastest = max(measured, key=lambda result: result.figures()[key])
            speeds.append(fastest.figures()[key])
            cells.append(f"{speeds[-1]:,.0f} (B={fastest.job.batch_size})")
        name = measured[0].job.name.rpartition(" ")[0]
        ratio = speeds[0] / speeds[1]
        lines.append(f"{name:24}{cells[0]:>16}{cells[1]:>16}{ratio:8.2f}")
    return lines


def summary(results):
    """Returns the mean over the models, and the conditions of the measurement."""
    from zoo import backend

    same = [r.figures()["ratio"] for r in results if not r.job.is_variant]
    job = results[0].job
    return {
        "geometric mean": round(statistics.geometric_mean(same), 3),
        "processor": machine.processor(),
        "gpu": gpu(),
        "cores": os.cpu_count(),
        "threads": job.threads,
        "task": job.task,
        "clock": job.clock,
        "precision": job.precision,
        "torch.compile": job.is_compiled,
        "data": job.dataset,
        "python": platform.python_version(),
    } | {name: metadata.version(name) for name in (backend.NAME, "keras", "torch")}


def compare(job, images, labels):
    """Returns the `Result` of `job`. Each side does a round of a single step, a round
    that warms up, and then the rounds that count.

    If there is other work on the machine, up to four times as many rounds are done,
    until there are as many undisturbed pairs as there would be without it.

    Args:
        images, labels: The train split, uint8 `[N, H, W, C]` and int `[N]`, for
            PyTorch, which is measured in a process that never imports the zoo.
    Raises: ValueError: with the words of what failed on a side.
    """
    serve = (sides.serve_pytorch, job, images, labels)
    if job.rival == "steps":
        serve = (sides.serve_steps, job)
    with sides.Side(sides.serve_zoo, job) as zoo:
        # The other side starts when this one is ready, because imports take time, too.
        first = [zoo.round()]
        with sides.Side(*serve) as rival:
            first.append(rival.round())
            zoo.round()
            facts = rival.round().facts
            result = Result(job, [zoo.round()], [], tuple(first), facts)
            while len(result.rival) < job.rounds or (
                len(result.undisturbed) < 2 * job.rounds
                and len(result.rival) < 4 * job.rounds
            ):
                result.rival.append(rival.round())
                result.zoo.append(zoo.round())
    return result


def gpu():
    """Returns the name of the GPU that both sides use, or "none"."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
