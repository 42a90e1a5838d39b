"""What a run takes of its data set, which is looked up here and nowhere else."""

import functools

from zoo import data


class DataSet:
    """The data set of a run: what is trained on, validated on and measured by.

    Args:
        flags: {flag: value}; `dataset`, `classes`, `image_size` and `data_dir` count.
    Raises: ValueError, FileNotFoundError: in one sentence, with the first use, what
        cannot be used and why.
    """

    def __init__(self, flags):
        self.name = flags["dataset"]
        self.where = {key: flags[key] for key in ("classes", "image_size", "data_dir")}

    @functools.cached_property
    def info(self):
        """The set's `zoo.data.Info`."""
        return data.info(self.name, **self.where)

    def training(self, settings, epoch, drop_remainder):
        """Returns the batches that are trained on, from `epoch` on."""
        return data.load(
            self.name,
            "train" if settings.validation else "train+validation",
            settings.batch_size,
            seed=settings.seed,
            flip=settings.flip,
            start_epoch=epoch,
            drop_remainder=drop_remainder,
            **self.where,
        )

    def validation(self, batch_size, drop_remainder):
        """Returns the batches that are validated on."""
        how = {"drop_remainder": drop_remainder, **self.where}
        return data.load(self.name, "validation", batch_size, **how)

    def measuring(self, settings):
        """Returns the images that a run is measured by, uint8 `[N, H, W, C]`, and their
        labels; of a set with a validation split, none that is trained on."""
        split = "validation" if settings.validation else "train"
        return data.arrays(self.name, split, **self.where)
