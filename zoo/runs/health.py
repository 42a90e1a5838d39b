"""Warnings where a training goes wrong in numbers that are all finite.

Mode collapse: the samples are (nearly) the same few images. The distance from each of
`NUM` samples to the nearest other one is compared with the same distance among as many
images of the data set (medians of Euclidean distances of pixels). Where their ratio is
below `COLLAPSED`, there is a warning.

A dead network: the gradient of its loss is (nearly) zero, so it no longer learns. This
happens to a discriminator that is always right, or that gives every image the same
answer. Where the norm of the whole gradient of an epoch's last step is below `DEAD`,
there is a warning.

Both are measured after an epoch, once `PATIENCE` steps are done, in models whose
networks descend losses of their own; collapse in those that sample.
"""

import keras
import numpy as np
from absl import logging

from zoo.inputs import pixels
from zoo.metrics import neighbours

NUM = 64  # samples
COLLAPSED = 0.2  # seen: 0.1 where a GAN drew one image, 0.77 and more of sound models
DEAD = 1e-6
PATIENCE = 500  # steps: before them all samples look alike, whatever the seed


def variety(samples, images):
    """Returns the median distance of a sample to the nearest other sample, divided by
    the same of images.

    Args:
        samples, images: uint8 images or clips `[N, ...]`; equally many of each are
            compared.
    """
    count = min(len(samples), len(images))
    medians = []
    for each in (samples, images):
        points = each[:count].reshape(count, -1).astype(np.float64)
        medians.append(np.sqrt(np.median(neighbours.radii(points, (1,)))))
    return float(medians[0] / max(medians[1], 1e-12))


class Health(keras.callbacks.Callback):
    """Warns of mode collapse and of networks that no longer learn, after an epoch; of
    each once, and again only if all was well meanwhile.

    Args:
        settings: The run's `Settings`.
        images: uint8 `[N, H, W, C]` that samples are compared with.
    """

    def __init__(self, settings, images):
        super().__init__()
        self.settings, self.images = settings, images[:NUM]
        self.wrong = set()  # what the last warnings were about

    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        is_game = len(model.networks) > 1 and not model.shares_loss
        steps = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
        if not is_game or steps < PATIENCE:
            return
        norms = keras.ops.convert_to_numpy(model.faults.norms)
        for name, norm in zip(model.networks, norms, strict=True):
            if not int(keras.ops.convert_to_numpy(model.optimizers[name].iterations)):
                continue  # it takes no part, as a game that is left out
            self._warn(
                name,
                norm < DEAD,
                f"Epoch {epoch + 1}: the {name} no longer learns, its gradient has the "
                f"norm {norm:.2g}; a lower learning rate of it may help.",
            )
        if not model.can("sample"):
            return
        last = epoch + 1 == self.settings.epochs or model.stop_training
        if last or (epoch + 1) % self.settings.image_every == 0:
            self._measure_variety(epoch + 1)

    def _measure_variety(self, epoch):
        samples = self.model.sample(len(self.images), seed=self.settings.seed)
        ratio = variety(pixels.to_uint8(samples), self.images)
        self._warn(
            "samples",
            ratio < COLLAPSED,
            f"Epoch {epoch}: mode collapse, samples differ by {ratio:.2g} of what "
            "images do; a regularizer or another loss may help.",
        )

    def _warn(self, part, is_wrong, sentence):
        """Logs `sentence` if `part` of the model is wrong and was not before."""
        if is_wrong and part not in self.wrong:
            logging.warning("%s", sentence)
        (self.wrong.add if is_wrong else self.wrong.discard)(part)
