"""Tests the scenes that are drawn by rule, and the check of their captions."""

import numpy as np
import pytest
from scipy import ndimage

import zoo.data
from zoo import backend
from zoo.data import scenes, sources
from zoo.data.scenes import words
from zoo.inputs import pixels


@pytest.fixture(scope="module")
def test_set():
    columns = zoo.data.open("scenes").source.columns("test", None)
    return columns | {"image": columns["image"][np.arange(500)]}


def passed(verdicts):
    return [verdict.passed for verdict in verdicts]


def caption(columns, row):
    """One of a row's captions, another phrasing at each row."""
    texts = columns["caption"][row]
    return texts[row % len(texts)]


def test_the_set_has_its_splits_fields_and_sizes(test_set):
    info = zoo.data.info("scenes")
    assert info.num_examples == {"train": 9000, "validation": 1000, "test": 2000}
    assert info.fields == {"image": (64, 64, 3), "caption": None}
    one, two = (
        zoo.data.open("scenes", objects=number).source.columns("test", None)
        for number in (1, 2)
    )
    assert all(len(scenes.parse(texts[0]).things) == 1 for texts in one["caption"])
    assert all(len(scenes.parse(texts[0]).things) == 2 for texts in two["caption"])
    shapes = [scenes.parse(texts[0]).things[0].shape for texts in one["caption"]]
    assert [scenes.SHAPES[label] for label in one["label"]] == shapes


def test_all_real_pictures_show_what_their_captions_say(test_set):
    pairs = [(test_set["image"][i], caption(test_set, i)) for i in range(500)]
    assert all(passed(scenes.check(*pair) for pair in pairs))
    floats = pixels.to_float(test_set["image"][:20])
    assert all(
        passed(scenes.check(x, caption(test_set, i)) for i, x in enumerate(floats))
    )


def test_captions_of_other_scenes_are_refused(test_set):
    for row in range(200):
        image, other = test_set["image"][row], caption(test_set, row + 1)
        truth = scenes.parse(caption(test_set, row))
        is_same = _canonical(scenes.parse(other)) == _canonical(truth)
        assert scenes.check(image, other).passed == is_same


def _canonical(scene):
    """A scene in one order of its things."""
    if scene.side in ("right", "below"):
        return scene.things[::-1], words.OPPOSITES[scene.side]
    return scene.things, scene.side


def test_blurred_and_noisy_pictures_still_pass(test_set):
    rng = np.random.default_rng(0)
    verdicts = []
    for row in range(200):
        blurred = ndimage.gaussian_filter(test_set["image"][row] / 255, (1, 1, 0))
        noisy = blurred + rng.normal(0, 0.05, blurred.shape)
        image = np.clip(2 * noisy - 1, -1, 1)
        verdicts.append(scenes.check(image, caption(test_set, row)))
    assert np.mean(passed(verdicts)) >= 0.97


@pytest.mark.parametrize(
    "wrong, score",
    [
        ("a small red circle left of a big green star", "colour"),
        ("a small red circle left of a big blue heart", "shape"),
        ("a big red circle left of a big blue star", "size"),
        ("a small red circle above a big blue star", "side"),
        ("a small red circle right of a big blue star", "side"),
        ("a small red circle", "count"),
    ],
)
def test_a_verdict_says_what_is_wrong(wrong, score):
    row, right = _find("a small red circle left of a big blue star")
    assert scenes.check(row, right).scores() == dict.fromkeys(
        ("count", "colour", "shape", "size", "side"), 1
    )
    scores = scenes.check(row, wrong).scores()
    assert scores.pop(score) == (0 if score in ("side", "count") else 0.5)
    assert set(scores.values()) == {1}


def _find(text):
    """A picture drawn for a caption, whose numbers are written down by hand."""
    circle = [0, 0, 0, 0, 0, 0, 0.25, 0.5, 0.12]
    star = [1, 4, 3, 0, 0, 0, 0.7, 0.5, 0.2]
    numbers = np.array([[0, 0, *circle, *star]], float)
    assert text in sources.scenes.captions(numbers[0])
    return sources.scenes.pictures(numbers, (64, 64))[0], text


def test_an_empty_picture_shows_nothing():
    empty = np.full((64, 64, 3), 200, np.uint8)
    verdict = scenes.check(empty, "a small red circle")
    assert verdict.scores() == {"count": 0, "colour": 0, "shape": 0, "size": 0}
    assert verdict.seen == ()


def test_each_phrasing_is_read_as_the_scene_that_it_tells(test_set):
    for texts in test_set["caption"][:200]:
        assert len(set(texts)) == len(texts) >= 4
        assert len({_canonical(scenes.parse(text)) for text in texts}) == 1
    spoken = scenes.parse(
        "The little red circle is to the left of the large blue star."
    )
    assert spoken == scenes.parse("a small red circle left of a big blue star")


@pytest.mark.parametrize(
    "text, way",
    [
        ("a small red cirle", "circle"),
        ("a small red circle left of", "left of a big blue square"),
        ("a small red circle and a big blue star", "'and' is no word of theirs"),
        ("", "Received: ''"),
        (None, "Received: None"),
    ],
)
def test_what_is_no_caption_of_a_scene_is_refused(text, way):
    with pytest.raises(ValueError, match=way):
        scenes.parse(text)


@pytest.mark.parametrize(
    "image", [np.zeros((64, 64, 1)), np.full((64, 64, 3), np.nan), np.ones((9, 9, 3))]
)
def test_what_is_no_picture_of_a_scene_is_refused(image):
    with pytest.raises(ValueError, match="Received: "):
        scenes.check(image, "a small red circle")


