"""Tests sets that hold more than images and labels: captions, pairs, domains and
clips."""

import json
import pathlib
import shutil

import numpy as np
import pytest

import zoo.data
from zoo import backend
from zoo.data import shuffling, source, sources

RECORDS_1 = pathlib.Path(__file__).parent / "records-1"  # records that format 1 wrote
COUNTS = {"train": 37, "validation": 5, "test": 6}


class Memory(source.Source):
    """A source of fields in memory, whose rows a test chooses."""

    options = {
        "tone": source.Option("dark", "How light the pictures are.", ("dark", "light")),
        "shift": source.Option(0, "Added to all pixels."),
    }

    def __init__(self, path, tone, shift):
        self.name = f"memory:{path}"
        columns = SETS[path]
        self.domains = ("image", "source") if path == "domains" else ()
        self.class_names = ("a", "b", "c") if "label" in columns else None
        self.image_shape = columns.get("image", columns.get("clip")).shape[1:]
        self._shift, self._columns = shift, columns
        self._rows = {"train": (0, 37), "validation": (37, 42), "test": (42, 48)}
        self._rows["train+validation"] = (0, 42)
        self.num_examples = {split: stop - i for split, (i, stop) in self._rows.items()}
        if self.domains:
            self.num_examples = {
                split: {field: len(self._part(field, split)) for field in self.domains}
                for split in self._rows
            }

    def fields(self):
        return {
            field: None if field == "caption" else np.shape(column)[1:]
            for field, column in self._columns.items()
        }

    def read(self, split, image_size):
        return {field: self._part(field, split) for field in self._columns}

    def _part(self, field, split):
        column = self._columns[field]
        if self.domains and field == "source":  # 10 rows for training, then 4 and 3
            rows = {"train": (0, 10), "validation": (10, 14), "test": (14, 17)}
            start, stop = rows.get(split, (0, 14))
        else:
            start, stop = self._rows[split]
        part = column[start:stop]
        return part + np.uint8(self._shift) if field in ("image", "clip") else part


def pictures(count, *shape, seed=0):
    """Returns noise whose first pixel is the number of the row."""
    noise = np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)
    noise.reshape(count, -1)[:, 0] = np.arange(count)
    return noise


LABELS = (np.arange(48) % 3).astype(np.int32)
SETS = {
    "captions": {
        "image": pictures(48, 8, 9, 3),
        "label": LABELS,
        "caption": [
            [f"{row} of {k}, ü字" for k in range(row % 4 + 1)] for row in range(48)
        ],
    },
    "one caption": {
        "image": pictures(48, 8, 8, 1),
        "caption": [f"picture {row}" for row in range(48)],
    },
    "pairs": {
        "image": pictures(48, 16, 16, 3),
        "source": pictures(48, 8, 8, 1, seed=1),
        "label": LABELS,
    },
    "domains": {
        "image": pictures(48, 8, 8, 3),
        "source": pictures(17, 8, 8, 3, seed=1),
    },
    "clips": {"clip": pictures(48, 5, 8, 9, 1), "label": LABELS},
    "torn": {"image": pictures(48, 8, 8, 1), "source": pictures(40, 8, 8, 1)},
    "no text": {"image": pictures(48, 8, 8, 1), "caption": [["a"]] * 36 + [[3]] * 12},
    "no caption": {"image": pictures(48, 8, 8, 1), "caption": [[]] * 48},
    "half a pair": {"image": pictures(48, 8, 8, 1), "caption": ["\ud800"] * 48},
    "one frame": {"clip": pictures(48, 1, 8, 8, 1)},
    "long": {"clip": pictures(48, 129, 8, 8, 1)},
    "small source": {
        "image": pictures(48, 8, 8, 1),
        "source": pictures(48, 4, 4, 1),
    },
}
FIELDS = {  # {set without faults: what its batches hold}
    "captions": ("caption", "image", "label"),
    "one caption": ("image", "caption"),
    "pairs": ("source", "image"),
    "domains": ("source", "image"),
    "clips": ("clip", "label"),
}
every_set = pytest.mark.parametrize("kind", FIELDS)


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """Registers the kind of set that these tests bring along."""
    monkeypatch.setitem(sources.BY_PATH, "memory", Memory)


