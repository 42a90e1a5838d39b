"""A trained model's latent space, with the images that it was trained on."""

import functools

import numpy as np

from zoo import data, inputs, metrics
from zoo.core import latents
from zoo.evaluation import judges, subject
from zoo.evaluation.bench import subset

MOST = 10_000  # training images that are encoded
LONGEST = 16  # characters of a class's name below a picture


class Explorer:
    """What the tools of latent spaces have in common.

    Args:
        path: A run folder or a `.keras` file.
        seed: Of the training images that are encoded, and of what is drawn.
        judged: Whether a classifier of the data set names what images show.
        **dataset: Keywords of `subject.find`, where those of the run are not meant.
    Raises: ValueError, FileNotFoundError: in one sentence, if there is no model or no
        data set, or they do not fit.
    """

    def __init__(self, path, seed=0, judged=True, **dataset):
        self.subject = subject.find(path, **dataset)
        self.model = self.subject.model
        self.seed, self.judged = seed, judged

    # --- images -----------------------------------------------------------------------

    @functools.cached_property
    def test(self):
        """Test images uint8 `[N, H, W, C]`, and their labels `[N]` or None."""
        return data.arrays(self.subject.dataset, "test", **self.subject.where)

    @functools.cached_property
    def train(self):
        """Training images, at most `MOST`, and their labels or None."""
        return self._train(self.subject.where)

    def pair(self, classes):
        """Returns the names of two `classes`, numbers or names among all of the
        data set, then (images, labels) of training, at most `MOST`, and of test; label
        0 is the first, 1 the second."""
        where = self.subject.where | {"classes": classes}
        names = data.info(self.subject.dataset, **where).class_names
        test = data.arrays(self.subject.dataset, "test", **where)
        return names, self._train(where), test

    def with_left_out(self):
        """Returns the test images `[N, H, W, C]` of all classes, their classes' names
        `[N]`, and whether each class was left out of training, bool `[N]`.

        Raises: ValueError: if none was.
        """
        where = self.subject.where | {"classes": None}
        seen, names = (
            data.info(self.subject.dataset, **each).class_names
            for each in (self.subject.where, where)
        )
        if seen is None or set(seen) == set(names):
            raise ValueError(
                "The model was shown every class: train one with --classes that leave "
                f"some out. Received: {self.subject.file}."
            )
        images, labels = data.arrays(self.subject.dataset, "test", **where)
        classes = np.array(names)[labels]
        return images, classes, ~np.isin(classes, seen)

    def _train(self, where):
        images, labels = data.arrays(self.subject.dataset, "train", **where)
        return subset(images, labels, MOST, np.random.default_rng(self.seed))

    def first_of_classes(self, most):
        """Returns the numbers of the first test images of different classes, an even
        count of at most `most`; without two classes, those of the very first."""
        images, labels = self.test
        if labels is not None:
            _, numbers = np.unique(labels, return_index=True)
            if len(numbers) > 1:
                return numbers[: min(most, len(numbers) // 2 * 2)].tolist()
        return list(range(min(most, len(images))))

    def test_images(self, numbers):
        """Returns the test images of these numbers, uint8 `[N, H, W, C]`."""
        images, _ = self.test
        for number in numbers:
            inputs.check_integer("A test image's number", number, 0, len(images) - 1)
        return images[list(numbers)]

    # --- latents ----------------------------------------------------------------------

    def prior(self, seeds):
        """Returns latents `[N, D]` of the prior, row i that of the sample of
        `seeds[i]`."""
        return np.concatenate([self.model.prior(1, seed=seed) for seed in seeds])

    def mixture(self, components):
        """Returns the `latents.Mixture` of the training images' encodings."""
        self.model.require("encode", "decode")
        images, _ = self.train
        z = self.model.encode(images, sample=True, seed=self.seed)
        return latents.Mixture(z, components, self.seed)

    def strangeness(self, images, components):
        """Returns the reconstructions of `images` and their scores `[N]`, larger for
        what training did not show: the squared error of a reconstruction, and minus the
        log density of a latent under the `mixture`, as {"reconstruction", "latent"}."""
        density = self.mixture(components).log_density
        x_rec = self.model.reconstruct(images)
        return x_rec, {
            "reconstruction": metrics.squared_errors(images, x_rec),
            "latent": -density(self.model.encode(images)),
        }

    def decode(self, z):
        """Returns images `[..., H, W, C]` of latents `[..., D]`."""
        images = self.model.decode(z.reshape(-1, z.shape[-1]))
        return images.reshape(*z.shape[:-1], *images.shape[1:])

    # --- words ------------------------------------------------------------------------

    @functools.cached_property
    def judge(self):
        """The `judges.Judge` of the data set; None if not wanted, or unlabelled."""
        return judges.find(self.subject) if self.judged else None

    def tell(self, images):
        """Returns the judge's class of each image `[..., H, W, C]`, an array of texts
        `[...]`, and its probability; (None, None) without a judge."""
        if self.judge is None:
            return None, None
        shape = images.shape[:-3]
        names, p = self.judge.tell(images.reshape(-1, *images.shape[-3:]))
        return np.array(names).reshape(shape), p.reshape(shape)


def captions(names, p):
    """Returns R lists of C texts, such as "Bag 0.98", of the `names` and probabilities
    `p` that `Explorer.tell` gives `[R, C]` images; None if it names none."""
    if names is None:
        return None
    return [
        [f"{name[:LONGEST]} {share:.2f}" for name, share in zip(*row)]
        for row in zip(names, p)
    ]
