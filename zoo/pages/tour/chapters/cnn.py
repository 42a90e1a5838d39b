"""The CNN: filters made by hand and learned ones, what the layers know, two spaces."""

import keras
import numpy as np
from scipy import ndimage

from zoo import metrics
from zoo.evaluation import codes
from zoo.inputs import pixels
from zoo.pages.tour import drawing
from zoo.pages.tour.claims import Claim, Criterion, Figure, Findings

HAND = np.array(
    [
        [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],  # vertical
        [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],  # horizontal
        [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],  # falling
        [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],  # rising
        [[-1, 2, 2], [2, -1, -1], [2, -1, -1]],  # curve
    ],
    float,
)
ALIKE = 0.9  # absolute cosine above which two filters count as the same
NEIGHBOURS = 10
PIXELS, FRAME = 9, 3  # of each weight of a filter in the picture; around the filter


def filters(studio):
    """Filters of the first layer and lines drawn by hand, on one image."""
    network = studio.judge.extractor.model.classifier
    kernel = network.get_weights()[0].mean(axis=2)  # [3, 3, F], over the colours
    learned = np.moveaxis(kernel, -1, 0)
    likeness = best_likeness(learned)
    chance = best_likeness(studio.random().normal(size=(10_000, 3, 3)))
    image = studio.examples()[:1]
    plain = pixels.intensities(image)[0].mean(axis=-1)
    by_hand = np.stack([ndimage.correlate(plain, each) for each in HAND])
    by_network = np.stack([ndimage.correlate(plain, f) for f in learned])
    return Findings(
        {
            "filter_likeness": float(likeness.mean()),
            "filter_chance": float(chance.mean()),
            "filters_alike": float((likeness >= ALIKE).mean()),
        },
        (
            Figure("hand_filters", drawing.Grid(enlarged(HAND), "filters", 5)),
            Figure("hand_maps", drawing.Grid(drawing.stretched(by_hand), "maps", 5)),
            Figure("image", drawing.Grid(image, "a test image", 1)),
            Figure("filters", drawing.Grid(enlarged(learned), "filters", 6)),
            Figure("maps", drawing.Grid(drawing.stretched(by_network), "maps", 6)),
        ),
        "small",
    )


def enlarged(filters):
    """Filters `[N, 3, 3]` as images as large as the maps next to them, each in a grey
    frame."""
    large = drawing.stretched(filters).repeat(PIXELS, axis=1).repeat(PIXELS, axis=2)
    frame = (FRAME, FRAME)
    return np.pad(large, ((0, 0), frame, frame, (0, 0)))


def best_likeness(filters):
    """Largest absolute cosine of each of `filters` `[N, 3, 3]` to one made by hand,
    brightness aside, `[N]`."""
    one, other = (_directions(each) for each in (filters, HAND))
    return np.abs(one @ other.T).max(axis=1)


def _directions(filters):
    flat = filters.reshape(len(filters), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def layers(studio):
    """What a linear probe reads from the classifier's layers, one after the other."""
    network = studio.judge.extractor.model.classifier
    levels = [
        x.output for x in network.layers if isinstance(x, keras.layers.Activation)
    ]
    means = [keras.layers.GlobalAveragePooling2D(dtype="float32")(x) for x in levels]
    inside = keras.Model(network.input, means)
    sets = [studio.train(), studio.test()]
    values = [inside.predict(pixels.to_float(x), 250, verbose=0) for x, _ in sets]
    accuracy = [
        metrics.linear_probe_accuracy(train, sets[0][1], test, sets[1][1])
        for train, test in zip(*values)
    ]
    line = {"": (range(1, len(accuracy) + 1), accuracy)}
    chart = drawing.lines(line, "layer", "accuracy", "accuracy by layer")
    return Findings(
        {
            "probe_first": accuracy[0],
            "probe_last": accuracy[-1],
            "probe_rise": float(np.diff(accuracy).min()),
        },
        (Figure("layers", chart),),
    )


def extractor(studio):
    """Neighbours in features and in pixels; a discriminator as an extractor."""
    (train, train_labels), (test, test_labels) = studio.train(), studio.test()

    def nearest(make):
        return metrics.neighbour_accuracy(
            make(train), train_labels, make(test), test_labels
        )

    model = studio.model("gan")
    fresh = codes.untrained(model, studio.seed)
    return Findings(
        {
            "pixels_nearest": nearest(lambda x: x.reshape(len(x), -1) / 255.0),
            "features_nearest": nearest(studio.features),
            "gan.nearest": nearest(inside_discriminator(model)),
            "gan.nearest_untrained": nearest(inside_discriminator(fresh)),
        }
    )


def inside_discriminator(model):
    """Returns a function of images: the inputs `[N, D]` of the discriminator's last
    layer."""
    network = model.discriminator
    inside = keras.Model(network.input, network.layers[-1].input)

    def features(images):
        values = inside.predict(pixels.to_float(images), 250, verbose=0)
        return values.reshape(len(values), -1)

    return features


def spaces(studio):
    """The same images in feature space and in latent space."""
    # scikit-learn takes a second to import: only who wants a map pays for it.
    from sklearn.decomposition import PCA
    from sklearn.linear_model import Ridge

    (train, train_labels), (test, test_labels) = studio.train(), studio.test()
    z_train, z = studio.codes("vae", "train"), studio.codes("vae")
    f_train, f = studio.features(train), studio.features(test)
    pca = PCA(z.shape[1], random_state=0).fit(f_train)  # as many numbers an image
    f_train, f = pca.transform(f_train), pca.transform(f)
    x_train, x = (pixels.intensities(i).reshape(len(i), -1) for i in (train, test))

    def left(train_codes, test_codes):
        """Share of the pixels' variance that a linear map does not restore."""
        error = (Ridge().fit(train_codes, x_train).predict(test_codes) - x) ** 2
        return float(error.mean() / x.var(axis=0).mean())

    near = [metrics.nearest(each, each, NEIGHBOURS + 1)[1][:, 1:] for each in (f, z)]
    shared = [len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(*near)]
    probe = metrics.linear_probe_accuracy
    return Findings(
        {
            "features_probe": probe(f_train, train_labels, f, test_labels),
            "latents_probe": probe(z_train, train_labels, z, test_labels),
            "features_left": left(f_train, f),
            "latents_left": left(z_train, z),
            "shared_neighbours": float(np.mean(shared)),
        },
        (
            Figure("features_map", drawing.latent_map(f, test_labels, "features")),
            Figure("latents_map", drawing.latent_map(z, test_labels, "latents"), "vae"),
        ),
        legend=drawing.legend(studio.class_names("vae")),
    )


CLAIMS = (
    Claim(
        "filters",
        ("B1",),
        (),
        (
            Criterion("filter_likeness", "<=", 0.8),
            Criterion("filters_alike", "<=", 0.25),
        ),
        filters,
    ),
    Claim(
        "layers",
        ("B1", "B2"),
        (),
        (Criterion("probe_last", ">=", 0.9), Criterion("probe_rise", ">=", 0.0)),
        layers,
    ),
    Claim(
        "extractor",
        ("A1",),
        ("gan",),
        (
            Criterion("features_nearest", ">=", "pixels_nearest"),
            Criterion("gan.nearest", ">=", "gan.nearest_untrained"),
        ),
        extractor,
    ),
    Claim(
        "spaces",
        ("B3",),
        ("vae",),
        (
            Criterion("features_probe", ">=", "latents_probe"),
            Criterion("latents_left", "<=", "features_left"),
            Criterion("shared_neighbours", "<=", 0.5),
        ),
        spaces,
    ),
)
