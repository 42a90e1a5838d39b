"""Tests metrics against closed forms, numbers computed by hand, and reference
packages."""

import dataclasses
import math

import numpy as np
import prdc
import pytest
import tiny
from scipy import linalg
from skimage import metrics as skimage_metrics

from zoo import metrics
from zoo.metrics import kernel, neighbours, protocol

pytestmark = pytest.mark.any_backend


def normal(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns))


def with_moments(mean, covariance, rows=200, seed=0):
    """Returns features with exactly this sample mean and covariance."""
    x = normal(rows, len(mean), seed)
    x -= x.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(x, rowvar=False)), x.T).T
    return white @ np.linalg.cholesky(covariance).T + mean


# --- Frechet distance -----------------------------------------------------------------


def test_frechet_distance_of_two_known_gaussians():
    one = with_moments([0.0, 0.0], np.diag([1.0, 4.0]))
    two = with_moments([3.0, 0.0], np.diag([9.0, 1.0]), rows=300, seed=1)
    # 3^2 + (1 - 3)^2 + (2 - 1)^2
    assert metrics.frechet_distance(one, two) == pytest.approx(14, rel=1e-12)


def test_the_error_of_a_frechet_distance_is_how_it_varies_from_set_to_set():
    real = normal(3000, 4)
    sets = [1.3 * normal(300, 4, seed=n) + 0.4 for n in range(1, 101)]
    varies = np.std([metrics.frechet_distance(real, each) for each in sets], ddof=1)
    errors = [metrics.frechet_error(real, each) for each in sets]
    assert 0.8 < np.mean(errors) / varies < 1.25


def test_frechet_distance_of_covariances_that_do_not_commute():
    s1 = np.array([[2.0, 0.5], [0.5, 1.0]])
    s2 = np.array([[1.0, -0.3], [-0.3, 3.0]])
    one, two = with_moments([0, 0], s1), with_moments([1, 2], s2, seed=1)
    expected = 5 + np.trace(s1 + s2 - 2 * linalg.sqrtm(s1 @ s2).real)
    assert metrics.frechet_distance(one, two) == pytest.approx(expected, rel=1e-10)


def test_frechet_distance_of_a_set_and_its_permutation_is_zero():
    x = normal(500, 20)
    assert metrics.frechet_distance(x, x) < 1e-10
    assert metrics.frechet_distance(x, x[::-1]) < 1e-10


def test_frechet_distance_is_symmetric_and_finite_for_singular_covariances():
    one, two = normal(5, 30), normal(7, 30, seed=1)
    forth, back = metrics.frechet_distance(one, two), metrics.frechet_distance(two, one)
    assert forth == pytest.approx(back, rel=1e-9) and np.isfinite(forth)
    assert metrics.frechet_distance(one, one + 2) == pytest.approx(4 * 30, rel=1e-9)


def test_moments_by_batch_are_the_moments_at_once_even_far_from_zero():
    x = normal(1000, 6) + 1e6
    moments = metrics.Moments()
    for start in (0, 1, 400, 999):
        stop = {0: 1, 1: 400, 400: 999, 999: 1000}[start]
        moments.update(x[start:stop])
    np.testing.assert_allclose(moments.mean, x.mean(axis=0), rtol=1e-14)
    expected = np.cov(x, rowvar=False)
    np.testing.assert_allclose(moments.covariance, expected, atol=1e-8)
    assert moments.count == 1000


def test_moments_take_any_object_with_features():
    class Doubling:
        def features(self, images):
            return 2.0 * images.reshape(len(images), -1)

    images = normal(25, 12).reshape(25, 2, 2, 3)
    moments = metrics.Moments.of(Doubling(), images, batch_size=10)
    np.testing.assert_allclose(moments.mean, 2 * images.reshape(25, -1).mean(axis=0))


@pytest.mark.parametrize(
    "real, generated, sentence",
    [
        (normal(1, 3), normal(9, 3), "at least 2"),
        (normal(9, 3), normal(9, 4), "sizes 3 and 4"),
        (normal(9, 3), np.full((9, 3), np.nan), "finite"),
        (normal(9, 3), normal(9, 3)[0], "shape"),
        (normal(9, 3), np.zeros((0, 3)), "at least 1"),
        (metrics.Moments(), normal(9, 3), "at least 2"),
    ],
)
def test_features_without_a_frechet_distance_are_refused(real, generated, sentence):
    with pytest.raises(ValueError, match=sentence):
        metrics.frechet_distance(real, generated)


