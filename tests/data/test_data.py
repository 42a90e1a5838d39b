"""Tests the data room: what it reads, in which order, and what it refuses."""

import io
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from PIL import Image
from refusals import refusal

import zoo.data
from zoo import backend
from zoo.data import resize, source
from zoo.data.sources import building, idx
from zoo.data.sources import npz as npz_source


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Keeps tests from waiting for a network and from reaching a downloader."""
    monkeypatch.setattr(building, "reachable", lambda url: False)


@pytest.fixture(params=["tf.data", "PyDataset"])
def pipeline(request, monkeypatch):
    """Makes `load` return what it does on TensorFlow, then on Keras' other backends."""
    monkeypatch.setattr(backend, "HAS_TF_DATA", request.param == "tf.data")


@pytest.fixture(scope="session")
def fashion_dir(tmp_path_factory):
    """Where tfds has built Fashion-MNIST from Debian's package: 1,000 for training.

    The whole test set, and the checksums of all files, but a sixth of the time.
    """
    from tensorflow_datasets.image_classification import mnist

    assert idx.complete(building.DEBIAN), "install Debian's dataset-fashion-mnist"
    data_dir = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "_TRAIN_EXAMPLES", 1000)
        zoo.data.load("fashion_mnist", "test", data_dir=data_dir)
    return data_dir


