"""Evaluations of many runs as one table in Markdown."""

import dataclasses
import pathlib

from zoo import evaluation, registry
from zoo.evaluation import table
from zoo.runs import RunFolder

# {score: title of its column}
SCORES = {
    "frechet": "Frechet distance",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "coverage": "coverage",
    "recon_mse": "squared error",
    "pca_mse": "PCA's",
    "neighbour_accuracy": "1-NN of codes",
    "nll": "-log p(x), nats",
    "conditional_accuracy": "class asked for",
    "accuracy": "accuracy",
}
COST = ("minutes", "images/s", "parameters", "command")
NONE = "n/a"


@dataclasses.dataclass(frozen=True)
class Measured:
    """A run that is finished and evaluated.

    Attributes:
        name: Of its folder.
        evaluation: Its `Evaluation`; `record`: its run.json; `rows`: its metrics.csv.
    """

    name: str
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
        found = evaluation.read(path / "evaluation.json")
        record, rows = folder.read_record(), folder.rows()
        if not rows or "parameters" not in record:
            raise ValueError(f"The run has no rows of training. Received: {path}.")
        return cls(path.name, found, record, rows)

    @property
    def model(self):
        """Name of its model."""
        return self.record["settings"]["model"]

    @property
    def dataset(self):
        """The data set that it was measured by, with its classes."""
        protocol = self.evaluation.protocol
        classes = protocol.classes
        told = "" if classes is None else f", classes {', '.join(classes)}"
        return protocol.dataset + told

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


def lines(runs, anchors, commands):
    """Lines of Markdown: a table a data set, and under it published figures.

    Args:
        runs: `Measured`s.
        anchors: {(model, data set): (figure, its protocol)}.
        commands: {name of a run: the command that trains it}.
    Raises: ValueError: if runs of one data set were measured by different protocols.
    """
    found = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        some = [run for run in runs if run.dataset == dataset]
        first = some[0].evaluation.protocol
        for run in some[1:]:
            run.evaluation.protocol.require_same(first)
        taken = [s for s in SCORES if any(s in r.evaluation.scores for r in some)]
        heads = ["run", *(SCORES[score] for score in taken), *COST]
        rows = [_row(run, taken, commands[run.name]) for run in some]
        found += [f"## {dataset}", "", _told(first), "", *_table(heads, rows)]
        models = dict.fromkeys(run.model for run in some)
        known = [(m, *anchors[m, dataset]) for m in models if (m, dataset) in anchors]
        if known:
            found += ["Published, each by a protocol of its own:", ""]
            found += _table(["model", "published", "protocol"], known)
    return found


def _told(protocol):
    return (
        f"{protocol.num_generated:,} images against {protocol.num_real:,} "
        f"{protocol.split} images, seed {protocol.seed}; features of "
        f"{protocol.extractor} (sha256 {protocol.sha256[:16]}), metrics version "
        f"{protocol.version}."
    )


def _row(run, taken, command):
    scores = run.evaluation.scores
    cells = [table.short(scores[name]) if name in scores else NONE for name in taken]
    cost = [f"{run.seconds / 60:.1f}", f"{run.speed:,.0f}"]
    cost += [f"{sum(run.record['parameters'].values()):,}", f"`{command}`"]
    return [run.name, *cells, *cost]


def _table(heads, rows):
    """A table; what has a meaning in Markdown is shown as it is."""

    def line(cells):
        texts = (str(cell).replace("|", "\\|").replace("<", "&lt;") for cell in cells)
        return f"| {' | '.join(texts)} |"

    return [line(heads), "|" + "---|" * len(heads), *map(line, rows), ""]
