"""What the pretext network is taught, without a label: to tell what was done to images.

Images are digits, Fashion-MNIST, and drawings by rule in colour, of 28 to 64 pixels.
Each is coloured or inverted by chance, turned, perhaps cut into quarters that change
places, blurred, chequered and made noisy; the network tells how much of each, and what
the image looks like from afar without its blur and noise.

Source: turns as by Gidaris et al. 2018, arXiv:1803.07728; quarters as by Noroozi and
    Favaro 2016, arXiv:1603.09246, with two answers in place of a permutation.
"""

import keras
import numpy as np
from keras import layers
from PIL import Image, ImageDraw
from scipy import ndimage

from zoo import data
from zoo.pretrained import pretext

SIZES = (28, 32, 48, 64)  # pixels a side, one a batch
BATCH_SIZE, RATE = 128, 1e-3
GROUPS = 8  # of a batch, each with one blur
AFAR = 4  # pixels a side of what is seen from afar
WEIGHTS = {  # of the losses
    "blur": 1.0,
    "noise": 1.0,
    "chequer": 1.0,
    "turn": 1.0,
    "quarters": 1.0,
    "afar": 8.0,
}


def teach(steps, verbose="auto"):
    """Returns (the taught network, {term: value} on lessons that it never saw).

    Args:
        steps: Batches of `BATCH_SIZE` images; reproducible.
        verbose: As Keras' `fit` takes it.
    """
    keras.utils.set_random_seed(0)
    network = pretext.build()
    teacher = _teacher(network, steps)
    images = materials()
    lessons = Lessons(steps, seed=0, **images)
    teacher.fit(lessons, shuffle=False, verbose=verbose)
    unseen = Lessons(max(1, steps // 100), seed=1, **images)
    terms = teacher.evaluate(unseen, return_dict=True, verbose=0)
    _standardize(network, unseen)
    return network, terms


def _standardize(network, lessons):
    """Gives each feature mean 0 and variance 1 over `lessons`, since a distance would
    otherwise weigh them as the answers happened to."""
    taught = [lessons[number][0] for number in range(len(lessons))]
    features = np.concatenate([network.predict(x, verbose=0) for x in taught])
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    layer = network.get_layer("features")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel / deviation, (bias - mean) / deviation])


def _teacher(network, steps):
    """A compiled model around `network` that gives all answers."""
    x = network.output
    heads = {
        "blur": layers.Dense(1, name="blur")(x),
        "noise": layers.Dense(1, name="noise")(x),
        "chequer": layers.Dense(1, name="chequer")(x),
        "turn": layers.Dense(4, activation="softmax", name="turn")(x),
        "quarters": layers.Dense(1, activation="sigmoid", name="quarters")(x),
        "afar": layers.Dense(AFAR * AFAR * 3, name="afar")(x),
    }
    model = keras.Model(network.input, heads)
    losses = dict.fromkeys(("blur", "noise", "chequer", "afar"), "mse")
    losses |= {
        "turn": "sparse_categorical_crossentropy",
        "quarters": "binary_crossentropy",
    }
    metrics = {"turn": "accuracy", "quarters": "accuracy"}
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
    optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, loss=losses, loss_weights=WEIGHTS, metrics=metrics)
    return model


class Lessons(keras.utils.PyDataset):
    """Batches of images and what was done to them, the same for a seed.

    Args:
        batches: Their number.
        seed: Of all that is drawn.
        greys: Sets of uint8 images `[N, H, W, 1]`.
        drawings: uint8 images `[N, 64, 64, 3]`.
    """

    def __init__(self, batches, seed, greys, drawings):
        super().__init__()
        self.batches, self.seed = batches, seed
        self.greys, self.drawings = greys, drawings

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        random = np.random.default_rng((self.seed, index))
        size = int(random.choice(SIZES))
        pools = [*self.greys, self.drawings]
        chosen = random.integers(len(pools), size=BATCH_SIZE)
        images = [pools[k][random.integers(len(pools[k]))] for k in chosen]
        clean = np.stack([_sized(image, size, random) for image in images])
        clean = _colored(clean, random)
        turns = random.integers(4, size=len(clean))
        clean = np.stack([np.rot90(x, k) for x, k in zip(clean, turns)])
        mixed = random.random(len(clean)) < 0.25
        clean[mixed] = [_mixed(x, random) for x in clean[mixed]]
        images, answers = _spoiled(clean, random)
        afar = clean.reshape(len(clean), AFAR, size // AFAR, AFAR, size // AFAR, 3)
        answers |= {
            "turn": turns,
            "quarters": mixed.astype("float32"),
            "afar": 2 * afar.mean(axis=(2, 4)).reshape(len(clean), -1) - 1,
        }
        return 2 * images - 1, answers


def _sized(image, size, random):
    """A square cut of an image at `size`, float32 in [0, 1] `[size, size, 3]`."""
    height, width = image.shape[:2]
    side = int(min(height, width) * random.uniform(0.75, 1))
    top, left = random.integers(height - side + 1), random.integers(width - side + 1)
    cut = np.broadcast_to(image[top : top + side, left : left + side], (side, side, 3))
    picture = Image.fromarray(np.ascontiguousarray(cut))
    picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture, "float32") / 255