@pytest.fixture(params=["tf.data", "PyDataset"])
def pipeline(request, monkeypatch):
    """Makes `load` return what it does on TensorFlow, then on Keras' other backends."""
    monkeypatch.setattr(backend, "HAS_TF_DATA", request.param == "tf.data")


def epoch(batches):
    """Returns all rows of one epoch, one column per part of a batch; captions are
    str."""
    if hasattr(batches, "as_numpy_iterator"):
        batches = batches.as_numpy_iterator()
    parts = [batch if isinstance(batch, tuple) else (batch,) for batch in batches]
    return [
        [each.decode() if isinstance(each, bytes) else each for each in column]
        if column.dtype == object
        else column
        for column in map(np.concatenate, zip(*parts, strict=True))
    ]


def refusal(call, *arguments, **options):
    """Returns the message with which a call is refused, checked to be one clear
    sentence."""
    with pytest.raises(ValueError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "Received: " in message and message.endswith(".") and "\n" not in message
    return message


# --- opened once ----------------------------------------------------------------------


def test_an_opened_set_is_what_the_functions_are_made_of():
    where = {"classes": (3, 1), "image_size": 8}
    opened = zoo.data.open("digits", **where)
    assert opened.info == zoo.data.info("digits", **where)
    images, labels = zoo.data.arrays("digits", "test", **where)
    columns = opened.arrays("test")
    assert list(columns) == ["image", "label"]
    np.testing.assert_array_equal(columns["image"], images)
    np.testing.assert_array_equal(columns["label"], labels)
    here = epoch(opened.batches("train", batch_size=50, seed=3, flip=True))
    there = epoch(zoo.data.load("digits", batch_size=50, seed=3, flip=True, **where))
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a, b)


def test_info_tells_the_fields_and_can_be_written_as_before():
    info = zoo.data.info("digits")
    assert info.fields == {"image": (28, 28, 1), "label": ()}
    plain = zoo.data.Info("x", (8, 8, 3), None, None, {"train": 1})
    assert plain.fields == {"image": (8, 8, 3)}
    assert zoo.data.info("memory:captions").fields == {
        "image": (8, 9, 3),
        "label": (),
        "caption": None,
    }
    clips = zoo.data.info("memory:clips")
    assert clips.image_shape == (5, 8, 9, 1) and clips.num_examples == COUNTS
    assert zoo.data.info("memory:pairs").fields["source"] == (8, 8, 1)


def test_options_are_those_of_the_source_and_are_kept():
    opened = zoo.data.open("memory:captions", shift=5)
    assert opened.options == {"shift": 5}
    plain = zoo.data.open("memory:captions")
    assert plain.options == {}
    shifted = opened.arrays("test")["image"]
    np.testing.assert_array_equal(shifted, plain.arrays("test")["image"] + np.uint8(5))
    assert "'shift'" in refusal(zoo.data.open, "memory:captions", shfit=5)
    assert "dark, light" in refusal(zoo.data.load, "memory:captions", tone="drak")
    for name in ("digits", "npz:none.npz", "fashion_mnist"):
        assert "are none" in refusal(zoo.data.arrays, name, shift=5)


# --- fields of arrays and batches -----------------------------------------------------


def test_arrays_hold_every_field_and_captions_as_tuples():
    columns = zoo.data.open("memory:captions").arrays("test")
    assert list(columns) == ["image", "label", "caption"]
    assert columns["caption"].tolist() == [
        *map(tuple, SETS["captions"]["caption"][42:])
    ]
    one = zoo.data.open("memory:one caption").arrays("test")
    assert one["caption"][0] == ("picture 42",) and "label" not in one
    clips, labels = zoo.data.arrays("memory:clips", "validation")
    assert clips.shape == (5, 5, 8, 9, 1) and len(labels) == 5


@every_set
def test_batches_are_tuples_in_the_order_of_the_fields(kind, pipeline):
    fields = FIELDS[kind]
    columns = zoo.data.open(f"memory:{kind}").arrays()
    batches = zoo.data.load(f"memory:{kind}", batch_size=8, seed=4, fields=fields)
    for number in range(2):
        parts = dict(zip(fields, epoch(batches), strict=True))
        for field, part in parts.items():
            column = columns[field]
            domain = int(kind == "domains" and field == "source")
            rows = shuffling.rounds(37, len(column), 4, number, domain)
            if field == "caption":
                drawn = shuffling.captions([*map(len, column)], 4, number)
                assert part == [column[row][drawn[row]] for row in rows]
            else:
                np.testing.assert_array_equal(part, column[rows])


