"""Paths, directions and mixtures of latents, and scores as detectors: closed forms."""

import numpy as np
import pytest
import tiny
from scipy import stats

import zoo
from zoo import metrics
from zoo.core import latents

pytestmark = pytest.mark.any_backend


@pytest.mark.parametrize("path", latents.PATHS.values())
def test_a_path_has_both_ends_and_equal_steps(path):
    a, b = np.random.normal(size=(2, 5, 7))
    lengths = np.linalg.norm([a, b], axis=-1, keepdims=True)
    b *= lengths[0] / lengths[1]  # an arc's steps are equal then
    z = path(a, b, 6)
    assert z.shape == (5, 6, 7) and z.dtype == np.float32
    np.testing.assert_allclose(z[:, 0], a, atol=1e-6)
    np.testing.assert_allclose(z[:, -1], b, atol=1e-6)
    steps = np.linalg.norm(np.diff(z, axis=1), axis=-1)
    np.testing.assert_allclose(steps, steps[:, :1].repeat(5, axis=1), rtol=1e-4)


def test_a_line_is_halfway_in_the_middle_and_an_arc_keeps_its_radius():
    a, b = np.array([[2.0, 0.0]]), np.array([[0.0, 2.0]])
    np.testing.assert_allclose(latents.linear(a, b, 3)[0, 1], [1, 1])
    np.testing.assert_allclose(latents.spherical(a, b, 3)[0, 1], [2**0.5, 2**0.5])
    np.testing.assert_allclose(latents.spherical(a, 3 * a, 3)[0, 1], [4, 0])


@pytest.mark.parametrize("path", latents.PATHS)
def test_a_loop_leads_slowly_through_its_stops_and_back(path):
    stops = np.random.normal(size=(3, 5, 7))
    z = latents.loop(stops, 60, path)
    assert z.shape == (5, 60, 7) and z.dtype == np.float32
    for number, stop in enumerate(stops):
        np.testing.assert_allclose(z[:, 20 * number], stop, atol=1e-6)
    ways = latents.PATHS[path](stops[2], stops[0], 3)
    np.testing.assert_allclose(z[:, 50], ways[:, 1], atol=1e-5)  # halfway home
    around = np.concatenate([z, z[:, :1]], axis=1)
    steps = np.linalg.norm(np.diff(around, axis=1), axis=-1).mean(axis=0)
    assert max(steps[[0, 19, 20, 39, 40, 59]]) < 0.15 * min(steps[[10, 30, 50]])


@pytest.mark.parametrize("end, message", [(0.0, "length 0"), (-2.0, "opposite")])
def test_an_arc_that_is_not_one_is_refused(end, message):
    a = np.random.normal(size=(3, 4))
    with pytest.raises(ValueError, match=message):
        latents.spherical(a, end * a, 4)


def test_an_attribute_turns_one_mean_into_the_other():
    having, lacking = np.random.normal(3, 1, (9, 4)), np.random.normal(0, 1, (5, 4))
    moved = lacking + latents.attribute(having, lacking)
    np.testing.assert_allclose(moved.mean(axis=0), having.mean(axis=0), atol=1e-6)


def stretched(count=4000):
    """Latents of deviations 1, 3, 2, 0.5 along axes turned in the plane of the first
    two, mean 5."""
    z = np.random.normal(size=(count, 4)) * [1, 3, 2, 0.5]
    turned = np.array([[0.8, 0.6], [-0.6, 0.8]])
    return np.concatenate([z[:, :2] @ turned, z[:, 2:]], axis=1) + 5


def test_principal_directions_are_those_of_most_variance():
    axes = latents.principal_directions(stretched(), 3)
    assert axes.names == ("direction 1", "direction 2", "direction 3")
    np.testing.assert_allclose(axes.deviations, [3, 2, 1], rtol=0.05)
    np.testing.assert_allclose(axes.shares, np.array([9, 4, 1]) / 14.25, rtol=0.1)
    np.testing.assert_allclose(axes.vectors[0], [-0.6, 0.8, 0, 0], atol=0.05)
    np.testing.assert_allclose(axes.vectors @ axes.vectors.T, np.eye(3), atol=1e-12)


def test_image_directions_are_those_that_change_images_most():
    z = np.random.normal(size=(800, 4))  # all alike: their own variance tells nothing
    seen = z @ np.diag([0.1, 5.0, 0.0, 1.0])
    images = np.stack([seen[:, 1], seen[:, 0] + seen[:, 3]], axis=1)[:, :, None, None]
    axes = latents.image_directions(z, images, 2)
    np.testing.assert_allclose(axes.vectors[0], [0, 1, 0, 0], atol=0.1)
    np.testing.assert_allclose(axes.vectors[1], [0.1, 0, 0, 0.995], atol=0.1)
    np.testing.assert_allclose(axes.deviations, [1, 1], rtol=0.1)
    np.testing.assert_allclose(axes.shares, np.array([25, 1.01]) / 26.01, rtol=0.1)
    np.testing.assert_allclose(axes.centre, z.mean(axis=0))
    with pytest.raises(ValueError, match="5 directions"):
        latents.image_directions(z, images, 5)