@pytest.fixture
def store(tmp_path):
    """Stores examples as a set of tfds called `name`; returns its folder."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def write(name, features, **splits):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={
                split: tf.data.Dataset.from_generator(
                    lambda examples=examples: iter(examples),
                    output_signature={
                        key: tf.TensorSpec(feature.shape, feature.tf_dtype)
                        for key, feature in features.items()
                    },
                )
                for split, examples in splits.items()
            },
            data_dir=tmp_path,
            disable_shuffling=True,
        )
        return tmp_path

    return write


def noise(*shape):
    return np.random.randint(0, 256, shape, dtype=np.uint8)


def save_image(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def collect(batches):
    """Returns all images and labels of one epoch."""
    if hasattr(batches, "as_numpy_iterator"):
        batches = batches.as_numpy_iterator()
    images, labels = zip(*batches, strict=True)
    return np.concatenate(images), np.concatenate(labels)


# --- digits ---------------------------------------------------------------------------


def test_digits_come_in_three_splits_at_28_pixels():
    sizes = {"train": 1350, "validation": 150, "test": 297}
    for split, count in sizes.items():
        images, labels = zoo.data.arrays("digits", split)
        assert images.shape == (count, 28, 28, 1) and images.dtype == np.uint8
        assert labels.shape == (count,) and labels.dtype == np.int32
    assert zoo.data.info("digits").num_examples == sizes


def test_train_and_validation_can_be_read_as_one(tmp_path):
    images = np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8)
    np.savez(tmp_path / "cut.npz", images=images, labels=np.arange(20) % 2)
    np.savez(tmp_path / "made.npz", x_train=images, y_train=np.arange(20) % 2)
    for name in ("digits", f"npz:{tmp_path}/cut.npz", f"npz:{tmp_path}/made.npz"):
        whole = zoo.data.arrays(name, "train+validation")
        parts = [zoo.data.arrays(name, split) for split in ("train", "validation")]
        for one, *both in zip(whole, *parts):
            assert len(one) == sum(map(len, both))
            together = sorted(row.tobytes() for part in both for row in part)
            assert sorted(row.tobytes() for row in one) == together
    batches = zoo.data.load("digits", "train+validation", batch_size=1500)
    seen, _ = next(batches.as_numpy_iterator())
    assert not np.array_equal(seen, zoo.data.arrays("digits", "train+validation")[0])


def test_digits_at_8_pixels_are_the_original_in_file_order():
    from sklearn.datasets import load_digits

    original = load_digits()
    parts = [
        zoo.data.arrays("digits", split, image_size=8)
        for split in ("train", "validation", "test")
    ]
    images = np.concatenate([images for images, _ in parts])
    np.testing.assert_array_equal(images[..., 0], np.rint(original.images * 255 / 16))
    labels = np.concatenate([labels for _, labels in parts])
    np.testing.assert_array_equal(labels, original.target)


# --- the order of an epoch ------------------------------------------------------------


def test_order_is_a_permutation_that_depends_on_seed_and_epoch():
    orders = {(s, e): zoo.data.order(100, s, e) for s in (0, 1) for e in (0, 1)}
    for each in orders.values():
        np.testing.assert_array_equal(np.sort(each), np.arange(100))
    assert len({tuple(each) for each in orders.values()}) == 4
    np.testing.assert_array_equal(orders[1, 0], zoo.data.order(100, 1, 0))


def test_order_never_changes_between_releases():
    assert zoo.data.order(8, seed=3, epoch=5).tolist() == [0, 6, 2, 1, 3, 4, 7, 5]
    flips = zoo.data.flips(8, seed=3, epoch=5)
    assert np.flatnonzero(flips).tolist() == [1, 2, 4, 5]


def test_batches_walk_in_the_order_of_seed_and_epoch(pipeline):
    images, labels = zoo.data.arrays("digits")
    batches = zoo.data.load("digits", batch_size=100, seed=7)
    for epoch in range(3):
        rows = zoo.data.order(len(images), seed=7, epoch=epoch)
        seen, seen_labels = collect(batches)
        np.testing.assert_array_equal(seen, images[rows])
        np.testing.assert_array_equal(seen_labels, labels[rows])


def test_a_limit_takes_the_same_examples_of_all_whatever_the_seed(pipeline):
    opened = zoo.data.open("digits", image_size=8)
    sets = []
    for seed in (0, 5):
        batches = opened.batches("train", 100, seed=seed, limit=300)
        rows = [np.column_stack([np.reshape(x, (len(x), -1)), y]) for x, y in batches]
        sets.append(np.concatenate(rows))
    assert len(sets[0]) == 300 and not (sets[0] == sets[1]).all()
    assert sorted(sets[0].tolist()) == sorted(sets[1].tolist())
    assert np.bincount(sets[0][:, -1].astype(int), minlength=10).min() > 15
    whole = opened.arrays("train")
    known = np.column_stack([whole["image"].reshape(-1, 64), whole["label"]])
    assert {tuple(row) for row in sets[0]} <= {tuple(row) for row in known}


def test_start_epoch_resumes_where_an_earlier_run_stopped(pipeline):
    batches = zoo.data.load("digits", seed=7)
    collect(batches)
    resumed = zoo.data.load("digits", seed=7, start_epoch=1)
    np.testing.assert_array_equal(collect(batches)[1], collect(resumed)[1])


@pytest.mark.parametrize("batch_size", [700, 64])
def test_a_look_at_the_first_batch_does_not_cost_an_epoch(batch_size, pipeline):
    batches = zoo.data.load("digits", batch_size=batch_size)
    for _ in range(3):
        _, labels = next(iter(batches))
    time.sleep(0.1)  # gives the thread that reads ahead time to do so
    np.testing.assert_array_equal(collect(batches)[1][: len(labels)], labels)


def test_parts_of_an_epoch_walk_through_the_same_epochs(pipeline):
    _, labels = zoo.data.arrays("digits")
    orders = [labels[zoo.data.order(1350, 0, epoch)] for epoch in range(3)]
    batches = zoo.data.load("digits", batch_size=100)
    np.testing.assert_array_equal(collect(batches.take(3))[1], orders[0][:300])
    # A run that was stopped after four batches goes on like this.
    rest = batches.skip(4)
    assert int(rest.cardinality()) == 10
    np.testing.assert_array_equal(collect(rest)[1], orders[0][400:])
    for order in orders[1:]:
        np.testing.assert_array_equal(collect(batches)[1], order)


def test_fit_sees_each_epoch_once_and_in_order():
    import keras

    class Recorder(keras.Model):
        def train_step(self, data):
            self.seen.append(data[1].numpy())
            return {"loss": 0.0}

    model = Recorder()
    model.seen = []
    model.compile(run_eagerly=True)
    batches = zoo.data.load("digits", batch_size=675, classes=None)
    model.fit(batches, epochs=2, verbose=0)
    model.fit(batches, epochs=1, verbose=0)
    _, labels = zoo.data.arrays("digits")
    orders = [zoo.data.order(1350, 0, epoch) for epoch in range(3)]
    seen = np.concatenate(model.seen).reshape(3, 1350)
    np.testing.assert_array_equal(seen, [labels[rows] for rows in orders])


@pytest.mark.slow
def test_repeat_goes_on_with_the_next_epochs():
    batches = zoo.data.load("digits", batch_size=1350).repeat(2)
    _, labels = zoo.data.arrays("digits")
    for epoch, (_, seen) in enumerate(batches.as_numpy_iterator()):
        np.testing.assert_array_equal(seen, labels[zoo.data.order(1350, 0, epoch)])


def test_a_pydataset_repeats_with_the_next_epochs(monkeypatch):
    monkeypatch.setattr(backend, "HAS_TF_DATA", False)
    batches = zoo.data.load("digits", batch_size=500).take(2).repeat()
    _, labels = zoo.data.arrays("digits")
    for number in range(4):  # two batches per epoch
        rows = zoo.data.order(1350, 0, number // 2)[500 * (number % 2) :][:500]
        np.testing.assert_array_equal(batches[number][1], labels[rows])


def test_validation_and_test_keep_the_order_of_the_arrays(pipeline):
    for split in ("validation", "test"):
        _, labels = zoo.data.arrays("digits", split)
        for _ in range(2):
            seen = collect(zoo.data.load("digits", split))[1]
            np.testing.assert_array_equal(seen, labels)


def test_flips_mirror_half_of_the_examples_by_seed_and_epoch(pipeline):
    images, _ = zoo.data.arrays("digits")
    batches = zoo.data.load("digits", seed=2, flip=True, shuffle=False)
    for epoch in range(2):
        mirrored = zoo.data.flips(len(images), 2, epoch)
        assert 0.4 < mirrored.mean() < 0.6
        expected = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        np.testing.assert_array_equal(collect(batches)[0], expected)
    assert (zoo.data.flips(1350, 2, 0) != zoo.data.flips(1350, 2, 1)).any()


# --- batches --------------------------------------------------------------------------


def test_batches_have_a_known_number_and_spec():
    batches = zoo.data.load("digits", batch_size=128)
    assert batches.cardinality() == 11
    images, labels = batches.element_spec
    assert images.shape.as_list() == [None, 28, 28, 1] and images.dtype == "uint8"
    assert labels.shape.as_list() == [None] and labels.dtype == "int32"
    assert [len(labels) for _, labels in batches][-1] == 1350 - 10 * 128


def test_drop_remainder_gives_full_batches_of_static_size():
    batches = zoo.data.load("digits", batch_size=128, drop_remainder=True)
    assert batches.cardinality() == 10
    assert batches.element_spec[0].shape.as_list() == [128, 28, 28, 1]
    assert {len(labels) for _, labels in batches} == {128}


def test_labels_false_yields_images_only(pipeline):
    batches = zoo.data.load("digits", batch_size=675, labels=False)
    assert [images.shape[0] for images in batches] == [675, 675]


def test_autotune_is_off_so_that_fit_does_not_stall_at_its_end():
    assert zoo.data.load("digits").options().autotune.enabled is False


def test_batch_size_fits_the_training_set_but_may_exceed_the_others():
    assert "1350" in refusal(zoo.data.load, "digits", batch_size=1351)
    assert "at least 1" in refusal(zoo.data.load, "digits", batch_size=0)
    refusal(zoo.data.load, "digits", batch_size=2.5)
    assert zoo.data.load("digits", "validation", batch_size=500).cardinality() == 1


# --- classes --------------------------------------------------------------------------


def test_classes_are_kept_and_renumbered_in_the_given_order():
    images, labels = zoo.data.arrays("digits", "test")
    kept, renumbered = zoo.data.arrays("digits", "test", classes=(7, 5))
    rows = np.isin(labels, (7, 5))
    np.testing.assert_array_equal(kept, images[rows])
    np.testing.assert_array_equal(renumbered, np.where(labels[rows] == 7, 0, 1))


def test_classes_may_be_named(tmp_path, caplog):
    for name in ("10", "2", "dog"):
        for _ in range(4):
            save_image(tmp_path / name / f"{np.random.randint(10**9)}.png", noise(8, 8))
    name = f"folder:{tmp_path}"
    assert zoo.data.info(name).class_names == ("10", "2", "dog")
    assert zoo.data.info(name, classes=("dog", "2")).class_names == ("dog", "2")
    assert "by its position" not in caplog.text
    assert zoo.data.info(name, classes=(2, 1)).class_names == ("dog", "2")
    assert "is the one called 'dog', by its position; the one called '2'" in caplog.text
    assert "'dog'" in refusal(zoo.data.arrays, name, classes=("dogg",))


@pytest.mark.parametrize("classes", [(3, 10), (3, 3), (), ("x",), (-1,), 2.5, (True,)])
def test_unusable_classes_are_refused(classes):
    refusal(zoo.data.arrays, "digits", classes=classes)


def test_info_counts_the_chosen_classes():
    info = zoo.data.info("digits", classes=(3, 1))
    assert info.num_classes == 2 and info.class_names == ("3", "1")
    for split, count in info.num_examples.items():
        assert count == len(zoo.data.arrays("digits", split, classes=(3, 1))[0])


# --- names and other arguments --------------------------------------------------------


def test_unknown_names_are_refused_with_the_nearest_one():
    assert "'fashion_mnist'" in refusal(zoo.data.arrays, "fashon_mnist")
    assert "'digits'" in refusal(zoo.data.load, "Digits")
    for name in ("../mnist", "user:mnist", "", "a b", "mnist/", 3):
        refusal(zoo.data.info, name)


def test_other_arguments_are_refused_at_once():
    assert "'validation'" in refusal(zoo.data.arrays, "digits", "validaton")
    for size in (7, 513, "28", 28.0, True):
        refusal(zoo.data.arrays, "digits", image_size=size)
    refusal(zoo.data.load, "digits", seed=-1)
    refusal(zoo.data.load, "digits", start_epoch=-1)


def test_catalogue_lists_the_names():
    assert zoo.data.names()[:2] == ("digits", "fashion_mnist")
    assert {"mnist", "cifar10", "folder:PATH", "npz:PATH"} < set(zoo.data.names())


@pytest.mark.slow
def test_arrays_need_no_tensorflow(tmp_path):
    save_image(tmp_path / "images" / "a.png", noise(8, 8))
    np.savez(tmp_path / "a.npz", images=noise(5, 8, 8))
    # `zoo` itself is not imported: its models need a backend, the data do not.
    program = f"""
