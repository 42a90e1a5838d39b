"""Tests exported models, run by TensorFlow's C++ loader: what they answer and
refuse."""

import io
import pathlib
import signal
import struct
import sys
import zlib

import loader
import numpy as np
import pytest
import tensorflow as tf
import tiny
from capable import only  # noqa: F401
from PIL import Image

import zoo
from zoo import backend
from zoo.inputs import pixels
from zoo.serving import saved, signatures, versions, warmup

SHAPE = (8, 8, 1)
BATCH = 64
QUICK = "cgan", "classifier", "vae"  # the slow tests run the others
SIGNATURES = {  # {model: names of its signatures}
    "ae": {"reconstruct", "reconstruct_uint8", "reconstruct_png"},
    "classifier": {"classify", "classify_uint8", "classify_png"},
    "cgan": {"sample", "sample_png"},
    "ddpm": {"sample", "sample_png"},
    "gan": {"sample", "sample_png", "decode", "interpolate"},
}
SIGNATURES["ae"] |= {"encode", "encode_uint8", "decode", "interpolate"}
SIGNATURES["ae"] |= {"interpolate_images", "interpolate_images_uint8"}
SIGNATURES["vae"] = SIGNATURES["ae"] | {"sample", "sample_png"}


def each(names):
    """Runs a test for these models."""
    marks = {name: () if name in QUICK else pytest.mark.slow for name in names}
    params = [pytest.param(name, marks=mark) for name, mark in marks.items()]
    return pytest.mark.parametrize("name", params)


def png(image, format="PNG"):
    file = io.BytesIO()
    Image.fromarray(np.squeeze(image)).save(file, format)
    return file.getvalue()


def opened(files):
    """Returns the images of PNG files, int64 `[N, H, W, C]`."""
    images = [np.asarray(Image.open(io.BytesIO(file))) for file in files]
    return np.stack(images)[..., None].astype(int)


def rows_of(takes, rows=BATCH):
    """Returns random rows that an input takes."""
    random = np.random.default_rng(3)
    if takes.dtype == "string":
        return np.array(
            [png(image) for image in tiny.images(rows, takes.shape)], object
        )
    if takes.dtype == "uint8":
        return tiny.images(rows, takes.shape)
    if takes is signatures.SEED:
        return np.arange(rows) + 2**33
    if takes.dtype == "int32":
        return random.integers(0, takes.most + 1, rows, "int32")
    if takes.least == -1:
        return tiny.floats(rows, takes.shape, seed=5)
    if takes is signatures.TRUNCATION:
        return np.where(np.arange(rows) % 2, 0.25, 1.0).astype("float32")
    if takes.least == 0 and takes.most is None:  # guidance
        return np.where(np.arange(rows) % 2, 2.5, 1.0).astype("float32")
    values = random.random((rows, *takes.shape), "float32")
    return values if takes.most else 2 * values - 1


class Served:
    """A tiny model, exported, with what its signatures answer in a new process.

    Attributes:
        rows: {signature: {input: array of 64 rows}}.
        answers: {(signature, number of rows): {output: array}}; one row is the third.
    """

    def __init__(self, name, folder, **changes):
        self.model = tiny.model(name, **changes)
        self.path = zoo.export(self.model, folder / name)
        self.rows = {
            signature.name: {name: rows_of(t) for name, t in signature.takes.items()}
            for signature in signatures.of(self.model).values()
        }
        parts = {1: slice(2, 3), 3: slice(3), BATCH: slice(BATCH)}
        cases = [
            (name, {key: value[part] for key, value in rows.items()})
            for name, rows in self.rows.items()
            for part in parts.values()
        ]
        self.ends, answers, self.seconds = loader.served(self.path, cases)
        keys = [(name, count) for name in self.rows for count in parts]
        self.answers = dict(zip(keys, answers))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = Served(name, tmp_path_factory.mktemp("serving"))
        return cache[name]

    return get


