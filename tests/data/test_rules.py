"""Tests the sets that are put together by rule from others: moving, stacked,
captioned."""

import numpy as np
import pytest

import zoo.data
from zoo import backend
from zoo.data.sources import building, captioned, idx, moving

FASHION = idx.complete(building.DEBIAN)


def clips(name, split, count, **options):
    """Returns the first clips of a split in [0, 1], and their labels."""
    columns = zoo.data.open(name, **options).source.columns(split, None)
    return columns["clip"][np.arange(count)] / 255.0, columns["label"][:count]


def psnr(clip, guess):
    """Mean over frames of the peak signal-to-noise ratio in dB."""
    errors = np.square(clip - guess).mean(axis=(-3, -2, -1))
    return float(np.mean(10 * np.log10(1 / np.maximum(errors, 1e-10))))


# --- moving ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "objects, wanted", [(1, (14.4, 15.9, 20.8)), (2, (11.6, 13.4, 18.2))]
)
def test_moving_fashion_has_the_baselines_of_its_rule(objects, wanted):
    assert FASHION, "install Debian's dataset-fashion-mnist"
    data = zoo.data.open("moving:fashion_mnist", objects=objects)
    x = data.source.columns("test", None)["clip"][np.arange(300)] / 255.0
    past, future = x[:, :5], x[:, 5:]
    mean = x.mean(axis=(0, 1))  # near that of training, as there are 4,800 frames
    scores = (
        psnr(future, past[:, -1:]),
        psnr(future, mean),
        psnr(x[:, 1:-1], (x[:, 2:] + x[:, :-2]) / 2),
    )
    np.testing.assert_allclose(scores, wanted, atol=0.7)


def test_places_follow_the_rule_by_hand():
    u = np.array([[[0.25, 0.0, 0.5, 0.5], [0.0, 0.25, 0.0, 0.0]]])
    # Speed 1.5 to the right, then speed 1 down: up to 18 pixels and back.
    places = moving.paths(u, np.array([18.0, 18.0]), 20)
    first = 0.5 * (18 - 3 * 1.5)
    along = first + 1.5 * np.arange(20)
    np.testing.assert_allclose(
        places[0, 0, :, 1], np.where(along > 18, 36 - along, along)
    )
    np.testing.assert_allclose(places[0, 0, :, 0], 9)
    np.testing.assert_allclose(
        places[0, 1, :, 0], 18 - abs(18 - np.arange(20)), atol=1e-9
    )


@pytest.mark.parametrize("bounce", ["exact", "random"])
def test_objects_stay_inside_and_keep_within_their_speeds(bounce):
    rng = np.random.default_rng(0)
    renew = (lambda step: rng.random((300, 2, 2))) if bounce == "random" else None
    reach = np.array([18.0, 50.0])
    places = moving.paths(rng.random((300, 2, 4)), reach, 64, renew)
    assert np.all((places >= -1e-9) & (places <= reach + 1e-9))
    steps = np.linalg.norm(np.diff(places, axis=2), axis=-1)
    assert steps.max() <= moving.FASTEST + 1e-9
    straight = abs(np.diff(places[:, :, : moving.FREE + 1], n=2, axis=2))
    np.testing.assert_allclose(straight, 0, atol=1e-9)


def test_a_random_bounce_turns_elsewhere_than_a_mirror():
    exact, _ = clips("moving:digits", "train", 20)
    random, _ = clips("moving:digits", "train", 20, bounce="random")
    np.testing.assert_array_equal(exact[:, :4], random[:, :4])
    assert not np.array_equal(exact, random)


def test_clips_do_not_depend_on_their_number_of_frames():
    for bounce in ("exact", "random"):
        short, _ = clips("moving:digits", "test", 9, frames=8, bounce=bounce)
        long, _ = clips("moving:digits", "test", 9, frames=20, bounce=bounce)
        np.testing.assert_array_equal(short, long[:, :8])
        second, _ = clips("moving:digits", "test", 9, frames=10, every=2, bounce=bounce)
        np.testing.assert_array_equal(second, long[:, ::2])


def test_objects_that_overlap_are_the_maximum_of_both():
    objects = np.zeros((1, 2, 2, 2), np.uint8)
    objects[0, 0], objects[0, 1] = 100, 200
    places = np.array([[[[0.0, 0.0]], [[1.4, 0.6]]]])
    frame = moving.clips(objects, places, (4, 4), subpixel=False)[0, 0, ..., 0]
    np.testing.assert_array_equal(
        frame, [[100, 100, 0, 0], [100, 200, 200, 0], [0, 200, 200, 0], [0, 0, 0, 0]]
    )