import sys, types
sys.modules["tensorflow"] = sys.modules["tensorflow_datasets"] = None
package = sys.modules["zoo"] = types.ModuleType("zoo")
package.__path__ = [{os.path.dirname(zoo.__file__)!r}]
import zoo.data
assert len(zoo.data.arrays("digits", "test")[0]) == 297
assert len(zoo.data.arrays("folder:{tmp_path}/images")[0]) == 1
assert len(zoo.data.arrays("npz:{tmp_path}/a.npz")[0]) == 3
assert len(zoo.data.arrays("fashion_mnist", "test", data_dir="{tmp_path}")[0]) == 10000
assert zoo.data.info("fashion_mnist").num_examples["validation"] == 6000
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


# --- Fashion-MNIST and other sets of tfds ---------------------------------------------


@pytest.mark.slow
def test_tfds_builds_fashion_mnist_from_debians_files(fashion_dir):
    import tensorflow_datasets as tfds

    assert tfds.builder("fashion_mnist", data_dir=fashion_dir).is_prepared()
    assert [path.name for path in fashion_dir.iterdir()] == ["fashion_mnist"]


def same_with_and_without_tfds(data_dir, split, part):
    """Compares the idx files, the set that tfds builds of them, and the batches."""
    import tensorflow_datasets as tfds

    images, labels = zoo.data.arrays("fashion_mnist", split, data_dir=data_dir)
    data = tfds.load("fashion_mnist", split=part, data_dir=data_dir)
    batch = next(iter(data.batch(60_000).as_numpy_iterator()))
    np.testing.assert_array_equal(images, batch["image"])
    np.testing.assert_array_equal(labels, batch["label"])
    batches = zoo.data.load("fashion_mnist", split, data_dir=data_dir, shuffle=False)
    seen = collect(batches)
    np.testing.assert_array_equal(seen[0], images)
    np.testing.assert_array_equal(seen[1], labels)