@every_set
def test_a_run_that_is_resumed_meets_the_same_rows(kind, pipeline):
    how = {"batch_size": 7, "seed": 9, "flip": True, "fields": FIELDS[kind]}
    batches = zoo.data.load(f"memory:{kind}", **how)
    epochs = [epoch(batches) for _ in range(3)]
    resumed = epoch(zoo.data.load(f"memory:{kind}", start_epoch=2, **how))
    for a, b in zip(epochs[2], resumed, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(epochs[1], resumed))


def test_tf_data_tells_the_spec_of_every_field():
    batches = zoo.data.load(
        "memory:captions", batch_size=8, fields=FIELDS["captions"], drop_remainder=True
    )
    caption, image, label = batches.element_spec
    assert caption.dtype == "string" and caption.shape.as_list() == [8]
    assert image.dtype == "uint8" and image.shape.as_list() == [8, 8, 9, 3]
    assert label.dtype == "int32" and label.shape.as_list() == [8]
    clips = zoo.data.load("memory:clips", batch_size=8, labels=False)
    assert clips.element_spec.shape.as_list() == [None, 5, 8, 9, 1]


def test_the_default_is_the_image_or_clip_and_its_label(pipeline):
    images, labels = next(iter(zoo.data.load("memory:pairs", batch_size=4)))
    assert images.shape == (4, 16, 16, 3) and labels.shape == (4,)
    clips, labels = next(iter(zoo.data.load("memory:clips", batch_size=4)))
    assert clips.shape == (4, 5, 8, 9, 1) and labels.shape == (4,)
    images = next(iter(zoo.data.load("memory:one caption", batch_size=4)))
    assert images.shape == (4, 8, 8, 1)


def test_a_label_that_the_set_lacks_is_left_out(pipeline):
    fields = ("image", "caption", "label")
    batch = next(iter(zoo.data.load("memory:one caption", fields=fields, batch_size=4)))
    assert len(batch) == 2
    batch = next(iter(zoo.data.load("memory:pairs", batch_size=4, fields=("source",))))
    assert batch.shape == (4, 8, 8, 1)


def test_wrong_fields_are_named_with_those_that_there_are():
    message = refusal(zoo.data.load, "digits", fields=("source", "image"))
    assert "no source" in message and "image, label" in message
    assert "'caption'" in refusal(zoo.data.load, "digits", fields=("captoin",))
    for fields in ((), ("image", "image"), ("label",)):
        refusal(zoo.data.load, "memory:one caption", fields=fields)


# --- captions -------------------------------------------------------------------------


def test_a_caption_is_drawn_by_seed_epoch_and_row_alone(pipeline):
    def drawn(**how):
        fields = ("image", "caption")
        batches = zoo.data.load("memory:captions", fields=fields, **how)
        images, texts = epoch(batches)
        return dict(zip(images[:, 0, 0, 0].tolist(), texts))

    wanted = drawn(seed=2, batch_size=8)
    assert wanted == drawn(seed=2, batch_size=37, shuffle=False)
    assert wanted != drawn(seed=3, batch_size=8)
    assert wanted != drawn(seed=2, batch_size=8, start_epoch=1)


def test_draws_of_captions_never_change_between_releases():
    drawn = shuffling.captions([1, 2, 3, 4, 5, 6, 7, 8], seed=3, epoch=5)
    assert drawn.tolist() == [0, 1, 1, 0, 1, 3, 3, 0]
    many = shuffling.captions(np.full(6000, 5), 0, 0)
    assert np.bincount(many).min() > 1100


def test_captions_of_what_is_not_trained_on_stay_the_same(pipeline):
    fields = ("caption",)
    batches = zoo.data.load("memory:captions", "test", fields=fields)
    epochs = [epoch(batches)[0] for _ in range(4)]
    assert all(texts == epochs[0] for texts in epochs)


@pytest.mark.parametrize("kind", ["no text", "no caption", "half a pair"])
def test_captions_that_are_no_texts_are_refused(kind):
    message = refusal(zoo.data.open(f"memory:{kind}").arrays, "test")
    assert "caption" in message and "in row 0" in message


# --- pairs and domains ----------------------------------------------------------------