def test_between_pixels_objects_are_drawn_bilinearly():
    objects = np.full((1, 1, 2, 2), 200, np.uint8)
    places = np.array([[[[1.0, 0.25], [2.0, 2.0]]]])
    frames = moving.clips(objects, places, (4, 4), subpixel=True)[0, ..., 0]
    np.testing.assert_array_equal(frames[0, 1:3], [[150, 200, 50, 0]] * 2)
    np.testing.assert_array_equal(frames[1, 2:], [[0, 0, 200, 200]] * 2)
    clip, _ = clips("moving:digits", "test", 50, subpixel=True)
    mass = clip.sum(axis=(2, 3, 4))
    np.testing.assert_allclose(mass / mass[:, :1], 1, atol=0.01)


def test_labels_tell_class_and_the_direction_that_is_seen():
    x, both = clips("moving:digits", "test", 300, label="both", subpixel=True)
    _, classes = clips("moving:digits", "test", 300)
    _, turns = clips("moving:digits", "test", 300, label="direction")
    np.testing.assert_array_equal(both, classes * 8 + turns)
    info = zoo.data.info("moving:digits", label="both")
    assert info.num_classes == 80 and info.class_names[41] == "5 down right"
    places = np.arange(32)
    right = (x.sum((2, 4)) * places).sum(-1) / x.sum((2, 3, 4))
    down = (x.sum((3, 4)) * places).sum(-1) / x.sum((2, 3, 4))
    angle = np.arctan2(down[:, 2] - down[:, 0], right[:, 2] - right[:, 0])
    seen = np.rint(angle / (2 * np.pi) * 8).astype(int) % 8
    assert np.mean(seen == turns) > 0.98


def test_test_clips_show_test_pictures_and_training_clips_do_not():
    source = zoo.data.open("moving:digits").source
    numbers = np.random.default_rng(0).random((10_000, 2))
    chosen = source.choices("train+validation", numbers)
    assert chosen[:9000].max() == 1349 and chosen[9000:].min() == 1350
    assert chosen[9000:].max() == 1499
    assert source.choices("test", numbers).max() == 296


@pytest.mark.parametrize("name", ["moving:digits", "stacked:digits"])
@pytest.mark.parametrize("has_tf_data", [True, False])
def test_an_example_is_a_function_of_seed_and_index(name, has_tf_data, monkeypatch):
    monkeypatch.setattr(backend, "HAS_TF_DATA", has_tf_data)
    data = zoo.data.open(name)
    field = next(iter(data.info.fields))
    columns = data.source.columns("train", None)
    for batch_size in (32, 50):
        pictures, labels = next(iter(data.batches(batch_size=batch_size, seed=5)))
        rows = zoo.data.order(data.info.num_examples["train"], 5, 0)[:batch_size]
        np.testing.assert_array_equal(pictures, columns[field][rows])
        np.testing.assert_array_equal(labels, columns["label"][rows])
    other = zoo.data.open(name, drawn_from=1).source.columns("train", None)
    assert not np.array_equal(other[field][rows], columns[field][rows])
    whole = zoo.data.open(name).source.columns("train+validation", None)
    np.testing.assert_array_equal(whole[field][rows], columns[field][rows])


def test_the_first_examples_never_change():
    _, labels = clips("moving:digits", "train", 6)
    assert labels.tolist() == [5, 6, 7, 2, 8, 1]
    stacked = zoo.data.open("stacked:digits").source.labels("test")
    assert stacked[:5].tolist() == [515, 518, 200, 432, 350]


def test_a_chosen_class_leaves_the_others_out():
    data = zoo.data.open("moving:digits", classes=("7",), frames=4)
    assert data.info.class_names == ("7",)
    whole = zoo.data.open("moving:digits", frames=4).source.columns("test", None)
    seven = data.arrays("test")["clip"]
    np.testing.assert_array_equal(
        seven, whole["clip"][np.flatnonzero(whole["label"] == 7)]
    )


def test_mirroring_is_refused_where_labels_tell_left_from_right():
    with pytest.raises(ValueError, match="left from right.*flip=True"):
        zoo.data.load("moving:digits", flip=True, label="direction")


@pytest.mark.parametrize(
    "name, options, way",
    [
        ("moving:", {}, "wants the name of a set"),
        ("moving:digit", {}, "did you mean 'digits'"),
        ("moving:cifar10", {}, "digits, fashion_mnist, mnist"),
        ("stacked", {}, "wants the name of a set"),
        ("captioned:digits", {}, "fashion_mnist"),
        ("moving:digits", {"frames": 1}, "2 to 128"),
        ("moving:digits", {"frames": 1000}, "2 to 128"),
        ("moving:digits", {"every": 0}, "1 to 128"),
        ("moving:digits", {"label": "way"}, "class, direction, both"),
        ("moving:digits", {"image_size": 16}, "sides of 25 pixels"),
        ("stacked:digits", {"frames": 4}, "drawn_from"),
    ],
)
def test_words_that_mean_nothing_are_refused(name, options, way):
    with pytest.raises(ValueError, match=way):
        zoo.data.open(name, **options)


