"""Measures a trained model: samples, reconstructions, encodings, likelihood."""

import sys

from zoo import commands

VERB = commands.Verb(
    "evaluate",
    __doc__.strip(),
    "python -m experiments.evaluate --workdir=runs/vaegan-digits",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define("integer", "seed", 0, "Of samples, subsets and noise.", least=0)

VERB.group("Measured by")
VERB.define_dataset()

VERB.group("How")
VERB.define(
    "string",
    "features",
    "auto",
    "classifier (the zoo's own, of this data set), pretext (needs no labels), "
    "inception (InceptionV3; slow), or auto: the first of these that the set allows.",
)
VERB.define(
    "integer",
    "num_images",
    10_000,
    "Samples, and as many test images; at most all test images.",
    least=20,
)
VERB.define(
    "bool",
    "watch",
    False,
    "Score the checkpoints of a running training by their Frechet distance alone, and "
    "keep the best, model.best_frechet.keras.",
)
VERB.define(
    "integer", "nll_images", 1000, "Test images whose likelihood is taken.", least=2
)
VERB.define(
    "integer", "k", 100, "Importance samples an image of the likelihood.", least=1
)
VERB.define(
    "integer",
    "cas_steps",
    300,
    "Training steps of a classifier that learns from conditional samples; 0: none.",
    least=0,
)

VERB.group("Where")
VERB.define("string", "out", None, "File to write [evaluation.json beside the model].")

FEATURES = ("auto", "classifier", "pretext", "inception")


def main():
    flags = VERB.flags
    if flags.features not in FEATURES:
        raise ValueError(
            f"Features are {', '.join(FEATURES[:-1])} or {FEATURES[-1]}. "
            f"Received: features={flags.features!r}."
        )
    if flags.watch and flags.out:
        raise ValueError(
            "--watch writes watch.json into the run folder and takes no --out. "
            f"Received: out={flags.out}."
        )
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import evaluation

    names = ("num_images", "features", "seed", "nll_images", "k", "cas_steps")
    options = evaluation.Options(**{name: flags[name].value for name in names})
    if flags.watch:
        watch = evaluation.Watch(
            flags.workdir, options, evaluation.Stages(), **VERB.dataset()
        )
        watch.run(lambda line: print(line, flush=True))
        print(f"best: {watch.kept}" if watch.best else "no checkpoint to score")
        return
    progress = evaluation.Stages(sys.stdout)
    measured = evaluation.evaluate(flags.workdir, options, progress, **VERB.dataset())
    path = measured.write(flags.out)
    print("\n" + "\n".join(evaluation.table.lines(measured)))
    print(f"\n{measured.details['seconds']:.0f} s; written: {path}")
