"""How good a run's samples are, as one more term of each epoch.

A GAN's losses say how the game stands, not how the images look. This term says how they
look, so the model of its best epoch can be kept.
"""

import itertools

import keras

from zoo import metrics
from zoo.inputs import pixels
from zoo.pretrained import features as presets

TERM = "frechet"
MOST_REAL = 10_000  # images: with more, the samples still limit the precision


class Quality(keras.callbacks.Callback):
    """Adds the term `frechet` to an epoch: the Frechet distance between samples of
    fixed seeds and images that are not trained on, in the features of the zoo's
    classifier of the data set, or in those that need no labels where it has none.

    Args:
        settings: The run's `Settings`; `frechet` is the number of samples.
        images: uint8 `[N, H, W, C]` to compare with.
        prompts: Captions to sample by, as many or fewer, taken in turn; or None.
        say: Takes a line if a classifier has to be trained for it.
    """

    def __init__(self, settings, images, prompts=None, say=print):
        super().__init__()
        self.count, self.seed = settings.frechet, settings.seed
        turn = itertools.islice(itertools.cycle(prompts or ()), self.count)
        self.how = {"prompts": list(turn)} if prompts else {}
        where = {"image_size": settings.image_size, "data_dir": settings.data_dir}
        where |= settings.options
        self.extractor = presets.extractor(settings.dataset, say=say, **where)
        self.real = metrics.Moments.of(self.extractor, images[:MOST_REAL])

    def on_epoch_end(self, epoch, logs=None):
        samples = pixels.to_uint8(
            self.model.sample(self.count, seed=self.seed, **self.how)
        )
        moments = metrics.Moments.of(self.extractor, samples)
        logs[TERM] = metrics.frechet_distance(self.real, moments)
