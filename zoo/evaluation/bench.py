"""The workbench of an evaluation: real images, their features, comparisons."""

import dataclasses
import functools

import numpy as np

from zoo import data, metrics
from zoo.evaluation import judges
from zoo.evaluation.rulers import SECOND, Ruler
from zoo.pretrained import features as presets
from zoo.pretrained import pretext
from zoo.runs import circumstances

FEWEST = 20  # images, for a kernel distance needs so many
MOST_TRAIN = 60_000  # training images among which nearest neighbours are sought


LACKS = {  # need: what a model that does not meet it lacks; others "cannot" do it
    "labels": "takes no labels",
    "sources": "makes no sources of test images",
    "prompts": "takes no captions",
    "nll": "has no likelihood",
    "posterior": "has no distribution q(z|x)",
}


class NotApplicableError(ValueError):
    """A score that a model or a data set does not have; the text tells why."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How an evaluation is made.

    Attributes:
        num_images: Images of each set, at most; as many as the test split has.
        features: "auto", "classifier", "pretext" or "inception", as
            `zoo.pretrained.features.extractor` takes them.
        seed: Of samples, subsets and noise.
        nll_images: Test images whose likelihood is taken; `k`: importance samples each.
        cas_steps: Training steps of the classifiers that learn from conditional samples
            and from real images; 0 leaves them out.
    """

    num_images: int = 10_000
    features: str = "auto"
    seed: int = 0
    nll_images: int = 1000
    k: int = 100
    cas_steps: int = 300


