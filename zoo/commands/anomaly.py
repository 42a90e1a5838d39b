"""Finds images of classes that a run left out, by reconstruction and by latent."""

import textwrap

from zoo import commands
from zoo.commands import outputs

VERB = commands.Verb(
    "anomaly",
    __doc__.strip(),
    "python -m experiments.anomaly --workdir=runs/ae-digits-without-9",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/ae-digits-without-9", "Run folder, or a file.")
VERB.define(
    "integer",
    "components",
    10,
    "Normal distributions of the mixture of encodings.",
)
VERB.define(
    "integer", "seed", 0, "Of the images that the mixture is fitted to.", least=0
)
VERB.group("Seen in training")
VERB.define_dataset()
VERB.group("Where")
VERB.define("string", "out", None, "Picture [anomaly.png in the run folder].")

PICTURED = 10  # images in a row of the picture


def main():
    flags = VERB.flags
    out = outputs.picture(flags.out, flags.workdir, "anomaly.png")
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo import metrics
    from zoo.drawing import figures
    from zoo.evaluation import explorer as exploration

    space = exploration.Explorer(flags.workdir, flags.seed, False, **VERB.dataset())
    space.model.require("reconstruct")
    images, classes, strange = space.with_left_out()
    x_rec, scores = space.strangeness(images, flags.components)
    parted = {name: (s[~strange], s[strange]) for name, s in scores.items()}
    detections = {name: metrics.detection(*pair) for name, pair in parted.items()}
    print("\n".join(_lines(scores, classes, strange, detections)))
    left_out = textwrap.shorten(", ".join(dict.fromkeys(classes[strange])), 50)
    title = f"{space.model.name}: finding {left_out}, left out of training"
    examples, rows = _examples(images, x_rec, scores["reconstruction"], strange)
    figures.save_detections(out, detections, parted, examples, rows, title)
    print(f"\nwritten: {out}")


def _lines(scores, classes, strange, detections):
    """Returns lines with the areas under the curve, one for each class that was left
    out."""
    import numpy as np

    from zoo import metrics
    from zoo.metrics.detection import ALLOWED

    lines = [
        "Area under the curve: how often an image of a class left out scores above one",
        "of a class seen; 0.5 is chance. reconstruction: squared error. latent: minus",
        "log density under a mixture fitted to encodings of training images.",
        "",
        f"{'left out':<24} images {''.join(f'{name:>16}' for name in scores)}",
    ]

    def add(title, count, numbers):
        lines.append(f"{title:<24.24} {count:>6} {''.join(numbers)}")

    for name in dict.fromkeys(classes[strange]):
        these = classes == name
        each = [metrics.detection(s[~strange], s[these]).auc for s in scores.values()]
        add(name, np.sum(these), (f"{auc:16.3f}" for auc in each))
    count = np.sum(strange)
    add("all", count, (f"{each.auc:16.3f}" for each in detections.values()))
    title = f"found, {ALLOWED:.0%} false alarms"
    add(title, count, (f"{each.detected:16.1%}" for each in detections.values()))
    lines.append(f"{np.sum(~strange)} images of the classes seen")
    return lines


def _examples(images, x_rec, score, strange):
    """Returns images above their reconstructions, `[6, PICTURED, H, W, C]`, and six
    labels: the images left out with the highest and the lowest scores, and the images
    seen with the highest."""
    import numpy as np

    from zoo.inputs import pixels

    order = np.argsort(-score)
    out, seen = order[strange[order]], order[~strange[order]]
    count = min(PICTURED, len(out), len(seen))
    chosen = {
        "left out,\nworst copied": out[:count],
        "left out,\nbest copied": out[::-1][:count],
        "seen,\nworst copied": seen[:count],
    }
    examples, rows = [], []
    for name, numbers in chosen.items():
        examples += [images[numbers], pixels.to_uint8(x_rec[numbers])]
        rows += [name, "copies"]
    return np.stack(examples), rows
