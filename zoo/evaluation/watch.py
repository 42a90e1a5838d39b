"""Scores of a training's checkpoints while it runs, the best one kept."""

import json
import pathlib
import shutil
import time

from zoo import metrics
from zoo.core import saving
from zoo.evaluation import images, subject
from zoo.evaluation.bench import Bench
from zoo.files import atomic, folders
from zoo.runs import checkpoints
from zoo.runs.folder import RunFolder

PAUSE = 10  # seconds between looks into the folder


class Watch:
    """The checkpoints of one run, by the Frechet distance of their samples.

    A GAN's losses do not tell its best epoch; this does. Models that cannot sample are
    scored by their reconstructions. The images of comparison are those of validation:
    the test images have no say in the choice of the model that they later score.
    Whoever watches a run again, by the same protocol, goes on with its scores.

    Args:
        path: The run folder.
        options: `Options`; `num_images` decides what a look costs.
        progress: `Progress`.
        **dataset: As for `evaluate`.

    Attributes:
        rows: [{"checkpoint", "epoch", "frechet"}], in the order of the steps.
        best: The best row, or None; its checkpoint is kept as `kept`.
    """

    def __init__(self, path, options, progress, **dataset):
        self.folder = RunFolder(path)
        self.kept = self.folder.path / "model.best_frechet.keras"
        self.record = self.folder.path / "watch.json"
        self.options, self.progress, self.dataset = options, progress, dataset
        self.rows, self.best, self._bench = [], None, None

    def run(self, say, pause=PAUSE):
        """Scores checkpoints as they appear, until nobody trains in the folder.

        Raises: FileNotFoundError: if the folder holds no run.
        """
        if not self.folder.record.is_file():
            raise FileNotFoundError(
                f"There is no run to watch (run.json). Received: {self.folder.path}."
            )
        while True:
            ended = not self.folder.is_training()
            is_new = self.look(say)
            if ended and not is_new:
                return
            if not is_new:
                time.sleep(pause)

    def look(self, say):
        """Scores the newest checkpoint, if it has no score yet; returns whether there
        was one."""
        files = self.folder.saved()
        if not files or files[-1].name in {row["checkpoint"] for row in self.rows}:
            return False
        copy = self.folder.path / ".watched.keras"
        try:
            # The training keeps two checkpoints only: it may remove this one meanwhile.
            shutil.copyfile(files[-1], copy)
        except FileNotFoundError:
            return True
        try:
            self._score(files[-1].name, copy, say)
        finally:
            copy.unlink(missing_ok=True)
        return True

    def _score(self, name, copy, say):
        self._take(copy)
        if name in {row["checkpoint"] for row in self.rows}:
            return  # an earlier watch has its score
        epoch, distance = checkpoints.progress_of(copy).epoch, self._distance()
        row = {"checkpoint": name, "epoch": epoch, "frechet": distance}
        self.rows.append(row)
        if self.best is None or distance < self.best["frechet"]:
            self.best = row
            folders.replace(copy, self.kept)
        record = {"protocol": self._bench.protocol().plain(), "rows": self.rows}
        with atomic.replaced(self.record) as temporary:
            text = json.dumps(record | {"best": self.best}, indent=2)
            pathlib.Path(temporary).write_text(text + "\n")
        mark = "  best so far" if row is self.best else ""
        say(f"epoch {epoch}  Frechet distance {distance:.4g}{mark}")

    def _take(self, file):
        """Lays the model of `file` on the bench, which the first one makes."""
        if self._bench is not None:
            self._bench.model = saving.load(file)
            return
        target = subject.find(file, **self.dataset)
        self._bench = Bench(target, self.options, self.progress, "validation")
        features = self._bench.extractor.features(self._bench.test)
        self._real = metrics.Moments().update(features)
        self._go_on()

    def _distance(self):
        generated = images.made_by(self._bench)
        moments = metrics.Moments.of(self._bench.extractor, generated)
        return metrics.frechet_distance(self._real, moments)

    def _go_on(self):
        """Takes over the scores of an earlier watch, if its protocol was the same."""
        if not (self.record.is_file() and self.kept.is_file()):
            return
        try:
            earlier = json.loads(self.record.read_text())
            protocol = metrics.Protocol.from_plain(earlier["protocol"])
            if not protocol.differences(self._bench.protocol()):
                self.rows, self.best = earlier["rows"], earlier["best"]
        except (KeyError, TypeError, ValueError):  # damaged, or of another version
            return
