"""Tests the interpolation of frames: warps, what it may see, the ends, its answers, and
what it refuses."""

import keras
import numpy as np
import pytest
import tiny
from keras import ops

import zoo
from zoo import metrics
from zoo.networks import motion

pytestmark = pytest.mark.any_backend
T = tiny.FRAMES
CLIP = tiny.shape_of("interpolator")


@pytest.fixture(scope="module")
def model():
    """The tiny model with weights large enough to move and to change images."""
    model = tiny.model("interpolator")
    random = np.random.default_rng(0)
    for variable in model.motion.weights:
        variable.assign(0.2 * random.normal(size=variable.shape))
    return model


def array(x):
    return ops.convert_to_numpy(x)


def warped(images, flow):
    flow = np.broadcast_to(np.asarray(flow, "float32"), (*images.shape[:3], 2))
    return array(
        motion.warp(ops.convert_to_tensor(images), ops.convert_to_tensor(flow))
    )


# --- motion ---------------------------------------------------------------------------


def test_a_whole_flow_moves_pixels_and_the_border_goes_on():
    x = tiny.floats(2, (6, 7, 3))
    y = warped(x, (1, -2))  # each pixel shows what lies one below and two left of it
    rows, columns = np.minimum(np.arange(6) + 1, 5), np.maximum(np.arange(7) - 2, 0)
    np.testing.assert_allclose(y, x[:, rows][:, :, columns], atol=1e-6)
    np.testing.assert_allclose(
        warped(y, (-1, 2))[:, 1:-1, 2:-2], x[:, 1:-1, 2:-2], atol=1e-6
    )


def test_a_network_warps_square_images_as_a_call_does():
    x, flow = tiny.floats(2, (6, 6, 1)), 2 * tiny.floats(2, (6, 6, 2), seed=1)
    images, flows = keras.Input((6, 6, 1)), keras.Input((6, 6, 2))
    network = keras.Model([images, flows], motion.warp(images, flows))
    np.testing.assert_allclose(array(network([x, flow])), warped(x, flow), atol=1e-5)
    rows = np.clip(np.arange(6)[:, None] + np.rint(flow[..., 0]), 0, 5).astype(int)
    whole = np.stack([np.rint(flow[..., 0]), np.zeros((2, 6, 6))], axis=-1)
    taken = np.take_along_axis(x[..., 0], rows, axis=1)
    np.testing.assert_allclose(warped(x, whole)[..., 0], taken, atol=1e-5)


def test_between_pixels_a_flow_is_bilinear_and_has_its_slope():
    x = tiny.floats(1, (5, 5, 1))
    half = warped(x, (0.25, 0.5))
    mean = 0.75 * x[:, :-1] + 0.25 * x[:, 1:]
    mean = (mean[:, :, :-1] + mean[:, :, 1:]) / 2
    np.testing.assert_allclose(half[:, :-1, :-1], mean, atol=1e-6)
    step = 1e-2  # a bilinear image is straight between its pixels
    slope = (warped(x, (0.25 + step, 0.5)) - half)[:, :-1] / step
    columns = (x[:, :, :-1] + x[:, :, 1:]) / 2
    np.testing.assert_allclose(
        slope[:, :, :-1], columns[:, 1:] - columns[:, :-1], atol=1e-3
    )


def test_a_side_of_one_pixel_stays_itself():
    x = tiny.floats(1, (1, 4, 1))
    np.testing.assert_allclose(warped(x, (3.5, 0)), x, atol=1e-6)


def test_the_flow_of_a_straight_motion_draws_the_frame_between():
    square = np.full((5, 16, 16, 1), -1, "float32")
    for t in range(5):
        square[t, 2 + t : 6 + t, 3 + 2 * t : 7 + 2 * t] = 1
    # Where the square is at the time t: it came from t steps before and goes on.
    flow = np.zeros((1, 16, 16, 6), "float32")
    flow[..., 0:4] = -4, -8, 4, 8
    first, last = square[:1], square[4:]
    for t in (1, 2, 3):
        times = np.full((1, 1, 1, 1), t / 4, "float32")
        out = array(
            motion.blend(*map(ops.convert_to_tensor, (first, last, flow, times)))
        )
        np.testing.assert_allclose(out[0], square[t], atol=1e-5)


def test_what_is_trusted_is_taken_and_the_rest_is_added():
    first, last = np.zeros((1, 2, 2, 1)), np.ones((1, 2, 2, 1))
    answer = np.zeros((1, 2, 2, 6))
    answer[..., 4], answer[..., 5] = 30, 0.5  # a trust of 1
    out = motion.blend(
        *(ops.convert_to_tensor(x.astype("float32")) for x in (first, last, answer)),
        ops.convert_to_tensor(np.full((1, 1, 1, 1), 0.25, "float32")),
    )
    np.testing.assert_allclose(array(out), 4 * 0.25 * 0.75 * 0.5, atol=1e-6)


def test_details_add_up_to_the_image_and_vanish_where_there_are_none():
    x = tiny.floats(2, (13, 18, 1))
    levels = motion.details(ops.convert_to_tensor(x))
    total = levels[-1]
    for level in reversed(levels[:-1]):
        total = level + motion.double(total, level)
    np.testing.assert_allclose(array(total), x, atol=1e-6)
    flat = motion.details(
        ops.convert_to_tensor(np.full((1, 13, 18, 1), 0.5, "float32"))
    )
    assert all(np.abs(array(level)).max() < 1e-6 for level in flat[:-1])