def test_pairs_must_agree_in_number():
    message = refusal(zoo.data.open("memory:torn").arrays, "test")
    assert "6 of image" in message and "0 of source" in message


def test_a_field_is_flipped_as_the_others_of_its_row(pipeline):
    columns = zoo.data.open("memory:pairs").arrays()
    how = {"batch_size": 37, "flip": True, "shuffle": False, "seed": 1}
    parts = epoch(zoo.data.load("memory:pairs", fields=("image", "source"), **how))
    turned = zoo.data.flips(37, 1, 0)
    assert 8 < turned.sum() < 29
    for field, seen in zip(("image", "source"), parts):
        for row in range(37):
            column = columns[field][row]
            wanted = column[:, ::-1] if turned[row] else column
            np.testing.assert_array_equal(seen[row], wanted)


def test_clips_are_mirrored_in_their_width(pipeline):
    clips, _ = zoo.data.arrays("memory:clips")
    how = {"batch_size": 37, "flip": True, "shuffle": False, "labels": False}
    (seen,) = epoch(zoo.data.load("memory:clips", **how))
    for row, turned in enumerate(zoo.data.flips(37, 0, 0)):
        wanted = clips[row][:, :, ::-1] if turned else clips[row]
        np.testing.assert_array_equal(seen[row], wanted)


def test_domains_have_numbers_and_orders_of_their_own(pipeline):
    info = zoo.data.info("memory:domains")
    assert info.num_examples == {
        "train": {"image": 37, "source": 10},
        "validation": {"image": 5, "source": 4},
        "test": {"image": 6, "source": 3},
    }
    batches = zoo.data.load("memory:domains", batch_size=8, fields=("source", "image"))
    orders = []
    for number in range(2):
        seen = [part.reshape(len(part), -1)[:, 0] for part in epoch(batches)]
        assert sorted(seen[1]) == list(range(37))
        for start in (0, 10, 20):  # each time the domain starts again, in a new order
            assert sorted(seen[0][start : start + 10]) == list(range(10))
        assert not np.array_equal(seen[0][:10], seen[0][10:20])
        np.testing.assert_array_equal(seen[1], zoo.data.order(37, 0, number))
        orders.append(seen[0].tolist())
    assert orders[0] != orders[1]
    test = epoch(zoo.data.load("memory:domains", "test", fields=("source",)))[0]
    assert len(test) == 3  # a field that is asked for alone has its own epoch


def test_orders_and_flips_of_two_domains_are_independent():
    for draw in (zoo.data.order, zoo.data.flips):
        first, second = (draw(1000, 3, 5, domain) for domain in (0, 1))
        np.testing.assert_array_equal(first, draw(1000, 3, 5))
        assert 0.4 < (first == second).mean() < 0.6 or (first == second).mean() < 0.01


def test_a_batch_may_be_as_large_as_the_larger_domain():
    fields = ("source", "image")
    zoo.data.load("memory:domains", batch_size=37, fields=fields)
    assert "37" in refusal(
        zoo.data.load, "memory:domains", batch_size=38, fields=fields
    )


def test_classes_are_chosen_in_every_field(pipeline):
    opened = zoo.data.open("memory:captions", classes=("c", "a"))
    images, captions, labels = epoch(
        opened.batches("test", fields=("image", "caption", "label"))
    )
    rows = [row for row in range(42, 48) if row % 3 != 1]
    np.testing.assert_array_equal(images, SETS["captions"]["image"][rows])
    assert labels.tolist() == [0 if row % 3 == 2 else 1 for row in rows]
    for row, text in zip(rows, captions):
        assert text in SETS["captions"]["caption"][row]
    assert opened.info.num_examples["test"] == len(rows)


# --- shapes ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["one frame", "long", "small source"])
def test_shapes_that_no_model_takes_are_refused(kind):
    refusal(zoo.data.open, f"memory:{kind}")


# --- records --------------------------------------------------------------------------


