"""Tests schedules, samplers and the bound on normal data, for which all is known
exactly."""

import math

import numpy as np
import pytest
from keras import ops

from zoo import backend, diffusion
from zoo.core import losses
from zoo.diffusion import Levels, bound

MEAN = np.array([0.3, -0.6])
COVARIANCE = np.array([[0.5, 0.2], [0.2, 0.3]])


def exact(levels, mean=MEAN, covariance=COVARIANCE):
    """Returns the exact `predict` of normal data: E[x_0 | x_t], and the eps that
    belongs to it."""
    rows = diffusion.table("float64", levels.alpha, levels.sigma)
    size = np.eye(len(mean))
    gains = [
        a * np.linalg.solve(a**2 * covariance + s**2 * size, covariance)
        for a, s in zip(levels.alpha[:-1], levels.sigma[:-1])
    ]

    def predict(x, k):
        alpha, sigma = rows(k)
        x_0 = mean + ops.matmul(x - alpha * mean, ops.take(np.stack(gains), k, axis=0))
        return x_0, (x - alpha * x_0) / sigma

    return predict


def path(steps, first=1.5):
    """Returns levels at equal angles, with alpha = cos and sigma = sin. They are
    smooth, and end exactly in the data."""
    angles = np.linspace(first, 0, steps + 1)
    return Levels(angles, np.cos(angles), np.sin(angles))


def even_path(steps, first=1.5):
    """Returns levels at equal distances of log(alpha / sigma), in which `dpmpp_2m` has
    second order."""
    log_ratio = np.linspace(-np.log(np.tan(first)), 6.0, steps)
    angles = np.append(np.arctan(np.exp(-log_ratio)), 0.0)
    return Levels(angles, np.cos(angles), np.sin(angles))


def moments(sampler, levels, **options):
    """Returns the mean and covariance of the samples.

    With the exact score all samplers are affine in their random numbers. So each row
    gets one of these as 1 and all others as 0, and the last row none.
    """
    steps, size = len(levels.t) - 1, len(MEAN)
    units = np.eye((steps + 1) * size).reshape(-1, steps + 1, size)
    units = np.concatenate([units, np.zeros((1, steps + 1, size))])

    def noise(k):
        return ops.take(units, k + 1, axis=1)

    x = sampler(exact(levels), units[:, 0], levels, noise, **options)
    assert str(x.dtype).count("float64")
    x = ops.convert_to_numpy(x)
    responses = x[:-1] - x[-1]
    return x[-1], responses.T @ responses


class Affine:
    """An affine function of the random numbers, kept as a matrix whose last column is
    the constant."""

    def __init__(self, levels):
        self.size, self.levels = len(MEAN), levels
        self.steps = len(levels.t) - 1

    def random(self, k):
        matrix = np.zeros((self.size, self.size * (self.steps + 1) + 1))
        matrix[:, k * self.size : (k + 1) * self.size] = np.eye(self.size)
        return matrix

    def look(self, x, k):
        """Returns E[x_0 | x_t] and eps."""
        a, s = self.levels.alpha[k], self.levels.sigma[k]
        total = a**2 * COVARIANCE + s**2 * np.eye(self.size)
        gain = a * COVARIANCE @ np.linalg.inv(total)
        x_0 = gain @ x
        x_0[:, -1] += MEAN - gain @ (a * MEAN)
        return x_0, (x - a * x_0) / s

    def moments(self, step):
        x = self.random(0)
        for k in range(self.steps):
            x = step(self, x, k)
        return x[:, -1], x[:, :-1] @ x[:, :-1].T


# The update of each sampler, as its paper prints it.


def ddpm_step(variance):
    def step(self, x, k):
        ab_t, ab_s = self.levels.alpha[k] ** 2, self.levels.alpha[k + 1] ** 2
        beta = 1 - ab_t / ab_s
        _, eps = self.look(x, k)
        mean = (x - beta / np.sqrt(1 - ab_t) * eps) / np.sqrt(1 - beta)
        least = (1 - ab_s) / (1 - ab_t) * beta
        sigma = np.sqrt(beta if variance == "beta" else least)
        return mean + (k + 1 < self.steps) * sigma * self.random(k + 1)

    return step