# --- kernel distance ------------------------------------------------------------------


def test_squared_mmd_is_the_sum_by_hand():
    x, y = normal(4, 2), normal(3, 2, seed=1)

    def k(a, b):
        return (a @ b / 2 + 1) ** 3

    within_x = sum(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j)
    within_y = sum(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j)
    across = sum(k(a, b) for a in x for b in y)
    expected = within_x / 12 + within_y / 6 - 2 * across / 12
    assert kernel.squared_mmd(x, y) == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_of_one_distribution_is_zero_within_its_error():
    distance = metrics.kernel_distance(
        normal(600, 8), normal(600, 8, seed=1), subsets=20
    )
    assert abs(distance.value) < 3 * distance.standard_error
    assert distance.subset_size == 300
    far = metrics.kernel_distance(normal(99, 8), normal(99, 8, seed=1) + 1, subsets=9)
    assert far.value > 5 * far.standard_error


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_error_of_a_kernel_distance_is_how_it_varies_from_set_to_set(shift):
    distances = [
        metrics.kernel_distance(
            normal(120, 4, seed=2 * n), normal(120, 4, seed=2 * n + 1) + shift, 20
        )
        for n in range(100)
    ]
    varies = np.std([each.value for each in distances], ddof=1)
    error = np.sqrt(np.mean([each.standard_error**2 for each in distances]))
    assert 0.75 < error / varies < 1.3


