"""What the numbers and words of a run may be, told before a framework is imported."""

from zoo.core import rates
from zoo.runs import strategies

MAX_SEED = 2**32 - 1  # the largest that NumPy takes
LEAST = {"epochs": 1, "schedule_epochs": 1, "image_every": 1, "batch_size": 1}
LEAST |= {"seed": 0, "frechet": 2, "checkpoint_every": 1, "train_images": 1}
LEAST |= {"gradient_accumulation_steps": 1, "steps_per_execution": 1}
RATES = {"learning_rate": float, "schedule": rates.kind, "warmup": int}


def require(flags):
    """Raises ValueError for a number out of its range, a word that is none of those
    that a flag takes, or flags that exclude each other; no framework is needed."""
    for key, minimum in LEAST.items():
        if flags[key] is not None and flags[key] < minimum:
            raise ValueError(
                f"--{key} is at least {minimum}. Received: {key}={flags[key]}."
            )
    if flags["seed"] > MAX_SEED:
        raise ValueError(
            f"--seed is at most {MAX_SEED}. Received: seed={flags['seed']}."
        )
    if flags["minutes"] is not None and not flags["minutes"] > 0:
        raise ValueError(
            f"--minutes is more than 0. Received: minutes={flags['minutes']:g}."
        )
    for flag, convert in RATES.items():
        for text in flags[flag]:
            rates.parsed(flag, text, convert)
    if (flags["strategy"], flags["on_nan"]) == ("multi_worker", "rollback"):
        # Only the chief has the checkpoint, and not all workers see the same step.
        raise ValueError(
            "Several workers cannot roll back; use --on_nan=stop. "
            "Received: on_nan=rollback."
        )
    strategies.require(flags["strategy"])
