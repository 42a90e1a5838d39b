"""Crafted files of models: each is refused by name, and no code of theirs runs."""

import io
import json
import os
import pathlib
import pickle
import time
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo.files import archives


@pytest.fixture(scope="session")
def members(tmp_path_factory):
    """{name: bytes} of the `.keras` file of the tiny autoencoder."""
    path = tmp_path_factory.mktemp("untrusted") / "ae.keras"
    tiny.model("ae").save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def crafted(path, members, seal=True, **options):
    """Writes a `.keras` file of these members, with checksums that are right."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            if name != archives.CHECKSUMS:
                archive.writestr(name, content)
    if seal:
        archives.seal(path, {})
    return path


def with_config(members, change):
    config = json.loads(members[archives.CONFIG])
    change(config)
    return members | {archives.CONFIG: json.dumps(config)}


def with_weights(members, change):
    opened = io.BytesIO(members[archives.WEIGHTS])
    with h5py.File(opened, "a") as file:
        change(file)
    return members | {archives.WEIGHTS: opened.getvalue()}


def names(file):
    members = []
    file.visit(members.append)
    return [name for name in members if isinstance(file[name], h5py.Dataset)]


def a_dataset(file):
    """The name of some dataset of weights."""
    weights = [name for name in names(file) if "optimizer" not in name]
    return next(name for name in weights if file[name].ndim == 2)


def refused(path, words):
    with pytest.raises(ValueError, match=words) as caught:
        zoo.load(path)
    message = str(caught.value)
    assert "Received: " in message and "\n" not in message
    return message


def test_a_file_with_its_members_and_checksums_is_taken(members, tmp_path):
    assert zoo.load(crafted(tmp_path / "ae.keras", members)).built


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_foreign_members_are_refused_and_never_unpickled(members, tmp_path):
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    for name in ("model.pkl", "assets/data.pkl", "../up.keras", "/etc/x", "model.py"):
        path = crafted(tmp_path / "crafted.keras", members | {name: trap})
        refused(path, "has no place in it")
    for name in (archives.CONFIG, archives.WEIGHTS):
        crafted(tmp_path / "crafted.keras", members | {name: trap})
        refused(tmp_path / "crafted.keras", "Received")
    assert sorted(os.listdir(tmp_path)) == ["crafted.keras"]


LAMBDA = keras.layers.Lambda(lambda x: x).get_config()
CLASSES = [
    {"module": "keras.layers", "class_name": "Lambda", "config": LAMBDA},
    {"module": "builtins", "class_name": "__lambda__", "config": {"code": "4wAAAA=="}},
    {"module": "os", "class_name": "system", "config": "touch sprung"},
    {"module": "keras.src.saving.saving_lib", "class_name": "load_model", "config": {}},
    {"module": None, "class_name": "Mine", "registered_name": "own>Mine", "config": {}},
]


@pytest.mark.parametrize("item", CLASSES, ids=lambda item: item["class_name"])
def test_a_class_that_is_no_optimizer_is_refused_by_name(members, tmp_path, item):
    def as_optimizer(config):
        config["compile_config"]["optimizer"]["encoder"] = item

    def as_rate(config):
        optimizer = config["compile_config"]["optimizer"]["encoder"]
        optimizer["config"]["learning_rate"] = item

    def as_setting(config):
        config["config"]["latent_dim"] = item

    def as_loss(config):
        config["compile_config"]["loss"] = item

    for change in (as_optimizer, as_rate, as_setting):
        path = crafted(tmp_path / "crafted.keras", with_config(members, change))
        assert repr(item["class_name"]) in refused(path, "names a class")
    path = crafted(tmp_path / "crafted.keras", with_config(members, as_loss))
    refused(path, "not those of a model")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(config=None),
        lambda c: c.update(config=[1]),
        lambda c: c.update(build_config={"image_shape": [10**9, 8, 1]}),
        lambda c: c.update(build_config={"image_shape": None}),
        lambda c: c.update(build_config={"shape": [8, 8, 1]}),
        lambda c: c["config"].update(latent_dim=-1),
        lambda c: c["config"].update(latent_dim=10**15),
        lambda c: c["config"].update(latent_dim=10**400),
        lambda c: c["config"].update(latent_dim=float("nan")),
        lambda c: c.update(registered_name=["zoo>ae"]),
        lambda c: c["compile_config"].update(optimizer=None),
        lambda c: c["compile_config"].update(optimizer={"encoder": "adam"}),
        lambda c: c["compile_config"].update(jit_compile={"a": 1}),
    ],
)
def test_settings_that_make_no_model_are_refused(members, tmp_path, change):
    refused(crafted(tmp_path / "c.keras", with_config(members, change)), "Received")


@pytest.mark.parametrize("text", ["", "[]", "null", "3", "{", "[" * 10**5, '{"a": 1}'])
def test_a_config_that_is_none_is_refused(members, tmp_path, text):
    refused(crafted(tmp_path / "c.keras", members | {archives.CONFIG: text}), "Rec")


@pytest.mark.slow
def test_variables_too_many_too_few_or_of_another_kind_are_refused(members, tmp_path):
    def extra(file):
        file["more"] = np.zeros(3)

    def missing(file):
        del file[a_dataset(file)]

    def replaced(make):
        def change(file):
            name = a_dataset(file)
            array = file[name][()]
            del file[name]
            make(file, name, array)

        return change

    def shape(file, name, array):
        file[name] = array.T.copy() if array.shape[0] != array.shape[1] else array[1:]

    def dtype(file, name, array):
        file[name] = array.astype("float64")

    def count(file):
        name = next(n for n in names(file) if n.endswith("iterations"))
        array = file[name][()]
        del file[name]
        file[name] = array.astype("int8")

    def soft(file, name, array):
        file["elsewhere"] = array
        file[name] = h5py.SoftLink("/elsewhere")

    def external(file, name, array):
        file[name] = h5py.ExternalLink("/etc/passwd", "/")

    def storage(file, name, array):
        outside = [(str(tmp_path / "secret"), 0, array.nbytes)]
        file.create_dataset(name, array.shape, "float32", external=outside)

    def virtual(file, name, array):
        layout = h5py.VirtualLayout(array.shape, "float32")
        layout[:] = h5py.VirtualSource("other.h5", "x", array.shape)
        file.create_virtual_dataset(name, layout)

    path = tmp_path / "crafted.keras"
    makes = (shape, dtype, soft, external, storage, virtual)
    for change in (extra, missing, count, *map(replaced, makes)):
        crafted(path, with_weights(members, change))
        refused(path, "variables are not the model's")


def test_a_changed_byte_a_compressed_member_and_a_repeated_one_are_refused(
    members, tmp_path
):
    path = tmp_path / "crafted.keras"
    config = members[archives.CONFIG].replace(b'"latent_dim": 3', b'"latent_dim": 4')
    changed = members | {archives.CONFIG: config}
    crafted(path, changed, seal=False)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(archives.CHECKSUMS, members[archives.CHECKSUMS])
    assert archives.CONFIG in refused(path, "checksum of")
    crafted(path, members, compression=zipfile.ZIP_DEFLATED)
    refused(path, "has no place in it")
    crafted(path, members)
    with pytest.warns(UserWarning, match="Duplicate"):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(archives.CONFIG, "{}")
    refused(path, "has no place in it")


@pytest.mark.slow
def test_flipped_bits_under_right_checksums_are_a_model_or_a_sentence(
    members, tmp_path
):
    """HDF5 has no checksum of its own, and h5py ends in errors of many kinds."""
    rng = np.random.default_rng(3)
    is_model = []
    for number in range(40):
        weights = bytearray(members[archives.WEIGHTS])
        for place in rng.integers(0, len(weights), 8):
            weights[place] ^= 1 << rng.integers(8)
        other = members | {archives.WEIGHTS: bytes(weights)}
        path = crafted(tmp_path / f"{number}.keras", other)
        try:
            is_model.append(zoo.load(path).built)
        except ValueError as error:
            is_model.append(False)
            assert str(error).endswith(f"Received: {path}.")
    assert 5 < sum(is_model) < 35


def test_repeated_names_are_counted_in_one_pass(tmp_path):
    path = tmp_path / "many.keras"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that names are repeated
        for _ in range(20_000):
            archive.writestr(archives.CONFIG, "")
    start = time.process_time()
    refused(path, "has no place in it")
    assert time.process_time() - start < 3


def test_no_byte_of_a_file_can_be_changed_unseen(members, tmp_path):
    path = crafted(tmp_path / "crafted.keras", members)
    whole = path.read_bytes()
    before = {name: v for name, v in members.items() if name != archives.CHECKSUMS}
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 300):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoilt)
        try:
            archives.verify(path)
        except ValueError as error:
            assert str(error).endswith(f"Received: {path}.")
        else:  # a date or such in a header: the contents are what they were
            with zipfile.ZipFile(path) as archive:
                assert all(archive.read(n) == content for n, content in before.items())


def test_safe_mode_is_never_off_and_nothing_is_unpickled():
    root = os.path.dirname(os.path.dirname(zoo.__file__))
    for package in ("zoo", "experiments"):
        for folder, _, files in os.walk(os.path.join(root, package)):
            for file in (name for name in files if name.endswith(".py")):
                text = pathlib.Path(folder, file).read_text()
                assert "safe_mode" not in text and "import pickle" not in text
                assert "allow_pickle=True" not in text and "Lambda(" not in text
