"""Tests that the base is wide enough: models of sources, domains, captions and clips,
and models with models as parts, take data in every form, train, and come back from
files to the bit."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import throwaway
import tiny

import zoo
from zoo import backend
from zoo.core.inference import seeds_from
from zoo.inputs import feeds

pytestmark = pytest.mark.any_backend
ROOT = pathlib.Path(__file__).parents[2]
every_kind = pytest.mark.parametrize("name", throwaway.MODELS)


@pytest.fixture(scope="module", autouse=True)
def known():
    with throwaway.registered():
        yield


class Set(keras.utils.PyDataset):
    """Arrays {field: rows} as batches of 4, in the form that `cut` gives them."""

    def __init__(self, fields, cut=dict):
        super().__init__()
        self.fields, self.cut = fields, cut

    @property
    def num_batches(self):
        return -(-len(next(iter(self.fields.values()))) // 4)

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return self.cut({name: array[rows] for name, array in self.fields.items()})


def as_tf_data(fields):
    import tensorflow as tf

    texts = {k: v.tolist() if v.dtype == object else v for k, v in fields.items()}
    return tf.data.Dataset.from_tensor_slices(texts).batch(4)


def trained(name, data, epochs=2, **options):
    model = options.pop("model", None) or throwaway.model(name)
    options = {"batch_size": 4, "shuffle": False, "verbose": 0} | options
    logs = model.fit(data, epochs=epochs, **options).history
    assert np.isfinite(logs["error"]).all() and logs["error"][1] != logs["error"][0]
    return model


def assert_same(one, other, exactly=True):
    for a, b in zip(tiny.state(one), tiny.state(other), strict=True):
        if exactly:
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@every_kind
def test_arrays_tuples_dicts_and_sets_train_alike(name):
    fields = throwaway.fields(name)
    arrays = trained(name, fields, validation_data=fields)
    assert int(arrays.optimizer.iterations) == 6
    order = {k: fields[k] for k in arrays.takes}
    in_tuples = trained(name, tuple(order.values()))
    in_sets = trained(name, Set(fields))
    in_order = trained(name, Set(order, lambda batch: tuple(batch.values())))
    for other in (in_tuples, in_sets, in_order):
        assert_same(arrays, other)
    if backend.HAS_TF_DATA:
        assert_same(arrays, trained(name, as_tf_data(fields), validation_data=fields))
    x, y = order.values()
    model = throwaway.model(name)
    model.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0)
    assert_same(arrays, model)


@pytest.mark.slow
@every_kind
def test_a_file_goes_on_to_the_bit(name, tmp_path):
    fields = throwaway.fields(name)
    whole, half = trained(name, fields, epochs=4), trained(name, fields, epochs=2)
    half.save(tmp_path / "half.keras")
    loaded = zoo.load(tmp_path / "half.keras")
    assert loaded.get_config() == half.get_config()
    assert loaded.source_shape == half.source_shape
    assert_same(loaded, half)
    trained(name, fields, model=loaded)
    assert_same(loaded, whole)
    again = keras.saving.load_model(tmp_path / "half.keras")
    assert_same(again, half)


@pytest.mark.slow
@every_kind
def test_two_replicas_equal_one(name, two_replicas):
    fields, models = throwaway.fields(name, 16), []
    for scope in (backend.scope(throwaway.model(name)), two_replicas.scope()):
        with scope:
            model = throwaway.model(name)
            rule = keras.optimizers.SGD(0.3)
            model.compile(rule, run_eagerly=True)
            data = as_tf_data(fields) if name == "domains" else fields
            trained(name, data, model=model)
            models.append(model)
    assert_same(*models, exactly=False)


# --- fields ---------------------------------------------------------------------------


def test_domains_of_different_sizes_have_epochs_of_the_larger():
    fields = throwaway.fields("domains")
    fields["source"] = fields["source"][:5]
    model = throwaway.model("domains")
    model.fit(fields, batch_size=4, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 6
    assert int(model.count) == 24
    assert (tiny.values([model.pool])[0] != 0).any()
    one = feeds.Domains(fields, 4)
    rows = [batch["source"] for batch in (one[0], one[1], one[2])]
    first = {row.tobytes() for row in np.concatenate(rows)[:5]}
    # Each row once, then the order starts again.
    assert first == {row.tobytes() for row in fields["source"]}
    one.on_epoch_end()
    assert (one[0]["image"] != feeds.Domains(fields, 4)[0]["image"]).any()


def test_the_words_of_the_training_captions_are_kept(tmp_path):
    model = trained("captioned", throwaway.fields("captioned"))
    vocabulary = model.config["vocabulary"]
    assert {"red", "käse", "丸", "花"} <= set(vocabulary)
    # The commonest word comes first.
    assert vocabulary.index("a") < vocabulary.index("blue")
    a, b = model.sample(prompts=["a red circle", "a blue square"], seed=0)
    assert (a != b).any()
    (again,) = model.sample(prompts="A  RED circle", seed=5)
    np.testing.assert_allclose(again, a, atol=1e-6)
    assert model.sample(3, prompts="a red circle").shape == (3, 8, 8, 1)
    assert model.sample(2, seed=0).shape == (2, 8, 8, 1)
    assert model.can("sample", "prompts") and not model.can("negative")


def test_a_clip_model_predicts_from_fewer_frames_than_it_makes(caplog):
    model = trained("clips", throwaway.fields("clips"))
    clips = tiny.images(3, (4, 8, 8, 1))
    assert model.image_shape == (4, 8, 8, 1)
    future = model.predict_frames(clips[:, :2], 2, seed=0)
    assert future.shape == (3, 2, 8, 8, 1) and future.dtype == np.float32
    two = model.predict_frames(clips[:, :1], 2, samples=2)
    assert two.shape == (3, 2, 2, 8, 8, 1) and not caplog.records
    assert model.predict_frames(clips[..., 0], 9).shape == (3, 9, 8, 8, 1)
    assert "what lies beyond is a guess" in caplog.text
    middle = model.between(clips[:, 0], clips[:, 1], frames=3)
    assert middle.shape == (3, 3, 8, 8, 1)
    half = model.between(clips[:, 0], clips[:, 1], times=[0.5])
    np.testing.assert_allclose(half[:, 0], middle[:, 1], atol=1e-6)


def test_answers_to_a_source_are_addressed_by_their_seeds():
    model = trained("painter", throwaway.fields("painter"))
    sources = throwaway.fields("painter")["source"][:3]
    plain = model.translate(sources, seed=4, noise=0.5)
    assert plain.shape == (3, 8, 8, 1)
    np.testing.assert_array_equal(model.predict(sources, verbose=0).shape, plain.shape)
    several = model.translate(sources, seed=4, samples=2, noise=0.5)
    assert several.shape == (3, 2, 8, 8, 1)
    np.testing.assert_allclose(several[:, 0], plain, atol=1e-6)
    assert (several[:, 1] != plain).any()
    one = model.translate(sources[1:2], seed=5, samples=2, noise=0.5)
    np.testing.assert_allclose(one[0], several[1], atol=1e-6)
    assert seeds_from(4, 3).tolist() == [4, 5, 6]


# --- parts ----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_part_brings_its_weights_and_keeps_them(tmp_path):
    lender = trained_autoencoder()
    keras.utils.set_random_seed(1)
    model = throwaway.Latents(autoencoder=lender)
    model.compile()
    trained("latents", throwaway.fields("latents"), model=model)
    for mine, theirs in zip(model.autoencoder.weights, lender.weights, strict=True):
        np.testing.assert_array_equal(*tiny.values([mine, theirs]))
    assert not {id(v) for v in model.autoencoder.weights} & {
        id(v) for v in (*model.trainable_variables, *lender.weights)
    }
    assert model.config["autoencoder"]["name"] == "ae"
    model.save(tmp_path / "latents.keras")
    program = (
        "import sys, throwaway, tiny, zoo, numpy as np\n"
        "tiny.skip_graph_passes()\n"  # to the bit alike: rounded as in this process
        "with throwaway.registered():\n"
        "    model = zoo.load(sys.argv[1])\n"
        "np.save(sys.argv[2], model.sample(2, seed=0))\n"
    )
    files = [str(tmp_path / "latents.keras"), str(tmp_path / "samples.npy")]
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", program, *files], check=True, env=environment)
    np.testing.assert_array_equal(np.load(files[1]), model.sample(2, seed=0))


def trained_autoencoder():
    model = tiny.model("ae")
    model.fit(tiny.images(8), verbose=0)
    return model


@pytest.mark.slow
def test_a_path_stands_for_the_model_in_the_file(tmp_path):
    trained_autoencoder().save(tmp_path / "ae.keras")
    model = zoo.get("latents", autoencoder=str(tmp_path / "ae.keras"))
    model.build((8, 8, 1))
    theirs = zoo.load(tmp_path / "ae.keras")
    images = tiny.images(2)
    np.testing.assert_array_equal(
        *(keras.ops.convert_to_numpy(m(images)) for m in (model, theirs))
    )


@pytest.mark.slow
@pytest.mark.skipif(not backend.HAS_TF_DATA, reason="an export is TensorFlow's")
def test_a_model_with_a_part_is_exported(tmp_path):
    import tensorflow as tf

    model = trained("latents", throwaway.fields("latents"))
    zoo.export(model, tmp_path / "latents")
    served = tf.saved_model.load(str(tmp_path / "latents" / "1"))
    images = served.signatures["sample"](seed=tf.constant([3], tf.int64))["images"]
    np.testing.assert_allclose(images, model.sample(1, seed=3), atol=1e-5)


# --- what is refused ------------------------------------------------------------------

CLIPS = tiny.images(4, (4, 8, 8, 1))
REFUSED = [
    ("painter", {"source": tiny.images(4), "picture": 1}, "keys? 'source' and 'image'"),
    ("painter", tiny.images(4), r"\(sources, images\). Received: sources only"),
    (
        "painter",
        (tiny.images(4), tiny.images(3)),
        "same length. Received: 4 sources, 3 images",
    ),
    ("painter", (CLIPS, tiny.images(4)), "Received: clips of shape .* does not take"),
    ("captioned", (tiny.images(2), [1, 2]), "texts, one a row. Received: 1, of type"),
    ("captioned", (tiny.images(2), [b"\xff", b"a"]), "UTF-8. Received: the bytes"),
    ("captioned", (tiny.images(2), ["", " "]), "says something. Received: 2 empty"),
    ("captioned", (tiny.images(2), "ab"), "one a row, in a list .* Received: 'ab'"),
    ("captioned", (["a", "b"], tiny.images(2)), "one array .* Received: list"),
    ("clips", tiny.images(4), r"\[B, T, H, W, C\].* Received: images, or a single"),
    ("clips", tiny.images(3, (1, 8, 8, 1)), "2 to 128 frames. Received: 1"),
    ("latents", (CLIPS, tiny.labels(4)), "Received: clips of shape .* does not take"),
    ("latents", CLIPS[..., 0][:, :, :, :4], "channels"),
]


@pytest.mark.parametrize("name, data, sentence", REFUSED)
def test_other_fields_than_a_model_takes_are_refused(name, data, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        throwaway.model(name).fit(data, verbose=0)
    assert "Received" in str(error.value)


def test_what_is_no_trained_model_is_no_part(tmp_path):
    with pytest.raises(ValueError, match="takes a trained model of the zoo.* Received"):
        throwaway.Latents(autoencoder=3)
    with pytest.raises(ValueError, match="has been trained.* 'ae', which has no net"):
        throwaway.Latents(autoencoder=zoo.get("ae"))
    other = throwaway.Latents(autoencoder=tiny.model("ae", (9, 8, 1)))
    other.compile()
    with pytest.raises(ValueError, match="built for images of 9x8x1. Received: 8x8x1"):
        other.fit(tiny.images(4), verbose=0)
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="no complete .keras file"):
        zoo.get("latents", autoencoder=str(tmp_path / "broken.keras"))


def test_frames_and_times_that_cannot_be_are_refused():
    model = trained("clips", throwaway.fields("clips"))
    past = tiny.images(2, (3, 8, 8, 1))
    for wrong in (tiny.images(2), tiny.images(2, (5, 8, 8, 1))):
        with pytest.raises(ValueError, match="of 1 to 4 frames. Received: shape"):
            model.predict_frames(wrong, 2)
    with pytest.raises(ValueError, match="number of frames is an integer from 1 to"):
        model.predict_frames(past, 129)
    for times in ([0.0], [1.2], [], ["a"]):
        with pytest.raises(ValueError, match=r"lie in \(0, 1\). Received"):
            model.between(past[:, 0], past[:, 1], times=times)
    with pytest.raises(ValueError, match="by frames, a number, or by times"):
        model.between(past[:, 0], past[:, 1])
    with pytest.raises(ValueError, match="'clips' cannot sample"):
        model.sample(1)