@pytest.mark.slow
def test_fashion_mnist_is_the_same_with_and_without_tfds(fashion_dir):
    same_with_and_without_tfds(fashion_dir, "test", "test")


@pytest.mark.slow
@pytest.mark.full
def test_all_of_fashion_mnist_is_the_same_with_and_without_tfds(tmp_path):
    zoo.data.load("fashion_mnist", "test", data_dir=tmp_path)
    same_with_and_without_tfds(tmp_path, "train", "train[:54000]")
    same_with_and_without_tfds(tmp_path, "validation", "train[54000:]")
    same_with_and_without_tfds(tmp_path, "test", "test")


def test_files_put_in_the_manual_folder_are_found_by_the_name_of_the_set(tmp_path):
    folder = building.manual("mnist", tmp_path)
    folder.parent.mkdir(parents=True)
    folder.symlink_to(building.DEBIAN)
    images, labels = zoo.data.arrays("mnist", "test", data_dir=tmp_path)
    assert images.shape == (10_000, 28, 28, 1) and set(labels) == set(range(10))


def test_a_set_that_shall_not_be_built_is_read_from_its_files_or_refused(
    tmp_path, pipeline
):
    closed = {"data_dir": tmp_path / "data", "build": False}
    data = zoo.data.open("fashion_mnist", **closed)
    images, labels = next(iter(data.batches("validation", 8)))
    expected = data.arrays("validation")
    np.testing.assert_array_equal(np.asarray(images), expected["image"][:8])
    np.testing.assert_array_equal(np.asarray(labels), expected["label"][:8])
    with pytest.raises(FileNotFoundError, match="fashion_mnist:3.* is not built in"):
        zoo.data.open("fashion_mnist:3.0.1", **closed)
    assert not list(tmp_path.iterdir())