def ddim_step(eta):
    def step(self, x, k):
        ab_t, ab_s = self.levels.alpha[k] ** 2, self.levels.alpha[k + 1] ** 2
        _, eps = self.look(x, k)
        sigma = eta * np.sqrt((1 - ab_s) / (1 - ab_t)) * np.sqrt(1 - ab_t / ab_s)
        predicted = np.sqrt(ab_s) * (x - np.sqrt(1 - ab_t) * eps) / np.sqrt(ab_t)
        direction = np.sqrt(max(1 - ab_s - sigma**2, 0)) * eps
        return predicted + direction + sigma * self.random(k + 1)

    return step


def euler_step(self, x, k):
    x_0, eps = self.look(x, k)
    return x + (self.levels.t[k + 1] - self.levels.t[k]) * (eps - x_0)


def heun_step(self, x, k):
    x_0, eps = self.look(x, k)
    d_alpha = self.levels.alpha[k + 1] - self.levels.alpha[k]
    d_sigma = self.levels.sigma[k + 1] - self.levels.sigma[k]
    slope = d_alpha * x_0 + d_sigma * eps
    if k + 1 == self.steps:
        return x + slope
    x_0, eps = self.look(x + slope, k + 1)
    return x + (slope + d_alpha * x_0 + d_sigma * eps) / 2


def dpmpp_step(self, x, k):
    x_0, _ = self.look(x, k)
    before, self.x_0 = getattr(self, "x_0", x_0), x_0
    if k + 1 == self.steps:
        return x_0
    a, s = self.levels.alpha, self.levels.sigma
    lam = np.log(a[:-1] / s[:-1])
    h = lam[k + 1] - lam[k]
    seen = x_0
    if k:
        r = (lam[k] - lam[k - 1]) / h
        seen = (1 + 1 / (2 * r)) * x_0 - 1 / (2 * r) * before
    return s[k + 1] / s[k] * x - a[k + 1] * np.expm1(-h) * seen


CASES = {
    "ddpm beta": ("ddpm", {"variance": "beta"}, ddpm_step("beta")),
    "ddpm posterior": ("ddpm", {"variance": "posterior"}, ddpm_step("posterior")),
    "ddim 0": ("ddim", {}, ddim_step(0.0)),
    "ddim half": ("ddim", {"eta": 0.5}, ddim_step(0.5)),
    "ddim 1": ("ddim", {"eta": 1.0}, ddim_step(1.0)),
    "heun": ("heun", {}, heun_step),
    "dpmpp_2m": ("dpmpp_2m", {}, dpmpp_step),
    "euler": ("euler", {}, euler_step),
}


@pytest.mark.parametrize("case", CASES)
def test_samplers_follow_the_linear_recursion_of_their_update(case):
    name, options, step = CASES[case]
    alpha_bar = diffusion.alpha_bars(diffusion.linear_betas(1000))
    levels = diffusion.discrete_levels(alpha_bar, 20)
    if name == "euler":
        levels = diffusion.flow_levels(20)
    mean, covariance = moments(diffusion.SAMPLERS[name], levels, **options)
    expected_mean, expected_covariance = Affine(levels).moments(step)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-9)
    np.testing.assert_allclose(covariance, expected_covariance, atol=1e-9)


def test_heun_on_a_flow_follows_the_trapezoid_in_time():
    levels = diffusion.flow_levels(20)
    values = moments(diffusion.heun, levels)
    for value, expected in zip(values, Affine(levels).moments(heun_step)):
        np.testing.assert_allclose(value, expected, atol=1e-9)


