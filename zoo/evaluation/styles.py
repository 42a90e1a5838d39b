"""Images of two styles in a table, beside the images that the styles are of."""

import numpy as np

from zoo import inputs


def mixed(model, coarse, fine, level, truncation=1.0):
    """Returns a table of mixtures, float32 `[1 + R, 1 + C, H, W, channels]`: row r and
    column c have the coarse levels of the seed `coarse[r]` and the fine ones of
    `fine[c]`. Its first row and column are the images of these seeds, its corner is
    white.

    Args:
        model: A model that can mix.
        coarse, fine: R and C seeds.
        level: How many levels, from the lowest, are coarse: from 0 to `model.levels`.
        truncation: As of `model.mix`.
    """
    model.require("mix")
    inputs.check_integer("level", level, 0, model.levels)
    rows, columns = np.repeat(coarse, len(fine)), np.tile(fine, len(coarse))
    own = [*coarse, *fine]  # a seed that is mixed with itself stays as it is
    images = model.mix([*own, *rows], [*own, *columns], level, truncation)
    table = np.ones((1 + len(coarse), 1 + len(fine), *model.image_shape), "float32")
    table[1:, 0] = images[: len(coarse)]
    table[0, 1:] = images[len(coarse) : len(own)]
    table[1:, 1:] = images[len(own) :].reshape(table[1:, 1:].shape)
    return table
