"""One trained model, and what can be played with it: latents, images, arrays."""

import dataclasses
import functools
import pathlib

import numpy as np

from zoo import data, inputs
from zoo.core import latents, saving
from zoo.drawing import overlays
from zoo.evaluation import attention, styles
from zoo.evaluation import explorer as exploration
from zoo.evaluation.judges import Judge
from zoo.inputs import pictures
from zoo.pages.playground.plan import AVERAGE, ROOMS, SEED, STARTS
from zoo.pages.playground.translating import Translator
from zoo.pretrained import features as presets
from zoo.runs import folder

MOST_IMAGES = 64  # of one sheet
MOST_STEPS = 100  # of a way between two images, and of a sampler
MIXED = 4, 5  # rows and columns of a table of mixtures
MOST_SEARCHED = 1000  # steps of a search
# Directions are those of the encodings of training images, or of latents of the prior.
ENCODED, DECODED = 2000, 1000
OPTIONS = {  # option of a sample: what the model needs for it
    "prompt": ("sample", "prompts"),
    "label": ("sample", "labels"),
    "guidance": ("sample", "labels", "guidance"),
    "steps": ("sample", "steps"),
    "sampler": ("sample", "sampler"),
    "truncation": ("sample", "truncation"),
}


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a model makes of one image; None stands for what it cannot make.

    Attributes:
        image: uint8 `[H, W, C]`.
        z: Its encoding `[D]`.
        reconstruction: float32 `[H, W, C]` in [-1, 1].
        attention: The image under the colours of where the model looked, uint8 `[H, W,
            3]`.
        classes: {class: probability}.
        classifier: Whose the classes are, a text such as "by classifier-digits".
    """

    image: np.ndarray
    z: np.ndarray | None = None
    reconstruction: np.ndarray | None = None
    attention: np.ndarray | None = None
    classes: dict | None = None
    classifier: str = ""


class Player:
    """A model with the data set of its run, where that is at hand.

    Args:
        path: A run folder, or a `.keras` file.
        **dataset: Keywords of `evaluation.subject.find`, where those of the run are not
            meant.
    Attributes:
        name: Of the folder or file.
        model: As `zoo.load` gives it.
        rooms: The `plan.Room`s that the model has what it takes for.
        starts: The kinds of latents that `start` gives, besides the average.
        options: Names of the options of its samples: prompt, label, guidance, steps,
            sampler, truncation.
        note: A sentence if there is no data set at hand, else "".
        rules: By which picture files are read, `pictures.Rules`: those of the run, else
            those of the data set, else the defaults.
    Raises: ValueError, FileNotFoundError: in one sentence, if there is no model, or no
        such data set as was asked for.
    """

    def __init__(self, path, **dataset):
        self.name = pathlib.Path(path).resolve().stem
        self.space, self.note = None, ""
        try:
            self.space = exploration.Explorer(
                path, judged=False, makes=("image", "clip"), **dataset
            )
            self.model = self.space.model
        except (ValueError, FileNotFoundError) as error:
            if dataset.get("dataset") is not None:
                raise
            self.model = saving.load(path)
            self.note = f"Without its data set: {error}"
        kept = folder.kept_rules(path)
        if kept is None and self.space is not None:
            kept = self.space.subject.info.rules
        self.rules = pictures.for_shape(self.model.image_shape, kept)
        self.options = {name for name, needs in OPTIONS.items() if self.can(*needs)}
        self.options |= (
            {"guidance"} & self.model.traits() if self.can("prompts") else set()
        )
        self.starts = [kind for kind, needs in STARTS.items() if self.can(*needs)]
        self.rooms = [
            room
            for room in ROOMS
            if room.makes == self.model.makes
            and any(self.can(*needs) for needs in room.needs)
        ]
        if not self.rooms:
            able = ", ".join(sorted(self.model.capabilities()))
            raise ValueError(
                f"The page has no room for a model that can {able} alone, as "
                f"{self.model.name!r}. Received: {path}."
            )

    def can(self, *needs):
        """Whether the model meets all `needs`, as `model.can` takes them; "data" is
        the data set of its run."""
        has_data = self.space is not None or "data" not in needs
        return has_data and self.model.can(*(need for need in needs if need != "data"))

    # --- words ------------------------------------------------------------------------

    @property
    def about(self):
        """A line that describes the model."""
        size = "x".join(map(str, self.model.image_shape))
        data = f", trained on {self.space.subject.dataset}" if self.space else ""
        what = f"{self.model.makes}s of {size}{data}"
        return f"{self.model.name}, {what}. {self.model.paper}"

    @functools.cached_property
    def translator(self):
        """The `Translator` of a model that translates."""
        return Translator(self)

    @functools.cached_property
    def class_names(self):
        """Names of the classes of a model that has classes."""
        count = self.model.config["num_classes"]
        names = self.model.class_names
        names = names or self.space and self.space.subject.info.class_names
        if names and len(names) == count:
            return list(names)
        return [f"class {number}" for number in range(count)]

    @functools.cached_property
    def judge(self):
        """The classifier that comes with the zoo for the data set, or None."""
        if self.space is None:
            return None
        subject = self.space.subject
        extractor = presets.shipped(subject.dataset, tuple(self.model.image_shape))
        info = data.info(subject.dataset, **subject.where | {"classes": None})
        return extractor and Judge(extractor, info.class_names)

    # --- samples ----------------------------------------------------------------------

    def sample(self, seed, count, label=None, prompt="", **options):
        """Returns images float32 `[count, H, W, C]` of `seed`, seed + 1, ...; of one
        `label` or `prompt`, or of any without."""
        inputs.check_integer("The number of images", count, 1, MOST_IMAGES)
        labels = None if label is None else np.full(count, label, "int32")
        options = self._checked(options) | _prompts(prompt, count)
        return self.model.sample(count, labels, seed=seed, **options)

    def denoising(self, seed, label=None, prompt="", **options):
        """Returns x_t of one image from noise to data, float32 `[steps + 1, H, W,
        C]`."""
        options = self._checked(options) | {"trajectory": True} | _prompts(prompt, 1)
        labels = None if label is None else [label]
        return self.model.sample(1, labels, seed=seed, **options)[0]

    def _checked(self, options):
        if "steps" in options:
            inputs.check_integer("The number of steps", options["steps"], 1, self.most)
        return options

    @property
    def most(self):
        """The most steps of its sampler that the page offers."""
        return min(MOST_STEPS, self.model.config.get("num_timesteps", MOST_STEPS))

    @functools.cached_property
    def example(self):
        """A caption of the data set, or "a picture" without one at hand."""
        if self.space is None:
            return "a picture"
        subject = self.space.subject
        opened = data.open(subject.dataset, **subject.where)
        return str(next(iter(opened.chunks("test", ("caption",), 1)))["caption"][0][0])

    def looked(self, prompt, seed):
        """Returns the sample of a prompt, uint8 `[H, W, C]`, and (word, the sample
        under the colours of where it was looked at) of each word."""
        if not prompt.strip():
            raise ValueError("There is no prompt yet.")
        (image,), (panels,) = attention.looked_at(self.model, [prompt], seed)
        return image, panels

    # --- latents ----------------------------------------------------------------------

    @functools.cached_property
    def axes(self):
        """Up to 8 leading directions, as `latents.Axes`: of the encodings of training
        images, or else of samples, by what changes these images most."""
        count = min(8, self.model.config["latent_dim"])
        if self.can("encode", "data"):
            z = self.model.encode(self.space.train[0][:ENCODED])
            return latents.principal_directions(z, count)
        z = self.model.prior(DECODED, seed=0)
        return latents.image_directions(z, self.model.decode(z), count)

    def start(self, kind, number=0):
        """Returns the latent `[D]` of the seed or the test image `number`, as `kind`
        says; or the average of the latents that the directions are of."""
        if kind == AVERAGE:
            return self.axes.centre.astype("float32")
        if kind == SEED:
            return self.model.prior(1, seed=number)[0]
        return self.encoded(self.space.test_images([number])[0])

    def encoded(self, image):
        """Returns the latent `[D]` of an image uint8 `[H, W, C]`."""
        return self.model.encode(image[None])[0]

    def moved(self, start, offsets):
        """Returns the image float32 `[H, W, C]` of the latent `start` `[D]`, moved by
        `offsets`, in standard deviations along each of the first `axes`."""
        count = len(offsets)
        moves = np.asarray(offsets, float) * self.axes.deviations[:count]
        return self.model.decode((start + moves @ self.axes.vectors[:count])[None])[0]

    def between(self, z_a, z_b, steps, path="linear"):
        """Returns images float32 `[steps, H, W, C]` on the way from one latent `[D]` to
        the other; `path` is one of `latents.PATHS`."""
        inputs.check_integer("The number of steps", steps, 2, MOST_STEPS)
        return self.model.decode(latents.PATHS[path](z_a[None], z_b[None], steps)[0])

    # --- styles -----------------------------------------------------------------------

    def mixed(self, row, column, level, truncation=1.0):
        """Returns a table of mixtures, as `styles.mixed`: rows are of the seed `row`,
        row + 1, ..., columns of the seed `column`, ..."""
        seeds = (range(seed, seed + n) for seed, n in zip((row, column), MIXED))
        return styles.mixed(self.model, *map(list, seeds), level, truncation)

    def mean_style(self):
        """Returns the image float32 `[H, W, C]` of the mean of all styles, where a
        search begins."""
        return self.model.sample(1, seed=0, truncation=0.0)[0]

    def projected(self, image, steps):
        """Returns the image float32 `[H, W, C]` of the styles that are found for an
        image uint8 `[H, W, C]`."""
        inputs.check_integer("The number of steps", steps, 1, MOST_SEARCHED)
        return self.model.synthesize(self.model.project(image[None], steps))[0]

    # --- images -----------------------------------------------------------------------

    def see(self, image):
        """Returns the `Seen` of an image uint8 `[H, W, C]`."""
        batch, parts = image[None], {}
        if self.can("encode"):
            parts["z"] = self.encoded(image)
        if self.can("reconstruct"):
            parts["reconstruction"] = self.model.reconstruct(batch)[0]
        if self.can("attend"):
            maps = attention.received(self.model, batch)["all blocks"]
            parts["attention"] = overlays.heat(batch, maps)[0]
        if self.can("classify"):
            p = self.model.predict(batch, verbose=0)[0]
            parts["classes"] = dict(zip(self.class_names, map(float, p)))
            parts["classifier"] = f"by {self.name}"
        elif self.judge is not None:
            p = self.judge.extractor.probabilities(batch)[0]
            parts["classes"] = dict(zip(self.judge.names, map(float, p)))
            parts["classifier"] = f"by the zoo's {self.judge.extractor.name}"
        return Seen(image, **parts)


def _prompts(prompt, count):
    """Options of `count` samples by one prompt; an empty one leaves them free."""
    return {"prompts": [prompt] * count} if prompt.strip() else {}
