"""Tiny models and data for the tests; a row here brings a model into the contract
tests."""

import tempfile

import keras
import numpy as np
import pytest

import zoo
from zoo import backend
from zoo.core import registry
from zoo.data.batches import Batches, Epochs

NUM_CLASSES = 4
FRAMES = 3  # of a clip

# One row per model. Settings that bring randomness (dropout, augmentation) are on, so
# that saving and replicas are tested with them.
CONFIGS = {
    "ae": {"latent_dim": 3, "width": 4, "hidden": 5},
    "classifier": {
        "num_classes": NUM_CLASSES,
        "width": 4,
        "dropout": 0.2,
        "label_smoothing": 0.1,
        "shift": 1,
        "flip": True,
        "erasing": 0.5,
    },
    "bigan": {"latent_dim": 3, "width": 4, "hidden": 5},
    "cgan": {"num_classes": NUM_CLASSES, "latent_dim": 3, "width": 4},
    # With the paper's weights, a bound on rounding would be one on sums of signs.
    "cyclegan": {
        "cycle_weight": 1,
        "identity_weight": 0.5,
        "pool": 6,
        "width": 4,
        "blocks": 1,
    },
    "ddpm": {
        "num_timesteps": 20,
        "num_classes": NUM_CLASSES,
        "steps": 4,
        "prediction": "v",
        "width": 4,
        "mult": (1,),
        "attention": (),
        "patch": 2,
        "dropout": 0.2,
    },
    "flow": {"steps": 3, "width": 4, "mult": (1,), "attention": (), "patch": 2},
    "gan": {"latent_dim": 3, "width": 4},
    "interpolator": {"width": 4, "levels": 2},
    "latent_diffusion": {  # of labels here; of words in its own tests
        "max_tokens": 0,
        "num_classes": NUM_CLASSES,
        "steps": 3,
        "width": 4,
        "mult": (1,),
        "attention": (),
        "dropout": 0.2,
    },
    "palette": {
        "steps": 3,
        "width": 4,
        "mult": (1,),
        "attention": (),
        "dropout": 0.2,
    },
    "pix2pix": {"width": 4},
    "r3gan": {"latent_dim": 3, "width": 4, "max_width": 6},
    "rnn_vaegan": {
        "latent_dim": 3,
        "vector_dim": 5,
        "units": 4,
        "depth": 1,
        "width": 4,
        "sigma": 3,
        "kl_warmup": 0,
        "gan_weight": 1,
        "game_from": 0,
    },
    "srgan": {"scale": 2, "game_from": 0, "blocks": 1, "width": 4},
    "stylegan": {"latent_dim": 3, "width": 4, "max_width": 6, "r1_every": 1},
    "vae": {"latent_dim": 3, "width": 4, "hidden": 5},
    "vaegan": {"latent_dim": 3, "width": 4, "hidden": 5},
    "vaegan_hybrid": {"latent_dim": 3, "width": 4, "hidden": 5},
    "vit": {
        "num_classes": NUM_CLASSES,
        "patch": 2,
        "width": 8,
        "depth": 2,
        "heads": 2,
        "dropout": 0.2,
        "drop_path": 0.3,
        "label_smoothing": 0.1,
        "shift": 1,
        "flip": True,
        "erasing": 0.5,
        "cutmix": 0.5,
    },
    "wgan": {"latent_dim": 3, "width": 4, "critic_steps": 2},
}


def skip_graph_passes():
    """Leaves TensorFlow's graphs as they are written, in this process: to make tiny
    ones fast takes longer than to run them. What a user starts has the passes."""
    if backend.NAME == "tensorflow":
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


# Models that train as another does, whose promises of seconds CI tests.
KIN = {"cgan": "gan", "flow": "ddpm", "vaegan_hybrid": "vaegan", "r3gan": "stylegan"}


def apart():
    """Runs a test of seconds for each model that trains in a way of its own in CI, for
    all with -m full."""
    return few(*(name for name in CONFIGS if name not in KIN))


