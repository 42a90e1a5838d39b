"""Measures speed in images/s beside the same networks in eager PyTorch."""

import dataclasses
import importlib.util
import itertools
import json
import os
import pathlib

from zoo import commands
from zoo.commands import throughput

DEFAULT = ["classifier", "ae", "vae", "gan", "wgan", "wgan_gp", "cgan", "bigan"]
DEFAULT += ["vaegan", "vaegan_hybrid", "ddpm", "flow"]
STEPWISE = ["ddpm", "flow"]  # models that sample in many steps
# {name: (model, settings)}: models with other settings than their defaults.
SETTINGS = {"wgan_gp": ("wgan", {"penalty": "gradient"})}
# Other ways to train in PyTorch, measured for comparison; the mean leaves them out.
VARIANTS = {"gan": ["gan_drawn_once"]}
SHARED = ("dataset", "steps", "rounds", "clock", "task", "precision")

VERB = commands.Verb(
    "benchmark",
    __doc__.strip(),
    "python -m experiments.benchmark --models=gan,vae",
)
VERB.group("What")
VERB.define(
    "list", "models", None, f"Of {', '.join(DEFAULT)} [all that have the task]."
)
VERB.define(
    "enum",
    "task",
    "training",
    f"training or sampling ({', '.join(STEPWISE)}: a batch of images a round).",
    enum_values=["training", "sampling"],
)
VERB.define("string", "dataset", "digits", "Images to train on, as in train.")
VERB.define("list", "batch_size", ["128"], "Images a step; of several, all.")
VERB.define(
    "list",
    "image_size",
    None,
    "Sides in pixels, or WIDTHxHEIGHT; of several, all [the set's].",
)
VERB.define(
    "enum",
    "against",
    "PyTorch",
    "PyTorch, or steps: the zoo's own compiled step, so that the ratio tells what "
    "`fit` and the data cost.",
    enum_values=["PyTorch", "steps"],
)

VERB.group("How long")
VERB.define(
    "integer",
    "steps",
    40,
    "Steps a round, of training or of the sampler.",
    lower_bound=1,
)
VERB.define(
    "integer",
    "rounds",
    5,
    "Rounds a side, in turns; more if other work disturbs.",
    lower_bound=1,
)

VERB.group("How fast")
VERB.define(
    "integer", "threads", None, "Threads of each side [all cores].", lower_bound=1
)
VERB.define(
    "enum",
    "precision",
    "float32",
    "float32 or mixed_bfloat16 (PyTorch: autocast to bfloat16), on both sides.",
    enum_values=["float32", "mixed_bfloat16"],
)
VERB.define(
    "bool", "torch_compile", False, "Put PyTorch's networks through torch.compile."
)
VERB.define(
    "list",
    "replicas",
    ["1"],
    "Devices that share out the zoo's batch: GPUs, or parts of the CPU where there are "
    "not as many; of several, all.",
)
VERB.define(
    "enum",
    "clock",
    "wall",
    "wall, or cpu: the CPU time of each side. With --threads=1 it holds on a machine "
    "that is shared with other work; in wall time several threads of PyTorch, which "
    "wait for each other, suffer most from such work.",
    enum_values=["wall", "cpu"],
)

VERB.group("Where")
VERB.define("string", "out", None, "A .json with all rounds [none].")
VERB.define("string", "plot", None, "A .png of the ratios [none].")


def main():
    from zoo import data

    _require_places()
    models = _models()
    batch_sizes, image_sizes = sizes("batch_size"), _image_sizes()
    flags = VERB.flags
    for size in image_sizes:
        data.require(flags.dataset, image_size=size)
    # JAX would take most of a GPU's memory for each of its processes.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    _require_backend()
    for replicas, size in itertools.product(sizes("replicas"), batch_sizes):
        if size % replicas:
            raise ValueError(
                "A batch is shared out equally among all replicas. "
                f"Received: batch_size={size}, replicas={replicas}."
            )
    arrays = {size: data.arrays(flags.dataset, image_size=size) for size in image_sizes}
    num_classes = data.info(flags.dataset, image_size=image_sizes[0]).num_classes
    asked = itertools.product(models, image_sizes, batch_sizes, sizes("replicas"))
    todo = [job for each in asked for job in jobs(*each, num_classes)]
    _require_images(todo, len(arrays[image_sizes[0]][0]))
    print(throughput.header(flags.against))
    results = []
    for job in todo:
        results.append(throughput.compare(job, *arrays[job.image_size]))
        print(results[-1].line(), flush=True)
    print("\n" + throughput.costs_header(flags.against))
    print("\n".join(result.costs() for result in results) + "\n")
    if len(batch_sizes) > 1:
        print("\n".join(throughput.best(results)) + "\n")
    summary = throughput.summary(results)
    print("\n".join(f"{key:16}{value}" for key, value in summary.items()))
    _write(results, summary)


