"""The inputs of a request, out of what a user has: seeds, labels, picture files."""

import dataclasses
import json
import pathlib

import numpy as np
from PIL import Image

from zoo.inputs import pictures, pixels

ENDS = "first", "last"  # images, between which there are others


class Materials:
    """What a user has for a request.

    Args:
        count: Number of images to sample, or of steps on the way between two.
        seed: Image i is the image of seed + i.
        labels: Classes, repeated in turn; None if there are none.
        guidance: Of each image.
        files: Paths of pictures.
        latents: `[N, D]`; None if there are none.
        rules: By which files become images, as `zoo.export` takes them.
        prompts: Texts, repeated in turn; None if there are none.
        truncation: Of each image.
    """

    def __init__(
        self,
        count=1,
        seed=0,
        labels=(),
        guidance=1.0,
        files=(),
        latents=None,
        rules=None,
        prompts=(),
        truncation=1.0,
    ):
        self.count, self.seed, self.labels = count, seed, labels
        self.numbers = {"guidance": guidance, "truncation": truncation}
        self.files, self.latents = files, latents
        self.rules, self.prompts = rules, prompts

    def rows(self, signature, inputs):
        """Returns {input: array} for the `inputs` {name: (dtype, shape)} of a
        signature.

        Raises: ValueError: if the user has not what an input needs.
        """
        return {
            name: self._row(signature, name, dtype, shape)
            for name, (dtype, shape) in inputs.items()
        }

    def _row(self, signature, name, dtype, shape):
        if name == "seed":
            return np.arange(self.seed, self.seed + self.count, dtype=dtype)
        if name == "label":
            labels = self._needed(signature, self.labels, "labels", 1)
            return np.resize(np.array(labels, dtype), self.count)
        if name == "prompt":
            prompts = self._needed(signature, self.prompts, "prompts", 1)
            return np.resize(
                np.array([p.encode() for p in prompts], object), self.count
            )
        if name in self.numbers:
            return np.full(self.count, self.numbers[name], dtype)
        if name == "weight":
            return np.linspace(0, 1, self.count, dtype=dtype)
        if name == "image_bytes":
            files = self._needed(signature, self.files, "images", 1)
            return np.array([pathlib.Path(file).read_bytes() for file in files], object)
        if name in ENDS:
            files = self._needed(signature, self.files, "images", len(ENDS))
            image = read(files[ENDS.index(name)], dtype, shape[-3:], self.rules)
            return np.stack([image] * self.count)
        if name == "time":
            return np.linspace(0, 1, self.count + 2, dtype=dtype)[1:-1]
        if name == "past":
            files = self._needed(signature, self.files, "images", 1)
            count = shape[-4]
            clips = [read(f, dtype, shape[-3:], self.rules, count) for f in files]
            return np.stack(clips)[np.arange(self.count) % len(clips)]
        if name.startswith("images"):
            number, needed = _place(name)
            files = self._needed(signature, self.files, "images", needed)
            images = [read(file, dtype, shape[-3:], self.rules) for file in files]
            return self._end(np.stack(images), number)
        if name.startswith("z"):
            number, needed = _place(name)
            latents = self._needed(signature, self.latents, "latents", needed)
            return self._end(np.array(latents, dtype), number)
        raise ValueError(f"{signature} takes {name}, which this client does not know.")

    def _needed(self, signature, values, flag, count):
        if values is None or len(values) < count:
            raise ValueError(
                f"{signature} needs --{flag}, at least {count}. "
                f"Received: {0 if values is None else len(values)}."
            )
        return values

    def _end(self, values, number):
        """All values; or one of them, repeated for each step of a way."""
        return values if number is None else np.stack([values[number]] * self.count)


def _place(name):
    """Returns (which of the values `name` is, how many are needed): "z_b" is the
    second, "z" is all."""
    number = {"a": 0, "b": 1}.get(name.partition("_")[2])
    return number, 1 if number is None else 2


def kept_rules(file):
    """Returns the rules by which a served version reads pictures, from its zoo.json.
    None if an older zoo wrote that file.

    Raises: ValueError: if the file is no zoo.json. OSError: if it cannot be read.
    """
    return _facts(file).get("rules")


def kept_class_names(file):
    """Returns what a served version calls its labels, in their order, from its
    zoo.json; None if it does not tell. Raises as `kept_rules` does."""
    return _facts(file).get("class_names")


def _facts(file):
    try:
        facts = json.loads(pathlib.Path(file).read_text())
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise ValueError(
            "--facts is the zoo.json of an exported version, and this is none. "
            f"Received: {file}."
        )
    return facts


def read(file, dtype, image_shape, rules=None, frames=None):
    """Returns a picture file as an image `[H, W, C]`, uint8 or float32 in [-1, 1], as
    the server reads it; an animation as its first `frames` images, if that is a number.

    Args:
        image_shape: (H, W, C) that the server takes. A picture of another size keeps
            it, and the server refuses it.
        rules: Those of the export, as `zoo.export` takes them.
    Raises: ValueError: if the picture cannot be read. OSError: if the file cannot.
    """
    by = dataclasses.replace(pictures.for_shape(image_shape, rules), image_size=None)
    try:
        if frames is None:
            image = pictures.read(file, by)
        else:
            image = pictures.frames(file, by, frames)
    except (ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"A picture cannot be read: {error}. Received: {file}."
        ) from None
    return image if dtype == "uint8" else pixels.to_float(image)
