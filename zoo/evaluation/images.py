"""Scores of images that a model makes: samples, reconstructions."""

import numpy as np
from PIL import Image

from zoo import metrics
from zoo.data import scenes
from zoo.evaluation.bench import NotApplicableError, lack
from zoo.inputs import pixels
from zoo.pretrained import features as presets

SAMPLED_AT_ONCE = 1000
OTHER = 10**6  # from the seeds of the answers to those of others to the same sources
FOLLOWED = tuple(
    f"caption_{part}" for part in ("all", "count", "colour", "shape", "size", "side")
)
MOST_PIXELS = 4096  # numbers an image: above, PCA would take the longest of all


# --- samples --------------------------------------------------------------------------


def samples(bench):
    """Distances, manifolds, classes and sharpness of samples, as many as test images;
    of a conditional model, of the test images' labels."""
    labels = _labels(bench)
    images = bench.samples = sample(bench, len(bench.test), labels)
    features = bench.extractor.features(images)
    p = bench.probabilities(images, features)
    errors = bench.details.setdefault("standard_errors", {})
    scores = bench.compare(images, features, p, errors)
    train = bench.extractor.features(bench.all_train)
    near = metrics.memorisation(train, bench.ruler.features, features)
    scores |= {"nearest_train": near.ratio, "closer_to_train": near.closer}
    bench.details["nearest_train_distance"] = near.distance
    if labels is None:
        bench.skip(lack(bench.model, "labels"), "conditional_accuracy")
    if p is not None:
        shares = metrics.class_histogram(p.argmax(axis=1), p.shape[1])
        bench.details["class_histogram"] = shares.tolist()
        if labels is not None:
            wanted = bench.classes[labels]
            scores["conditional_accuracy"] = metrics.accuracy(p, wanted)
    return scores


def sample(bench, count, labels=None, **options):
    """Returns `count` samples as uint8; `options` as the model's `sample` takes
    them."""
    parts = []
    for start in range(0, count, SAMPLED_AT_ONCE):
        rows = slice(start, min(start + SAMPLED_AT_ONCE, count))
        if labels is not None:
            options["labels"] = labels[rows]
        if bench.prompts is not None:
            options["prompts"] = bench.prompts[rows]
        seed = bench.options.seed + start
        images = bench.model.sample(rows.stop - start, seed=seed, **options)
        parts.append(finite_pixels(images))
        bench.progress.step(rows.stop, count)
    return np.concatenate(parts)


def finite_pixels(images):
    """Returns float images or clips as a picture has them: clipped and rounded to
    uint8.

    Raises: ValueError: if one is not finite.
    """
    if not np.isfinite(images).all():  # uint8 would make black of it
        raise ValueError(
            "The model makes images that are not finite: its training has diverged. "
            "Received: NaN or infinity."
        )
    return pixels.to_uint8(images)


def _labels(bench):
    """The labels that samples are made of; None for models that take none."""
    return bench.test_labels if bench.model.can("labels") else None


def _samples(bench, **options):
    return sample(bench, len(bench.test), _labels(bench), **options)


def _reconstructions(bench):
    return finite_pixels(bench.model.reconstruct(bench.test))


KINDS = (  # (what a model makes, needs, function of the bench), the most telling first
    ("samples", ("sample",), _samples),
    ("reconstructions", ("reconstruct",), _reconstructions),
)


def made_by(bench, **options):
    """Returns what a model makes, as uint8, as many as there are test images: samples
    with these `options`, or else reconstructions.

    Raises: ValueError: if it makes neither.
    """
    for _, needs, make in KINDS:
        if bench.model.can(needs):
            return make(bench, **options)
    raise ValueError(
        "Only a model that makes images can be watched. "
        f"Received: {bench.model.name!r}, which cannot sample or reconstruct."
    )


def followed(bench):
    """Shares of the samples that show what their caption says, word by word, judged by
    code: of `scenes`, which are drawn by rule."""
    if bench.prompts is None or not bench.subject.dataset.startswith("scenes"):
        raise NotApplicableError(f"no captions of {bench.subject.dataset!r} to check")
    verdicts = [
        scenes.check(image, text) for image, text in zip(bench.samples, bench.prompts)
    ]
    scores = {"caption_all": np.mean([verdict.passed for verdict in verdicts])}
    for name in FOLLOWED[1:]:
        part = name.removeprefix("caption_")
        each = [verdict.scores() for verdict in verdicts]
        values = [shares[part] for shares in each if part in shares]
        if values:
            scores[name] = np.mean(values)
        else:
            bench.skip("captions that tell no side", name)
    return scores


