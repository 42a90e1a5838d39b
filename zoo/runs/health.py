"""Warnings where a training goes wrong in numbers that are all finite.

Mode collapse: the samples are (nearly) the same few images. Of `NUM` samples, the
distance from each to its nearest fellow is compared with that among as many images of
the data set; medians, Euclidean, in pixels. Below `COLLAPSED` of it there is a warning.

A dead network: the gradient of its loss is (nearly) zero, so it learns no more; of a
discriminator that tells all from all, or nothing from anything. The norm of the whole
gradient of an epoch's last step is looked at; below `DEAD` there is a warning.

Both are looked at after an epoch, once `PATIENCE` steps are done, of models whose
networks descend losses of their own.
"""

import keras
import numpy as np
from absl import logging

from zoo.inputs import pixels
from zoo.metrics import neighbours

NUM = 64
COLLAPSED = 0.2  # seen: 0.1 where a GAN drew one image, 0.77 and more of sound models
DEAD = 1e-6
PATIENCE = 500  # steps: before them all samples look alike, whatever the seed


def variety(samples, images):
    """Median distance of a sample to its nearest fellow, over that of images.

    Args:
        samples, images: uint8 `[N, H, W, C]`; as many of each are compared.
    """
    count = min(len(samples), len(images))
    medians = []
    for each in (samples, images):
        points = each[:count].reshape(count, -1).astype(np.float64)
        medians.append(np.sqrt(np.median(neighbours.radii(points, (1,)))))
    return float(medians[0] / max(medians[1], 1e-12))


class Health(keras.callbacks.Callback):
    """Warns of mode collapse and of networks that no longer learn, after an epoch.

    Args:
        settings: The run's `Settings`.
        images: uint8 `[N, H, W, C]` that samples are compared with.
    """

    def __init__(self, settings, images):
        super().__init__()
        self.settings, self.images = settings, images[:NUM]

    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        is_game = len(model.networks) > 1 and not model.shares_loss
        steps = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
        if not is_game or steps < PATIENCE:
            return
        norms = keras.ops.convert_to_numpy(model.faults.norms)
        for name, norm in zip(model.networks, norms, strict=True):
            if norm < DEAD:
                logging.warning(
                    "Epoch %d: the %s no longer learns, its gradient has the norm "
                    "%.2g; a lower learning rate of it may help.",
                    *(epoch + 1, name, norm),
                )
        last = epoch + 1 == self.settings.epochs or model.stop_training
        if last or (epoch + 1) % self.settings.image_every == 0:
            self._look_at_samples(epoch + 1)

    def _look_at_samples(self, epoch):
        samples = self.model.sample(len(self.images), seed=self.settings.seed)
        share = variety(pixels.to_uint8(samples), self.images)
        if share < COLLAPSED:
            logging.warning(
                "Epoch %d: mode collapse, samples differ by %.2g of what images do; a "
                "regularizer or another loss may help.",
                *(epoch, share),
            )
