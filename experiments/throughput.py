"""Speed of the zoo beside PyTorch, in training and sampling, measured in turns.

Each side lives in a process of its own, so that neither library's threads, allocator or
imports touch the other's. They never work at the same time: a round of one follows a
round of the other, and who waits sleeps on a pipe. A machine that slows down slows
neighbouring rounds alike, so what counts is the ratio of neighbours.
"""

import dataclasses
import multiprocessing
import os
import pathlib
import platform
import statistics
import time
from importlib import metadata

import experiments

CPUINFO, COUNTERS = pathlib.Path("/proc/cpuinfo"), pathlib.Path("/proc/stat")  # Linux
DISTURBED = 0.05  # share of other work from which on a round does not count
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclasses.dataclass(frozen=True)
class Job:
    """What both sides train or sample, and how it is timed.

    Attributes:
        name: Of the line in the table.
        model: Name of the model in the zoo; `config` are all its settings.
        rival: Name in `experiments.pytorch.loop.MODELS`.
        dataset: Name of the data set; its train split is used.
        batches_per_step: Batches that a training step takes; a WGAN's several.
        steps, rounds: Training steps a round; rounds a side.
        threads: Threads of each side.
        clock: "wall", or "cpu": the time of the process on all its cores.
        task: "training", or "sampling": then a round is one batch of images, in `steps`
            steps of the sampler.
        precision: "float32", or "mixed_bfloat16": PyTorch's autocast to bfloat16.
        is_compiled: Whether PyTorch's networks go through `torch.compile`.
    """

    name: str
    model: str
    rival: str
    config: dict
    dataset: str
    batch_size: int
    batches_per_step: int
    steps: int
    rounds: int
    threads: int
    clock: str
    task: str = "training"
    precision: str = "float32"
    is_compiled: bool = False

    @property
    def images(self):
        """Images a round."""
        if self.task == "sampling":
            return self.batch_size
        return self.steps * self.batches_per_step * self.batch_size


@dataclasses.dataclass(frozen=True)
class Round:
    """One round of one side.

    Attributes:
        speed: Images/s.
        others: Share of the machine's CPU time that went to other processes meanwhile;
            0 where the system does not tell.
    """

    speed: float
    others: float


@dataclasses.dataclass(frozen=True)
class Result:
    """Rounds of both sides; the zoo has one more, so that each of PyTorch has two
    neighbours."""

    job: Job
    zoo: list
    pytorch: list

    @property
    def neighbours(self):
        """All neighbouring rounds (zoo, PyTorch)."""
        return [*zip(self.zoo, self.pytorch), *zip(self.zoo[1:], self.pytorch)]

    @property
    def undisturbed(self):
        """Those without other work on the machine, which hits the sides unequally."""
        limit = DISTURBED if self.job.clock == "wall" else 1.0
        return [p for p in self.neighbours if max(r.others for r in p) <= limit]

    @property
    def pairs(self):
        """The neighbours that count."""
        return self.undisturbed or self.neighbours

    @property
    def ratios(self):
        return [zoo.speed / pytorch.speed for zoo, pytorch in self.pairs]

    def figures(self):
        """Images/s of both sides, ratio, its range, pairs of rounds, other work."""
        return {
            "images_per_second": statistics.median(z.speed for z, _ in self.pairs),
            "of_pytorch": statistics.median(p.speed for _, p in self.pairs),
            "ratio": statistics.median(self.ratios),
            "least": min(self.ratios),
            "most": max(self.ratios),
            "pairs": len(self.pairs),
            "others": max(r.others for pair in self.pairs for r in pair),
        }

    def line(self):
        """One line under `HEADER`."""
        return LINE.format(name=self.job.name, **self.figures())


HEADER = (
    f"{'images/s':16}{'zoo':>8}{'PyTorch':>9}{'ratio':>8}{'min to max':>15}{'pairs':>7}"
    f"{'other work':>12}"
)
LINE = (
    "{name:16}{images_per_second:8.0f}{of_pytorch:9.0f}{ratio:8.2f}"
    "{least:7.2f} to {most:4.2f}{pairs:7}{others:12.0%}"
)


def summary(results):
    """The mean over the models, and what the figures hold for."""
    from zoo import backend

    same = [r.figures()["ratio"] for r in results if r.job.rival == r.job.model]
    job = results[0].job
    return {
        "geometric mean": round(statistics.geometric_mean(same), 3),
        "processor": processor(),
        "gpu": gpu(),
        "cores": os.cpu_count(),
        "threads": job.threads,
        "task": job.task,
        "clock": job.clock,
        "batch size": job.batch_size,
        "precision": job.precision,
        "torch.compile": job.is_compiled,
        "data": job.dataset,
        "python": platform.python_version(),
    } | {name: metadata.version(name) for name in (backend.NAME, "keras", "torch")}