def _require_places():
    """Raises ValueError without PyTorch, or without the folders to write to."""
    if importlib.util.find_spec("torch") is None:
        raise ValueError(
            "The benchmark needs PyTorch, which the zoo itself does not: install it "
            "with `pip install torch`."
        )
    for flag in ("out", "plot"):
        path = VERB.flags[flag].value
        if path and not pathlib.Path(path).absolute().parent.is_dir():
            raise ValueError(
                f"--{flag} needs a folder that exists. Received: {path!r}."
            )


def _models():
    """Returns the names of the models to measure.

    Raises: ValueError: if one is not in PyTorch for the task.
    """
    from zoo.core import registry

    flags = VERB.flags
    able = STEPWISE if flags.task == "sampling" else DEFAULT
    models = able if flags.models is None else flags.models
    for name in set(models) - set(DEFAULT):  # "wgan_gp" is a benchmark's name alone
        registry.require(name)
    if not models or set(models) - set(able):
        raise ValueError(
            f"The benchmark has {', '.join(able)} in PyTorch for {flags.task}. "
            f"Received: {','.join(models)}."
        )
    return models


def _require_backend():
    """Raises ValueError if the flags ask for what Keras' backend cannot do."""
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import backend

    flags = VERB.flags
    is_other = flags.task == "sampling" or backend.NAME != "tensorflow"
    if flags.against == "steps" and is_other:
        raise ValueError(
            "--against=steps is for training on TensorFlow. "
            f"Received: task={flags.task}, backend={backend.NAME}."
        )
    if flags.replicas != ["1"] and (flags.against == "steps" or is_other):
        raise ValueError(
            "--replicas is for training beside PyTorch, on TensorFlow. Received: "
            f"task={flags.task}, against={flags.against}, backend={backend.NAME}."
        )


def _require_images(todo, count):
    """Raises ValueError if a training step takes more than `count` images."""
    for job in todo:
        taken = job.batch_size * job.batches_per_step
        if VERB.flags.task == "training" and taken > count:
            raise ValueError(
                f"A training step of {job.name} takes {taken} images, and there are "
                f"{count} to train on. Received: batch_size={job.batch_size}."
            )


def _write(results, summary):
    """Writes the files that the flags ask for."""
    from zoo.drawing import figures

    flags = VERB.flags
    if flags.out:
        rounds = [dataclasses.asdict(r) | r.figures() for r in results]
        content = json.dumps(summary | {"results": rounds}, indent=1)
        pathlib.Path(flags.out).write_text(content + "\n")
    if flags.plot:
        figures.save_ratios(
            flags.plot,
            {r.job.name: r.ratios for r in results},
            f"images/s of the zoo over those of {flags.against}, {flags.task}",
        )


def _image_sizes():
    """The sizes of images to measure with, as `zoo.data.open` takes them."""
    from zoo.data import arguments

    size_of = arguments.parsed_size
    sizes = [size_of(text) for text in VERB.flags.image_size or [None]]
    return [tuple(size) if isinstance(size, list) else size for size in sizes]


def sizes(name):
    """Returns the numbers of a flag, which are at least 1."""
    values = VERB.numbers(name)
    if values and min(values) < 1:
        raise ValueError(f"--{name} is at least 1. Received: {min(values)}.")
    return values


def jobs(name, image_size, batch_size, replicas, num_classes):
    """Yields the `Job`s of a model and its variants that the flags ask for."""
    from zoo.core import registry

    flags = VERB.flags
    model, settings = SETTINGS.get(name, (name, {}))
    config = registry.resolve(registry.find(model), settings)
    if "num_classes" in config and num_classes is not None:
        config["num_classes"] = num_classes
    instance = registry.find(model)(**config)
    if instance.needs_labels and num_classes is None:
        raise ValueError(
            f"{model!r} learns from labels, and the set has none. "
            f"Received: dataset={flags.dataset!r}."
        )
    size = image_size
    if isinstance(size, tuple):
        size = f"{size[1]}x{size[0]}"
    suffix = f" {size}px" if len(flags.image_size or ()) > 1 else ""
    suffix += f" R={replicas}" if len(flags.replicas) > 1 else ""
    suffix += f" B={batch_size}" if len(flags.batch_size) > 1 else ""
    rivals = ["steps"] if flags.against == "steps" else [model, *VARIANTS.get(name, [])]
    for rival in rivals:
        yield throughput.Job(
            name=(rival if rival not in (model, "steps") else name) + suffix,
            model=model,
            rival=rival,
            config=config,
            image_size=image_size,
            batch_size=batch_size,
            replicas=replicas,
            batches_per_step=instance.batches_per_step,
            threads=flags.threads or os.cpu_count(),
            is_compiled=flags.torch_compile,
            **{key: flags[key].value for key in SHARED},
        )