def expected(model, signature, rows):
    """Returns what the Keras model answers to a signature's inputs."""
    images = next((rows[key] for key in ("images", "image_bytes") if key in rows), None)
    if images is not None and images.dtype == object:
        images = opened(images).astype("uint8")
    job = signature.removesuffix("_uint8").removesuffix("_png")
    if job == "classify":
        probabilities = model.predict(images)
        labels = probabilities.argmax(axis=1)
        features = model.features(images)
        return {"probabilities": probabilities, "labels": labels, "features": features}
    if job == "encode":
        outputs = {"z": model.encode(images)}
        if model.is_stochastic:
            z_mean, z_logvar = model.posterior(pixels.to_float(images))
            outputs |= {"z_mean": np.array(z_mean), "z_logvar": np.array(z_logvar)}
        return outputs
    if job.startswith("interpolate"):
        ends = [rows[k] for k in ("z_a", "z_b", "images_a", "images_b") if k in rows]
        if job == "interpolate_images":
            ends = [model.encode(end) for end in ends]
        weight = rows["weight"][:, None]
        decoded = model.decode((1 - weight) * ends[0] + weight * ends[1])
    elif job == "sample":
        decoded = sampled(model, **rows)
    elif job == "translate":  # each by seed 0
        decoded = [model.translate(image[None], seed=0) for image in images]
        decoded = np.concatenate(decoded)
    else:
        decoded = getattr(model, job)(rows["z"] if job == "decode" else images)
    return {"png_bytes" if signature.endswith("_png") else "images": decoded}


def sampled(model, seed, label=None, **by_row):
    assert (np.diff(seed) == 1).all()
    options = {} if label is None else {"labels": label}
    if not by_row:
        return model.sample(len(seed), seed=seed[0], **options)
    ((name, values),) = by_row.items()  # guidance or truncation
    images = np.zeros((len(seed), *model.image_shape), "float32")
    for value in np.unique(values):
        options[name] = float(value)
        samples = model.sample(len(seed), seed=seed[0], **options)
        images[values == value] = samples[values == value]
    return images


def assert_like(answer, wanted, tolerance):
    assert set(answer) == set(wanted)
    for name, value in wanted.items():
        if name == "png_bytes":
            if value.dtype == object:
                value = opened(value)
            else:
                value = pixels.to_uint8(value).astype(int)
            assert abs(opened(answer[name]) - value).max() <= 1
        else:
            np.testing.assert_allclose(answer[name], value, atol=tolerance)


def tolerance(name):
    return 1e-3 if name in ("ddpm", "flow") else 1e-5


@pytest.mark.slow
@each(tiny.names_of_images())
def test_signatures_answer_as_the_model_does_whatever_the_batch(name, served):
    it = served(name)
    for signature, rows in it.rows.items():
        whole = it.answers[signature, BATCH]
        assert not isinstance(whole, str), whole
        assert_like(whole, expected(it.model, signature, rows), tolerance(name))
        kinds = {value.dtype.name for value in whole.values()}
        assert kinds <= {"float32", "int32", "object"}
        for count, part in ((3, slice(3)), (1, slice(2, 3))):
            wanted = {key: value[part] for key, value in whole.items()}
            assert_like(it.answers[signature, count], wanted, tolerance(name))
    assert it.seconds < 5  # the time of loading


def test_answers_to_sources_take_the_steps_and_the_sampler_of_the_export():
    model, images = tiny.model("palette"), tiny.images(3)
    options = {"steps": 2, "sampler": "ddim"}
    answer = signatures.of(model, **options)["translate_uint8"].concrete()
    served_images = answer(images=tf.constant(images))["images"]
    wanted = [model.translate(image[None], seed=0, **options)[0] for image in images]
    np.testing.assert_allclose(served_images, wanted, atol=1e-5)
    for name in ("palette", "pix2pix"):
        with pytest.raises(ValueError, match="no such option.*Received: 'guidance'"):
            signatures.of(tiny.model(name), guidance=2.0)