def test_coordinates_are_named_by_number_and_ordered_by_variance():
    z = np.random.normal(size=(4000, 4)) * [1, 3, 2, 0.5]
    axes = latents.coordinates(z, 2)
    assert axes.names == ("z[1]", "z[2]")
    np.testing.assert_allclose(axes.deviations, [3, 2], rtol=0.05)
    np.testing.assert_array_equal(axes.vectors, np.eye(4)[[1, 2]])
    with pytest.raises(ValueError, match="5 directions"):
        latents.coordinates(z, 5)
    assert latents.prior_coordinates(4, 2).names == ("z[0]", "z[1]")


def test_a_traversal_changes_one_direction_and_is_counted_from_the_mean():
    latent = stretched()
    axes, start = latents.principal_directions(latent, 4), latent[0]
    z = latents.traverse(start, axes, [-2, 0, 1])
    assert z.shape == (4, 3, 4) and z.dtype == np.float32
    along = (z - axes.centre) @ axes.vectors.T / axes.deviations
    own = (start - axes.centre) @ axes.vectors.T / axes.deviations
    for k in range(4):
        expected = np.tile(own, (3, 1))
        expected[:, k] = [-2, 0, 1]
        np.testing.assert_allclose(along[k], expected, atol=1e-4)


# --- mixtures -------------------------------------------------------------------------


@pytest.mark.slow
def test_a_mixture_of_one_is_the_normal_distribution_of_the_latents():
    z = stretched()
    mixture = latents.Mixture(z, components=1)
    normal = stats.multivariate_normal(z.mean(axis=0), np.cov(z.T, bias=True))
    np.testing.assert_allclose(mixture.log_density(z), normal.logpdf(z), atol=1e-4)
    drawn = mixture.draw(range(4000))
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(axis=0), z.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(z.T), atol=0.5)


def test_a_mixture_draws_where_the_latents_are_and_not_between():
    z = np.concatenate(
        [np.random.normal(-8, 1, (300, 2)), np.random.normal(8, 1, (100, 2))]
    )
    drawn = latents.Mixture(z, components=2).draw(range(1000))
    assert (np.abs(drawn) > 3).all()
    assert (drawn[:, 0] > 0).mean() == pytest.approx(0.25, abs=0.05)


def test_a_draw_belongs_to_its_seed():
    mixture = latents.Mixture(stretched(200), components=3)
    four = mixture.draw([5, 6, 7, 8])
    np.testing.assert_array_equal(mixture.draw([7])[0], four[2])
    assert len({z.tobytes() for z in four}) == 4


def test_a_mixture_bears_constant_latents_and_refuses_too_few():
    z = np.concatenate([stretched(50), np.ones((50, 2))], axis=1)
    drawn = latents.Mixture(z, components=2).draw(range(20))
    np.testing.assert_allclose(drawn[:, 4:], 1, atol=0.05)
    with pytest.raises(ValueError, match="50 components, 50 latents"):
        latents.Mixture(z, components=50)


# --- detection ------------------------------------------------------------------------


def test_detection_counts_pairs_in_order():
    detection = metrics.detection([0, 1, 2, 3], [2.5, 4])
    assert detection.auc == 7 / 8  # of 4 x 2 pairs all but (3, 2.5)
    assert detection.detected == 1 / 2  # only 4 lies above all normal scores
    assert metrics.detection([1, 1], [1, 1, 1]).auc == 1 / 2
    assert metrics.detection([1, 2], [0]).auc == 0
    assert metrics.detection(range(100), [93.5, 95.5]).detected == 1 / 2
    for normal, anomalous in (([], [1]), ([1], []), ([np.nan], [1])):
        with pytest.raises(ValueError, match="finite scores"):
            metrics.detection(normal, anomalous)


# --- of models ------------------------------------------------------------------------


@pytest.mark.eager
@pytest.mark.parametrize("name", ["bigan", "gan", "vae", "vaegan_hybrid"])
def test_samples_are_the_images_of_the_prior(name, trained):
    model = trained(name).model
    z = model.prior(4, seed=3)
    assert z.shape == (4, 3) and z.dtype == np.float32
    np.testing.assert_allclose(model.decode(z), model.sample(4, seed=3), atol=1e-6)
    np.testing.assert_array_equal(model.prior(1, seed=5)[0], z[2])


@pytest.mark.parametrize(
    "name, message",
    [("ae", "cannot sample"), ("cgan", "cannot decode"), ("ddpm", "cannot decode")],
)
def test_a_model_without_a_prior_of_latents_says_so(name, message):
    with pytest.raises(ValueError, match=message):
        tiny.model(name).prior(2)


@pytest.mark.slow
@pytest.mark.eager
def test_models_interpolate_along_an_arc_too(trained):
    model = trained("vae").model
    a, b = tiny.images(2)
    arc = model.interpolate(a, b, steps=5, path="spherical")
    z = latents.spherical(model.encode(a[None]), model.encode(b[None]), 5)
    np.testing.assert_allclose(arc, model.decode(z[0]), atol=1e-6)
    with pytest.raises(ValueError, match="linear or spherical"):
        zoo.get("vae", image_shape=(8, 8, 1)).interpolate(a, b, path="curved")
