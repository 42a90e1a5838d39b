"""Evaluations of many runs as tables in Markdown, with the floor and what others
published."""

import dataclasses
import pathlib

from zoo import evaluation
from zoo.core import registry
from zoo.evaluation import clips, table
from zoo.metrics.protocol import NO_FEATURES, VERSION, codes
from zoo.runs.folder import RunFolder

# {score: title of its column}
SCORES = {
    "frechet": "Frechet distance",
    "pretext_frechet": "the same, pretext features",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "sharpness": "sharpness",
    "recon_mse": "squared error",
    "pca_mse": "PCA's",
    "answer_frechet": "Frechet distance of answers",
    "answer_psnr": "PSNR of answers, dB",
    "source_psnr": "of sources",
    "answer_class_kept": "answers of the image's class",
    "future_psnr": "PSNR of frames to come, dB",
    "future_psnr_mean_image": "of the mean image",
    "between_1_psnr": "PSNR of the frame between two, dB",
    "between_1_psnr_faded": "of their mean",
    "between_5_psnr": "of five between two",
    "between_5_psnr_faded": "of a cross-fade",
    "draws_psnr_best": f"best of {clips.DRAWS} draws",
    "neighbour_accuracy": "1-NN of codes",
    "nll": "-log p(x), nats",
    "conditional_accuracy": "class asked for",
    "cas": "accuracy taught by samples",
    "accuracy": "accuracy",
}
COST = ("minutes", "images/s", "parameters", "command", "published")
NONE = "n/a"
# Rows of an earlier version stay until their recipes are trained again.
MAY_DIFFER = ("code", "version", "second", "second_sha256")
# Real images below the models': the floor, and steps of the ladder to read scores by.
REAL = {"train": "training images"}
REAL |= {each: f"the same, {each}" for each in ("blur 0.5", "blur 1", "noise 0.1")}


@dataclasses.dataclass(frozen=True)
class Measured:
    """A run that is finished and evaluated.

    Attributes:
        path: Its folder.
        evaluation: Its `Evaluation`; `record`: its run.json; `rows`: its metrics.csv.
    """

    path: pathlib.Path
    evaluation: object
    record: dict
    rows: list

    @classmethod
    def read(cls, path):
        """The run in a folder.

        Raises: ValueError, OSError: if a file is missing, damaged or of another
            version.
        """
        folder, path = RunFolder(path), pathlib.Path(path)
        scores = evaluation.read(path / "evaluation.json")
        record, rows = folder.read_record(), folder.rows()
        if not rows or "parameters" not in record:
            raise ValueError(f"The run has no rows of training. Received: {path}.")
        return cls(path, scores, record, rows)

    @property
    def name(self):
        """Name of its folder."""
        return self.path.name

    @property
    def model(self):
        """Name of its model."""
        return self.record["settings"]["model"]

    @property
    def dataset(self):
        """The data set that it was measured by, with its classes."""
        protocol = self.evaluation.protocol
        classes = protocol.classes
        chosen = "" if classes is None else f", classes {', '.join(classes)}"
        return protocol.dataset + chosen

    @property
    def seconds(self):
        """Time of training."""
        return sum(row["seconds"] for row in self.rows)

    @property
    def speed(self):
        """Training images a second."""
        settings = self.record["settings"]
        model = registry.find(settings["model"])(**settings["config"])
        images = settings["batch_size"] * model.batches_per_step
        images *= settings.get("gradient_accumulation_steps", 1)
        return self.rows[-1]["step"] * images / self.seconds


def lines(runs, anchors, command):
    """Lines of Markdown: one table for each data set, with published figures in its
    last column and their protocols below.

    Args:
        runs: `Measured`s.
        anchors: {(model, data set): (figure, its protocol)}.
        command: Function of a `Measured`: the command that trains it, a text.
    Raises: ValueError: if runs of one data set were measured by different protocols;
        those of an earlier version of the metrics are marked.
    """
    texts = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        measured = [run for run in runs if run.dataset == dataset]
        first = measured[0].evaluation.protocol
        for run in measured[1:]:
            run.evaluation.protocol.require_same(first, but=MAY_DIFFER)
        texts += [f"## {dataset}", "", _protocol(measured), ""]
        texts += _part(measured, anchors, command)
    return texts


def _part(runs, anchors, command):
    """The table of `runs` of one data set, and the protocols of published figures."""
    scores = [s for s in SCORES if any(s in run.evaluation.scores for run in runs)]
    heads = ["run", *(SCORES[score] for score in scores), *COST]
    keys = dict.fromkeys((run.model, run.dataset) for run in runs)
    published = {key: anchors[key] for key in keys if key in anchors}
    protocols = list(dict.fromkeys(protocol for _, protocol in published.values()))
    rows = []
    for run in runs:
        figure, protocol = published.get((run.model, run.dataset), ("", None))
        cell = f"{figure} [{protocols.index(protocol) + 1}]" if protocol else ""
        rows.append([*_row(run, scores, command(run)), cell])
    rows += _real(runs, scores)
    texts = _table(heads, rows)
    if protocols:
        notes = "; ".join(f"[{n}] {each}" for n, each in enumerate(protocols, 1))
        texts += [f"Published, each by a protocol of its own: {notes}.", ""]
    return texts


def _protocol(runs):
    """The protocol of all `runs`, and what weakens their scores."""
    first = max((r.evaluation.protocol for r in runs), key=lambda p: p.version)
    by = codes(run.evaluation.protocol for run in runs)
    second = first.second and f" and of {first.second} ({first.second_sha256[:16]})"
    features = f"features of {first.extractor} (sha256 {first.sha256[:16]})"
    if first.extractor == NO_FEATURES:
        features = "compared pixel by pixel"
    examples = runs[0].evaluation.details.get("examples", "images")
    text = (
        f"{first.num_generated:,} {examples} against {first.num_real:,} {first.split} "
        f"{examples}, seed {first.seed}; {features}{second or ''}, metrics version "
        f"{first.version}, measured by zoo {by}."
    )
    return " ".join([text, *(f"Warning: {each}." for each in first.warnings())])


def _row(run, names, command):
    scores = run.evaluation.scores
    cells = [table.short(scores[name]) if name in scores else NONE for name in names]
    cost = [f"{run.seconds / 60:.1f}", f"{run.speed:,.0f}"]
    cost += [f"{sum(run.record['parameters'].values()):,}", f"`{command}`"]
    before = run.evaluation.protocol.version < VERSION
    mark = f", measured before version {VERSION}" if before else ""
    return [f"{run.name}{mark}", *cells, *cost]


def _real(runs, names):
    """Rows of real images: the same for all runs of a protocol."""
    references = (run.evaluation.references for run in runs)
    scores = next((each for each in references if each), {})
    for kind in (kind for kind in REAL if kind in scores):
        of_kind = scores[kind]
        cells = [table.short(of_kind[n]) if n in of_kind else "" for n in names]
        yield [REAL[kind], *cells, *[""] * len(COST)]


def _table(heads, rows):
    """A table; characters that mean something in Markdown are escaped."""

    def line(cells):
        texts = (str(cell).replace("|", "\\|").replace("<", "&lt;") for cell in cells)
        return f"| {' | '.join(texts)} |"

    return [line(heads), "|" + "---|" * len(heads), *map(line, rows), ""]