@each(SIGNATURES)
def test_signatures_are_what_the_model_can_do(name, served):
    ends = served(name).ends
    assert set(ends) == SIGNATURES[name] | {saved.DEFAULT}
    assert ends[saved.DEFAULT] == ends[signatures.main(SIGNATURES[name])]


def test_conditional_models_take_labels_and_guidance():
    taken = signatures.of(tiny.model("cgan"))["sample"].takes
    assert set(taken) == {"seed", "label"}
    taken = signatures.of(tiny.model("ddpm"))["sample_png"].takes
    assert set(taken) == {"seed", "label", "guidance"}


def test_styles_are_drawn_to_their_mean_as_a_request_or_the_export_says():
    model = tiny.model("stylegan")
    assert set(signatures.of(model)["sample"].takes) == {"seed", "truncation"}
    fixed = signatures.of(model, truncation=0.5)["sample"]
    assert set(fixed.takes) == {"seed"}
    images = fixed.answer(seed=np.arange(3, 5))["images"]
    wanted = model.sample(2, seed=3, truncation=0.5)
    np.testing.assert_allclose(images, wanted, atol=1e-5)


def test_a_stochastic_encoder_tells_its_distribution():
    model, images = tiny.model("bigan", encoder="stochastic"), tiny.floats(3)
    answer = signatures.of(model)["encode"].answer(images=images)
    np.testing.assert_allclose(answer["z_mean"], model.encode(images), atol=1e-5)
    np.testing.assert_array_equal(answer["z"], answer["z_mean"])
    noise = (model.encode(images, sample=True, seed=4) - answer["z_mean"]).numpy()
    eps = model.noise(np.arange(4, 7))
    np.testing.assert_allclose(noise, np.exp(answer["z_logvar"] / 2) * eps, atol=1e-5)
    answer = signatures.of(tiny.model("bigan"))["encode"].answer(images=images)
    assert set(answer) == {"z"}  # a deterministic encoder has one answer


@pytest.mark.parametrize(
    "name, offered",
    [
        ("only_sample", {"sample", "sample_png"}),
        ("only_encode", {"encode", "encode_uint8"}),
    ],
)
def test_a_model_that_can_do_one_thing_is_exported(name, offered, only, tmp_path):  # noqa: F811
    model = only(name)
    assert set(signatures.of(model)) == offered
    path = zoo.export(model, tmp_path, warmup=False)
    assert (path / "saved_model.pb").is_file()
    with pytest.raises(ValueError, match="Signatures: (sample|encode), "):
        zoo.export(model, tmp_path, ["classify"])


@each(["cgan", "ddpm"])
def test_a_seed_is_an_image_in_any_process(name, served):
    it = served(name)
    rows = it.rows["sample"]
    _, (again,), _ = loader.served(it.path, [("sample", rows)])
    np.testing.assert_array_equal(
        again["images"], it.answers["sample", BATCH]["images"]
    )
    assert len(np.unique(again["images"].reshape(BATCH, -1), axis=0)) == BATCH


@pytest.mark.slow
def test_export_fixes_steps_and_sampler(tmp_path):
    model = tiny.model("ddpm", num_classes=0)
    names = ["sample"]
    options = {"steps": 2, "sampler": "heun"}
    path = zoo.export(model, tmp_path, names, warmup=False, **options)
    ends, (answer,), _ = loader.served(path, [("sample", {"seed": np.arange(7, 10)})])
    assert set(ends) == {"sample", saved.DEFAULT}
    images = model.sample(3, seed=7, **options)
    np.testing.assert_allclose(answer["images"], images, atol=1e-3)


@pytest.mark.slow
def test_mixed_precision_stays_inside(tmp_path, mixed_bfloat16):
    model = tiny.model("vae")
    names = ["encode", "sample"]
    path = zoo.export(model, tmp_path, names, warmup=False)
    cases = [("encode", {"images": tiny.floats()}), ("sample", {"seed": np.arange(3)})]
    _, answers, _ = loader.served(path, cases)
    assert {v.dtype.name for answer in answers for v in answer.values()} == {"float32"}
    np.testing.assert_allclose(answers[1]["images"], model.sample(3, seed=0), atol=0.05)


