"""Tests what foretold frames are measured by, against numbers computed by hand and
clips whose motion is a rule."""

import numpy as np
import pytest

import zoo
from zoo import metrics
from zoo.inputs import pixels, shapes
from zoo.metrics import video

pytestmark = pytest.mark.any_backend

PAST, FUTURE = 3, 4


def sliding(count=2, frames=7, side=16, channels=1):
    """Returns uint8 clips of a square of 3x3 that goes down 1 and right 1 + n pixels a
    frame, in clip n."""
    clips = np.zeros((count, frames, side, side, channels), "uint8")
    for n in range(count):
        for t in range(frames):
            clips[n, t, t : t + 3, t * (1 + n) : t * (1 + n) + 3] = 255
    return clips


def shifted(future, levels):
    """Returns the float `future` with frame t of all clips brighter by `levels[t]`, in
    units of [0, 1]."""
    steps = 2 * np.asarray(levels)[:, None, None, None]
    return future / 127.5 - 1 + steps


def test_each_horizon_has_the_mean_psnr_of_its_frames():
    # B = T, and three channels: axes that are mixed up would not raise.
    future = np.full((4, 4, 8, 8, 3), 51, "uint8")
    levels = [0.1, 0.01, 0.2, 0.5]
    predictions = shifted(future, levels)
    decibels = metrics.psnr_by_horizon(future, predictions)
    assert decibels == pytest.approx(-20 * np.log10(levels))
    predictions[2:] = shifted(future[2:], [0.01] * 4)
    mixed = [(20, 40), (40, 40), (-20 * np.log10(0.2), 40), (-20 * np.log10(0.5), 40)]
    decibels = metrics.psnr_by_horizon(future, predictions)
    assert decibels == pytest.approx(np.mean(mixed, axis=1))


def test_each_horizon_has_the_mean_similarity_of_its_frames():
    future = sliding(3, 3, channels=3)
    predictions = future.copy()
    predictions[1, 2] = 255 - future[1, 2]
    similarity = metrics.ssim_by_horizon(future, predictions)
    assert similarity[:2] == pytest.approx([1, 1])
    worse = metrics.ssim(future[1:2, 2], predictions[1:2, 2])[0]
    assert similarity[2] == pytest.approx((2 + worse) / 3) and worse < 0.5


@pytest.mark.parametrize("frames, past", [(2, 1), (3, 1), (8, 2), (16, 5), (20, 6)])
def test_five_of_sixteen_frames_are_past(frames, past):
    assert shapes.past_of(frames) == past


def test_equal_frames_count_as_equal_to_eight_bits():
    clips = sliding()
    decibels = metrics.psnr_by_horizon(clips, clips)
    assert decibels == pytest.approx(np.full(7, 20 * np.log10(255 * np.sqrt(12))))


def test_the_best_of_many_is_one_film_and_never_worse_than_of_fewer():
    future = sliding(2, FUTURE)
    levels = np.random.default_rng(0).uniform(0.01, 0.5, (5, FUTURE))
    # The first has the best frame, the last is the best film.
    levels[0], levels[-1] = [0.001, 0.9, 0.9, 0.9], [0.005] * FUTURE
    predictions = np.stack([shifted(future, each) for each in levels], axis=1)
    draws = metrics.best_of(future, predictions)
    decibels = -20 * np.log10(levels)
    assert draws.count == 5
    assert draws.best == pytest.approx(decibels[-1])
    assert draws.mean == pytest.approx(np.minimum(decibels, video.CEILING).mean(axis=0))
    assert draws.first == pytest.approx(np.minimum(decibels[0], video.CEILING))
    best = [metrics.best_of(future, predictions[:, :n]).best.mean() for n in (1, 3, 5)]
    assert best == sorted(best)


def test_constant_velocity_foretells_a_square_to_the_bit_and_copies_do_not():
    clips = sliding()
    past, future = clips[:, :PAST], clips[:, PAST:]
    moved = metrics.constant_velocity(past, FUTURE)
    assert np.array_equal(pixels.to_uint8(moved), future)
    copies = metrics.copied(past, FUTURE)
    assert np.array_equal(pixels.to_uint8(copies[:, 2]), past[:, -1])
    still = metrics.constant_velocity(past[:, -1:], FUTURE)
    assert np.array_equal(still, copies)
    # By hand: clip 0 moves by (1, 1), so 2 x 5 of 256 pixels differ; clip 1 by (1, 2),
    # where 2 x 1 pixels of nine stay, so 2 x 7 differ.
    expected = np.mean(-10 * np.log10([10 / 256, 14 / 256]))
    assert metrics.psnr_by_horizon(future, copies)[0] == pytest.approx(expected)


def test_the_mean_image_is_that_of_all_frames():
    train = np.zeros((2, 2, 4, 4, 3), "uint8")
    train[0, 1] = 255
    mean = metrics.mean_image(train, 5, FUTURE)
    assert mean.shape == (5, FUTURE, 4, 4, 3)
    assert mean == pytest.approx(np.full(mean.shape, -0.5))


def test_the_mean_image_beats_copies_of_moving_digits():
    clips, _ = zoo.data.arrays("moving:digits", "test")
    clips = clips[:200]
    past, future = clips[:, :5], clips[:, 5:]
    means = metrics.mean_image(clips, len(past), 11)
    scores = [
        metrics.psnr_by_horizon(future, each).mean()
        for each in (metrics.copied(past, 11), means)
    ]
    assert scores[0] + 0.5 < scores[1]


def test_speeds_are_those_of_the_rule_and_black_frames_stand_still():
    speeds = metrics.speeds(sliding())
    assert speeds == pytest.approx(np.array([[2**0.5] * 6, [5**0.5] * 6]))
    assert not metrics.speeds(np.zeros((1, 3, 5, 8, 1), "uint8")).any()


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        (lambda c: metrics.psnr_by_horizon(c[0], c[0]), "Clips are an array"),
        (lambda c: metrics.psnr_by_horizon(c, c[:, 1:]), "of the shape of the future"),
        (lambda c: metrics.psnr_by_horizon(c, c * np.nan), "are finite"),
        (lambda c: metrics.best_of(c, c), "There are predictions"),
        (lambda c: metrics.best_of(c, c[:, None, 1:]), "There are predictions"),
        (lambda c: metrics.constant_velocity(c, 0), "The number of frames"),
        (lambda c: metrics.copied(c[:, :0], 2), "Clips are an array"),
    ],
)
def test_what_is_no_clip_or_does_not_fit_is_a_sentence(measure, sentence):
    with pytest.raises(ValueError, match=f"{sentence}.*Received: "):
        measure(sliding())
