"""Checks a run folder or a preset against its checksums, or measures finished runs on
Fashion-MNIST's 10,000 test images against the targets."""

import pathlib
import sys

from zoo import commands

# The functions of zoo/commands/targets.py.
TARGETS = ("classifier", "classifier_fast", "ae", "vae", "gan", "vaegan", "wgan")
TARGETS += ("cgan", "bigan", "ddpm", "flow", "frechet")
VERB = commands.Verb(
    "verify", __doc__.strip(), "python -m experiments.verify --workdir=runs/vae-digits"
)
VERB.group("A run folder")
VERB.define("string", "workdir", None, "Is it whole, and what is missing? [none]")
VERB.group("A preset")
VERB.define("string", "weights", None, "MODEL/NAME: are its files whole? [none]")
VERB.define("bool", "scores", False, "Are its scores those of its card? (minutes)")
VERB.group("Targets, unless --workdir or --weights is given")
VERB.define(
    "list", "models", ["all"], "Runs to measure, by recipe; frechet compares them all."
)
VERB.define("string", "runs", "runs", "Folder of the runs of recipes.")
VERB.define(
    "integer", "k", 1000, "Importance samples an image for the VAE's bound.", least=1
)
VERB.define(
    "integer", "seed", 0, "Of binarisation, importance samples and images.", least=0
)


def main():
    if VERB.flags.workdir is not None:
        return check_folder(VERB.flags.workdir)
    if VERB.flags.weights is not None:
        return check_preset(VERB.flags.weights, VERB.flags.scores)
    wanted = VERB.flags.models
    wanted = list(TARGETS) if wanted == ["all"] else wanted
    for name in wanted:
        if name not in TARGETS:
            raise ValueError(
                f"There is no target for such a model; there is one for "
                f"{', '.join(TARGETS)}. Received: {name!r}."
            )
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.commands.recipe_runs import Runs
    from zoo.commands.targets import MEASURES

    flags = VERB.flags
    runs = Runs(pathlib.Path(flags.runs), flags.seed, flags.k)
    missed = 0
    for name in wanted:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        for met, line in MEASURES[name](runs):
            missed += not met
            print(f"{'met   ' if met else 'MISSED'}  {line}", flush=True)
    return int(missed > 0)


def check_folder(path):
    """Prints which files are whole and which are not; returns 1 if any is not."""
    from zoo.runs import checksums
    from zoo.runs import folder as runs

    lines = checksums.check(runs.RunFolder(path))
    for sound, line in lines:
        print(f"{'ok     ' if sound else 'WRONG  '}{commands.printable(line)}")
    return int(not all(sound for sound, _ in lines))


def check_preset(name, measured):
    """Prints whether the files of a preset are whole and, if `measured`, which scores
    are not those of its card; returns 1 if anything is wrong."""
    from zoo.pretrained import presets

    preset = presets.find(name)
    from zoo.pretrained.presets import building  # slow: a wrong name need not wait

    model = building.build(preset, compiled=False)
    print(f"ok     {preset.archive}: whole, {sum(preset.weights.values()):,} weights")
    if not measured:
        return 0
    from zoo.evaluation import preset_scores

    scores = preset_scores.measure(preset, model).scores
    lines = preset_scores.differences(preset, scores)
    for line in lines:
        print(f"WRONG  {line}")
    print(f"{len(preset.scores) - len(lines)} of {len(preset.scores)} scores agree")
    return int(bool(lines))