# --- requests that make no sense ------------------------------------------------------

IMAGES = tiny.floats(2)
FILE = png(tiny.images(1)[0])


def with_chunk_before_header(file, content):
    """Returns a PNG file with a chunk before its header, which decoders skip."""
    part = b"zoOo" + content
    ends = struct.pack(">I", len(content)), struct.pack(">I", zlib.crc32(part))
    return file[:8] + ends[0] + part + ends[1] + file[8:]


BIG = png(np.zeros((9, 12), "uint8"))
# At the place of the sizes.
DISGUISED = with_chunk_before_header(BIG, struct.pack(">II", 8, 8))
WRONG = {  # {name: (model, signature, inputs, part of the message)}
    "size": ("classifier", "classify", {"images": IMAGES[:, :7]}, "shape [2, 7, 8, 1]"),
    "rank": ("classifier", "classify", {"images": IMAGES[0]}, "shape [8, 8, 1]"),
    "ranks": ("vae", "sample", {"seed": np.zeros((1, 2), "int64")}, "shape [1, 2]"),
    "scalar": ("vae", "sample", {"seed": np.zeros((), "int64")}, "shape []"),
    "nan": ("classifier", "classify", {"images": IMAGES * np.nan}, "nan"),
    "range": ("classifier", "classify", {"images": IMAGES + 3}, "Received: "),
    "bytes": (
        "classifier",
        "classify_uint8",
        {"images": tiny.images(2, (9, 8, 1))},
        "shape [2, 9, 8, 1]",
    ),
    "latent": ("vae", "decode", {"z": np.zeros((2, 4), "float32")}, "shape [2, 4]"),
    "weight": (
        "vae",
        "interpolate",
        {
            "z_a": np.zeros((1, 3), "float32"),
            "z_b": np.zeros((1, 3), "float32"),
            "weight": np.full(1, 1.5, "float32"),
        },
        "1.5",
    ),
    "seed": ("vae", "sample", {"seed": np.array([3, -2])}, "-2"),
    "truncation": (
        "stylegan",
        "sample",
        {"seed": np.arange(2), "truncation": np.array([1, 1.5], "float32")},
        "1.5",
    ),
    "label": (
        "cgan",
        "sample",
        {"seed": np.arange(2), "label": np.array([0, 4], "int32")},
        "[0, 3]. Received: 4",
    ),
    "rows": (
        "cgan",
        "sample",
        {"seed": np.arange(2), "label": np.zeros(3, "int32")},
        "2, 3",
    ),
    "truncated": ("classifier", "classify_png", [FILE[:-9]], f"{len(FILE) - 9} bytes"),
    "short": ("classifier", "classify_png", [FILE[:20]], "20 bytes"),
    "empty": ("classifier", "classify_png", [b""], "0 bytes"),
    "no image": ("classifier", "classify_png", [FILE, b"hello"], "5 bytes"),
    "big file": (
        "vae",
        "reconstruct_png",
        [BIG],
        "9x12",
    ),
    "disguised": ("vae", "reconstruct_png", [DISGUISED], f"{len(DISGUISED)} bytes"),
    "big jpeg": (
        "vae",
        "reconstruct_png",
        [png(np.zeros((9, 12), "uint8"), "JPEG")],
        "9x12",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({model for model, *_ in WRONG.values()}))
def test_a_wrong_request_is_a_sentence(name, served):
    wrong = [case[1:] for case in WRONG.values() if case[0] == name]
    cases = []
    for signature, rows, _ in wrong:
        if isinstance(rows, list):
            rows = {"image_bytes": np.array(rows, object)}
        cases.append((signature, rows))
    _, answers, _ = loader.served(served(name).path, cases)
    for (signature, _, text), answer in zip(wrong, answers):
        assert isinstance(answer, str)
        assert f"{signature} takes " in answer and text in answer


@pytest.mark.slow
def test_a_damaged_file_is_an_error_that_names_the_signature(served):
    middle = len(FILE) // 2
    damaged = FILE[:middle] + b"xxxx" + FILE[middle + 4 :]
    case = ("classify_png", {"image_bytes": np.array([damaged], object)})
    _, (answer,), _ = loader.served(served("classifier").path, [case])
    assert "Invalid PNG" in answer and "classify_png" in answer


@pytest.mark.slow
def test_files_may_be_jpeg_and_coloured(served):
    it = served("classifier")
    grey = np.full(SHAPE, 90, "uint8")  # JPEG keeps a constant grey
    picture = np.tile(grey, (1, 1, 3))
    files = np.array([png(picture, "JPEG"), png(picture)], object)
    _, (answer,), _ = loader.served(it.path, [("classify_png", {"image_bytes": files})])
    wanted = it.model.predict(grey[None]).repeat(2, axis=0)
    np.testing.assert_allclose(answer["probabilities"], wanted, atol=1e-2)


# --- versions -------------------------------------------------------------------------


@pytest.fixture
def model():
    return tiny.model("gan")


@pytest.fixture
def quick(monkeypatch):
    """Makes exports write a file in place of a graph."""

    def save(module, path, signatures):
        (pathlib.Path(path) / "saved_model.pb").write_text("a graph")

    monkeypatch.setattr(saved.tf.saved_model, "save", save)
    monkeypatch.setattr(signatures.Signature, "concrete", lambda self: tf.Module())
    monkeypatch.setattr(warmup, "write", lambda *_: None)


def test_versions_count_from_one(model, tmp_path, quick):
    folder = tmp_path / "serving" / "gan"
    assert zoo.export(model, folder) == folder / "1"
    assert zoo.export(model, folder) == folder / "2"
    assert zoo.export(model, folder, version=10) == folder / "10"
    assert zoo.export(model, str(folder)) == folder / "11"
    assert versions.existing(folder) == [1, 2, 10, 11]
    assert (folder / "11").stat().st_mode & 0o777 == 0o755


def test_a_version_that_exists_is_refused(model, tmp_path, quick):
    (tmp_path / "3").mkdir()
    with pytest.raises(FileExistsError, match="such a version.*3"):
        zoo.export(model, tmp_path, version=3)
    assert list(tmp_path.iterdir()) == [tmp_path / "3"]


def test_a_file_is_no_folder_of_versions(model, tmp_path, quick):
    (tmp_path / "gan").write_text("a file")
    with pytest.raises(NotADirectoryError, match="not a file"):
        zoo.export(model, tmp_path / "gan")
    assert (tmp_path / "gan").read_text() == "a file"


def test_a_folder_that_cannot_be_written_is_named(model):
    with pytest.raises(OSError, match="/proc/serving"):
        zoo.export(model, "/proc/serving/gan")


def test_a_full_disk_leaves_nothing(model, tmp_path):
    """Limits files of this process to 20 kB, as a full disk would."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    unlimited = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="cannot be written: /.*too large") as error:
            zoo.export(model, tmp_path / "new" / "gan", ["decode"])
        assert "{{" not in str(error.value) and "[Op" not in str(error.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, unlimited)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        tf.errors.ResourceExhaustedError(None, None, "No space left on device"),
    ],
)
def test_an_interrupted_export_leaves_nothing(
    error, model, tmp_path, quick, monkeypatch
):
    seen = []

    def broken(*_):
        seen.extend(versions.existing(tmp_path / "new" / "gan"))
        raise error

    monkeypatch.setattr(warmup, "write", broken)
    with pytest.raises((KeyboardInterrupt, OSError), match="No space|^$"):
        zoo.export(model, tmp_path / "new" / "gan")
    assert not seen  # no name in the folder was a number
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "gan",
            {"signatures": ["sampel"]},
            "did you mean 'sample'.*Signatures: decode",
        ),
        ("gan", {"signatures": ["classify"]}, "'gan' has no such signature"),
        ("gan", {"signatures": []}, "none"),
        ("gan", {"steps": 5}, "'gan' has no such option"),
        ("ddpm", {"steps": 21}, "1 to 20 steps.*21"),
        ("ddpm", {"sampler": "euler"}, "ddim.*'euler'"),
        ("gan", {"version": 0}, "version"),
    ],
)
def test_what_a_model_lacks_is_refused(name, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        zoo.export(tiny.model(name), tmp_path / "new", **options)
    assert not list(tmp_path.iterdir())


def test_a_model_without_networks_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no networks yet"):
        zoo.export(zoo.get("gan"), tmp_path / "gan")


def test_another_backend_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "NAME", "jax")
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow.*jax"):
        zoo.export(model, tmp_path / "gan")


# --- warm-up --------------------------------------------------------------------------


@pytest.mark.slow
@each(["classifier", "ddpm", "vae"])
def test_warm_up_requests_run(name, served):
    from tensorflow_serving.apis import prediction_log_pb2

    it, cases = served(name), []
    for record in tf.data.TFRecordDataset(str(it.path / warmup.FILE)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        assert request.model_spec.name == name
        rows = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        cases.append((request.model_spec.signature_name, rows))
    assert {signature for signature, _ in cases} == set(it.ends) - {saved.DEFAULT}
    _, answers, _ = loader.served(it.path, cases)
    assert not [answer for answer in answers if isinstance(answer, str)]


# --- other runtimes -------------------------------------------------------------------


def by_tflite(path, signature, rows):
    interpreter = tf.lite.Interpreter(str(path / "model.tflite"))
    return interpreter.get_signature_runner(signature)(**rows)


def by_openvino(path, signature, rows):
    import openvino

    network = openvino.Core().compile_model(
        path / f"{signature}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return {end.any_name: value for end, value in network(rows).items()}


def by_onnx(path, signature, rows):
    import onnxruntime

    session = onnxruntime.InferenceSession(path / f"{signature}.onnx")
    names = [end.name for end in session.get_outputs()]
    return dict(zip(names, session.run(None, rows)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "by", "packages"),
    [
        ("tflite", by_tflite, ()),
        ("openvino", by_openvino, ["openvino"]),
        ("onnx", by_onnx, ["tf2onnx", "onnxruntime"]),
    ],
)
@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("vae", "decode"),
        ("classifier", "classify"),
        ("vae", "reconstruct"),
        ("vae", "interpolate_images_uint8"),
    ],
)
def test_other_runtimes_agree(format, by, packages, name, signature, served, tmp_path):
    for package in packages:
        pytest.importorskip(package)
    it = served(name)
    path = zoo.export(it.model, tmp_path, [signature], format=format)
    answer = by(path, signature, it.rows[signature])
    # Names have to differ, so an output with the name of an input gets a number.
    answer = {key.removesuffix("_1"): value for key, value in answer.items()}
    assert_like(answer, it.answers[signature, BATCH], 1e-4)


@pytest.mark.slow
def test_runtimes_hold_networks_alone(tmp_path):
    model = tiny.model("vae")
    path = zoo.export(model, tmp_path / "vae", format="tflite")
    interpreter = tf.lite.Interpreter(str(path / "model.tflite"))
    names = SIGNATURES["ae"] - {"reconstruct_png"}
    assert set(interpreter.get_signature_list()) == names


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vae", {"signatures": ["sample"], "format": "tflite"}, "cannot hold sample"),
        ("ddpm", {"format": "onnx"}, "onnx cannot hold sample: random numbers"),
        ("vae", {"format": "caffe"}, "Formats are saved_model, tflite.*'caffe'"),
    ],
)
def test_what_a_runtime_cannot_hold_is_refused(name, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        zoo.export(tiny.model(name), tmp_path / "new", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format", "package"), [("openvino", "openvino"), ("onnx", "tf2onnx")]
)
def test_a_missing_converter_is_named(format, package, model, tmp_path, monkeypatch):
    for name in (package, f"{package}.convert"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        zoo.export(model, tmp_path / "new", format=format)
    assert not list(tmp_path.iterdir())
