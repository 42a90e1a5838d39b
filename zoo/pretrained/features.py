"""What makes features of images: the zoo's own classifier of each data set.

    extractor = presets.extractor("fashion_mnist")
    extractor.features(images), extractor.probabilities(images)

For digits and Fashion-MNIST the classifiers lie in `zoo/pretrained/weights`, in half
precision, each with a .json file that holds its sha256, its accuracy and the commands
that it comes from. For any other labelled set one is trained on the spot, once, and
kept in $ZOO_CACHE_DIR (~/.cache/zoo). For a set without labels, and beside all others,
there are the features of `zoo.pretrained.pretext`.
"""

import functools
import hashlib
import os
import pathlib

import keras
import numpy as np
from scipy import special

from zoo import data, metrics
from zoo.core import registry, schedules
from zoo.inputs import suggestions
from zoo.networks import conv
from zoo.pretrained import archive, pretext
from zoo.pretrained.inception import Inception

SHIPPED = pathlib.Path(__file__).parent / "weights"
KINDS = ("auto", "classifier", "pretext", "inception")
STEPS, BATCH_SIZE, LEARNING_RATE = 1500, 128, 3e-3  # of training on the spot
MOST_EPOCHS = 40
RECIPE = 1  # raised when training on the spot changes


class Extractor:
    """A trained classifier as a maker of features.

    Attributes:
        name: e.g. "classifier-fashion_mnist".
        sha256: Of its weights file.
        about: What its .json file tells: config, image shape, accuracy, commands.
        image_shape: (H, W, C).
    """

    def __init__(self, model, about):
        self.model, self.about = model, about
        self.name, self.sha256 = about["name"], about["sha256"]
        self.image_shape = tuple(about["image_shape"])

    def features(self, images):
        """Returns penultimate features, float32 `[N, D]`.

        Args:
            images: `[N, H, W, C]`, uint8 or float in [-1, 1].
        """
        return self.model.features(images)

    def classify(self, features):
        """Returns class probabilities, float64 `[N, classes]`, of `features`."""
        kernel, bias = self.model.classifier.get_weights()[-2:]
        return special.softmax(features.astype(np.float64) @ kernel + bias, axis=1)

    def probabilities(self, images):
        """Returns class probabilities, float64 `[N, classes]`, of images."""
        return self.classify(self.features(images))


def extractor(
    dataset,
    kind="auto",
    image_size=None,
    data_dir=None,
    say=print,
    steps=STEPS,
    **options,
):
    """Returns what makes features of the images of a data set.

    Args:
        dataset, image_size, data_dir, options: As for `zoo.data.arrays`; the extractor
            knows all classes of the set.
        kind: "classifier"; "pretext", which needs no labels; "inception", InceptionV3
            on ImageNet; or "auto", the first of these that the set allows.
        say: Takes a line when something takes long.
        steps: Of training on the spot, if there is nothing to load.
    Returns: `Extractor`, `Pretext` or `Inception`.
    Raises: ValueError: for an unknown kind, a classifier of an unlabelled set, or
        weights that are not to be had.
    """
    if kind not in KINDS:
        raise ValueError(
            f"Features are {', '.join(KINDS[:-1])} or {KINDS[-1]}"
            f"{suggestions.nearest(kind, KINDS)}. Received: features={kind!r}."
        )
    if kind == "inception":
        return Inception()
    if kind == "pretext":
        return pretext.shipped()
    where = {"image_size": image_size, "data_dir": data_dir} | options
    info = data.info(dataset, **where)
    if kind == "auto" and (info.num_classes or 0) < 2:
        return pretext.shipped()
    shipped_one = shipped(dataset, tuple(info.image_shape))
    return shipped_one or _cached(dataset, info, where, say, steps)


@functools.cache
def shipped(dataset, image_shape):
    """Returns the `Extractor` of images of (H, W, C) that comes with the zoo, or None;
    it is loaded once in a process."""
    if not (SHIPPED / f"{dataset}.json").is_file():
        return None
    classifier = load(SHIPPED, dataset)
    return classifier if classifier.image_shape == image_shape else None