def test_held_out_pairs_are_apart_in_training_and_together_in_their_test():
    def pairs(name, split):
        texts = zoo.data.open(name).source.columns(split, None)["caption"]
        things = [thing for each in texts for thing in scenes.parse(each[0]).things]
        return {(thing.colour, thing.shape) for thing in things}

    seen = pairs("scenes", "train+validation")
    unseen = pairs("scenes:held_out", "test")
    assert len(seen) == 30 and pairs("scenes", "test") == seen
    assert len(unseen) == 6 and not seen & unseen
    for words_of in zip(*unseen):
        assert len(set(words_of)) == 6
    assert pairs("scenes:held_out", "train") == seen


def test_things_are_inside_and_never_touch():
    plans = sources.scenes.plans(2000, 0, "train", 2)[
        :, sources.scenes.THINGS :
    ].reshape(-1, 2, 9)
    centre, radius = (
        plans[..., sources.scenes.PLACE : sources.scenes.PLACE + 2],
        plans[..., -1:],
    )
    assert np.all((centre - radius > 0.029) & (centre + radius < 0.971))
    apart = abs(centre[:, 0] - centre[:, 1]) - radius.sum(1)
    assert np.all(apart.max(axis=1) >= sources.scenes.GAP - 1e-9)


@pytest.mark.parametrize("has_tf_data", [True, False])
@pytest.mark.parametrize("batch_size", [64, 100])
def test_batches_hold_the_rows_of_the_epoch(has_tf_data, batch_size, monkeypatch):
    monkeypatch.setattr(backend, "HAS_TF_DATA", has_tf_data)
    data = zoo.data.open("scenes")
    batches = data.batches(batch_size=batch_size, seed=3, fields=("image", "caption"))
    images, texts = next(iter(batches))
    rows = zoo.data.order(9000, seed=3, epoch=0)[:batch_size]
    columns = data.source.columns("train", None)
    np.testing.assert_array_equal(images, columns["image"][rows])
    for text, row in zip(np.asarray(texts), rows):
        text = text.decode() if isinstance(text, bytes) else text
        assert text in columns["caption"][row]


def test_a_picture_is_a_function_of_seed_and_index():
    columns = zoo.data.open("scenes").source.columns("train", None)
    column, rows = columns["image"], np.array([7, 8_000, 3])
    np.testing.assert_array_equal(column[rows], column[rows[::-1]][::-1])
    np.testing.assert_array_equal(column[rows[:1]][0], column[rows][0])
    whole = zoo.data.open("scenes").source.columns("train+validation", None)
    np.testing.assert_array_equal(whole["image"][rows], column[rows])
    other = zoo.data.open("scenes", drawn_from=1).source.columns("train", None)
    assert not np.array_equal(other["image"][rows], column[rows])
    # The first training picture, written down: a change of it changes all results.
    assert columns["caption"][0][0] == "a small green square left of a small red square"


def test_the_size_is_drawn_not_resized():
    source = zoo.data.open("scenes", image_size=(48, 96)).source
    small, large = (
        source.columns("test", size)["image"][np.arange(8)]
        for size in ((48, 96), (128, 128))
    )
    assert small.shape == (8, 48, 96, 3) and large.shape == (8, 128, 128, 3)
    texts = source.columns("test", None)["caption"]
    for images in (small, large):
        assert all(passed(scenes.check(x, texts[i][0]) for i, x in enumerate(images)))


def test_mirroring_is_refused_because_captions_tell_sides():
    with pytest.raises(ValueError, match="left from right.*flip=True"):
        zoo.data.load("scenes", flip=True)


@pytest.mark.parametrize(
    "name, options, way",
    [
        ("scenes:heldout", {}, "scenes:held_out"),
        ("scenes", {"objects": 3}, "1, 2"),
        ("scenes", {"drawn_from": -1}, "at least 0|0 to"),
        ("scenes", {"object": 1}, "objects"),
    ],
)
def test_words_that_mean_nothing_are_refused(name, options, way):
    with pytest.raises(ValueError, match=way):
        zoo.data.open(name, **options)


def test_records_hold_pictures_and_captions(tmp_path, monkeypatch):
    monkeypatch.setattr(sources.scenes, "NUM_TRAIN", 100)
    monkeypatch.setattr(sources.scenes, "NUM_TEST", 20)
    folder = tmp_path / "records"
    zoo.data.write_records("scenes:held_out", folder, image_size=8)
    written = zoo.data.open(f"records:{folder}").arrays("test")
    drawn = zoo.data.open("scenes:held_out", image_size=8).arrays("test")
    np.testing.assert_array_equal(written["image"], drawn["image"])
    assert written["caption"].tolist() == drawn["caption"].tolist()
    with pytest.raises(ValueError, match="left from right.*flip=True"):
        zoo.data.load(f"records:{folder}", flip=True, batch_size=9)


def test_noise_is_no_scene_and_computes_without_a_warning():
    with np.errstate(all="raise"):
        for seed, blur in ((1, 0.5), (2, 1), (24, 2), (25, 0.5)):
            noise = np.random.default_rng(seed).normal(size=(32, 32, 3))
            noise = ndimage.gaussian_filter(noise, (blur, blur, 0))
            noise = (noise / noise.std() * 60 + 128).clip(0, 255)
            verdict = scenes.check(noise.astype("uint8"), "a small red circle")
            assert not verdict.passed