def test_kernel_distance_is_a_function_of_the_seed():
    sets = normal(60, 4), normal(60, 4, seed=1)
    first, again, other = (
        metrics.kernel_distance(*sets, subsets=5, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_kernel_distance_of_too_few_images_is_refused():
    with pytest.raises(ValueError, match="at least 20"):
        metrics.kernel_distance(normal(19, 4), normal(50, 4))


# --- precision, recall, density, coverage ---------------------------------------------


@pytest.mark.parametrize("columns, shift", [(2, 0.0), (8, 0.5), (64, 0.3)])
def test_manifold_scores_equal_those_of_the_reference_package(columns, shift, capsys):
    real, generated = normal(150, columns), normal(120, columns, seed=1) + shift
    scores = dataclasses.asdict(metrics.manifold_scores(real, generated))
    balls, dense = (prdc.compute_prdc(real, generated, nearest_k=k) for k in (3, 5))
    expected = {name: balls[name] for name in ("precision", "recall")}
    expected |= {name: dense[name] for name in ("density", "coverage")}
    assert scores == pytest.approx(expected, abs=1e-6)


def test_a_set_beside_itself_is_perfect():
    x = normal(50, 3)
    scores = metrics.manifold_scores(x, x[np.random.default_rng(0).permutation(50)])
    # Without its border, each ball holds its centre and k - 1 neighbours, that is k
    # images.
    assert dataclasses.astuple(scores) == pytest.approx((1, 1, 1, 1))


def test_density_and_coverage_of_equal_distributions_are_as_expected():
    scores = [
        metrics.manifold_scores(normal(400, 16, seed), normal(400, 16, seed + 100))
        for seed in range(10)
    ]
    for name, expected in (("density", 1), ("coverage", 1 - 2**-5)):
        values = np.array([getattr(each, name) for each in scores])
        assert abs(values.mean() - expected) < 3 * values.std(ddof=1)


def test_a_collapsed_sampler_is_precise_and_covers_little():
    real = normal(400, 8)
    collapsed = real[0] + 0.01 * normal(400, 8, seed=1)
    scores = metrics.manifold_scores(real, collapsed)
    assert scores.precision > 0.95 and scores.recall < 0.05 and scores.coverage < 0.1


def test_the_border_belongs_to_the_ball_of_precision_but_not_of_density():
    real, generated = (
        np.array([[0.0], [1.0], [5.0]]),
        np.array([[-1.0], [-2.0], [-9.0]]),
    )
    scores = metrics.manifold_scores(real, generated, ball_k=1, density_k=1)
    # The balls are [-1, 1], [0, 2] and [1, 9], so -1 lies on a border only.
    assert scores.precision == pytest.approx(1 / 3)
    assert scores.density == scores.coverage == 0


def test_blocks_change_nothing_and_stay_small(monkeypatch):
    real, generated = normal(60, 4), normal(70, 4, seed=1)
    at_once = metrics.manifold_scores(real, generated)
    _, block = next(neighbours.distance_blocks(normal(9000, 2), normal(10_000, 2)))
    assert block.nbytes <= 2**26
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 3000)
    assert metrics.manifold_scores(real, generated) == at_once


def test_too_few_images_for_their_neighbours_are_refused():
    with pytest.raises(ValueError, match="rank 5.*Received: 5"):
        metrics.manifold_scores(normal(5, 2), normal(9, 2))
    with pytest.raises(ValueError, match="rank 3.*Received: 3"):
        metrics.manifold_scores(normal(9, 2), normal(3, 2))


# --- neighbours -----------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3])
def test_nearest_neighbours_are_those_of_all_distances(k):
    queries, references = normal(20, 5), normal(30, 5, seed=1)
    everything = np.linalg.norm(queries[:, None] - references, axis=-1)
    distances, rows = metrics.nearest(queries, references, k)
    np.testing.assert_array_equal(rows, everything.argsort(axis=1)[:, :k])
    np.testing.assert_allclose(distances, np.sort(everything, axis=1)[:, :k])


def test_k_beyond_the_references_is_refused():
    with pytest.raises(ValueError, match="1 to the 4.*Received: k=5"):
        metrics.nearest(normal(3, 2), normal(4, 2), k=5)


def test_copies_are_closer_to_the_training_images_than_new_images_are():
    train, test = normal(300, 6), normal(200, 6, seed=1)
    copies = metrics.memorisation(train, test, train[:100])
    assert copies.closer == 1 and copies.distance < 1e-6
    fresh = metrics.memorisation(train, test, normal(200, 6, seed=2))
    assert 0.4 < fresh.closer < 0.6 and 0.8 < fresh.ratio < 1.2


# --- classes --------------------------------------------------------------------------


def test_classifier_score_counts_classes_that_are_told_without_doubt():
    sure = np.eye(4)[np.arange(20) % 4]
    assert metrics.classifier_score(sure) == pytest.approx(4)
    assert metrics.classifier_score(sure[:1].repeat(9, axis=0)) == pytest.approx(1)
    assert metrics.classifier_score(np.full((9, 4), 0.25)) == pytest.approx(1)
    # The KL divergence of (0.9, 0.1) from (0.5, 0.5) is 0.9 ln 1.8 + 0.1 ln 0.2.
    doubtful = np.array([[0.9, 0.1], [0.1, 0.9]])
    expected = math.exp(0.9 * math.log(1.8) + 0.1 * math.log(0.2))
    assert metrics.classifier_score(doubtful) == pytest.approx(expected)


def test_rows_that_are_no_distribution_are_refused():
    with pytest.raises(ValueError, match="add up to 1"):
        metrics.classifier_score(np.ones((3, 2)))


def test_histograms_and_their_distance():
    one = metrics.class_histogram(np.array([0, 0, 1, 3]), 4)
    np.testing.assert_array_equal(one, [0.5, 0.25, 0, 0.25])
    assert metrics.histogram_distance(one, [0.25] * 4) == 0.25
    assert metrics.histogram_distance([1, 0], [0, 1]) == 1
    with pytest.raises(ValueError, match="0 to 2"):
        metrics.class_histogram(np.array([0, 3]), 3)
    with pytest.raises(ValueError, match="integers"):
        metrics.class_histogram(np.array([0.5]), 3)
    with pytest.raises(ValueError, match="same classes"):
        metrics.histogram_distance([1, 0], [1, 0, 0])


def test_accuracy_is_the_share_of_right_classes():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    share = metrics.accuracy(probabilities, np.array([0, 1, 1]))
    assert share == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="3 images and 2 labels"):
        metrics.accuracy(probabilities, np.array([0, 1]))


# --- images ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 30, 3)])
def test_psnr_and_ssim_equal_those_of_the_reference_package(shape):
    x, y = tiny.images(6, shape), tiny.images(6, shape, seed=1)
    y = (0.7 * x + 0.3 * y).astype("uint8")
    options = {"data_range": 255, "gaussian_weights": True, "channel_axis": -1}
    options |= {"use_sample_covariance": False, "sigma": 1.5}
    expected = [
        skimage_metrics.structural_similarity(*xy, **options) for xy in zip(x, y)
    ]
    np.testing.assert_allclose(metrics.ssim(x, y), expected, atol=1e-6)
    expected = [skimage_metrics.peak_signal_noise_ratio(*xy) for xy in zip(x, y)]
    np.testing.assert_allclose(metrics.psnr(x, y), expected, atol=1e-6)