# --- training -------------------------------------------------------------------------


def numbered(count, frames):
    """Clips whose frame t is t everywhere, 8x8."""
    t = np.arange(frames, dtype="float32")[None, :, None, None, None]
    return np.broadcast_to(t, (count, frames, 8, 8, 1)).copy()


@pytest.mark.eager
def test_triples_lie_in_order_within_reach_and_half_run_backwards():
    model = zoo.get("interpolator", image_shape=(9, 8, 8, 1), width=4, reach=4)
    frames = model.triples(ops.convert_to_tensor(numbered(400, 9)))
    first, middle, last = (array(x)[:, 0, 0, 0] for x in frames[:3])
    times, gap = array(frames[3]), np.abs(last - first)
    np.testing.assert_allclose((middle - first) / (last - first), times, atol=1e-5)
    assert ((times > 0) & (times < 1)).all()
    assert set(gap) == {2, 3, 4} and 0.3 < (last < first).mean() < 0.7
    assert {first.min(), last.min(), first.max(), last.max()} == {0, 8}
    shortest = model.triples(ops.convert_to_tensor(numbered(50, 3)))
    assert set(array(shortest[1])[:, 0, 0, 0]) == {1}


def test_it_learns_how_things_move():
    clips = zoo.data.open("moving:digits", subpixel=True, frames=5, image_size=(26, 26))
    train, test = (np.asarray(clips.arrays(s)["clip"][:128]) for s in ("train", "test"))
    keras.utils.set_random_seed(0)
    model = zoo.get("interpolator", image_shape=train.shape[1:], width=8, levels=3)
    model.fit(train, batch_size=16, epochs=12, verbose=0)
    ends = test[:, 0], test[:, 2]
    drawn, faded = model.between(*ends, frames=1), metrics.cross_fade(*ends, 1)
    mine, theirs = (metrics.psnr_by_horizon(test[:, 1:2], x) for x in (drawn, faded))
    assert mine[0] > theirs[0] + 2


# --- frames between -------------------------------------------------------------------


def test_near_the_ends_the_frames_are_the_ends(model):
    first, last = tiny.floats(3), tiny.floats(3, seed=1)
    frames = model.between(first, last, times=(1e-4, 0.5, 1 - 1e-4))
    np.testing.assert_allclose(frames[:, 0], first, atol=5e-3)
    np.testing.assert_allclose(frames[:, 2], last, atol=5e-3)
    for end in (first, last, (first + last) / 2):
        assert np.abs(frames[:, 1] - end).mean() > 0.05


def test_frames_are_those_at_even_times_one_by_one(model):
    first, last = tiny.floats(3), tiny.floats(3, seed=1)
    frames = model.between(first, last, frames=3)
    for k, t in enumerate((0.25, 0.5, 0.75)):
        alone = model.between(first[1:2], last[1:2], times=t)
        np.testing.assert_allclose(frames[1:2, k : k + 1], alone, atol=1e-5)


def test_slower_clips_keep_their_frames(model):
    clips = tiny.images(2, CLIP)
    slow = model.slower(clips, times=3)
    assert slow.shape == (2, 3 * (T - 1) + 1, *CLIP[1:]) and slow.dtype == np.float32
    np.testing.assert_allclose(slow[:, ::3], clips / 127.5 - 1, atol=1e-6)
    drawn = model.between(clips[:, 1], clips[:, 2], frames=2)
    np.testing.assert_allclose(slow[:, 4:6], drawn, atol=1e-5)


def test_the_model_called_on_clips_draws_each_frame_from_its_neighbours(model):
    clips = tiny.floats(2, CLIP)
    out = model.predict(clips, verbose=0)
    np.testing.assert_allclose(out[:, 0], clips[:, 0])
    drawn = model.between(clips[:, 0], clips[:, 2], frames=1)
    np.testing.assert_allclose(out[:, 1:2], drawn, atol=1e-5)


# --- what it refuses ------------------------------------------------------------------


def test_what_it_cannot_do_is_a_sentence(model):
    image = tiny.images(2)
    with pytest.raises(ValueError, match=r"Times lie in \(0, 1\). Received: .*1.0"):
        model.between(image, image, times=1.0)
    with pytest.raises(ValueError, match="by frames, a number, or by times"):
        model.between(image, image)
    with pytest.raises(ValueError, match="have one shape. Received"):
        model.between(image, image[:1], frames=1)
    with pytest.raises(ValueError, match="images of 8x8x1. Received: 9x8x1"):
        model.between(*tiny.images(2, (9, 8, 1))[:, None], frames=1)
    with pytest.raises(ValueError, match="2 frames or more can be slower. Received"):
        model.slower(image[None, :1])
    with pytest.raises(
        ValueError, match="times is an integer from 2 to 128. Received: 1"
    ):
        model.slower(image[None], times=1)
    with pytest.raises(ValueError, match="cannot sample"):
        model.sample(2)
    with pytest.raises(ValueError, match="at least 3 frames.* Received: clips of 2"):
        zoo.get("interpolator", image_shape=(2, 8, 8, 1))
    for setting in ({"reach": 1}, {"width": 0}, {"laplacian_weight": -1}):
        with pytest.raises(ValueError, match=f"{next(iter(setting))}.* Received"):
            zoo.get("interpolator", **setting)