class Bench:
    """Real images of a `Subject`, and what is computed of them once.

    Attributes:
        subject, model, options: What is measured, and how.
        split: Of the real images that are `test`.
        extractor: Maker of features; `second`: another one, that needs no labels, whose
            scores stand beside, or None where it is the first.
        judge: Classifier that knows the classes, or None for an unlabelled set.
        test, train: uint8 images `[N, H, W, C]` of equal number, not more than asked
            for; `test_labels`, `train_labels`: int32 `[N]` or None.
        all_train: The training images, up to `MOST_TRAIN`.
        samples: uint8 samples of the model, once they are drawn.
        not_applicable: {score: reason}; `details`: more to keep.

    Raises: ValueError: if there are fewer than `FEWEST` such images.
    """

    def __init__(self, subject, options, progress, split="test"):
        self.subject, self.model, self.options = subject, subject.model, options
        self.progress, self.split = progress, split
        self.not_applicable, self.details = {}, {}
        random = np.random.default_rng(options.seed)
        test = data.arrays(subject.dataset, split, **subject.where)
        train = data.arrays(subject.dataset, "train", **subject.where)
        num_images = min(options.num_images, len(test[0]))
        if num_images < FEWEST:
            raise ValueError(
                f"An evaluation needs at least {FEWEST} {split} images. "
                f"Received: {num_images}."
            )
        self.test, self.test_labels = subset(*test, num_images, random)
        self.train, self.train_labels = subset(*train, num_images, random)
        self.all_train, _ = subset(*train, MOST_TRAIN, random)
        self.extractor, self.judge, self.classes = self._extractors()
        self.second = self._second()

    def _extractors(self):
        """The extractor, the judge, and the judge's number of each label."""
        subject = self.subject
        where = subject.whole
        judge = classes = None
        classifier = judges.find(subject, self.progress.say)
        if classifier is not None:
            judge, names = classifier.extractor, classifier.names
            facts = {key: judge.about[key] for key in ("name", "sha256", "accuracy")}
            self.details["judge"] = facts
            classes = np.array([names.index(n) for n in subject.info.class_names])
        kind = self.options.features
        if kind in ("auto", "classifier") and judge is not None:
            return judge, judge, classes
        return presets.extractor(subject.dataset, kind, **where), judge, classes

    def _second(self):
        is_first = self.extractor.name == pretext.NAME
        return None if is_first else pretext.shipped()

    def weaknesses(self):
        """Sentences on what weakens the scores of these features."""
        texts = []
        classifier = self.judge if self.extractor is self.judge else None
        if classifier is not None and classifier.about["config"]["num_classes"] == 2:
            texts.append(
                "the features are of a classifier of two classes, which needs to see "
                "little of an image: rather read the scores of features without labels"
            )
        count, size = self.ruler.features.shape
        if count <= size:
            texts.append(
                f"{count} images have no full covariance of {size} features: the "
                "Frechet distance misses directions"
            )
        return texts

    def prepare(self):
        """Measures the real images; everything else compares with these."""
        seed = self.options.seed
        self.ruler = Ruler(self.extractor, self.test, seed)
        self.second_ruler = self.second and Ruler(self.second, self.test, seed)
        self.sharpness = metrics.gradient_energy(self.test).mean()

    def protocol(self):
        """The `Protocol` of all that is measured here."""
        where, info = self.subject.where, self.subject.info
        return metrics.Protocol(
            dataset=self.subject.dataset,
            # Their names, also if the user chose them by number.
            classes=None if where["classes"] is None else tuple(info.class_names),
            image_size=where["image_size"],
            options=self.subject.options,
            split=self.split,
            num_real=len(self.test),
            num_generated=len(self.test),
            extractor=self.extractor.name,
            sha256=self.extractor.sha256,
            second=self.second and self.second.name,
            second_sha256=self.second and self.second.sha256,
            seed=self.options.seed,
            code=circumstances.code(),
        )

    @functools.cached_property
    def prompts(self):
        """The first caption of as many images of the split as are `test`, or None for a
        model that takes none or a set that has none."""
        subject = self.subject
        if not self.model.can("prompts") or "caption" not in subject.info.fields:
            return None
        opened = data.open(subject.dataset, **subject.where)
        captions = opened.arrays(self.split)["caption"]
        random = np.random.default_rng(self.options.seed)
        captions, _ = subset(captions, None, len(self.test), random)
        return [texts[0] for texts in captions]

    def need(self, *needs):
        """Raises NotApplicableError unless the model meets all `needs`."""
        need(self.model, *needs)

    def need_labels(self):
        """Raises NotApplicableError if the data set has no labels."""
        if self.judge is None:
            raise NotApplicableError(self.unlabelled)

    @property
    def unlabelled(self):
        """The reason why an unlabelled set has no scores of classes."""
        return f"{self.subject.dataset!r} has no labels of two classes"

    def skip(self, reason, *scores):
        """Notes why scores do not apply."""
        self.not_applicable |= dict.fromkeys(scores, reason)

    def compare(self, images, features=None, p=None, errors=None):
        """Returns {score: number} of uint8 images, compared with the test images.

        Args:
            features, p: Of the images, by extractor and judge; they save passes.
            errors: Takes {score: standard error} of the Frechet distances.
        """
        if features is None:
            features = self.extractor.features(images)
        scores = self.ruler.compare(features)
        scores["sharpness"] = self.ratio_of_sharpness(images)
        rulers = {"": (self.ruler, features)}
        if self.second is not None:
            seconds = self.second.features(images)
            of_second = self.second_ruler.compare(seconds)
            scores |= {f"{SECOND}{name}": value for name, value in of_second.items()}
            rulers[SECOND] = self.second_ruler, seconds
        if errors is not None:
            for begin, (ruler, values) in rulers.items():
                error = metrics.frechet_error(ruler.moments, values)
                errors[f"{begin}frechet"] = error
        if self.judge is None:
            return scores
        p = self.probabilities(images, features) if p is None else p
        return scores | self._compare_classes(p)

    def ratio_of_sharpness(self, images):
        """Gradient energy of images, divided by that of the test images."""
        return float(metrics.gradient_energy(images).mean() / self.sharpness)

    def probabilities(self, images, features=None):
        """The judge's class probabilities `[N, classes]`, or None without a judge;
        `features` saves a pass."""
        if self.judge is None:
            return None
        if features is None or self.judge is not self.extractor:
            return self.judge.probabilities(images)
        return self.judge.classify(features)

    def _compare_classes(self, p):
        generated = metrics.class_histogram(p.argmax(axis=1), p.shape[1])
        real = metrics.class_histogram(self.classes[self.test_labels], p.shape[1])
        return {
            "classifier_score": metrics.classifier_score(p),
            "class_distance": metrics.histogram_distance(generated, real),
        }


def need(model, *needs):
    """Raises NotApplicableError unless `model` meets all `needs`, each as `model.can`
    takes it."""
    for each in needs:
        if not model.can(each):
            raise NotApplicableError(lack(model, each))


def lack(model, need):
    """Returns what `model` lacks that does not meet `need`, as a reason."""
    return f"{model.name!r} {LACKS.get(need, f'cannot {need}')}"


def subset(images, labels, count, random):
    """Returns all images and labels in their order, or `count` of them, drawn by the
    generator `random`, if there are more."""
    if len(images) <= count:
        return images, labels
    rows = random.permutation(len(images))[:count]
    return images[rows], None if labels is None else labels[rows]
