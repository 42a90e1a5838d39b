"""One protocol for every family: what a trained model is worth.

    scores = evaluation.evaluate("runs/vaegan-digits")
    print("\\n".join(table.lines(scores)))
    scores.write()

Every score comes with the floor (the same score of training images), with a ladder of
blurred and of noisy images, and with its `zoo.metrics.Protocol`.
"""

import dataclasses
import json
import math
import pathlib
import time

from zoo import metrics
from zoo.evaluation import clips, groups, references, subject, table
from zoo.evaluation.bench import Bench, NotApplicableError, Options, need
from zoo.evaluation.stages import Stages
from zoo.evaluation.watch import Watch
from zoo.files import sums
from zoo.files.atomic import replaced

__all__ = ["Evaluation", "NotApplicableError", "Options", "Stages", "Watch"]
__all__ += ["evaluate", "groups", "measure", "need", "read", "subject", "table"]

KINDS = {  # {what a model makes: its bench, and the groups of its scores}
    "image": (Bench, groups.GROUPS),
    "clip": (clips.ClipBench, clips.GROUPS),
}


@dataclasses.dataclass
class Evaluation:
    """What was measured of a model.

    Attributes:
        model, file: Its name and the `.keras` file.
        protocol: `zoo.metrics.Protocol` of all scores.
        scores: {score: number}; "recon_...", "answer_..." and "source_..." are of the
            `groups.PARTS`.
        references: {"train": scores, "blur 0.5": scores, ...} of real images.
        not_applicable: {score: why the model or the data set has none}.
        warnings: Sentences on what weakens the scores.
        details: Class histogram, KL per dimension, standard errors of scores, the
            `Options`, times, the sha256 of the file.
        out: Where `write` writes by default.
    """

    model: str
    file: str
    protocol: metrics.Protocol
    scores: dict
    references: dict
    not_applicable: dict
    warnings: list
    details: dict
    out: str

    def write(self, path=None):
        """Writes evaluation.json; returns its path."""
        path = pathlib.Path(path or self.out)
        plain = vars(self) | {"protocol": self.protocol.plain(), "out": str(path)}
        with replaced(path) as temporary:
            text = json.dumps(_finite(plain), indent=2, allow_nan=False)
            pathlib.Path(temporary).write_text(text + "\n")
        return path

    def is_of(self, file):
        """Whether this is the evaluation, read from `out`, of what `file` holds today.

        Evaluations before 0.4.0 know no sha256: the older of two files was there first.
        """
        if "file_sha256" in self.details:
            return self.details["file_sha256"] == sums.sha256(file)
        return pathlib.Path(self.out).stat().st_mtime >= file.stat().st_mtime


def read(path):
    """Returns the `Evaluation` in an evaluation.json.

    Raises: ValueError: if the file is damaged or of another version.
    """
    try:
        plain = json.loads(pathlib.Path(path).read_text())
        protocol = metrics.Protocol.from_plain(plain["protocol"])
        return Evaluation(**plain | {"protocol": protocol, "out": str(path)})
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"The file is no evaluation of this version ({reason}). Received: {path}."
        ) from None


def evaluate(path, options=None, progress=None, **dataset):
    """Returns the `Evaluation` of a trained model.

    Args:
        path: A run folder or a `.keras` file.
        options: `Options`; by default 10,000 images.
        progress: `Stages`; by default silent.
        **dataset: Keywords of `subject.find`, where those of the run are not meant.
    Raises: ValueError, FileNotFoundError: in one sentence, what cannot be measured.
    """
    progress = progress or Stages()
    with progress.stage("reading the model"):
        target = subject.find(path, makes=tuple(KINDS), **dataset)
    return measure(target, options or Options(), progress)


def measure(target, options, progress):
    """Returns the `Evaluation` of a `Subject`; see `evaluate`."""
    began = time.monotonic()
    with progress.stage("reading the images"):
        make, measured = KINDS[target.model.makes]
        bench = make(target, options, progress)
    with progress.stage("features of real images"):
        bench.prepare()
    scores = _scores(bench, measured)
    pictured = {score for score in scores if groups.bare(score) == "frechet"}
    protocol = bench.protocol()
    evaluation = Evaluation(
        model=target.model.name,
        file=str(target.file),
        protocol=protocol,
        scores=scores,
        references=references.measure(bench, protocol) if pictured else {},
        not_applicable=bench.not_applicable,
        warnings=[*target.warnings, *protocol.warnings(), *bench.weaknesses()],
        details=bench.details,
        out=str(target.out),
    )
    evaluation.details["options"] = dataclasses.asdict(options)
    evaluation.details["file_sha256"] = sums.sha256(target.file)
    evaluation.details["seconds"] = round(time.monotonic() - began, 1)
    return evaluation


def _scores(bench, measured):
    """{score: number} of the groups `measured`; what does not apply is noted at the
    bench."""
    scores = {}
    for group in measured:
        try:
            with bench.progress.stage(group.title):
                bench.need(*group.needs)
                scores |= group.measure(bench)
        except NotApplicableError as error:
            bench.skip(str(error), *group.scores)
        if bench.second is None:
            reason = "the features are those that need no labels"
            bench.skip(reason, *(s for s in group.scores if groups.is_second(s)))
        settled = {*scores, *bench.not_applicable}
        unsettled = (name for name in group.scores if name not in settled)
        bench.skip(bench.unlabelled, *unsettled)
    return {name: _plain(value) for name, value in scores.items()}


def _plain(value):
    """`value` as a number of Python: JSON takes none of NumPy's."""
    return value if isinstance(value, int) else float(value)


def _finite(value):
    """`value` with None for infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
