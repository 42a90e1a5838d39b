"""Where a model looks: how much of its attention each patch of an image gets, and which
places of a sample looked at which word."""

import numpy as np
from keras import ops

from zoo.drawing import overlays
from zoo.inputs import pixels
from zoo.networks import transformer

CHUNK = 100  # images at a time: the attention of each takes tens of kilobytes


def received(model, images):
    """Returns {title: maps}, float64 `[N, h, w]` each, of every block and of all of
    them by rollout: the share of the attention of all patches that each patch gets, so
    that a map sums to 1.

    Args:
        model: That can attend.
        images: `[N, H, W, C]`, uint8 or float in [-1, 1].
    """
    of_blocks, of_all = [], []
    for start in range(0, len(images), CHUNK):
        weights = model.attention(images[start : start + CHUNK])
        followed = ops.convert_to_numpy(transformer.rollout(weights))
        of_blocks.append(weights.mean(axis=(2, 3)))
        of_all.append(followed.mean(axis=1))
    blocks = np.concatenate(of_blocks)
    maps = {f"block {k + 1}": blocks[:, k] for k in range(blocks.shape[1])}
    maps["all blocks"] = np.concatenate(of_all)
    height, width = images.shape[1:3]
    rows = round((blocks.shape[-1] * height / width) ** 0.5)  # patches are square
    return {
        title: each.astype("float64").reshape(len(images), rows, -1)
        for title, each in maps.items()
    }


def of_words(model, prompts, seed=0, images=None):
    """Returns a list a prompt of (word, map): the share of the attention of each place
    of its sample that went to the word, float32 `[h, w]` (see `model.words`).

    Args:
        model: That can look.
        prompts: Texts; the sample of the prompt i has the seed `seed + i`.
        images: The samples, as of `model.words`.
    """
    maps = model.words(prompts, seed, images)
    return [
        [
            (word, row[start:stop].sum(axis=0))
            for word, start, stop in model.tokenizer.spans(prompt)
        ]
        for prompt, row in zip(prompts, maps, strict=True)
    ]


def looked_at(model, prompts, seed=0):
    """Returns the samples of prompts, uint8 `[N, H, W, C]`, and a list a prompt of
    (word, the sample under the colours of where it was looked at, uint8 `[H, W, 3]`);
    see `of_words`."""
    samples = model.sample(prompts=prompts, seed=seed)
    maps, images = of_words(model, prompts, seed, samples), pixels.to_uint8(samples)
    panels = [
        [(word, overlays.heat(image[None], each[None])[0]) for word, each in words]
        for image, words in zip(images, maps)
    ]
    return images, panels


def on_objects(maps, images):
    """Returns the share of the attention `maps` `[N, h, w]` that lies on pixels that
    are not black, and these pixels' share of the area: means over `images` `[N, H, W,
    C]`."""
    lit = (pixels.to_uint8(images) > 0).any(axis=-1).astype("float64")
    count, rows, columns = maps.shape
    lit = lit.reshape(count, rows, lit.shape[1] // rows, columns, -1).mean(axis=(2, 4))
    return float((maps * lit).sum(axis=(1, 2)).mean()), float(lit.mean())