def test_files_that_fail_the_checksum_are_refused_and_leave_nothing(tmp_path):
    folder = building.manual("mnist", tmp_path)
    folder.parent.mkdir(parents=True)
    folder.symlink_to(building.DEBIAN)
    assert "'mnist'" in refusal(zoo.data.load, "mnist", data_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["downloads"]


def test_damaged_idx_files_are_refused(tmp_path):
    folder = building.manual("mnist", tmp_path)
    folder.mkdir(parents=True)
    for pair in idx.FILES.values():
        for file in pair:
            (folder / file).write_bytes((building.DEBIAN / file).read_bytes()[:5000])
    assert "damaged" in refusal(zoo.data.arrays, "mnist", data_dir=tmp_path)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "kmnist"])
def test_without_a_network_the_ways_out_are_named_at_once(tmp_path, name):
    import tensorflow_datasets  # noqa: F401  importing takes seconds, once

    start = time.perf_counter()
    message = refusal(zoo.data.load, name, data_dir=tmp_path)
    assert time.perf_counter() - start < 2
    assert str(building.manual(name, tmp_path)) in message and "digits" in message
    assert not list(tmp_path.iterdir())


def test_a_server_that_does_not_answer_is_given_up_within_two_seconds(monkeypatch):
    def hang(*_):
        time.sleep(4)
        raise TimeoutError

    monkeypatch.undo()
    monkeypatch.setattr(building.socket, "create_connection", hang)
    start = time.perf_counter()
    assert not building.reachable("https://example.invalid")
    assert time.perf_counter() - start < 2


def test_sets_of_tfds_without_images_are_refused_before_any_download(tmp_path):
    assert "image" in refusal(zoo.data.load, "glue", data_dir=tmp_path)
    assert "5000" in refusal(zoo.data.load, "mnist:5000.0.0", data_dir=building.DEBIAN)


def test_a_colour_set_of_tfds_with_names_and_a_test_split(store):
    import tensorflow_datasets as tfds

    images = noise(30, 10, 12, 3)
    examples = [{"image": x, "label": i % 2} for i, x in enumerate(images)]
    features = {
        "image": tfds.features.Image(shape=(10, 12, 3)),
        "label": tfds.features.ClassLabel(names=["cat", "dog"]),
    }
    data_dir = store("pets", features, train=examples[:20], test=examples[20:])
    info = zoo.data.info("pets", data_dir=data_dir)
    assert info.image_shape == (10, 12, 3) and info.class_names == ("cat", "dog")
    assert info.num_examples == {"train": 18, "validation": 2, "test": 10}
    seen, labels = zoo.data.arrays("pets", "train", data_dir=data_dir)
    np.testing.assert_array_equal(seen, images[:18])
    np.testing.assert_array_equal(labels, np.arange(18) % 2)
    small, _ = zoo.data.arrays("pets", "test", data_dir=data_dir, image_size=8)
    np.testing.assert_array_equal(small, resize.resize_all(images[20:], 8))


