"""Tests that a picture of images is taken apart as it was put together."""

import numpy as np
import pytest
from refusals import refusal

from zoo.drawing import plots
from zoo.inputs import pixels


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 12, 3), (28, 8, 1)])
@pytest.mark.parametrize("count, columns", [(12, 4), (10, 4), (1, 1)])
def test_a_grid_comes_apart_into_its_images(count, columns, shape, factor):
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    picture = pixels.grid(images, columns)
    picture = plots.enlarged(picture, factor * max(picture.shape))
    apart = pixels.ungrid(picture, shape, columns)
    np.testing.assert_array_equal(apart[:count], images)
    assert len(apart) == -(-count // columns) * columns
    assert (apart[count:] == 255).all()


@pytest.mark.parametrize("shape", [(9, 8, 1), (8, 9, 1), (8, 8, 3), (200, 8, 1)])
def test_another_picture_is_no_grid_of_these_images(shape):
    picture = pixels.grid(np.zeros((12, 8, 8, 1), np.uint8), 4)
    assert "no grid of 4 images" in refusal(pixels.ungrid, picture, shape, 4)