def test_errors_of_equal_and_of_opposite_images():
    black, white = np.full((2, 8, 8, 1), -1.0), np.full((2, 8, 8, 1), 255, "uint8")
    assert metrics.reconstruction_errors(black, white)["mse"] == 1
    same = metrics.reconstruction_errors(white, white)
    assert same == {"mse": 0, "psnr": np.inf, "ssim": 1}
    with pytest.raises(ValueError, match="one shape"):
        metrics.ssim(black, white[:1])
    with pytest.raises(ValueError, match="N, H, W, C"):
        metrics.ssim(black[0], white[0])


@pytest.mark.parametrize("name", ["squared_errors", "psnr", "ssim", "gradient_energy"])
def test_a_score_of_clips_is_that_of_their_frames(name):
    """There are as many clips as frames, so the shape does not show a mean over wrong
    axes."""
    clips = [tiny.floats(16 * 16, (8, 8, 3), seed) for seed in (0, 1)]
    function, sets = getattr(metrics, name), clips[: 1 + (name != "gradient_energy")]
    scores = function(*(each.reshape(16, 16, 8, 8, 3) for each in sets))
    of_frames = function(*sets).reshape(16, 16)
    if name == "psnr":  # PSNR takes the squared error of the whole clip
        expected = -10 * np.log10((10 ** (-of_frames / 10)).mean(axis=1))
    else:
        expected = of_frames.mean(axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_pca_of_clips_takes_each_as_a_row():
    clips = tiny.floats(16 * 16, (8, 8, 3)).reshape(16, 16, 8, 8, 3)
    errors = metrics.pca_errors(clips, clips, 3)
    flat = clips.reshape(16, 16 * 8, 8, 3)
    np.testing.assert_allclose(errors, metrics.pca_errors(flat, flat, 3))


def test_colourfulness_of_grey_of_one_colour_and_of_two():
    images = np.zeros((3, 4, 4, 3), "float32")
    images[1] = [1, -1, -1]  # red: 1, 0, 0 of pixels in [0, 1]
    images[2, :2] = [1, -1, -1]
    images[2, 2:] = [-1, 1, -1]  # half of it green
    images[0] = 0.3
    red_green, yellow_blue = [0, 1, 0], [0, 0.5, 0.5]
    spread = [0, 0, 1]  # red minus green is 1 and -1
    mean = [0.3 * np.hypot(a, b) for a, b in zip(red_green, yellow_blue)]
    expected = np.add(spread, mean)
    np.testing.assert_allclose(metrics.colourfulness(images), expected, atol=1e-6)


def test_gradient_energy_of_a_chessboard_a_ramp_and_grey():
    board = np.indices((8, 8)).sum(axis=0) % 2 * 255
    ramp = np.arange(8).repeat(8).reshape(8, 8) * 17  # rises by a fifteenth per row
    images = np.stack([board, ramp, np.full((8, 8), 99)])[..., None].astype("uint8")
    expected = [2, (1 / 15) ** 2, 0]
    np.testing.assert_allclose(metrics.gradient_energy(images), expected, atol=1e-12)


def test_pca_errors_vanish_with_all_components_and_are_the_rest_of_the_variance():
    images = tiny.images(40)
    assert metrics.pca_errors(images, images, 39).max() < 1e-20
    x = images.reshape(40, -1) / 255
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    expected = (values[5:] ** 2).sum() / x.size
    assert metrics.pca_errors(images, images, 5).mean() == pytest.approx(expected)
    with pytest.raises(ValueError, match="at most 40"):
        metrics.pca_errors(images, images, 41)


def test_ladders_get_steadily_worse():
    images = tiny.images(4, (28, 28, 1))
    rungs = dict(metrics.ladder(images))
    assert list(rungs) == ["blur 0.5", "blur 1", "blur 2"] + [
        "noise 0.05",
        "noise 0.1",
        "noise 0.2",
    ]
    assert all(r.dtype == np.uint8 and r.shape == images.shape for r in rungs.values())
    errors = [metrics.squared_errors(images, rung).mean() for rung in rungs.values()]
    assert errors[:3] == sorted(errors[:3]) and errors[3:] == sorted(errors[3:])
    np.testing.assert_array_equal(rungs["noise 0.1"], metrics.noise(images, 0.1))


# --- encodings and likelihood ---------------------------------------------------------


def test_encodings_that_hold_the_class_are_found_by_neighbour_and_probe():
    labels = np.arange(200) % 4
    train = np.eye(4)[labels] + 0.1 * normal(200, 4)
    test = np.eye(4)[labels] + 0.1 * normal(200, 4, seed=1)
    for accuracy in (metrics.neighbour_accuracy, metrics.linear_probe_accuracy):
        assert accuracy(train, labels, test, labels) == 1
        noise = accuracy(normal(200, 4, seed=2), labels, normal(200, 4, seed=3), labels)
        assert noise < 0.4
        with pytest.raises(ValueError, match="one label an encoding"):
            accuracy(train, labels[1:], test, labels)


def test_latent_statistics_of_known_moments():
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    statistics = metrics.latent_statistics(with_moments([3.0, 4.0], covariance))
    np.testing.assert_allclose(statistics.covariance, covariance, atol=1e-12)
    assert statistics.mean_norm == pytest.approx(5)
    assert statistics.mean_variance == pytest.approx(1.25)
    assert statistics.correlation == pytest.approx(0.6)
    expected = 0.5 * (2.5 + 25 - 2 - math.log(0.64))
    assert statistics.kl_to_prior == pytest.approx(expected)
    prior = metrics.latent_statistics(with_moments([0.0, 0.0], np.eye(2)))
    assert prior.kl_to_prior == pytest.approx(0, abs=1e-12)
    dead = metrics.latent_statistics(normal(9, 2) * [1, 0])
    assert dead.kl_to_prior == np.inf and dead.correlation == 0
    assert metrics.latent_statistics(normal(9, 1)).covariance.shape == (1, 1)


def test_kl_per_dimension_and_active_units():
    z_mean = np.array([[2.0, 0.0, 0.0], [-2.0, 0.0, 0.0]])
    z_logvar = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    expected = [2, 0, 0.5 * (math.e - 2)]
    np.testing.assert_allclose(metrics.kl_per_dimension(z_mean, z_logvar), expected)
    assert metrics.active_units(z_mean) == 1


def test_likelihood_is_a_mean_with_its_error_and_bits():
    likelihood = metrics.likelihood(np.array([1.0, 2.0, 3.0]))
    assert likelihood.nats == 2 and likelihood.standard_error == pytest.approx(
        1 / math.sqrt(3)
    )
    assert metrics.bits_per_dim(192 * math.log(2), (8, 8, 3)) == pytest.approx(1)
    with pytest.raises(ValueError, match="at least two"):
        metrics.likelihood(np.array([1.0]))


# --- protocol -------------------------------------------------------------------------

PROTOCOL = metrics.Protocol(
    dataset="digits",
    classes=(1, 2),
    image_size=None,
    split="test",
    num_real=3000,
    num_generated=2500,
    extractor="classifier-digits",
    sha256="ab" * 32,
    seed=0,
    code="0.1.0 abc",
)


def test_the_codes_that_measured_are_told_once_each_and_short():
    commits = ("0.1.0 " + "0123456789ab" * 3 + "cdef", "0.1.0 abc", "0.1.0 abc")
    text = protocol.codes(dataclasses.replace(PROTOCOL, code=c) for c in commits)
    assert text == "0.1.0 0123456789ab, 0.1.0 abc"


def test_scores_of_different_protocols_are_not_compared():
    PROTOCOL.require_same(dataclasses.replace(PROTOCOL, code="0.2.0 def"))
    other = dataclasses.replace(PROTOCOL, num_generated=10_000, seed=1)
    with pytest.raises(ValueError, match="num_generated is 2500 here and 10000 there"):
        PROTOCOL.require_same(other)
    assert len(PROTOCOL.differences(other)) == 2


def test_few_images_carry_a_warning():
    assert PROTOCOL.warnings() == []
    (warning,) = dataclasses.replace(PROTOCOL, num_real=1999).warnings()
    assert "1999" in warning and "2,000" in warning


def test_a_protocol_survives_json_and_what_is_none_does_not():
    second = dataclasses.replace(PROTOCOL, second="pretext", second_sha256="1" * 64)
    for each in (PROTOCOL, second):
        assert metrics.Protocol.from_plain(each.plain()) == each
    plain = PROTOCOL.plain() | {"version": 1}
    del plain["second"], plain["second_sha256"]  # of version 1
    assert metrics.Protocol.from_plain(plain).second is None
    for damaged in ({}, None, PROTOCOL.plain() | {"more": 1}):
        with pytest.raises(ValueError, match="without a protocol"):
            metrics.Protocol.from_plain(damaged)