@pytest.mark.parametrize(
    "name, ladder, factor",
    [
        ("ddim", path, 2),
        ("euler", diffusion.flow_levels, 2),
        ("heun", path, 4),
        ("heun", diffusion.flow_levels, 4),
        ("dpmpp_2m", even_path, 4),
    ],
)
def test_halving_the_step_cuts_the_error_by_the_order_of_the_method(
    name, ladder, factor
):
    """Returns the error of the covariance. Its exact value is that of the data, because
    the ladder begins in pure noise."""
    errors = []
    for steps in (40, 80):
        levels = ladder(steps)
        _, covariance = moments(diffusion.SAMPLERS[name], levels)
        # The exact flow turns noise of unit covariance into this.
        a, s = levels.alpha[0], levels.sigma[0]
        values, vectors = np.linalg.eigh(COVARIANCE)
        true = values / (a**2 * values + s**2)
        errors.append(np.abs(covariance - vectors * true @ vectors.T).max())
    assert 0.85 * factor < errors[0] / errors[1] < 1.25 * factor
    assert errors[1] < 0.03


@pytest.mark.parametrize("name", ["heun", "dpmpp_2m"])
@pytest.mark.parametrize("schedule", diffusion.SCHEDULES)
def test_few_steps_of_second_order_come_nearer_than_those_of_first(name, schedule):
    """The step to the smallest noise must not overshoot."""
    alpha_bar = diffusion.alpha_bars(diffusion.SCHEDULES[schedule](1000))
    levels = diffusion.discrete_levels(alpha_bar, 10)

    def error(name):
        _, covariance = moments(diffusion.SAMPLERS[name], levels)
        return np.abs(covariance - COVARIANCE).max()

    assert error(name) < error("ddim")


def test_random_samplers_approach_the_data():
    alpha_bar = diffusion.alpha_bars(diffusion.linear_betas(1000))
    errors = []
    for steps in (50, 100):
        levels = diffusion.discrete_levels(alpha_bar, steps)
        mean, covariance = moments(diffusion.ddpm, levels, variance="posterior")
        errors.append(np.abs(covariance - COVARIANCE).max())
    assert errors[1] < 0.6 * errors[0] < 0.1


def test_ddim_with_eta_one_is_ddpm_with_the_posterior_variance():
    alpha_bar = diffusion.alpha_bars(diffusion.cosine_betas(50))
    levels = diffusion.discrete_levels(alpha_bar, 50)
    z = np.random.standard_normal((51, 3, 2))
    results = [
        sampler(
            exact(levels), z[0], levels, lambda k: ops.take(z, k + 1, axis=0), **option
        )
        for sampler, option in (
            (diffusion.ddim, {"eta": 1.0}),
            (diffusion.ddpm, {"variance": "posterior"}),
        )
    ]
    np.testing.assert_allclose(*results, atol=1e-10)