@pytest.mark.parametrize(
    "name, options",
    [
        ("moving:digits", {"frames": 1}),
        ("moving:digits", {"every": 0}),
        ("scenes", {"drawn_from": -1}),
        ("stacked:digits", {"drawn_from": 1.5}),
    ],
)
def test_numbers_of_no_use_are_told_before_the_set_is_opened(name, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be.*Received: "):
        zoo.data.require(name, **options)


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("scene", "scenes"),
        ("scenes:heldout", "scenes:held_out"),
        ("moving_digits", "moving:digits"),
        ("stackd:digits", "stacked:digits"),
        ("captionned:fashion_mnist", "captioned:fashion_mnist"),
        ("pair:photos/mine", "pairs:photos/mine"),
    ],
)
def test_sets_by_rule_are_meant_by_names_like_theirs(typed, meant):
    with pytest.raises(ValueError) as caught:
        zoo.data.require(typed)
    message = str(caught.value)
    assert f"did you mean '{meant}'" in message and message.endswith(".")
    for each in ("scenes", "moving:digits", "stacked:digits", "captions:PATH"):
        assert each in message or "held_out" in meant


def test_records_hold_clips(tmp_path):
    folder = tmp_path / "records"
    chosen = {"classes": ("3",), "frames": 2}
    zoo.data.write_records("moving:digits", folder, **chosen)
    written = zoo.data.open(f"records:{folder}").arrays("test")["clip"]
    drawn = zoo.data.open("moving:digits", **chosen).arrays("test")["clip"]
    np.testing.assert_array_equal(written, drawn)


# --- stacked --------------------------------------------------------------------------


def test_stacked_digits_spell_their_label_in_three_colours():
    data = zoo.data.open("stacked:digits")
    assert data.info.class_names[7] == "007" and data.info.num_classes == 1000
    columns = data.source.columns("test", None)
    images = columns["image"][np.arange(50)]
    assert images.shape == (50, 28, 28, 3)
    digits, classes = zoo.data.arrays("digits", "test")
    of = {picture.tobytes(): label for picture, label in zip(digits, classes)}
    for image, label in zip(images, columns["label"]):
        spelt = [of[image[..., c : c + 1].tobytes()] for c in range(3)]
        assert f"{label:03d}" == "".join(map(str, spelt))


def test_stacked_digits_hold_all_thousand_classes():
    assert (
        len(np.unique(zoo.data.open("stacked:digits").source.labels("train"))) == 1000
    )


# --- captioned ------------------------------------------------------------------------


def test_captions_tell_class_tone_and_width_of_the_pixels():
    images = np.zeros((3, 28, 28, 1), np.uint8)
    images[0, 4:24, 9:13], images[1, 4:24, 5:24], images[2, 4:24, 6:22] = 90, 250, 170
    texts = captioned.captions(images, np.array([3, 0, 9]))
    assert texts[0] == (
        "a dark, narrow dress",
        "a picture of a dark, narrow dress",
        "this is a dark and narrow dress",
        "a dress, dark and narrow",
    )
    assert texts[1][0] == "a bright, wide T-shirt"
    assert texts[2][:2] == ("a narrow ankle boot", "a picture of a narrow ankle boot")
    assert texts[2][3] == "an ankle boot, narrow"


def test_each_word_is_true_of_about_a_third_of_fashion_mnist():
    assert FASHION, "install Debian's dataset-fashion-mnist"
    columns = zoo.data.open("captioned:fashion_mnist").arrays("test")
    assert {*columns} == {"image", "label", "caption"}
    texts = np.array([row[0] for row in columns["caption"]])
    for word in ("dark", "bright", "narrow", "wide"):
        assert 0.27 < np.char.count(texts, word).mean() < 0.4
    for label, thing in enumerate(captioned.THINGS):
        assert all(
            text.endswith(f" {thing}") for text in texts[columns["label"] == label]
        )


def test_captions_stay_when_pictures_are_resized():
    assert FASHION, "install Debian's dataset-fashion-mnist"
    small = zoo.data.open("captioned:fashion_mnist", image_size=14).source
    columns = small.columns("test", (14, 14))
    assert columns["image"].shape == (10_000, 14, 14, 1)
    assert columns["caption"][0] == (
        "a dark, wide coat",
        "a picture of a dark, wide coat",
        "this is a dark and wide coat",
        "a coat, dark and wide",
    )
