"""What the experiments of the tour share: models by role, images, features, samples."""

import functools
import pathlib

import numpy as np

from zoo import data, metrics
from zoo.evaluation import NotApplicableError, subject
from zoo.evaluation.bench import subset
from zoo.evaluation.judges import Judge
from zoo.inputs import pixels
from zoo.pages.comparison.pictures import classes_in_turn
from zoo.pretrained import features as presets
from zoo.runs.folder import RunFolder
from zoo.runs.quality import TERM

NUM_EXAMPLES = 10  # test images of a picture


class Studio:
    """Trained models by the role that they play; what is computed is kept.

    Args:
        folders: {role: run folder}; those without a finished model are lacking.
        dataset: The data set of all models but those that collapse.
        num_images: Test images, samples and training images that are measured, at most.
        seed: Of what is drawn.
    """

    def __init__(self, folders, dataset, num_images, seed=0):
        self.folders = {role: pathlib.Path(path) for role, path in folders.items()}
        self.dataset, self.num_images, self.seed = dataset, num_images, seed
        self._kept = {}

    def lacking(self, roles):
        """The roles among `roles` that have no finished model."""
        return tuple(r for r in roles if not RunFolder(self.folders[r]).model.is_file())

    def random(self):
        """A generator of random numbers, the same for each experiment."""
        return np.random.default_rng(self.seed)

    # --- models -----------------------------------------------------------------------

    def subject(self, role):
        """The `zoo.evaluation.subject.Subject` of a role."""
        return self._once("subject", role, lambda: subject.find(self.folders[role]))

    def model(self, role):
        """The trained model of a role."""
        return self.subject(role).model

    def rows(self, role, *terms):
        """The rows of a role's metrics.csv, one dict for each epoch.

        Raises: NotApplicableError: if one of the `terms` was not recorded.
        """
        rows = RunFolder(self.folders[role]).rows()
        for term in terms:
            if not rows or term not in rows[0]:
                how = " (experiments.train --frechet=2000)" if term == TERM else ""
                raise NotApplicableError(
                    f"{self.folders[role]}/metrics.csv has no column {term!r}{how}"
                )
        return rows

    def judge_of(self, dataset):
        """The `Judge` of a data set: a classifier of all its classes."""

        def find():
            names = data.info(dataset).class_names
            return Judge(presets.extractor(dataset), names)

        return self._once("judge", dataset, find)

    @functools.cached_property
    def judge(self):
        """The `Judge` of the tour's data set."""
        return self.judge_of(self.dataset)

    # --- images -----------------------------------------------------------------------

    def test(self, role=None):
        """uint8 test images `[N, H, W, C]` of a role's classes, and labels `[N]`."""
        return self._images("test", role, self.num_images)

    def train(self, role=None, most=None):
        """Training images, `num_images` or `most`, and their labels."""
        return self._images("train", role, most or self.num_images)

    def _images(self, split, role, most):
        def read():
            name, where = self.dataset, {}
            if role is not None:
                name, where = self.subject(role).dataset, self.subject(role).where
            return subset(*data.arrays(name, split, **where), most, self.random())

        return self._once((split, most), role, read)

    def class_names(self, role):
        """Names of the classes that a role was trained on."""
        return self.subject(role).info.class_names

    def examples(self, role=None):
        """A few test images, the classes in turn."""
        images, labels = self.test(role)
        return images[classes_in_turn(labels, len(images))[:NUM_EXAMPLES]]

    def samples(self, role):
        """uint8 samples `[num_images, H, W, C]` of fixed seeds; of a conditional model,
        the classes in turn."""
        return self._once("samples", role, lambda: self.drawn(role, self.num_images))

    def drawn(self, role, count, **options):
        """uint8 samples; `options` are those of the model's `sample`."""
        model = self.model(role)
        if model.can("labels"):
            classes = model.config["num_classes"]
            options["labels"] = np.arange(count) % classes
        return finite(model.sample(count, seed=self.seed, **options))

    def reconstructions(self, role):
        """uint8 reconstructions of `test(role)`."""

        def make():
            return finite(self.model(role).reconstruct(self.test(role)[0]))

        return self._once("reconstructions", role, make)

    def codes(self, role, split="test"):
        """Latents `[N, D]` of the test or training images, means of q(z|x)."""

        def make():
            images, _ = getattr(self, split)(role)
            return self.model(role).encode(images)

        return self._once(("codes", split), role, make)

    # --- what is measured of them -----------------------------------------------------

    def features(self, images):
        """The classifier's features `[N, D]` of images of the tour's data set."""
        return self.judge.extractor.features(images)

    def test_features(self, role):
        """The features of `test(role)`."""

        def make():
            return self.features(self.test(role)[0])

        return self._once("test features", role, make)

    def sample_features(self, role):
        """The features of `samples(role)`."""

        def make():
            return self.features(self.samples(role))

        return self._once("sample features", role, make)

    def frechet(self, role, features=None):
        """Frechet distance of samples, or of `features`, to the test images."""
        if features is None:
            features = self.sample_features(role)
        return metrics.frechet_distance(self.test_features(role), features)

    def manifold(self, role):
        """`ManifoldScores` of as many samples as there are test images."""

        def measure():
            real = self.test_features(role)
            generated = self.sample_features(role)[: len(real)]
            return metrics.manifold_scores(real, generated)

        return self._once("manifold", role, measure)

    def sharpness(self, role, images):
        """Gradient energy of `images`, divided by that of the test images."""
        real = metrics.gradient_energy(self.test(role)[0]).mean()
        return float(metrics.gradient_energy(images).mean() / real)

    def classes(self, images):
        """The judge's class of each image, int `[N]`."""
        return self.judge.extractor.probabilities(images).argmax(axis=1)

    def _once(self, what, of, make):
        if (what, of) not in self._kept:
            self._kept[what, of] = make()
        return self._kept[what, of]


def finite(images):
    """Images as uint8; NotApplicableError if a training has diverged."""
    if not np.isfinite(images).all():
        raise NotApplicableError("NaN or infinity, the training has diverged")
    return pixels.to_uint8(images)