def names_of_images():
    """Returns the names of the models that make images, not clips."""
    return [name for name in zoo.names() if shape_of(name) == (8, 8, 1)]


def few(*names):
    """Runs a test of seconds for a few models in CI, for all with -m full."""
    full = (pytest.mark.full, pytest.mark.slow)
    marks = {name: pytest.mark.slow if name in names else full for name in CONFIGS}
    params = [pytest.param(name, marks=mark) for name, mark in marks.items()]
    return pytest.mark.parametrize("name", params)


def model(name, image_shape=(8, 8, 1), **changes):
    """Returns the tiny model `name`, built for such images or clips of them and
    compiled, the same each time."""
    keras.utils.set_random_seed(1)
    shape = shape_of(name, image_shape)
    return zoo.get(name, image_shape=shape, **CONFIGS[name] | changes)


def shape_of(name, image_shape=(8, 8, 1)):
    """Returns the shape of what the model `name` makes: of images, or of clips of
    them."""
    makes_clips = registry.find(name).makes == "clip"
    return (FRAMES, *image_shape) if makes_clips else image_shape


def images(count=10, shape=(8, 8, 1), seed=0):
    """Returns random images, uint8 `[count, *shape]`, with black and white among the
    pixels."""
    pixels = np.random.default_rng(seed).integers(-60, 316, (count, *shape))
    return np.clip(pixels, 0, 255).astype("uint8")


def floats(count=10, shape=(8, 8, 1), seed=0):
    """Returns the same images as float32 in [-1, 1]."""
    return (images(count, shape, seed) / 127.5 - 1).astype("float32")


def examples(name, count=10, image_shape=(8, 8, 1), kind=images):
    """Returns `count` images as `kind` gives them, or clips of them, as the model
    `name` learns from."""
    return kind(count, shape_of(name, image_shape))


def labels(count=10):
    """Returns labels, int32 `[count]`: 0, 1, 2, 3, 0, ..."""
    return (np.arange(count) % NUM_CLASSES).astype("int32")


def batches(data, size):
    """Returns the arrays `data` in batches of `size`, as `zoo.data.load` would."""
    count = -(-len(data[0]) // size)
    if not backend.HAS_TF_DATA:
        cut = lambda _, n: tuple(a[n * size :][:size] for a in data)  # noqa: E731
        return Batches(cut, range(count), Epochs(0, count))
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data).batch(size)


def step(model, data):
    """Takes one eager training step on NumPy `data`; returns {term: float}."""
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, data)
    return {term: float(value) for term, value in model.train_step(tensors).items()}


def values(variables):
    """Returns copies of `variables` as NumPy arrays."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def state(model):
    """Returns a list of all that training changes and files hold: weights, random
    state, optimizers."""
    return values(model.variables) + optimizer_state(model)


def optimizer_state(model):
    """Returns a list of the number of steps and the state of each network's
    optimizer."""
    each = [v for optimizer in model.optimizers.values() for v in optimizer.variables]
    return values([model.optimizer.iterations, *each])


class Trained:
    """A tiny model after four epochs of three batches, the last batch partial.

    Attributes:
        model: The model, trained as one graph on uint8 images and labels.
        history: {term: one value an epoch}.
        checkpoints: Files of the model, written by ModelCheckpoint after each epoch.
    """

    def __init__(self, name, **changes):
        self.model = model(name, **changes)
        self._folder = tempfile.TemporaryDirectory()
        self.checkpoints = [f"{self._folder.name}/{n}.keras" for n in range(1, 5)]
        checkpoint = keras.callbacks.ModelCheckpoint(
            f"{self._folder.name}/{{epoch}}.keras"
        )
        self.history = train(self.model, 4, callbacks=[checkpoint])


def train(model, epochs, **kwargs):
    """Trains on ten images, or clips, in their order; returns the history."""
    data = (examples(model.name), labels())
    options = {"batch_size": 4, "shuffle": False, "verbose": 0} | kwargs
    return model.fit(data, epochs=epochs, validation_data=data, **options).history
