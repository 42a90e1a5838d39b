"""Teaches the network whose features need no labels, as the zoo ships it."""

import pathlib

from zoo import commands

VERB = commands.Verb(
    "pretext", __doc__.strip(), "python -m experiments.pretext --steps=3000"
)
VERB.group("How")
VERB.define("integer", "steps", 3000, "Batches of 128 images to learn from.")
VERB.group("Where")
VERB.define(
    "string",
    "out",
    "zoo/pretrained/weights",
    "Folder of pretext.npz (weights) and pretext.json.",
)


def main():
    steps, out = VERB.flags.steps, pathlib.Path(VERB.flags.out)
    if steps < 1:
        raise ValueError(f"--steps is at least 1. Received: steps={steps}.")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.pretrained import lessons, pretext
    from zoo.runs import circumstances

    out.mkdir(parents=True, exist_ok=True)
    network, terms = lessons.teach(steps)
    facts = {
        "parameters": network.count_params(),
        "unseen_lessons": terms,
        "git_commit": circumstances.git_commit(),
        "made_by": f"python -m experiments.pretext --steps={steps}",
    }
    extractor = pretext.store(network, out, facts)
    path = out / f"{pretext.NAME}.npz"
    print(f"{path.stat().st_size:,} bytes: {path} (sha256 {extractor.sha256})")
