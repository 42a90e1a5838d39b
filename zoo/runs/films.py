"""What a run of a model of clips shows of each epoch: sheets of frames, and films."""

from zoo.drawing import strips
from zoo.inputs import shapes
from zoo.metrics import video
from zoo.runs.reports import Pictures


class Films(Pictures):
    """Draws samples of fixed seeds, what clips go on like beside how they went on,
    frames between others and reconstructions, each as a sheet (.png) and as a film
    (.gif)."""

    ROWS = 8  # clips of a sheet
    NUM_SAMPLES = 32  # clips of the film of samples

    PICTURES = (
        ("samples", "sample", "save_samples"),
        ("predictions", "predict_frames", "save_predictions"),
        ("between", "between", "save_between"),
        ("reconstructions", "reconstruct", "save_reconstructions"),
    )

    def save_samples(self, stem):
        """Returns the sheet of samples that it writes as `stem`.png."""
        clips = self.model.sample(self.NUM_SAMPLES, seed=self.settings.seed)
        return self._save(stem, clips)

    def save_predictions(self, stem):
        """Returns the sheet that it writes: a row of a clip, and below it one that
        begins like it and goes on by the model."""
        clips = self.images[: self.ROWS]
        past = shapes.past_of(clips.shape[1])
        whole = video.continued(self.model, clips, past, seed=self.settings.seed)
        return self._save(f"{stem}_predictions", (clips, whole))

    def save_between(self, stem):
        """Returns the sheet that it writes: a row of a clip, and below it one whose
        every other frame the model has drawn between its neighbours."""
        clips = self.images[: self.ROWS]
        clips = clips[:, : (clips.shape[1] - 1) // 2 * 2 + 1]
        drawn = self.model.slower(clips[:, ::2])
        return self._save(f"{stem}_between", (clips, drawn))

    def save_reconstructions(self, stem):
        """Returns the sheet of clips and their reconstructions that it writes."""
        clips = self.images[: self.ROWS]
        rebuilt = self.model.reconstruct(clips)
        return self._save(f"{stem}_reconstructions", (clips, rebuilt))

    def _save(self, stem, kinds):
        file = self.folder.samples / f"{stem}.png"
        strips.save_film(file.with_suffix(".gif"), kinds)
        rows = kinds if isinstance(kinds, tuple) else kinds[: self.ROWS]
        return strips.save_sheet(file, rows)