@every_set
@pytest.mark.parametrize("on_disk", [False, True])
def test_records_hold_every_field(kind, on_disk, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    info, files = zoo.data.write_records(f"memory:{kind}", folder, shards=3)
    assert files["train"] == (6 if kind == "domains" else 3)
    name = f"records:{folder}"
    written = zoo.data.info(name)
    assert written.fields == info.fields and written.num_examples == info.num_examples
    assert json.loads((folder / "records.json").read_text())["format"] == 2
    if on_disk:
        monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    for split in ("train", "train+validation", "test"):
        here = zoo.data.open(name).arrays(split)
        there = zoo.data.open(f"memory:{kind}").arrays(split)
        assert set(here) == set(there)
        for field, column in here.items():
            np.testing.assert_array_equal(column, there[field])
    how = {"batch_size": 8, "seed": 3, "flip": True, "fields": FIELDS[kind]}
    here = zoo.data.load(name, start_epoch=1, **how)
    there = zoo.data.load(f"memory:{kind}", start_epoch=1, **how)
    for _ in range(2):
        for a, b in zip(epoch(here), epoch(there), strict=True):
            np.testing.assert_array_equal(a, b)


def test_records_of_fields_are_records_that_tensorflow_reads(tmp_path):
    import tensorflow as tf

    zoo.data.write_records("memory:captions", tmp_path / "captions", shards=1)
    zoo.data.write_records("memory:clips", tmp_path / "clips", shards=1)
    features = {
        "caption": tf.io.VarLenFeature(tf.string),
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
    }
    files = [str(file) for file in (tmp_path / "captions").glob("train-*.tfrecord")]
    for row, record in enumerate(tf.data.TFRecordDataset(files)):
        example = tf.io.parse_single_example(record, features)
        texts = [text.decode() for text in example["caption"].values.numpy()]
        assert texts == SETS["captions"]["caption"][row]
        image = tf.io.decode_png(example["image/encoded"])
        np.testing.assert_array_equal(image, SETS["captions"]["image"][row])
    files = [str(file) for file in (tmp_path / "clips").glob("train-*.tfrecord")]
    features = {"clip/encoded": tf.io.FixedLenFeature([], tf.string)}
    record = next(iter(tf.data.TFRecordDataset(files)))
    example = tf.io.parse_single_example(record, features)
    frames = tf.io.decode_png(example["clip/encoded"]).numpy()
    np.testing.assert_array_equal(frames.reshape(5, 8, 9, 1), SETS["clips"]["clip"][0])


@pytest.mark.parametrize("damage", ["lost", "short", "no text", "no json"])
def test_damaged_captions_of_records_are_one_sentence(damage, tmp_path):
    zoo.data.write_records("memory:captions", tmp_path / "set")
    file = tmp_path / "set" / "train.jsonl"
    lines = file.read_text("utf-8").split("\n")
    file.unlink()
    if damage == "short":
        file.write_text("\n".join(lines[5:]), "utf-8")
    elif damage == "no text":
        file.write_text("\n".join(["[3]", *lines[1:]]), "utf-8")
    elif damage == "no json":
        file.write_text("\n".join(["{", *lines[1:]]), "utf-8")
    assert "experiments.prepare" in refusal(
        zoo.data.info, f"records:{tmp_path / 'set'}"
    )


def test_records_of_format_1_are_read():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 40, (20, 8, 9, 3), np.uint8)  # cut by content, as npz:
    info = zoo.data.info(f"records:{RECORDS_1}")
    assert info.num_examples == {"train": 17, "validation": 1, "test": 2}
    assert info.fields == {"image": (8, 9, 3), "label": ()}
    seen = {}
    for split in ("train+validation", "test"):
        columns = zoo.data.open(f"records:{RECORDS_1}").arrays(split)
        seen |= {bytes(x): y for x, y in zip(columns["image"], columns["label"])}
    assert seen == {bytes(x): row % 3 for row, x in enumerate(images)}


def test_a_damaged_description_of_fields_is_one_sentence(tmp_path):
    shutil.copytree(RECORDS_1, tmp_path / "set")
    file = tmp_path / "set" / "records.json"
    description = json.loads(file.read_text()) | {"format": 2, "domains": []}
    for fields in (
        *(None, 3, {}, {"label": []}, {"image": [8, 9]}, {"image": None, "label": []}),
        *({"image": [8, 9, 3]}, {"image": [8, 9, 3], "label": [], "sound": [4]}),
        {"image": [8, 9, 3], "label": [], "source": [8, 9, 3]},
    ):
        file.write_text(json.dumps(description | {"fields": fields}))
        refusal(zoo.data.info, f"records:{tmp_path / 'set'}")