def _colored(images, random):
    """Half of the images with black and white replaced by two colours each, of which
    some are light on dark and some dark on light."""
    dark, light = random.random((2, len(images), 1, 1, 3), "float32")
    chosen = random.random((len(images), 1, 1, 1)) < 0.5
    return np.where(chosen, dark + (light - dark) * images, images)


def _mixed(image, random):
    """An image whose quarters change places, each of them."""
    size = len(image) // 2
    parts = [image[y : y + size, x : x + size] for y in (0, size) for x in (0, size)]
    order = [(1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0), (1, 2, 3, 0), (2, 0, 3, 1)]
    a, b, c, d = (parts[k] for k in order[random.integers(len(order))])
    return np.vstack([np.hstack([a, b]), np.hstack([c, d])])


def _spoiled(clean, random):
    """Images with blur, a chequered pattern and noise, clipped, and how much of each
    they have: 0 for none, in steps that an eye sees as equal."""
    rows = len(clean)
    blurs = _amounts(GROUPS, 0.3, 3.0, random).repeat(rows // GROUPS)
    images = np.concatenate(
        [
            ndimage.gaussian_filter(part, sigma[0], axes=(1, 2)) if sigma[0] else part
            for part, sigma in zip(np.split(clean, GROUPS), np.split(blurs, GROUPS))
        ]
    )
    chequers = _amounts(rows, 0.02, 0.3, random)
    noises = _amounts(rows, 0.02, 0.4, random)
    each = (rows, 1, 1, 1)
    y, x = np.indices(clean.shape[1:3])
    period = random.integers(1, 3)  # of the pattern: every pixel, or every other
    pattern = ((y // period + x // period) % 2 * 2 - 1)[None, :, :, None]
    images = images + chequers.reshape(each) * pattern
    grey = random.random(each) < 0.5  # noise that is the same in all channels
    noise = random.standard_normal(images.shape, "float32")
    noise = np.where(grey, noise[..., :1], noise)
    images = np.clip(images + noises.reshape(each) * noise, 0, 1)
    answers = {
        "blur": np.log2(1 + blurs / 0.25),
        "chequer": np.log2(1 + chequers / 0.02),
        "noise": np.log2(1 + noises / 0.02),
    }
    return images.astype("float32"), answers


def _amounts(count, least, most, random):
    """`count` numbers, half of them 0, the others between two in equal ratios."""
    amounts = least * (most / least) ** random.random(count)
    return np.where(random.random(count) < 0.5, 0, amounts).astype("float32")


# --- drawings by rule -----------------------------------------------------------------


def drawing(seed):
    """Returns a picture of 3 to 9 shapes in colours and stripes on a shaded ground,
    uint8 `[64, 64, 3]`, the same for a seed."""
    random = np.random.default_rng(seed)
    side = 128  # drawn at twice the size, for smooth edges
    ends = random.integers(0, 256, (2, 3))
    slope = np.linspace(0, 1, side)[:, None, None] * np.ones((1, side, 1))
    ground = ends[0] + (ends[1] - ends[0]) * slope
    ground = np.rot90(ground, random.integers(4)).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(ground))
    for _ in range(random.integers(3, 10)):
        mask = Image.new("L", picture.size)
        _shape(ImageDraw.Draw(mask), side, random)
        picture.paste(_surface(side, random), mask=mask)
    return np.asarray(picture.resize((64, 64), Image.Resampling.BOX))


def _shape(draw, side, random):
    """Draws an ellipse, a box, a polygon or a line in white."""
    (left, right), (top, bottom) = np.sort(random.integers(0, side, (2, 2)), axis=1)
    box = (int(left), int(top), int(right) + 4, int(bottom) + 4)
    kind = random.integers(4)
    if kind == 0:
        draw.ellipse(box, 255)
    elif kind == 1:
        draw.rounded_rectangle(box, int(random.integers(0, 12)), 255)
    elif kind == 2:
        points = random.integers(0, side, (random.integers(3, 6), 2))
        draw.polygon([tuple(map(int, p)) for p in points], 255)
    else:
        draw.line(box, 255, int(random.integers(2, 14)))


def _surface(side, random):
    """A plain colour, stripes of two colours, or grain."""
    first, second = random.integers(0, 256, (2, 3))
    kind = random.integers(3)
    if kind == 0:
        return Image.new("RGB", (side, side), tuple(map(int, first)))
    if kind == 1:
        y, x = np.indices((side, side))
        angle, period = random.uniform(0, np.pi), random.uniform(4, 24)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
        share = (wave[..., None] > 0).astype(float)
    else:
        grain = random.standard_normal((side, side))
        grain = ndimage.gaussian_filter(grain, random.uniform(0.5, 3))
        share = np.clip(0.5 + grain / (4 * grain.std()), 0, 1)[..., None]
    return Image.fromarray((first + (second - first) * share).astype(np.uint8))


def materials(drawings=4000):
    """Returns what `Lessons` are about: the training images of digits and of
    Fashion-MNIST, and drawings of seeds from 0."""
    greys = [data.arrays(name, "train")[0] for name in ("digits", "fashion_mnist")]
    return {
        "greys": greys,
        "drawings": np.stack([drawing(seed) for seed in range(drawings)]),
    }
