"""Tests one number per row together with tensors of any rank."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.core import ranks

pytestmark = pytest.mark.any_backend
SHAPES = [(16,), (16, 3), (16, 8, 8, 3), (16, 16, 8, 8, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_column_has_a_number_for_each_row(shape):
    values, x = np.arange(16, dtype="float32"), np.ones(shape, "float32")
    column = ops.convert_to_numpy(ranks.column(values, x))
    assert column.shape == (16, *(1,) * (len(shape) - 1)) and column.dtype == "float32"
    product = column * x
    for number, row in zip(values, product):
        np.testing.assert_array_equal(row, np.full(shape[1:], number))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_axes_of_a_row_are_all_but_the_first(shape):
    # Sums of whole numbers are exact in any order.
    x = np.random.default_rng(0).integers(-9, 10, shape).astype("float32")
    sums = ops.convert_to_numpy(ops.sum(ops.convert_to_tensor(x), ranks.row_axes(x)))
    np.testing.assert_array_equal(sums, [row.sum() for row in x])


def test_only_the_static_rank_is_asked_for():
    """In a network the number of rows is not known yet."""
    values, clips = keras.Input(()), keras.Input((None, 8, 8, 3))
    column = ranks.column(values, clips)
    assert column.shape == (None, 1, 1, 1, 1)
    assert ranks.row_axes(clips) == (1, 2, 3, 4)
    network = keras.Model([values, clips], column * clips)
    numbers, x = np.array([2.0, 3.0]), np.ones((2, 2, 8, 8, 3))
    product = ops.convert_to_numpy(network([numbers, x]))
    np.testing.assert_array_equal(product[:, 0, 0, 0, 0], numbers)
