"""A finished run becomes a preset: weights in half precision, picture, card, words."""

import dataclasses
import json
import pathlib
import re

import numpy as np

from zoo import evaluation
from zoo.core import lending, saving
from zoo.evaluation import cards, preset_scores, sheets
from zoo.files import atomic
from zoo.inputs import pixels, suggestions
from zoo.pretrained import presets
from zoo.pretrained.presets import building, record, weights
from zoo.runs import checksums
from zoo.runs.folder import RunFolder
from zoo.runs.settings import slug

FACTS = ("image_shape", "rules", "data", "seed", "git_commit", "versions", "started")
HALF = "these weights, in half precision"


@dataclasses.dataclass(frozen=True)
class Words:
    """What a person says of a preset.

    Attributes:
        name: "MODEL/NAME", or None for the names of model and data set.
        licence: Of the weights, or None for the project's beside that of the data.
        about: A line, or None for the model's own summary.
        limits: Sentences on what it cannot do.
        without: Networks and states that are left out.
        command: That publishes it.
    """

    name: str | None = None
    licence: str | None = None
    about: str | None = None
    limits: tuple = ()
    without: tuple = ()
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Published:
    """What `publish` made: the `Preset`, and by how many grey levels a pixel of its
    sheet differs from the run's own on average, or None without a sheet."""

    preset: object
    grey_levels: float | None


def publish(workdir, out, words, progress=None, bounded=True):
    """Writes the preset of a finished run.

    Args:
        workdir: The run folder.
        out: The folder of the files; made if need be.
        words: `Words`.
        progress: `Stages`, if the rounded weights are measured; None for the run's
            scores.
        bounded: Whether it may have `record.MOST_WEIGHTS` at most.
    Returns: `Published`.
    Raises: ValueError, FileNotFoundError: in one sentence, why the run is no preset.
    """
    folder, out = RunFolder(workdir), pathlib.Path(out)
    scores = _finished(folder)
    run, model = folder.read_record(), saving.load(folder.model)
    name = _name(words.name, run["settings"])
    path = out / f"{name.replace('/', '-', 1)}.json"
    lent = _lent(model, words.without, bounded)
    preset = _described(path, name, model, run, words, lent)
    of = f"the run {folder.path.name}, in single precision"
    limits = [*words.limits, *_limits(words.without, scores)]
    preset = dataclasses.replace(preset, limits=limits, **_scores(scores, of))
    blob = weights.packed(lent)
    out.mkdir(parents=True, exist_ok=True)
    preset = dataclasses.replace(preset, sha256=weights.write(preset.archive, blob))
    trained = building.build(preset, compiled=False)
    grey_levels = _draw(preset, model, trained)
    if progress is not None:
        scores = preset_scores.measure(preset, trained, progress)
        preset = dataclasses.replace(preset, **_scores(scores, HALF))
    _write(preset.path.with_suffix(".md"), cards.card(preset, scores, grey_levels))
    _write(preset.path, json.dumps(preset.plain(), indent=2) + "\n")  # now it is there
    return Published(preset, grey_levels)


def _described(path, name, model, run, words, lent):
    """The `Preset` of a run, without its checksum and its scores."""
    dataset = run["settings"]["dataset"]
    return record.Preset(
        path=path,
        name=name,
        model=model.registry_name,
        config=model.get_config(),
        build=model.get_build_config(),
        file=f"{path.stem}.npz",
        sha256="",
        weights={key: sum(a.size for a in arrays) for key, arrays in lent.items()},
        without=list(words.without),
        settings=run["settings"] | {"data_dir": None, "workdir": path.stem},
        facts={key: run[key] for key in FACTS if key in run},
        protocol={},
        scores={},
        details={},
        scores_of="",
        about=words.about or cards.summary(model),
        licence=words.licence or cards.licence(dataset),
        limits=[],
        commands={"train": run["command"], "publish": words.command},
    )


def _finished(folder):
    """The `Evaluation` of a run that is finished, whole and measured."""
    if folder.is_training() or not folder.model.is_file():
        raise ValueError(
            "A preset is made of a run that is finished (model.keras); the same "
            f"training command goes on with it. Received: {folder.path}."
        )
    wrong = [line for sound, line in checksums.check(folder) if not sound]
    if wrong or not folder.checksums.is_file():
        reason = wrong[0] if wrong else "SHA256SUMS is missing"
        raise ValueError(f"The run is not whole ({reason}). Received: {folder.path}.")
    file = folder.path / "evaluation.json"
    command = f"python -m experiments.evaluate --workdir={folder.path}"
    if not file.is_file():
        raise FileNotFoundError(
            f"The run has no scores (evaluation.json); `{command}` measures them. "
            f"Received: {folder.path}."
        )
    scores = evaluation.read(file)
    if not scores.is_of(folder.model):
        raise ValueError(
            f"The scores of the run are not those of its model.keras; `{command}` "
            f"measures again. Received: {file}."
        )
    return scores


def _name(name, settings):
    """The preset's name: as it is asked for, or that of the model and its data."""
    model, dataset = settings["model"], settings["dataset"]
    name = name or f"{model}/{slug(dataset)}"
    match = presets.NAME.fullmatch(name)
    if match is None or match[1] != model or "-" in model:
        raise ValueError(
            f"A preset of this run is called {model}/NAME, of letters, digits and "
            f"_.-. Received: name={name!r}."
        )
    return name


def _lent(model, without, bounded):
    """{network: arrays} of a preset of `model`."""
    lent = lending.weights(model)
    for name in without:
        if name not in lent:
            raise ValueError(
                f"The model has no such network{suggestions.nearest(name, lent)}. "
                f"Networks: {', '.join(lent)}. Received: without={name}."
            )
    kept = {name: arrays for name, arrays in lent.items() if name not in without}
    sizes = {name: sum(array.size for array in arrays) for name, arrays in kept.items()}
    total = sum(sizes.values())
    if not kept or (bounded and total > record.MOST_WEIGHTS):
        each = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        raise ValueError(
            f"A preset has at least one network and at most {record.MOST_WEIGHTS:,} "
            "weights: train a smaller one (--set=width=...), or leave a network out "
            "that only training needs, by --without=NETWORK. "
            f"Received: {total:,} weights ({each or 'none'})."
        )
    return kept


def _limits(without, scores):
    """Sentences on what a preset cannot do, as far as its files tell."""
    left = [
        f"The weights of {name} are not in the file: training on begins it anew"
        for name in without
    ]
    return left + [re.sub(r"^.", lambda m: m[0].upper(), w) for w in scores.warnings]


def _scores(scores, of):
    """The fields of a `Preset` that tell how good it is."""
    floor = scores.references.get("train", {})
    return {
        "protocol": scores.protocol.plain(),
        "scores": scores.scores,
        "scores_of": of,
        "details": {"options": scores.details["options"], "floor": floor},
    }


def _draw(preset, model, trained):
    """Writes the sheet of a preset; returns by how much it differs from the run's."""
    kinds = sheets.rows(trained, preset.settings)
    if kinds is None:
        preset.sheet.unlink(missing_ok=True)
        return None
    sheets.save(preset.sheet, kinds)
    own = sheets.rows(model, preset.settings)
    levels = [
        np.abs(pixels.to_uint8(a).astype(int) - pixels.to_uint8(b)).mean()
        for a, b in zip(kinds, own)
    ]
    return float(max(levels))


def _write(path, text):
    with atomic.replaced(path) as temporary:
        pathlib.Path(temporary).write_text(text, encoding="utf-8")
