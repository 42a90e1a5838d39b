"""The sides of the benchmark: processes that work in turns, round by round.

Each side lives in a process of its own, so that neither library's threads, allocator or
imports touch the other's. They never work at the same time: who waits sleeps on a pipe.
"""

import dataclasses
import multiprocessing
import os
import time

from zoo import commands
from zoo.commands import machine

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclasses.dataclass(frozen=True)
class Round:
    """One round of one side.

    Attributes:
        speed: Images/s.
        others: Share of the machine's CPU time that went to other processes meanwhile;
            0 where the system does not tell.
        facts: {name: number} that the side tells besides: `age`, s since its process
            began; `memory`, MB at most during the round.
    """

    speed: float
    others: float
    facts: dict = dataclasses.field(default_factory=dict)


class Side:
    """A process that trains a model, and sleeps between two rounds.

    Args:
        serve: What runs there: `serve(job, start, stop, *data)` trains without end. It
            calls `start()`, which waits until a round is asked for, and `stop()`, which
            takes further facts. Its first round is a single step.
    """

    def __init__(self, serve, job, *data):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._job = job
        arguments = (serve, job, theirs, data)
        self._process = context.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # then the death of that process is an end of file here

    def round(self):
        """Makes the process do a `Round` and returns it."""
        busy, start = machine.busy_seconds(), time.perf_counter()
        try:
            self._connection.send("round")
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise ValueError("A side of the benchmark died, maybe of memory.") from None
        if isinstance(answer, Exception):
            raise ValueError(f"{type(answer).__name__}: {answer}") from answer
        times, facts = answer
        busy, seconds = machine.busy_seconds() - busy, time.perf_counter() - start
        others = (busy - times["cpu"]) / (seconds * os.cpu_count())
        others = min(max(others, 0.0), 1.0)  # the system counts in units of 10 ms
        return Round(self._job.images / times[self._job.clock], others, facts)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.kill()  # it holds nothing that has to be saved
        self._process.join()


def _run(serve, job, connection, data):
    """Runs in the process of a `Side`."""
    born, began = time.perf_counter(), {}

    def start():
        connection.recv()
        machine.forget_peak()
        began.update({name: clock() for name, clock in CLOCKS.items()})

    def stop(**facts):
        ended = {name: clock() for name, clock in CLOCKS.items()}
        facts |= {"age": ended["wall"] - born, "memory": machine.peak_memory()}
        connection.send(({name: ended[name] - began[name] for name in CLOCKS}, facts))

    try:
        serve(job, start, stop, *data)
    except (EOFError, KeyboardInterrupt):
        pass  # the benchmark has ended
    except Exception as error:
        connection.send(error)


def serve_zoo(job, start, stop):
    """The zoo's side: `model.fit` on `zoo.data.load`, as users run it; a round is an
    epoch of `steps` steps, without the start of `fit`. Or `model.sample`."""
    start()
    model, batches = _model(job)
    import keras  # quietly, by now

    if job.task == "sampling":
        model.sample(job.batch_size, steps=1, batch_size=job.batch_size)
        stop()
        while True:
            start()
            model.sample(job.batch_size, steps=job.steps, batch_size=job.batch_size)
            stop()
    model.fit(batches, steps_per_epoch=1, verbose=0)
    stop()

    def end(epoch, logs):
        [float(value) for value in logs.values()]  # reading the values waits for a GPU
        stop()

    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: start(), on_epoch_end=end
    )
    options = {"steps_per_epoch": job.steps, "epochs": 10**6, "verbose": 0}
    model.fit(batches, callbacks=[clock], **options)


def serve_steps(job, start, stop):
    """The zoo's training steps alone: the function that `fit` has compiled, on one
    batch that lies ready, again and again."""
    start()
    model, batches = _model(job)
    import tensorflow as tf  # quietly, by now

    from zoo.inputs import feeds, grouping

    model.fit(batches, steps_per_epoch=1, verbose=0)
    stop()
    rows = feeds.look(batches).rows
    (batch,) = grouping.grouped(batches, model.joined_batches, rows)[0].take(1)
    ready = iter(tf.data.Dataset.from_tensors(batch).repeat())
    while True:
        start()
        for _ in range(job.steps):
            logs = model.train_function(ready)
        [float(value) for value in logs.values()]
        stop()


def _model(job):
    """Returns the zoo's model of a `Job`, and its endless batches."""
    commands.import_quietly()
    import keras

    import zoo
    from zoo import backend
    from zoo.runs import strategies

    backend.limit_threads(job.threads)
    strategy = _mirrored(job.replicas) if job.replicas > 1 else None
    keras.config.set_dtype_policy(job.precision)
    info = zoo.data.info(job.dataset, image_size=job.image_size)
    with strategies.scope(strategy):
        model = zoo.get(job.model, image_shape=info.image_shape, **job.config)
    sizes = {"batch_size": job.batch_size, "image_size": job.image_size}
    # There are only full batches, so that all rounds are equal. The graph does not know
    # their size, as in any training.
    full = info.num_examples["train"] // job.batch_size
    return model, zoo.data.load(job.dataset, **sizes).take(full).repeat()


def _mirrored(count):
    """Returns a strategy over `replicas` GPUs or, if there are fewer, over parts of the
    CPU."""
    import tensorflow as tf

    kind = "GPU" if len(tf.config.list_physical_devices("GPU")) >= count else "CPU"
    if kind == "CPU":
        (cpu,) = tf.config.list_physical_devices(kind)
        part = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [part] * count)
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def serve_pytorch(job, start, stop, images, labels):
    """PyTorch's side: a plain loop, in the faster of its two memory layouts."""
    start()
    import torch

    from zoo.commands.pytorch import loop

    torch.set_num_threads(job.threads)
    torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
    loop.Training(job, images, labels, "contiguous").work(1)
    stop()
    start()
    # The trial is part of the round that warms up, so that the zoo's side waits for it.
    training = loop.fastest(job, images, labels, CLOCKS[job.clock])
    training.work(job.steps)
    stop(operations=training.operations(), rate=loop.matmul_rate(job.precision))
    while True:
        start()
        training.work(job.steps)
        stop()