# --- reconstructions ------------------------------------------------------------------


def reconstructions(bench):
    """Errors of reconstructed test images, and all that is measured of samples."""
    return _beside_test(bench, _reconstructions(bench), "recon_") | _linear(bench)


def _beside_test(bench, images, part):
    """Returns {score: number} of uint8 images, each of which stands for a test image;
    the names begin with `part`."""
    features = bench.extractor.features(images)
    scores = metrics.reconstruction_errors(bench.test, images)
    p = bench.probabilities(images, features)
    errors = {}
    scores |= bench.compare(images, features, p, errors)
    errors = {f"{part}{name}": error for name, error in errors.items()}
    bench.details.setdefault("standard_errors", {}).update(errors)
    if p is not None:
        real = bench.probabilities(bench.test, bench.ruler.features)
        scores["class_kept"] = metrics.accuracy(p, real.argmax(axis=1))
    return {f"{part}{name}": value for name, value in scores.items()}


def _linear(bench):
    """The squared error of PCA with as many numbers an image as the model keeps."""
    components, size = bench.model.config["latent_dim"], bench.test[0].size
    if size > MOST_PIXELS:
        bench.skip(f"images of more than {MOST_PIXELS:,} numbers", "pca_mse")
        return {}
    if components > min(len(bench.train), size):
        bench.skip(f"fewer training images or pixels than {components}", "pca_mse")
        return {}
    return {"pca_mse": metrics.pca_errors(bench.train, bench.test, components).mean()}


# --- answers to sources ---------------------------------------------------------------


def answers(bench):
    """Errors of what a model makes of the sources of test images, and all that is
    measured of samples; beside it the same of the sources themselves, brought to the
    size of images by bicubic interpolation."""
    bench.need("sources")
    seed = bench.options.seed
    sources = bench.model.sources(bench.test, seed=seed)
    images = {"answer_": finite_pixels(bench.model.translate(sources, seed=seed))}
    images["source_"] = _as_images(pixels.to_uint8(sources), bench.test.shape[1:])
    scores = {}
    for part, each in images.items():
        scores |= _beside_test(bench, each, part)
        if each.shape[-1] == 3:
            colours = metrics.colourfulness(each).mean()
            colours /= metrics.colourfulness(bench.test).mean()
            scores[f"{part}colourfulness"] = colours
        else:
            bench.skip("the images are grey", f"{part}colourfulness")
    others = bench.model.translate(sources[:SAMPLED_AT_ONCE], seed=seed + OTHER)
    others = pixels.intensities(finite_pixels(others))
    spread = abs(others - pixels.intensities(images["answer_"][: len(others)]))
    return scores | {"answer_spread": spread.mean()}


def _as_images(sources, shape):
    """Returns uint8 sources `[N, h, w, c]` as images of `shape` (H, W, C)."""
    height, width, channels = shape
    if sources.shape[-1] != channels:  # grey ones of images in colour
        sources = np.repeat(sources, channels, axis=-1)
    if sources.shape[1:3] == (height, width):
        return sources
    enlarged = [
        Image.fromarray(source.squeeze()).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        for source in sources
    ]
    return np.stack([np.asarray(each) for each in enlarged]).reshape(-1, *shape)


# --- train on generated, test on real -------------------------------------------------


def substitution(bench):
    """Accuracy on test images of a classifier that learned from conditional samples
    alone, and of one that learned from as many real images.

    Source: Ravuri and Vinyals 2019, arXiv:1905.10887 (classification accuracy score);
        with a small network and few steps, so compare it with that of real images.
    """
    bench.need_labels()
    bench.need("labels")
    labels, steps = bench.test_labels, bench.options.cas_steps
    if not steps or len(bench.classes) < 2:
        raise NotApplicableError(f"{len(bench.classes)} classes, cas_steps={steps}")
    sets = {
        "cas": (bench.samples, labels),
        "cas_real": (bench.train, bench.train_labels),
    }
    scores = {}
    for name, (images, numbers) in sets.items():
        student = presets.taught(images, numbers, len(bench.classes), steps)
        p = student.predict(bench.test, batch_size=250, verbose=0)
        scores[name] = metrics.accuracy(p, bench.test_labels)
    return scores
