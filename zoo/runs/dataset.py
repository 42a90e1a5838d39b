"""What a run takes of its data set, which is opened here, once, and nowhere else."""

import functools
import itertools

from zoo import data
from zoo.data import arguments, sources
from zoo.inputs import words

CHUNK = 4096  # captions at a time


class RunData:
    """The data set of a run: what is trained on, validated on and measured by.

    Args:
        flags: {flag: value}; `dataset`, `classes`, `image_size`, `data_dir`, `dry_run`
            and the data sets' options count.
    Raises: ValueError, FileNotFoundError: in one sentence, with the first use, what
        cannot be used and why.
    """

    def __init__(self, flags):
        self.name = flags["dataset"]
        self.where = {key: flags[key] for key in ("classes", "data_dir")}
        self.where["image_size"] = arguments.parsed_size(flags["image_size"])
        options = {key: flags.get(key) for key in sources.OPTIONS}
        self.options = {key: v for key, v in options.items() if v is not None}
        self.limit = flags.get("train_images")
        self.fields = self.makes = None
        self.builds = not flags["dry_run"]

    @functools.cached_property
    def opened(self):
        """The `zoo.data.DataSet`."""
        options = self.where | self.options
        return data.open(self.name, **options, build=self.builds)

    @property
    def info(self):
        """The set's `zoo.data.Info`."""
        return self.opened.info

    def require(self, model):
        """Has the batches hold what `model` takes.

        Raises: ValueError: if the set lacks a field.
        """
        missing = [name for name in model.takes if name not in self.info.fields]
        if set(missing) - {"label"}:
            raise ValueError(
                f"{model.name!r} learns from {', '.join(model.takes)}, and "
                f"{self.name!r} has {', '.join(self.info.fields)}. "
                f"Received: dataset={self.name!r}."
            )
        self.fields = [name for name in model.takes if name not in missing]
        self.makes = model.makes

    def num_images(self, has_validation):
        """Returns the images that are trained on; of two domains, those of the
        smaller."""
        return self._count(["train"] if has_validation else ["train", "validation"])

    def num_validated(self):
        """Returns the images that are validated on, if some are."""
        return self._count(["validation"])

    def _count(self, splits):
        numbers = [self.info.num_examples[split] for split in splits]
        whole = sum(min(n.values()) if isinstance(n, dict) else n for n in numbers)
        return min(whole, self.limit or whole)

    def training(self, settings, epoch, drop_remainder):
        """Returns the batches that are trained on, from `epoch` on."""
        split = "train" if settings.validation else "train+validation"
        how = {"seed": settings.seed, "flip": settings.flip, "start_epoch": epoch}
        how |= {"drop_remainder": drop_remainder, "fields": self.fields}
        how |= {"limit": self.limit}
        return self.opened.batches(split, settings.batch_size, **how)

    def validation(self, batch_size, drop_remainder):
        """Returns the batches that are validated on."""
        how = {"drop_remainder": drop_remainder, "fields": self.fields}
        how |= {"limit": self.limit}  # or it would take longer than the training
        return self.opened.batches("validation", batch_size, **how)

    def vocabulary(self, settings):
        """Returns the words of all captions that are trained on, the commonest
        first."""
        split = "train" if settings.validation else "train+validation"
        return words.vocabulary(text for row in self._captions(split) for text in row)

    def prompts(self, settings, count):
        """Returns the first caption of each of the first `count` examples that a run is
        measured by."""
        rows = self._captions("validation" if settings.validation else "train")
        return [row[0] for row in itertools.islice(rows, count)]

    def _captions(self, split):
        """Yields the captions of each example of a split, a tuple of texts."""
        for chunk in self.opened.chunks(split, ("caption",), CHUNK):
            yield from chunk["caption"]

    def measuring(self, settings):
        """Returns the images, or clips, that a run is measured by, uint8, their labels,
        and the sources of a model that learns from them, each None where there is none;
        of a set with a validation split, nothing that is trained on."""
        columns = self.opened.arrays("validation" if settings.validation else "train")
        sources = columns["source"] if "source" in (self.fields or ()) else None
        return columns[self.makes], columns.get("label"), sources
