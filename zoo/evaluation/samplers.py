"""Distance against steps: how good the images of each sampler are, and at what cost.

All settings draw from the same seeds, so that they differ in nothing else.
"""

import csv
import dataclasses
import hashlib
import json
import pathlib
import time

from zoo import metrics
from zoo.drawing import figures
from zoo.evaluation import images, subject
from zoo.evaluation.bench import Bench
from zoo.files.atomic import replaced


@dataclasses.dataclass(frozen=True)
class Setting:
    """A way to sample.

    Attributes:
        sampler, steps, ema: As `sample` takes them.
        eta: As `ddim` takes it; None of the others.
    """

    sampler: str
    eta: float | None
    steps: int
    ema: bool

    @property
    def looks(self):
        """How often the network is evaluated for an image (with guidance, for the label
        and without it each time)."""
        return 2 * self.steps - 1 if self.sampler == "heun" else self.steps

    @property
    def name(self):
        """The name of its line: the sampler, without the steps and the average."""
        return self.sampler if self.eta is None else f"{self.sampler}, eta {self.eta:g}"

    @property
    def options(self):
        """The options of `sample`."""
        options = dataclasses.asdict(self)
        return {key: value for key, value in options.items() if value is not None}


def settings(model, steps, samplers=None):
    """Returns the `Setting`s of a model: each of `samplers` with each number of
    `steps`, `ddim` with eta 0 and 1, with and without the average of the weights.

    Args:
        samplers: Names; if None all of the model's but `ddpm`, which is `ddim` with eta
            1 but for the variance.
    Raises: ValueError: if the model is not sampled in steps, or not by such a sampler.
    """
    if not model.can("sampler", "steps"):
        raise ValueError(
            f"Steps are those of a model that removes noise. Received: {model.name!r}."
        )
    for name in samplers or ():
        if name not in model.samplers:
            raise ValueError(
                f"{model.name!r} samples by {', '.join(model.samplers)}. "
                f"Received: {name!r}."
            )
    for count in steps:
        model.levels(count)  # says what is wrong
    return [
        Setting(name, eta, count, ema)
        for name in samplers or [each for each in model.samplers if each != "ddpm"]
        for eta in ((0.0, 1.0) if name == "ddim" else (None,))
        for count in steps
        for ema in ((True, False) if model.config["ema_decay"] else (False,))
    ]


class Sweep:
    """Frechet distances of one model's samples, a `Setting` at a time, in a record.

    Args:
        path: A run folder or a `.keras` file.
        options: `Options`: `num_images`, `seed`, `features`.
        progress: `Stages`.
        out: The record, a .json file; a sweep of the same model and protocol goes on
            with it. A table .csv and a picture .png get the same name. By default
            `samplers.json` in the folder.
        **dataset: As for `evaluate`.

    Attributes:
        rows: [{"sampler", "eta", "steps", "ema", "looks", "frechet", "seconds"}].
        floor: The distance of as many training images.
    Raises: ValueError: if `out` is the record of another model or protocol.
    """

    def __init__(self, path, options, progress, out=None, **dataset):
        target = subject.find(path, **dataset)
        self.model, self.file = target.model, target.file
        name = target.out.name.replace("evaluation", "samplers")
        self.out = pathlib.Path(out or target.out.with_name(name))
        if self.out.suffix != ".json":
            raise ValueError(f"The record is a .json file. Received: {self.out}.")
        self.bench = Bench(target, options, progress)
        digest = hashlib.sha256(self.file.read_bytes()).hexdigest()
        self.measured = {"model": digest, "protocol": self.bench.protocol()}
        self.rows = self._read() if self.out.is_file() else []
        extractor = self.bench.extractor
        self.real = metrics.Moments.of(extractor, self.bench.test)
        train = metrics.Moments.of(extractor, self.bench.train)
        self.floor = metrics.frechet_distance(self.real, train)

    def _read(self):
        """The rows of the record, if they are of this model and protocol."""
        try:
            record = json.loads(self.out.read_text())
            protocol = metrics.Protocol.from_plain(record["protocol"])
            rows, digest = record["rows"], record["sha256"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The file is no record of samplers. Received: {self.out}."
            ) from error
        differences = self.measured["protocol"].differences(protocol)
        if digest != self.measured["model"]:
            differences.append("the model's file has changed")
        if differences:
            raise ValueError(
                f"The record is of something else: {'; '.join(differences)}. Remove it "
                f"or choose another file. Received: {self.out}."
            )
        return rows

    def missing(self, wanted):
        """Returns the `Setting`s of `wanted` that are not measured yet."""
        done = [{key: row[key] for key in ROW[:4]} for row in self.rows]
        return [each for each in wanted if dataclasses.asdict(each) not in done]

    def measure(self, setting):
        """Measures one `Setting` and writes the record, the table and the picture."""
        began = time.monotonic()
        samples = images.made_by(self.bench, **setting.options)
        seconds = time.monotonic() - began
        moments = metrics.Moments.of(self.bench.extractor, samples)
        row = dataclasses.asdict(setting) | {
            "looks": setting.looks,
            "frechet": metrics.frechet_distance(self.real, moments),
            "seconds": round(seconds, 2),
        }
        self.rows.append(row)
        self._write()
        return row

    def _write(self):
        record = {
            "file": str(self.file),
            "sha256": self.measured["model"],
            "protocol": self.measured["protocol"].plain(),
            "training_images": self.floor,
            "rows": self.rows,
        }
        with replaced(self.out) as temporary:
            text = json.dumps(record, indent=2, allow_nan=False)
            pathlib.Path(temporary).write_text(text + "\n")
        with replaced(self.out.with_suffix(".csv")) as temporary:
            with open(temporary, "w", newline="") as file:
                table = csv.DictWriter(file, ROW, lineterminator="\n")
                table.writeheader()
                table.writerows(self.rows)
        figures.save_tradeoff(
            self.out.with_suffix(".png"),
            _lines_of(self.rows),
            self.floor,
            "evaluations of the network an image (* without the weights' average)",
            f"Frechet distance, {len(self.bench.test):,} images",
        )

    def table(self):
        """Lines of at most 88 columns, one for each sampler and number of steps."""
        cells = {}
        for row in self.rows:
            each = Setting(*(row[key] for key in ROW[:4]))
            key = (each.name, each.steps, each.looks)
            cells.setdefault(key, {})[each.ema] = f"{row['frechet']:.4g}"
        lines = [f"{'Frechet distance':18}{'steps':>7}{'looks':>7}{AVERAGE}"]
        for (name, steps, looks), values in sorted(cells.items()):
            both = "".join(f"{values.get(ema, '-'):>15}" for ema in (True, False))
            lines.append(f"{name:18}{steps:7}{looks:7}{both}")
        lines.append(f"{'training images':32}{self.floor:15.4g}")
        if self.model.can("labels"):
            lines.append(f"samples with labels, guidance {self.model.guidance:g}")
        return lines


ROW = ("sampler", "eta", "steps", "ema", "looks", "frechet", "seconds")
AVERAGE = f"{'with average':>15}{'without':>15}"


def _lines_of(rows):
    """{name: ([looks], [distance])} in the order of the looks. The name of a setting
    without the average of the weights ends in a star."""
    lines = {}
    for row in sorted(rows, key=lambda row: row["looks"]):
        name = Setting(*(row[key] for key in ROW[:4])).name
        x, y = lines.setdefault(name if row["ema"] else f"{name}*", ([], []))
        x.append(row["looks"])
        y.append(row["frechet"])
    return dict(sorted(lines.items()))