def compare(job, images, labels):
    """Returns the `Result` of `job`, after a round of each side that warms up.

    Other work on the machine makes it go on, to at most four times the rounds, until
    there are as many undisturbed pairs as without it.

    Args:
        images, labels: The train split, uint8 `[N, H, W, C]` and int `[N]`, for
            PyTorch, which is measured in a process that never imports the zoo.
    Raises: ValueError: with the words of what failed on a side.
    """
    with (
        Side(serve_zoo, job) as zoo,
        Side(serve_pytorch, job, images, labels) as pytorch,
    ):
        zoo.round(), pytorch.round()
        result = Result(job, [zoo.round()], [])
        while len(result.pytorch) < job.rounds or (
            len(result.undisturbed) < 2 * job.rounds
            and len(result.pytorch) < 4 * job.rounds
        ):
            result.pytorch.append(pytorch.round())
            result.zoo.append(zoo.round())
    return result


def gpu():
    """Name of the GPU that both sides use, or "none"."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def processor():
    """Name of the processor."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _busy_seconds():
    """CPU time that all processes have had so far; 0 where the system does not
    tell."""
    if not COUNTERS.exists():
        return 0.0
    user, nice, system = COUNTERS.read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


class Side:
    """A process that trains a model, and sleeps between two rounds.

    Args:
        serve: What runs there: `serve(job, start, stop, *data)` trains without end. It
            calls `start()`, which waits until a round is asked for, and `stop()`.
    """

    def __init__(self, serve, job, *data):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._job = job
        arguments = (serve, job, theirs, data)
        self._process = context.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # so that a death there is an end of file here

    def round(self):
        """Returns the `Round` that the process does now."""
        busy, start = _busy_seconds(), time.perf_counter()
        try:
            self._connection.send("round")
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise ValueError("A side of the benchmark died, maybe of memory.") from None
        if isinstance(answer, Exception):
            raise ValueError(f"{type(answer).__name__}: {answer}") from answer
        busy, seconds = _busy_seconds() - busy, time.perf_counter() - start
        others = (busy - answer["cpu"]) / (seconds * os.cpu_count())
        others = min(max(others, 0.0), 1.0)  # the system counts in steps of 10 ms
        return Round(self._job.images / answer[self._job.clock], others)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.kill()  # nothing there is worth saving
        self._process.join()


def _run(serve, job, connection, data):
    """The process of a `Side`."""
    began = {}

    def start():
        connection.recv()
        began.update({name: clock() for name, clock in CLOCKS.items()})

    def stop():
        ended = {name: clock() for name, clock in CLOCKS.items()}
        connection.send({name: ended[name] - began[name] for name in CLOCKS})

    try:
        serve(job, start, stop, *data)
    except (EOFError, KeyboardInterrupt):
        pass  # the benchmark has ended
    except Exception as error:
        connection.send(error)


def serve_zoo(job, start, stop):
    """The zoo's side: `model.fit` on `zoo.data.load`, as users run it; a round is an
    epoch of `steps` steps, without the start of `fit`. Or `model.sample`."""
    experiments.import_quietly()
    import keras

    import zoo
    from zoo import backend

    backend.limit_threads(job.threads)
    keras.config.set_dtype_policy(job.precision)
    if job.task == "sampling":
        shape = zoo.data.info(job.dataset).image_shape
        model = zoo.get(job.model, image_shape=shape, **job.config)
        while True:
            start()
            model.sample(job.batch_size, steps=job.steps, batch_size=job.batch_size)
            stop()
    data = zoo.data.load(job.dataset, batch_size=job.batch_size)
    # Only full batches, so that all rounds are equal; their size stays unknown to the
    # graph, as in any training.
    full = zoo.data.info(job.dataset).num_examples["train"] // job.batch_size

    def end(epoch, logs):
        [float(value) for value in logs.values()]  # waits for a GPU
        stop()

    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: start(), on_epoch_end=end
    )
    zoo.get(job.model, **job.config).fit(
        data.take(full).repeat(),
        steps_per_epoch=job.steps,
        epochs=10**6,
        verbose=0,
        callbacks=[clock],
    )


def serve_pytorch(job, start, stop, images, labels):
    """PyTorch's side: a plain loop, in the faster of its two memory layouts."""
    import torch

    from experiments.pytorch import loop

    torch.set_num_threads(job.threads)
    torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
    training = None
    while True:
        start()
        # The trial belongs to the first round, so that the zoo's side waits for it.
        training = training or loop.fastest(job, images, labels, CLOCKS[job.clock])
        training.work(job.steps)
        stop()
