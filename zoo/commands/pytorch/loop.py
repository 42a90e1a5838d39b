"""Plain PyTorch loops: training on uint8 batches from memory, sampling."""

import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from zoo.commands.pytorch import adversarial, diffusion, models

MODELS = models.MODELS | adversarial.MODELS | diffusion.MODELS
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Training:
    """One model in training on images in memory, or sampling.

    Args:
        job: The `zoo.commands.throughput.Job`.
        images, labels: uint8 `[N, H, W, C]`, int `[N]` or None.
        layout: A key of `LAYOUTS`, of weights and batches.
    """

    def __init__(self, job, images, labels, layout):
        self.job, self.layout = job, LAYOUTS[layout]
        self.model = MODELS[job.rival](images.shape[1:], job.config)
        self.model.to(memory_format=self.layout)
        if job.is_compiled:
            for network in self.model.networks.values():
                network.compile()
        device = torch.get_default_device()
        self.images = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
        # The images are stored in the layout of the batches, so that no batch is
        # transposed.
        self.images = self.images.contiguous(memory_format=self.layout)
        labels = np.zeros(len(images)) if labels is None else labels
        self.labels = torch.from_numpy(labels).to(device).long()
        is_mixed = job.precision == "mixed_bfloat16"
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=is_mixed)
        self.batch_size = job.batch_size * job.batches_per_step
        self._batches = self._endless()

    def work(self, steps):
        """Does a round of the job: `steps` steps of training or of a sampler."""
        if self.job.task == "sampling":
            with self.autocast:
                self.model.sample(self.job.batch_size, steps)
        else:
            self.run(steps)
        if torch.cuda.is_available():
            torch.cuda.synchronize()  # a GPU still works when Python is done

    def run(self, steps):
        """Takes `steps` training steps; returns {term: mean over them}."""
        totals = {}
        for _, index in zip(range(steps), self._batches):
            images = self.images[index].float() / 127.5 - 1
            with self.autocast:
                terms = self.model.step(images, self.labels[index])
            for name, term in terms.items():
                totals[name] = totals.get(name, 0.0) + term.detach()
        return {name: float(total) / steps for name, total in totals.items()}

    def operations(self):
        """Returns the floating-point operations of matrix products and convolutions in
        a training step with its backward pass or, in sampling, for a batch of
        images."""
        with FlopCounterMode(display=False) as counter:
            self.work(1)
        steps = self.job.steps if self.job.task == "sampling" else 1
        return counter.get_total_flops() * steps

    def _endless(self):
        """Yields the indices of full batches, epoch after epoch."""
        while True:
            order = torch.randperm(len(self.images))
            yield from order[: len(order) // self.batch_size * self.batch_size].split(
                self.batch_size
            )


def fastest(job, images, labels, clock, rounds=3, steps=8):
    """Returns the `Training` in the faster layout by `clock()`, after a trial in
    turns."""
    trials = [Training(job, images, labels, layout) for layout in LAYOUTS]
    for trial in trials:
        trial.work(2)
        trial.times = []
    for _ in range(rounds):
        for trial in trials:
            start = clock()
            trial.work(steps)
            trial.times.append(clock() - start)
    return min(trials, key=lambda trial: min(trial.times))


def matmul_rate(precision, side=2048, rounds=5, seconds=0.2):
    """Returns the floating-point operations a second of the best of `rounds` products
    of two square matrices, in float32, or in bfloat16 for "mixed_bfloat16".

    They are of `side`, or smaller where a product would take longer than `seconds`: a
    processor without instructions for bfloat16 takes minutes.
    """
    tried, spent = 128, 0.0
    while tried < side and 8 * spent < seconds:
        tried *= 2
        # The first one warms up.
        spent = min(product_seconds(precision, tried) for _ in range(2))
    times = [product_seconds(precision, tried) for _ in range(rounds)]
    return 2 * tried**3 / min(times)


def product_seconds(precision, side, times=3):
    """Returns the seconds that a product of two square matrices takes, the mean of
    `times`."""
    dtype = torch.bfloat16 if precision == "mixed_bfloat16" else torch.float32
    a, b = (torch.randn(side, side, dtype=dtype) for _ in range(2))
    start = time.perf_counter()
    for _ in range(times):
        a @ b
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / times
