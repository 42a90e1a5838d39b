"""Writes the guided page: what articles say of these models, measured, in chapters."""

import pathlib
import sys

from zoo import commands
from zoo.commands import processes, reproduce

VERB = commands.Verb("tour", __doc__.strip(), "python -m experiments.tour --quick")
VERB.group("What")
VERB.define("boolean", "quick", False, "Digits, trained now, instead of finished runs.")
VERB.define("list", "lang", ["en"], "Languages, a page each, e.g. en,ja.")
VERB.define("integer", "num_images", 5000, "Images of each kind, at most.", least=100)
VERB.define(
    "integer", "seed", 0, "Of samples and subsets, and of quick trainings.", least=0
)
VERB.group("Where")
VERB.define("string", "runs", None, "Folder of the runs [runs, or runs/tour-quick].")
VERB.define("string", "out", None, "The page, a .html file [tour.html in --runs].")

FASHION = "ae_2d vae_2d ae vae shoes_vae shoes_vae_alpha shoes_gan gan wgan cgan vaegan"
FASHION += " vaegan_hybrid bigan ddpm"
RECIPES = {role: f"{role}-fashion_mnist" for role in FASHION.split()}
RECIPES["collapse_gan"] = "collapse_gan-digits"  # {role: file of experiments/recipes}
RECIPES["left_out_vae"] = RECIPES["shoes_vae"]  # this VAE saw three of ten classes

TEXTS = pathlib.Path(__file__).parents[1] / "pages/tour/texts"
QUICK = reproduce.RECIPES / "quick"  # its files ROLE.flags train on digits, in seconds
STAND_INS = {"shoes_gan": "gan"}  # the quick tour uses one GAN in both chapters
QUICK_IMAGES = 500


def main():
    from zoo.pages import places

    flags = VERB.flags
    runs = pathlib.Path(flags.runs or ("runs/tour-quick" if flags.quick else "runs"))
    out = pathlib.Path(flags.out or runs / "tour.html")
    pages = _pages(out)
    for path in pages.values():
        places.require_place(path)
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    from zoo.evaluation.stages import Stages
    from zoo.pages import tour

    if flags.quick:
        processes.train_side_by_side(_jobs(runs))
        folders = {role: runs / STAND_INS.get(role, role) for role in RECIPES}
        most = min(flags.num_images, QUICK_IMAGES)
    else:
        folders = {role: reproduce.folder(runs, RECIPES[role]) for role in RECIPES}
        most = flags.num_images
    dataset = "digits" if flags.quick else "fashion_mnist"
    studio = tour.Studio(folders, dataset, most, flags.seed)
    results = tour.measure(studio, Stages(sys.stdout))
    for lang, path in pages.items():
        others = {each: pages[each].name for each in pages if each != lang}
        train = _command(flags.runs)
        tour.write(results, studio, path, lang, train, flags.quick, others)
        print(f"written: {path}")
    tour.write_numbers(results, out.with_suffix(".json"))


def _pages(out):
    """Returns {language: file}: the first file as asked, the others with the language
    in their name."""
    asked = VERB.flags.lang
    languages = sorted(path.stem for path in TEXTS.glob("*.toml"))
    for lang in asked or [""]:
        if lang not in languages:
            raise ValueError(
                f"--lang takes {', '.join(languages)}. Received: lang={lang!r}."
            )
    others = {lang: out.with_suffix(f".{lang}{out.suffix}") for lang in asked[1:]}
    return {asked[0]: out} | others


def _jobs(runs):
    """Returns {run folder: flags} of the quick tour's trainings."""
    seed = f"--seed={VERB.flags.seed}"
    return {
        runs / file.stem: [f"--flagfile={file}", seed]
        for file in sorted(QUICK.glob("*.flags"))
    }


def _command(runs):
    """Returns the function that says how to train roles."""
    where = f" --runs={runs}" if runs else ""

    def command(roles):
        names = ",".join(RECIPES[role] for role in roles)
        return f"python -m experiments.reproduce --recipes={names}{where}"

    return command