def test_a_set_of_tfds_with_train_only_and_mixed_sizes_is_cut_in_three(store):
    import tensorflow_datasets as tfds

    examples = [{"image": noise(9 + i % 3, 20, 1)} for i in range(100)]
    features = {"image": tfds.features.Image(shape=(None, None, 1))}
    data_dir = store("mixed", features, train=examples)
    assert "image_size" in refusal(zoo.data.load, "mixed", data_dir=data_dir)
    counts = {"train": 81, "validation": 9, "test": 10}
    for split, count in counts.items():
        images, labels = zoo.data.arrays(
            "mixed", split, image_size=16, data_dir=data_dir
        )
        assert images.shape == (count, 16, 16, 1) and labels is None
    batches = zoo.data.load("mixed", batch_size=9, image_size=16, data_dir=data_dir)
    assert next(iter(batches)).shape == (9, 16, 16, 1)


@pytest.mark.slow
def test_a_large_set_streams_in_an_order_of_seed_and_epoch(store, monkeypatch):
    import tensorflow_datasets as tfds

    images = noise(200, 8, 8, 1)
    examples = [{"image": x, "label": i % 4} for i, x in enumerate(images)]
    features = {
        "image": tfds.features.Image(shape=(8, 8, 1)),
        "label": tfds.features.ClassLabel(num_classes=4),
    }
    data_dir = store("large", features, train=examples)
    held, held_labels = zoo.data.arrays("large", classes=(3, 1), data_dir=data_dir)
    monkeypatch.setattr(source, "STREAM_ABOVE", 1000)

    def load(**options):
        return zoo.data.load(
            "large", batch_size=32, classes=(3, 1), data_dir=data_dir, **options
        )

    batches = load()
    assert batches.cardinality() == -(-len(held) // 32)
    epochs = [collect(batches) for _ in range(2)]
    for seen, labels in epochs:
        assert not np.array_equal(seen, held)
        assert sorted(map(bytes, seen)) == sorted(map(bytes, held))
        assert np.bincount(labels).tolist() == np.bincount(held_labels).tolist()
    assert not np.array_equal(epochs[0][0], epochs[1][0])
    np.testing.assert_array_equal(collect(load(start_epoch=1))[0], epochs[1][0])
    plain, flipped = collect(load(shuffle=False))[0], collect(load(flip=True))[0]
    np.testing.assert_array_equal(plain, held)
    assert len(flipped) == len(held) and not np.array_equal(flipped, epochs[0][0])
    # The columns follow the order of the fields.
    turned = collect(load(fields=("label", "image")))
    np.testing.assert_array_equal(turned[0], epochs[0][1])
    np.testing.assert_array_equal(turned[1], epochs[0][0])


# --- folder:PATH ----------------------------------------------------------------------


def test_a_folder_of_folders_is_split_without_a_leak(tmp_path):
    for label in ("b", "a"):
        for number in range(50):
            save_image(tmp_path / label / f"{number}.png", noise(8, 10))
    (tmp_path / "a" / "copy").mkdir()
    for number in range(50):  # copies with other names
        target = tmp_path / "a" / "copy" / f"x{number}.png"
        target.write_bytes((tmp_path / "a" / f"{number}.png").read_bytes())
    parts = {
        split: zoo.data.arrays(f"folder:{tmp_path}", split)
        for split in ("train", "validation", "test")
    }
    distinct = {split: set(map(bytes, part[0])) for split, part in parts.items()}
    assert [len(each) for each in distinct.values()] == [81, 9, 10]
    assert len(set.union(*distinct.values())) == 100
    images, labels = parts["train"]
    assert images.shape[1:] == (8, 10, 1)
    in_a = {bytes(np.asarray(Image.open(p))) for p in (tmp_path / "a").glob("*.png")}
    assert [label == 0 for label in labels] == [bytes(x) in in_a for x in images]


def test_a_flat_folder_is_unlabelled(tmp_path):
    for number in range(20):
        save_image(tmp_path / f"{number}.png", noise(8, 8, 3))
    name = f"folder:{tmp_path}"
    images, labels = zoo.data.arrays(name)
    assert images.shape == (16 + 1, 8, 8, 3) and labels is None
    assert next(iter(zoo.data.load(name, batch_size=4))).shape == (4, 8, 8, 3)
    assert zoo.data.info(name).num_classes is None
    assert "no labels" in refusal(zoo.data.load, name, classes=(0,))


def test_mixed_sizes_are_resized_with_antialiasing(tmp_path):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    save_image(tmp_path / "a" / "stripes.png", stripes)
    save_image(tmp_path / "a" / "plain.png", np.full((8, 8), 128, np.uint8))
    name = f"folder:{tmp_path}"
    assert "--image_size" in refusal(zoo.data.arrays, name)
    for split in ("train", "test"):
        images, _ = zoo.data.arrays(name, split, image_size=8)
        assert images.shape == (1, 8, 8, 1) and abs(images.astype(int) - 128).max() < 9


def test_colour_transparency_rotation_and_depth_are_read(tmp_path):
    clear = np.zeros((8, 16, 4), np.uint8)
    save_image(tmp_path / "clear.png", clear)
    (image,), _ = zoo.data.arrays(f"folder:{tmp_path}")
    assert image.shape == (8, 16, 3) and image.min() == 255
    (tmp_path / "clear.png").unlink()
    deep = np.full((8, 16), 200 * 257, np.uint16)
    save_image(tmp_path / "deep.png", deep)
    (image,), _ = zoo.data.arrays(f"folder:{tmp_path}")
    assert image.shape == (8, 16, 1) and set(image.ravel()) == {200}
    (tmp_path / "deep.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    save_image(tmp_path / "turned.jpg", noise(8, 16), exif=exif)
    (image,), _ = zoo.data.arrays(f"folder:{tmp_path}")
    assert image.shape == (16, 8, 1)


def test_unreadable_files_are_skipped_counted_and_named(tmp_path, caplog):
    save_image(tmp_path / "a" / "good\n.png", noise(8, 8))
    whole = (tmp_path / "a" / "good\n.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(whole[:60])
    (tmp_path / "a" / "notes\n.txt").write_text("hello")
    os.mkfifo(tmp_path / "a" / "pipe")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    os.symlink(tmp_path, tmp_path / "loop")
    images, labels = zoo.data.arrays(f"folder:{tmp_path}")
    assert len(images) == 1 and labels.tolist() == [0]
    assert "2 of 3" in caplog.text and "cut.png" in caplog.text
    assert "notes\\n.txt" in caplog.text


def test_a_decompression_bomb_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    save_image(tmp_path / "small.png", noise(8, 8))
    save_image(tmp_path / "bomb.png", np.zeros((40, 40), np.uint8))
    assert zoo.data.arrays(f"folder:{tmp_path}")[0].shape == (1, 8, 8, 1)


def test_folders_that_hold_no_image_are_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "no.png").write_text("no image")
    assert "No readable image" in refusal(zoo.data.arrays, f"folder:{tmp_path}/a")
    assert "No readable image" in refusal(zoo.data.arrays, f"folder:{tmp_path}")
    (tmp_path / "b").mkdir()
    refusal(zoo.data.arrays, f"folder:{tmp_path}/b")
    refusal(zoo.data.arrays, f"folder:{tmp_path}/none")
    refusal(zoo.data.arrays, f"folder:{tmp_path}/a/no.png")
    refusal(zoo.data.arrays, "folder:")


def test_an_empty_split_is_refused(tmp_path):
    save_image(tmp_path / "only.png", noise(8, 8))
    assert "holds no images" in refusal(zoo.data.load, f"folder:{tmp_path}", "test")


def test_images_beyond_512_pixels_ask_for_a_size(tmp_path):
    save_image(tmp_path / "large.png", noise(520, 520))
    assert "image_size" in refusal(zoo.data.arrays, f"folder:{tmp_path}")
    assert zoo.data.arrays(f"folder:{tmp_path}", image_size=64)[0].shape[1] == 64


# --- npz:PATH -------------------------------------------------------------------------


@pytest.fixture
def npz(tmp_path):
    def write(**content):
        np.savez(tmp_path / "set.npz", **content)
        return f"npz:{tmp_path / 'set.npz'}"

    return write


def test_npz_with_ready_made_splits(npz):
    train, test = noise(20, 8, 9, 3), noise(6, 8, 9, 3)
    labels = np.arange(20) % 3
    name = npz(x_train=train, y_train=labels, x_test=test, y_test=labels[:6])
    np.testing.assert_array_equal(zoo.data.arrays(name)[0], train[:18])
    np.testing.assert_array_equal(zoo.data.arrays(name, "validation")[0], train[18:])
    np.testing.assert_array_equal(zoo.data.arrays(name, "test")[1], labels[:6])
    assert zoo.data.info(name).num_classes == 3


def test_npz_without_splits_is_cut_by_content(npz):
    images = noise(100, 8, 8)
    parts = [
        zoo.data.arrays(npz(images=images), split)[0]
        for split in ("train", "validation", "test")
    ]
    assert [len(part) for part in parts] == [81, 9, 10]
    assert len(set(map(bytes, np.concatenate(parts)))) == 100
    shuffled = zoo.data.arrays(npz(images=images[::-1]), "test")[0]
    assert set(map(bytes, shuffled)) == set(map(bytes, parts[2]))


def test_npz_floats_are_taken_in_minus_one_to_one_only(npz):
    images = np.linspace(-1, 1, 4 * 64).reshape(4, 8, 8)
    seen = np.sort(
        np.concatenate(
            [
                zoo.data.arrays(npz(images=images), split)[0].ravel()
                for split in ("train", "validation", "test")
            ]
        )
    )
    np.testing.assert_array_equal(seen, np.rint((images.ravel() + 1) * 127.5))
    assert "[0, 1]" in refusal(zoo.data.arrays, npz(images=images / 2 + 0.5))
    refusal(zoo.data.arrays, npz(images=images * 2))
    refusal(zoo.data.arrays, npz(images=np.where(images < 0, np.nan, images)))
    refusal(zoo.data.arrays, npz(images=np.where(images < 0, -np.inf, images)))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"images": noise(4, 8, 8, 2)}, id="two channels"),
        pytest.param({"images": noise(4, 8, 8, 4)}, id="four channels"),
        pytest.param({"images": noise(4, 3, 8, 8)}, id="channels first"),
        pytest.param({"images": noise(8, 8)}, id="one image"),
        pytest.param({"images": noise(4, 4, 4)}, id="4 pixels"),
        pytest.param({"images": noise(0, 8, 8)}, id="no image"),
        pytest.param({"images": noise(4, 520, 520)}, id="520 pixels"),
        pytest.param({"images": np.full((4, 8, 8), 256)}, id="256"),
        pytest.param({"images": np.full((4, 8, 8), "a")}, id="text"),
        pytest.param({"images": np.array([{}] * 4)}, id="objects"),
        pytest.param(
            {"images": noise(4, 8, 8), "labels": np.arange(3)}, id="too few labels"
        ),
        pytest.param(
            {"images": noise(4, 8, 8), "labels": np.zeros(4)}, id="labels of floats"
        ),
        pytest.param(
            {"images": noise(4, 8, 8), "labels": np.arange(4)[:, None]},
            id="labels of two axes",
        ),
        pytest.param(
            {"images": noise(4, 8, 8), "labels": np.array([0, 1, -1, 2])}, id="label -1"
        ),
        pytest.param(
            {"images": noise(4, 8, 8), "labels": np.array([0, 1, 2**40, 2])},
            id="label 2**40",
        ),
        pytest.param(
            {"x_train": noise(4, 8, 8), "x_test": noise(4, 9, 8)},
            id="splits of two sizes",
        ),
        pytest.param(
            {
                "x_train": noise(4, 8, 8),
                "x_test": noise(4, 8, 8),
                "y_test": np.arange(4),
            },
            id="labels of one split",
        ),
        pytest.param({"pictures": noise(4, 8, 8)}, id="no images"),
    ],
)
def test_npz_of_unusable_content_is_refused(npz, content):
    refusal(zoo.data.arrays, npz(**content))


def test_npz_files_that_are_damaged_or_hostile_are_refused(tmp_path, npz):
    name = npz(images=noise(50, 8, 8))
    path = tmp_path / "set.npz"
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(content)
        refusal(zoo.data.arrays, name)
    path.write_bytes(whole.replace(whole[1000:1040], bytes(40)))
    refusal(zoo.data.arrays, name)
    header = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (10**13, 8, 8)}
    np.lib.format.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header.getvalue())
    refusal(zoo.data.arrays, name)
    np.save(tmp_path / "plain.npy", noise(4, 8, 8))
    refusal(zoo.data.arrays, f"npz:{tmp_path / 'plain.npy'}")
    refusal(zoo.data.arrays, f"npz:{tmp_path}/none.npz")


class Pickled:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_npz_is_never_unpickled(npz, tmp_path):
    refusal(zoo.data.arrays, npz(images=np.array([Pickled(tmp_path / "trace")])))
    assert not (tmp_path / "trace").exists()


def test_npz_of_a_decompression_bomb_is_refused(npz, monkeypatch):
    monkeypatch.setattr(npz_source, "MAX_BYTES", 1000)
    assert "unpacks" in refusal(zoo.data.arrays, npz(images=noise(50, 8, 8)))
