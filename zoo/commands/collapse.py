"""Shows mode collapse on digits: a GAN that loses several of the ten, the same with R1,
and a Wasserstein GAN in its place."""

import pathlib

from zoo import commands
from zoo.commands import reproduce

RECIPES = {  # {NAME of experiments/recipes/NAME-digits.flags: title of its panel}
    "collapse_gan": "GAN, dense, minimax loss",
    "collapse_r1": "the same with R1",
    "collapse_wgan": "WGAN, gradient penalty",
}
VERB = commands.Verb("collapse", __doc__.strip(), "python -m experiments.collapse")
VERB.group("What")
VERB.define("integer", "num_images", 2000, "Samples that are counted.", lower_bound=100)
VERB.define("integer", "seed", 0, "Of the trainings and of the samples.")
VERB.group("Where")
VERB.define("string", "runs", "runs", "Folder of the runs; finished ones are used.")
VERB.define("string", "out", None, "The picture [collapse.png in --runs].")

PICTURED, COLUMNS = 48, 8  # images and columns of a panel


def main():
    flags = VERB.flags
    folders = []
    for number, name in enumerate(RECIPES, 1):
        job = f"{name}-digits", str(flags.seed), f"{number}/{len(RECIPES)}"
        if reproduce.run(*job, flags.runs):
            return 1
        folders.append(reproduce.folder(flags.runs, *job[:2]))
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo
    from zoo import metrics
    from zoo.drawing import figures
    from zoo.pretrained import features as presets

    out = pathlib.Path(flags.out or pathlib.Path(flags.runs) / "collapse.png")
    judge = presets.extractor("digits")
    panels = []
    for folder, title in zip(folders, RECIPES.values(), strict=True):
        images = zoo.load(folder).sample(flags.num_images, seed=flags.seed)
        classes = judge.probabilities(images).argmax(axis=1)
        shares = metrics.class_histogram(classes, 10)
        drawn = int((shares >= 0.01).sum())
        panels.append((f"{title}\n{drawn} of 10 digits", images[:PICTURED], shares))
        text = " ".join(f"{share:.1%}" for share in shares)
        print(f"{title}: {drawn} of 10 digits are 1 % of the samples or more ({text})")
    figures.save_panels(out, panels, COLUMNS)
    print(f"picture: {out}")
    return 0
