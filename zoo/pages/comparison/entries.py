"""The models of a comparison: what is loaded, and what is measured of it."""

import dataclasses
import os
import pathlib

from zoo import evaluation
from zoo.metrics import protocol
from zoo.runs.folder import RunFolder


@dataclasses.dataclass
class Entry:
    """A model of the comparison.

    Attributes:
        label: How the page calls it: its folder's name without the data set's, which
            all share, or the path where two would have one name.
        path: The run folder or `.keras` file.
        subject: `zoo.evaluation.subject.Subject`: the model and its data set.
        evaluation: Its `Evaluation`, once measured, or None; then `failure` tells why.
    """

    label: str
    path: pathlib.Path
    subject: object
    evaluation: object = None
    failure: str | None = None

    @property
    def model(self):
        return self.subject.model

    @property
    def rows(self):
        """Rows of metrics.csv; none if `path` is no run folder."""
        return RunFolder(self.path).rows()

    @property
    def settings(self):
        """The run's settings by run.json, a dict; empty if `path` is no run folder."""
        folder = RunFolder(self.path)
        return folder.read_record()["settings"] if folder.record.is_file() else {}


def find(paths, **dataset):
    """Returns an `Entry` for each run folder or `.keras` file; nothing is measured.

    Args:
        paths: Where the models are.
        **dataset: Keywords of `evaluation.subject.find`, where those of the runs are
            not meant.
    Raises: ValueError, FileNotFoundError: in one sentence, if a model is missing, does
        not fit its data or is named twice, or the runs are of different data.
    """
    paths = [pathlib.Path(path) for path in paths]
    places = [path.resolve() for path in paths]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise ValueError(
                f"A run is compared once. Received twice: {paths[number]}."
            )
    subjects = [evaluation.subject.find(path, **dataset) for path in paths]
    names = [
        place.name.replace(f"-{subject.dataset}", "")
        for place, subject in zip(places, subjects)
    ]
    entries = [
        Entry(name if names.count(name) == 1 else str(path), path, subject)
        for path, name, subject in zip(paths, names, subjects)
    ]
    for entry in entries[1:]:
        _require_same_data(entries[0], entry)
    return entries


def _require_same_data(first, other):
    here, there = _data(first), _data(other)
    differences = [
        f"{name} is {here[name]} in {first.path} and {there[name]} in {other.path}"
        for name in here
        if here[name] != there[name]
    ]
    if differences:
        raise ValueError(
            f"Models are compared on the same images: {'; '.join(differences)}. "
            "Choose runs of one data set, or say by --dataset which images are meant."
        )


def _data(entry):
    info = entry.subject.info
    return {
        "dataset": entry.subject.dataset,
        "classes": info.class_names,
        "image_shape": info.image_shape,
        "options": entry.subject.options,
    }


def measure(entries, options, progress):
    """Gives each `Entry` its evaluation. One that lies next to the model is taken if it
    is of the same options. Else the model is measured, and the evaluation is kept if
    there is none and the folder can be written to.

    If a model's images cannot be measured, since its training has diverged, `failure`
    says so.

    Raises: ValueError: if no model could be measured, or not all by one protocol.
    """
    for number, entry in enumerate(entries, 1):
        progress.say(f"[{number}/{len(entries)}] measuring {entry.label}")
        own = _own(entry.subject)
        entry.evaluation = _stored(own, entry.subject, options)
        if entry.evaluation is not None:
            progress.say(f"as in {entry.subject.out}")
            continue
        try:
            entry.evaluation = evaluation.measure(entry.subject, options, progress)
        except ValueError as error:
            entry.failure = " ".join(str(error).split())
            continue
        if own is None and os.access(entry.subject.out.parent, os.W_OK):
            entry.evaluation.write()
    if all(entry.evaluation is None for entry in entries):
        raise ValueError(entries[0].failure)
    require_same_protocol(entries)


def require_same_protocol(entries):
    """Raises ValueError, with the differences, unless all were measured alike."""
    measured = [entry for entry in entries if entry.evaluation is not None]
    for entry in measured[1:]:
        entry.evaluation.protocol.require_same(measured[0].evaluation.protocol)


def _stored(stored, subject, options):
    """The evaluation `stored` next to the model, if it is of the data and `options`."""
    if stored is None:
        return None
    where, info = subject.where, subject.info
    classes = None if where["classes"] is None else tuple(info.class_names)
    same = (
        stored.details.get("options") == dataclasses.asdict(options)
        and stored.protocol.version == protocol.VERSION
        and stored.protocol.dataset == subject.dataset
        and stored.protocol.classes == classes
        and stored.protocol.image_size == where["image_size"]
        and stored.protocol.options == subject.options
    )
    return stored if same else None


def _own(subject):
    """The evaluation next to the model, if it is of this model and version."""
    if not subject.out.is_file():
        return None
    try:
        stored = evaluation.read(subject.out)
    except ValueError:  # of another version
        return None
    return stored if stored.is_of(subject.file) else None