@pytest.mark.parametrize("name", diffusion.SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_trajectory_starts_in_noise_and_ends_in_the_sample(name, steps):
    levels, x = path(steps), np.random.standard_normal((3, 2))
    z = np.random.standard_normal((steps, 3, 2))
    arguments = exact(levels), x, levels, lambda k: ops.take(z, k, axis=0)
    passed = diffusion.SAMPLERS[name](*arguments, trajectory=True)
    assert passed.shape == (steps + 1, 3, 2)
    np.testing.assert_array_equal(passed[0], x)
    sample = diffusion.SAMPLERS[name](*arguments)
    np.testing.assert_allclose(passed[-1], sample, atol=1e-12)


@pytest.mark.parametrize("name", diffusion.SAMPLERS)
@pytest.mark.parametrize("cut", [0, 1, 3, 5])
def test_a_ladder_gone_down_in_two_parts_ends_in_the_same_sample(name, cut):
    levels, x = path(5), np.random.standard_normal((3, 2))
    z = np.random.standard_normal((5, 3, 2))

    def run(x, part=None):
        noise = lambda k: ops.take(z, k, axis=0)  # noqa: E731
        return diffusion.SAMPLERS[name](exact(levels), x, levels, noise, part=part)

    halfway, x_0 = run(x, (0, ops.convert_to_tensor(cut), 0 * x))
    sample, _ = run(halfway, (ops.convert_to_tensor(cut), 5, x_0))
    np.testing.assert_allclose(sample, run(x), atol=1e-12)


@pytest.mark.parametrize("name", diffusion.SAMPLERS)
def test_after_is_applied_to_each_level_that_a_step_makes(name):
    levels, x = path(4), np.random.standard_normal((3, 2))

    def numbered(k, x):
        return ops.zeros_like(x) + ops.cast(k, "float64")

    passed = diffusion.SAMPLERS[name](
        exact(levels), x, levels, lambda k: x, after=numbered, trajectory=True
    )
    np.testing.assert_array_equal(passed[1:, 0, 0], [1, 2, 3, 4])


def test_learned_variance_lies_between_the_two():
    levels = diffusion.discrete_levels(np.array([0.9, 0.5, 0.1]), 3)
    look = exact(levels)

    def at(v):
        return lambda x, k: (*look(x, k), v)

    x = np.zeros((1, 2))
    samples = [
        diffusion.ddpm(predict, x, levels, lambda k: np.ones((1, 2)), variance=kind)
        for predict, kind in (
            (look, "posterior"),
            (at(0.0), "learned"),
            (look, "beta"),
            (at(1.0), "learned"),
        )
    ]
    np.testing.assert_allclose(samples[0], samples[1])
    np.testing.assert_allclose(samples[2], samples[3])
    assert (np.asarray(samples[0]) != np.asarray(samples[2])).all()


# --- steps up again -------------------------------------------------------------------


def test_resampling_turns_where_the_paper_does():
    levels = path(5)
    path_of = list(diffusion.resampled(levels, 2, 2).t)
    expected = [0, 1, 2, 0, 1, 2, 3, 4, 2, 3, 4, 5]
    np.testing.assert_array_equal(path_of, levels.t[expected])
    rises = diffusion.resampled(levels, 2, 2).rises
    np.testing.assert_array_equal(np.flatnonzero(rises), [2, 7])
    for times, jump in ((1, 2), (3, 5)):  # one pass, or a jump longer than the ladder
        np.testing.assert_array_equal(diffusion.resampled(levels, times, jump), levels)
    with pytest.raises(ValueError, match="resampling is a whole.*resampling=0"):
        diffusion.resampled(levels, 0, 2)
    with pytest.raises(ValueError, match="jump is a whole number.*jump=1.5"):
        diffusion.resampled(levels, 2, 1.5)


@pytest.mark.slow
def test_a_step_up_keeps_the_moments_of_noised_data():
    """A step up to the noisier level and one down by the exact q(x_s | x_t) change
    nothing."""
    alpha_bar = diffusion.alpha_bars(diffusion.linear_betas(1000))
    levels = diffusion.discrete_levels(alpha_bar, 100)
    plain = moments(diffusion.ddpm, levels)
    again = moments(diffusion.ddpm, diffusion.resampled(levels, 2, 99))
    for value, expected in zip(again, plain):
        np.testing.assert_allclose(value, expected, atol=2e-3)


def inpainted(sampler, levels, correlation, **options):
    """Returns the correlation of a known pixel with the one that is made beside it, and
    the variance of the latter, of data with variance 1/4 and this `correlation`."""
    covariance = 0.25 * np.array([[1, correlation], [correlation, 1]])
    steps = len(levels.t) - 1
    # For the data, the start, each step, and the known pixels at each level.
    count = 2 * steps + 3
    units = np.eye(2 * count).reshape(-1, count, 2)
    data, start, fresh, known = np.split(units, [1, 2, steps + 2], axis=1)
    alpha, sigma = (column[:, None] for column in levels[1:])

    def keep_known(k, x):
        row = [ops.take(each, k, axis=0) for each in (alpha, sigma)]
        seen = row[0] * 0.5 * data[:, 0] + row[1] * ops.take(known, k, axis=1)
        return ops.concatenate([seen[:, :1], x[:, 1:]], axis=1)

    completed = sampler(
        exact(levels, np.zeros(2), covariance),
        keep_known(0, start[:, 0]),
        levels,
        lambda k: ops.take(fresh, k, axis=1),
        after=keep_known,
        **options,
    )
    known, completed = ops.convert_to_numpy(completed).T
    scale = np.sqrt((known @ known) * (completed @ completed))
    return known @ completed / scale, completed @ completed


@pytest.mark.slow
@pytest.mark.parametrize("name", diffusion.SAMPLERS)
def test_resampling_brings_made_pixels_nearer_to_the_known(name):
    alpha_bar = diffusion.alpha_bars(diffusion.cosine_betas(1000))
    levels = diffusion.discrete_levels(alpha_bar, 20, "linspace")
    if name == "euler":
        levels = diffusion.flow_levels(20)
    results = [
        inpainted(diffusion.SAMPLERS[name], diffusion.resampled(levels, times, 2), 0.9)
        for times in (1, 2, 4)
    ]
    correlations = [correlation for correlation, _ in results]
    assert correlations[0] + 0.1 < correlations[1] < correlations[2] - 0.02
    assert correlations[2] < 0.92


@pytest.mark.slow
def test_resampling_comes_near_the_true_conditional():
    alpha_bar = diffusion.alpha_bars(diffusion.cosine_betas(1000))
    levels = diffusion.discrete_levels(alpha_bar, 40)
    without, _ = inpainted(diffusion.ddpm, levels, 0.9)
    correlation, variance = inpainted(
        diffusion.ddpm, diffusion.resampled(levels, 5, 3), 0.9
    )
    assert abs(without - 0.9) > 0.08
    np.testing.assert_allclose(correlation, 0.9, atol=0.03)
    np.testing.assert_allclose(variance, 0.25, rtol=0.2)


# --- schedules, levels, predictions ---------------------------------------------------


def test_schedules_are_those_of_their_papers():
    betas = diffusion.linear_betas(1000)
    np.testing.assert_allclose(betas[[0, -1]], [1e-4, 0.02])
    np.testing.assert_allclose(diffusion.alpha_bars(betas)[-1], 4.0e-5, rtol=0.02)
    cosine = diffusion.alpha_bars(diffusion.cosine_betas(1000))
    half = np.cos((0.5 + 0.008) / 1.008 * np.pi / 2) ** 2
    half /= np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(cosine[499], half)
    assert diffusion.cosine_betas(1000).max() == 0.999


@pytest.mark.parametrize("name", diffusion.SCHEDULES)
@pytest.mark.parametrize("steps", [20, 100, 4000])
def test_schedules_of_any_length_end_in_noise(name, steps):
    betas = diffusion.SCHEDULES[name](steps)
    alpha_bar = diffusion.alpha_bars(betas)
    assert betas.shape == (steps,) and (betas > 0).all() and (betas < 1).all()
    assert (np.diff(alpha_bar) < 0).all() and alpha_bar[-1] < 1e-4


def test_levels_hold_the_noisiest_timestep_and_data():
    alpha_bar = diffusion.alpha_bars(diffusion.linear_betas(10))
    for steps in (1, 2, 7, 10):
        levels = diffusion.discrete_levels(alpha_bar, steps)
        assert [len(column) for column in levels] == [steps + 1] * 3
        assert levels.t[0] == 9 and levels.sigma[-1] == 0 and levels.alpha[-1] == 1
        assert len(set(levels.t[:-1])) == steps
        np.testing.assert_allclose(levels.alpha**2 + levels.sigma**2, 1)
    assert list(levels.below(2).t[:-1]) == [1, 0]
    assert list(diffusion.discrete_levels(alpha_bar, 5).t[:-1]) == [9, 7, 5, 3, 1]
    both_ends = diffusion.discrete_levels(alpha_bar, 4, "linspace")
    assert list(both_ends.t[:-1]) == [9, 6, 3, 0]
    with pytest.raises(ValueError, match='"linspace". Received: spacing=.leading'):
        diffusion.discrete_levels(alpha_bar, 4, "leading")
    for steps in (0, -1, 11, 2.0):
        with pytest.raises(ValueError, match=f"1 to 10 steps. Received: steps={steps}"):
            diffusion.discrete_levels(alpha_bar, steps)
    with pytest.raises(ValueError, match="at least one step.*Received: steps=0"):
        diffusion.flow_levels(0)


@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
def test_what_a_network_should_answer_is_read_as_data_and_noise(prediction):
    x_0, eps = np.random.uniform(-1, 1, (2, 5)), np.random.standard_normal((2, 5))
    alpha, sigma = (0.7, 0.3) if prediction == "velocity" else (0.6, 0.8)
    x = alpha * x_0 + sigma * eps
    answer = diffusion.target(prediction, x_0, eps, alpha, sigma)
    estimates = diffusion.interpret(prediction, answer, x, alpha, sigma)
    np.testing.assert_allclose(estimates[0], x_0)
    np.testing.assert_allclose(estimates[1], eps)
    inside, noise = diffusion.interpret(prediction, 3 * answer, x, alpha, sigma, True)
    assert np.abs(inside).max() <= 1
    np.testing.assert_allclose(alpha * inside + sigma * noise, x)


@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
def test_an_overshoot_is_no_error_at_the_bounds_alone(prediction):
    x_0 = np.array([-1.0, -1.0, 1.0, 1.0, -0.5, 0.5])
    guess = np.array([-1.5, -0.5, 1.5, 0.5, -1.5, 1.5])
    eps = np.random.standard_normal(6)
    alpha, sigma = (0.7, 0.3) if prediction == "velocity" else (0.6, 0.8)
    x = alpha * x_0 + sigma * eps
    # The output by which `guess` is predicted from x.
    output = diffusion.target(
        prediction, guess, (x - alpha * guess) / sigma, alpha, sigma
    )
    estimates = diffusion.interpret(prediction, output, x, alpha, sigma)[0]
    np.testing.assert_allclose(estimates, guess)
    plain = diffusion.error(prediction, output, x_0, eps, alpha, sigma)
    aim = diffusion.target(prediction, x_0, eps, alpha, sigma)
    np.testing.assert_allclose(plain, aim - output)
    error = diffusion.error(prediction, output, x_0, eps, alpha, sigma, True)
    forgiven = np.array([True, False, True, False, False, False])
    np.testing.assert_allclose(error, np.where(forgiven, 0, plain))
    assert (plain != 0).all()
    saturated = diffusion.saturate(prediction, output, x, alpha, sigma)
    estimates = diffusion.interpret(prediction, saturated, x, alpha, sigma)
    np.testing.assert_allclose(estimates[0], np.clip(guess, -1, 1))
    np.testing.assert_allclose(alpha * estimates[0] + sigma * estimates[1], x)


def test_min_snr_weights_by_hand():
    alpha_bar = np.array([0.9, 0.5, 0.2])  # SNR 9, 1, 1/4
    for prediction, expected in {
        "eps": [5 / 9, 1, 1],
        "x0": [5, 1, 0.25],
        "v": [0.5, 0.5, 0.2],
    }.items():
        weights = diffusion.min_snr_weights(prediction, alpha_bar, 5.0)
        np.testing.assert_allclose(weights, expected)


# --- the bound ------------------------------------------------------------------------


def bound_of(*arguments):
    """Returns the bound by a graph, which takes a thousand steps quickly."""
    return backend.compiled(lambda: bound.variational_bound(*arguments))()


@pytest.mark.slow
def test_the_bound_of_the_exact_model_is_the_entropy():
    scale, pixels, steps = 0.25, 1000, 1000
    values = np.arange(256) / 127.5 - 1
    x_0 = np.round((np.random.standard_normal((1, pixels)) * scale + 1) * 127.5)
    x_0 = np.clip(x_0, 0, 255) / 127.5 - 1
    alpha_bar = diffusion.alpha_bars(diffusion.linear_betas(steps))
    levels = diffusion.discrete_levels(alpha_bar, steps)
    rows = diffusion.table("float64", levels.alpha, levels.sigma)

    def predict(x, k):
        alpha, sigma = rows(k)
        x_0 = alpha * scale**2 * x / (alpha**2 * scale**2 + sigma**2)
        # V is 1, so all variances are beta, which is right here.
        return x_0, (x - alpha * x_0) / sigma, 1.0

    random = np.random.default_rng(1)
    noise = random.standard_normal((steps, 1, pixels))
    nats = bound_of(
        predict, x_0, levels, lambda k: ops.take(noise, k, axis=0), "learned"
    )
    p = np.exp(-((values / scale) ** 2) / 2)
    p /= p.sum()
    counts = -np.log(p[np.round((x_0 + 1) * 127.5).astype(int)]).sum()
    np.testing.assert_allclose(np.asarray(nats)[0], counts, rtol=0.01)
    assert np.asarray(nats)[0] > counts * 0.999


def test_the_last_variance_is_that_of_ho_s_code():
    """`fixedlarge` and `fixedsmall` of diffusion_utils_2.py, t from data to noise; the
    learned one of Nichol and Dhariwal lies between the last beta and the latter."""
    betas = diffusion.linear_betas(1000)
    alpha_bar = diffusion.alpha_bars(betas)
    before = np.append(1.0, alpha_bar[:-1])
    posterior_variance = betas * (1.0 - before) / (1.0 - alpha_bar)
    small = np.append(posterior_variance[1], posterior_variance[1:])
    large = np.append(posterior_variance[1], betas[1:])
    levels = diffusion.discrete_levels(alpha_bar, 1000)
    for variance, expected in (("beta", large), ("learned", betas)):
        _, log_beta, log_least = bound.step_columns(levels, variance)
        np.testing.assert_allclose(np.exp(log_beta[::-1]), expected, rtol=1e-6)
        np.testing.assert_allclose(np.exp(log_least[::-1]), small, rtol=1e-6)


@pytest.mark.slow
def test_a_point_is_told_in_fewer_nats_by_the_smaller_last_variance():
    """If the network knows the data, -log p(x_0 | x_1) depends on the variance
    alone."""
    alpha_bar = diffusion.alpha_bars(diffusion.linear_betas(1000))
    levels = diffusion.discrete_levels(alpha_bar, 1000)
    x_0 = np.full((1, 10), 51 / 127.5 - 1)
    nats = {
        variance: bound_of(
            lambda x, k: (x_0, x), x_0, levels, lambda k: np.zeros((1, 10)), variance
        )
        for variance in ("beta", "posterior")
    }
    log_sigma = 0.5 * bound.step_columns(levels, "posterior")[2][-1]
    pixels = losses.discretized_gaussian_nll(x_0, x_0, log_sigma)
    np.testing.assert_allclose(nats["posterior"], pixels, atol=1e-3)
    _, log_beta, log_least = (c[:-1] for c in bound.step_columns(levels, "beta"))
    ratio = log_least - log_beta  # the cost of the wider variances in the other steps
    spread = 10 * 0.5 * (np.exp(ratio) - 1.0 - ratio).sum()
    np.testing.assert_allclose(nats["beta"], pixels + spread, rtol=1e-3)


def test_kl_of_normal_distributions_by_hand():
    assert float(bound.kl(0.0, 0.0, 0.0)) == 0
    np.testing.assert_allclose(bound.kl(2.0, 0.0, 0.0), 2.0)
    wider = bound.kl(0.0, math.log(4.0), 0.0)
    np.testing.assert_allclose(wider, 1.5 - math.log(2), rtol=1e-6)


@pytest.mark.parametrize("mean", [-1.5, -0.9, 0.013, 0.99])
@pytest.mark.parametrize("sigma", [0.01, 0.3])
def test_a_discretised_gaussian_gives_its_256_pixels_one_in_all(mean, sigma):
    values = (np.arange(256) / 127.5 - 1).astype("float32")[:, None]
    nats = losses.discretized_gaussian_nll(values, mean, np.log(sigma))
    np.testing.assert_allclose(np.exp(-np.asarray(nats)).sum(), 1, rtol=1e-4)


def test_a_discretised_gaussian_by_hand():
    # The bin around the mean reaches one standard deviation to each side: 0.6827.
    nats = losses.discretized_gaussian_nll(
        np.zeros((1, 1)), np.zeros((1, 1)), np.log(1 / 255)
    )
    np.testing.assert_allclose(np.exp(-np.asarray(nats)), 0.6827, atol=1e-4)
    far = losses.discretized_gaussian_nll(-np.ones((1, 1)), 1.0, np.log(1e-3))
    np.testing.assert_allclose(far, np.log(1e12), rtol=1e-5)
