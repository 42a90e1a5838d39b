"""Trains one model on several workers: starts experiments.train with TF_CONFIG set."""

from zoo import commands
from zoo.commands import workers

VERB = commands.Verb(
    "launch",
    __doc__.strip(),
    "python -m experiments.launch --workers=2 --model=vae --dataset=digits",
)
VERB.group("Which workers (all other flags are those of experiments.train)")
VERB.define("integer", "workers", None, "Workers on this machine.")
VERB.define(
    "list",
    "hosts",
    None,
    "host:port of each worker, the chief's first, the same on all machines.",
)
VERB.define("integer", "index", None, "Which of the hosts this one is, from 0.")
VERB.group("How long")
VERB.define(
    "float",
    "grace",
    20.0,
    "Seconds that workers have to end by themselves when another has ended.",
)


def main(rest):
    addresses, ours = workers.cluster(
        VERB.flags.workers, VERB.flags.hosts, VERB.flags.index
    )
    if any(word.lstrip("-").startswith("strategy") for word in rest):
        raise ValueError(
            "The strategy of several workers is multi_worker. "
            f"Received: {' '.join(rest)}."
        )
    return workers.Workers(addresses, ours, rest).run(VERB.flags.grace)


def split(argv):
    """Splits a command line into the flags of this verb and those of
    `experiments.train`."""
    names = tuple(name for group in VERB.groups.values() for name, _ in group)
    ours = [w for w in argv[1:] if w in commands.HELP or _name(w) in names]
    rest = [word for word in argv[1:] if word not in ours]
    return [argv[0], *ours], rest


def _name(word):
    return word.lstrip("-").partition("=")[0] if word.startswith("-") else ""


def begin(argv):
    """Starts the workers; returns the exit code."""
    own, others = split(argv)
    return commands.start(VERB, lambda: main(others), own)
