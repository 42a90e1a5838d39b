"""Tests StyleGAN's layers: filters, styles, groups of a minibatch."""

import numpy as np
import pytest
from keras import ops
from scipy import signal

from zoo import backend
from zoo.networks import filters, style

pytestmark = pytest.mark.any_backend


def numpy(x):
    return ops.convert_to_numpy(x)


def tensor(x):
    return ops.convert_to_tensor(np.asarray(x, "float32"))


def image(seed=0, shape=(2, 8, 6, 3)):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def by_scipy(x, axis, up):
    """Doubled or halved along an axis by upfirdn of the filter [1, 3, 3, 1]."""
    taps = np.array([1, 3, 3, 1]) / (4 if up else 8)
    y = signal.upfirdn(taps, x, up=2 if up else 1, axis=axis)
    return np.moveaxis(
        np.moveaxis(y, axis, 0)[1:-1]
        if up
        else np.moveaxis(y, axis, 0)[2::2][: x.shape[axis] // 2],
        0,
        axis,
    )


@pytest.mark.parametrize("resize", [filters.double, filters.halve])
def test_sides_double_and_halve_as_by_scipy(resize):
    x, up = image(), resize is filters.double
    expected = by_scipy(by_scipy(x, 1, up), 2, up)
    np.testing.assert_allclose(numpy(resize(tensor(x))), expected, atol=1e-6)


def test_halving_is_the_adjoint_of_doubling():
    x, y = image(shape=(1, 4, 3, 2)), image(1, (1, 8, 6, 2))
    one = (numpy(filters.double(tensor(x))) * y).sum()
    other = (x * numpy(filters.halve(tensor(y)))).sum()
    np.testing.assert_allclose(one, 4 * other, rtol=1e-4)


def test_the_gradient_of_a_filter_has_a_gradient():
    def cubes(x):
        return ops.sum(filters.halve(x) ** 3)

    def gradient(x):
        return backend.input_gradient(cubes, x)

    second = backend.input_gradient(
        lambda x: ops.sum(gradient(x) ** 2), tensor(image())
    )
    assert np.abs(numpy(second)).min() > 0


def conv(double=False):
    layer = style.StyledConv(5, double=double)
    layer.build(((None, 8, 6, 3), (None, 3)))
    return layer


@pytest.mark.parametrize("double", [False, True])
def test_a_style_is_a_kernel_of_norm_one_for_each_image(double):
    layer, x, styles = conv(double), image(), image(2, (2, 3))
    kernel = numpy(layer.kernel)
    y = numpy(layer([tensor(x), tensor(styles)]))
    for row in range(2):
        own = kernel * styles[row][:, None]
        own = own / np.sqrt((own**2).sum((0, 1, 2)))
        plain = style.StyledConv(5, double=double, demodulate=False)
        plain.build(((None, 8, 6, 3), (None, 3)))
        plain.kernel.assign(own / plain.scale)
        one = plain([tensor(x[row : row + 1]), tensor(np.ones((1, 3)))])
        np.testing.assert_allclose(y[row], numpy(one)[0], atol=1e-5)
    np.testing.assert_allclose(
        numpy(layer([tensor(x), tensor(3 * styles)])), y, atol=1e-5
    )


def test_white_noise_stays_of_variance_one():
    y = numpy(conv()([tensor(image(shape=(64, 16, 16, 3))), tensor(image(1, (64, 3)))]))
    np.testing.assert_allclose(y[:, 1:-1, 1:-1].var(), 1.0, atol=0.05)


@pytest.mark.parametrize("size", [4, 400])
def test_a_layer_of_any_size_begins_and_moves_alike(size):
    layer = style.EqualizedDense(300)
    x = tensor(image(shape=(300, size)))
    np.testing.assert_allclose(numpy(layer(x)).var(), 1.0, atol=0.15)
    kernel = numpy(layer.kernel)
    np.testing.assert_allclose(kernel.std(), 1.0, atol=0.06)
    layer.kernel.assign(kernel + 0.1)  # a step of Adam
    moved = numpy(layer(x)) - numpy(x) @ kernel / size**0.5
    np.testing.assert_allclose(moved.std(), 0.1, atol=0.01)


def deviation(x):
    return numpy(style.MinibatchDeviation()(tensor(x)))[..., -1]


def test_a_group_of_four_rows_tells_how_far_its_images_differ():
    assert np.allclose(deviation(np.ones((4, 3, 2, 2))), 1e-4)
    apart = np.repeat([0.0, 2.0, 0.0, 2.0], 12).reshape(4, 3, 2, 2)
    np.testing.assert_allclose(deviation(apart), 1.0, atol=1e-6)
    x = image(shape=(10, 3, 2, 2))
    whole = deviation(x)
    assert np.allclose(whole[8:], 1e-4)
    np.testing.assert_allclose(deviation(x[4:8]), whole[4:8], atol=1e-6)
    swapped = deviation(np.concatenate([x[4:8], x[:4]]))
    np.testing.assert_allclose(swapped, whole[[4, 5, 6, 7, 0, 1, 2, 3]], atol=1e-6)