def _cached(dataset, info, where, say, steps):
    """The extractor in the cache; it is trained now unless there is a whole one."""
    if info.num_classes is None or info.num_classes < 2:
        raise ValueError(
            "Features come from a classifier, and this set has no two classes to train "
            "it on: choose --features=pretext. "
            f"Received: dataset={dataset!r}, classes={info.num_classes}."
        )
    images, labels = data.arrays(dataset, "train", **where)
    content = hashlib.sha256(repr((images.shape, RECIPE, steps)).encode())
    content.update(images.tobytes())
    content.update(labels.tobytes())
    folder, name = cache() / "extractors", content.hexdigest()[:16]
    if (folder / f"{name}.json").is_file():
        try:
            return load(folder, name)
        except ValueError as error:
            say(f"{error} Trained again.")
    say(f"training a classifier of {dataset} for its features, once ...")
    model = _trained(dataset, info, where, steps)
    folder.mkdir(parents=True, exist_ok=True)
    test = data.arrays(dataset, "test", **where)
    stored = store(model, folder, name, dataset, test, {"steps": steps})
    say(f"accuracy {stored.about['accuracy']:.1%}; kept as {folder / name}.npz")
    return stored


def cache():
    """The folder of what is computed once and kept: $ZOO_CACHE_DIR, else
    ~/.cache/zoo."""
    folder = os.environ.get("ZOO_CACHE_DIR") or "~/.cache/zoo"
    return pathlib.Path(folder).expanduser()


def _trained(dataset, info, where, steps):
    """A classifier of a data set after at most `steps` steps; reproducible."""
    batch_size = min(BATCH_SIZE, info.num_examples["train"])
    batches = data.load(dataset, "train", batch_size, **where)
    per_epoch = int(batches.cardinality())
    model, epochs = _untaught(info.image_shape, info.num_classes, per_epoch, steps)
    model.fit(batches.take(steps), epochs=epochs, verbose=0)
    return model


def taught(images, labels, num_classes, steps=STEPS):
    """Returns a classifier that learned from uint8 images `[N, H, W, C]` and int labels
    `[N]` in at most `steps` steps; reproducible."""
    batch_size = min(BATCH_SIZE, len(images))
    per_epoch = -(-len(images) // batch_size)
    model, epochs = _untaught(images.shape[1:], num_classes, per_epoch, steps)
    model.fit(images, labels, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


def _untaught(image_shape, num_classes, per_epoch, steps):
    """A compiled classifier that has learned nothing, and the epochs that take about
    `steps` steps."""
    keras.utils.set_random_seed(0)
    epochs = min(MOST_EPOCHS, max(1, steps // per_epoch))
    model = registry.find("classifier")(
        num_classes=num_classes,
        # Deeper networks double more often: about 200 features and the same work.
        width=max(12, 48 >> max(0, len(conv.level_sizes(image_shape)) - 3)),
        label_smoothing=0.1,
        shift=min(image_shape[:2]) // 14,
    )
    steps = min(steps, epochs * per_epoch)
    (optimizer,) = model.default_optimizers().values()
    rate = (LEARNING_RATE, steps, steps // 10)
    model.compile(schedules.scheduled(optimizer, "cosine", *rate))
    return model, epochs


def store(model, folder, name, dataset, test, facts):
    """Writes the classifier `model` as `name`.npz, half precision, and `name`.json.

    Args:
        folder: Where both go; it exists.
        dataset: The data set that the classifier knows.
        test: uint8 images and labels that its accuracy is measured on, after rounding.
        facts: More that the .json file tells, such as the commands.
    Returns: the `Extractor`, as loaded from the files.
    Raises: ValueError: if the model cannot classify, or a weight does not fit into half
        precision.
    """
    if not model.can("classify"):
        raise ValueError(
            "Features are made by a classifier's run. "
            f"Received: a run of {model.registry_name!r}."
        )
    digest, weights = archive.write(folder, name, model.classifier.get_weights())
    about = {
        "name": f"{model.registry_name}-{dataset}",
        "model": model.registry_name,
        "sha256": digest,
        "dataset": dataset,
        "image_shape": list(model.image_shape),
        "config": model.get_config(),
        "parameters": model.classifier.count_params(),
    }
    images, labels = test
    stored = Extractor(_model(about, weights), about)
    about["accuracy"] = metrics.accuracy(stored.probabilities(images), labels)
    about |= {"num_test": len(images)} | facts
    archive.describe(folder, name, about)
    return stored


def load(folder, name):
    """Returns the `Extractor` that `store` wrote.

    Raises: ValueError: if a file is missing, damaged or not the one that was written.
    """
    about, weights = archive.read(folder, name)
    return Extractor(_model(about, weights), about)


def _model(about, weights):
    """The classifier of these weights, in float32 whatever the policy is."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        # Files of before know of one kind of model.
        model = registry.find(about.get("model", "classifier"))(**about["config"])
        model.build(about["image_shape"])
    finally:
        keras.config.set_dtype_policy(policy)
    model.classifier.set_weights(weights)
    return model
