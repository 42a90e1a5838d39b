"""The guided page: it measures what articles say about models that make images.

    studio = tour.Studio({"vae": "runs/vae-digits", ...}, "digits", num_images=1000)
    results = tour.measure(studio)
    tour.write(results, studio, "tour.html", "ja", command)

A chapter is a file of `zoo.pages.tour.chapters`: its claims, with experiment and
thresholds. Verdicts are functions of numbers (`zoo.pages.tour.claims`), words lie in
`zoo/pages/tour/texts`, one file for each language.
"""

import json
import pathlib

from zoo import pages
from zoo.evaluation import NotApplicableError
from zoo.evaluation.stages import Stages
from zoo.files.atomic import replaced
from zoo.metrics.protocol import ENOUGH, short
from zoo.pages import charts
from zoo.pages.tour import layout, live
from zoo.pages.tour.chapters import CHAPTERS
from zoo.pages.tour.claims import Claim, Criterion, Figure, Findings, Result, verdict
from zoo.pages.tour.studio import Studio
from zoo.pages.tour.words import LANGUAGES, Words
from zoo.runs import circumstances
from zoo.runs.folder import RunFolder

__all__ = [
    "CHAPTERS",
    "LANGUAGES",
    "Claim",
    "Criterion",
    "Figure",
    "Findings",
    "Result",
]
__all__ += ["Studio", "Words", "measure", "page", "verdict", "write", "write_numbers"]


MAPPED = "ae_2d", "vae_2d"
PLACES = {"game": "gan", "together": "cgan"}  # {chapter: role of its generator}


def measure(studio, progress=None, chapters=CHAPTERS):
    """Returns {chapter: [`Result`]}, a result for every claim.

    Args:
        progress: `zoo.evaluation.Stages`; by default silent.
    """
    progress = progress or Stages()
    results = {}
    for key, claims in chapters.items():
        results[key] = []
        for claim in claims:
            with progress.stage(claim.key):
                results[key].append(_result(claim, studio))
    return results


def _result(claim, studio):
    lacking = studio.lacking(claim.needs)
    if lacking:
        return Result(claim, None, lacking)
    try:
        return Result(claim, claim.look(studio))
    except NotApplicableError as error:
        return Result(claim, None, reason=str(error))


def page(results, studio, lang, command, quick=False, others=None):
    """Returns the page as the text of an HTML file; see `write`."""
    words = Words(lang)
    others = {
        address: Words(other)("page.language")
        for other, address in (others or {}).items()
    }
    facts, models = _facts(studio, words, quick), _models(studio, words)
    places = _places(studio, words, results)
    return layout.page(results, words, facts, models, command, others, places)


def _places(studio, words, chapters):
    """{chapter: a place that answers, or the reason why there is none}."""
    images, labels = studio.test()[:2]
    places = {"cnn": live.filter_by_hand(images, words)}
    for chapter, role in PLACES.items():
        if not studio.lacking((role,)):
            places[chapter] = live.generator(studio.model(role), words, role)
    if not studio.lacking(MAPPED):
        models = {role: studio.model(role) for role in MAPPED}
        colours = [charts.colour(label) for label in labels]
        names = studio.class_names(MAPPED[0])
        places["ae_vae"] = live.maps(models, images, colours, names, words)
    lacking = pages.paragraph(words("live.lacking"), note=True)
    planned = {"cnn", "ae_vae", *PLACES}
    return {key: places.get(key) or lacking for key in chapters if key in planned}


def write(results, studio, path, lang, command, quick=False, others=None):
    """Writes the page, into a new folder if need be.

    Args:
        results: Of `measure`.
        lang: One of `LANGUAGES`.
        command: Function of roles: the command that trains them, a text.
        quick: Whether the page says that it is the quick tour.
        others: {language: address} of the page in other languages.
    """
    text = page(results, studio, lang, command, quick, others)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary:
        pathlib.Path(temporary).write_text(text, "utf-8")


def write_numbers(results, path):
    """Writes {claim: verdict and numbers} as JSON."""
    plain = {
        each.claim.key: {
            "verdict": each.verdict,
            "numbers": each.findings.numbers if each.findings else {},
        }
        for part in results.values()
        for each in part
    }
    with replaced(path) as temporary:
        pathlib.Path(temporary).write_text(json.dumps(plain, indent=2) + "\n")


def _facts(studio, words, quick):
    """Sentences on the data, the judge and the code."""
    about = studio.judge.extractor.about
    values = {
        "dataset": studio.dataset,
        "real": f"{len(studio.test()[0]):,}",
        "count": f"{studio.num_images:,}",
        "seed": studio.seed,
        "judge": about["name"],
        "accuracy": f"{about['accuracy']:.1%}",
        "sha256": about["sha256"][:16],
        "code": short(circumstances.code()),
    }
    sentences = [words("page.quick")] if quick else []
    sentences.append(words("page.data", **values))
    if min(len(studio.test()[0]), studio.num_images) < ENOUGH:
        sentences.append(words("page.few", enough=f"{ENOUGH:,}"))
    return sentences


def _models(studio, words):
    """[(role, folder, state)] of all roles."""
    models = []
    for role, folder in studio.folders.items():
        rows, state = RunFolder(folder).rows(), words("page.untrained")
        if not studio.lacking((role,)) and rows:
            minutes = sum(row["seconds"] for row in rows) / 60
            epochs = rows[-1]["epoch"]
            state = words("page.trained", epochs=epochs, minutes=f"{minutes:.1f}")
        models.append((role, str(folder), state))
    return models
