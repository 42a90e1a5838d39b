"""Tests the first server: the documented REST protocol of TensorFlow Serving, over HTTP
on 127.0.0.1."""

import base64
import concurrent.futures
import contextlib
import http.client
import importlib.util
import io
import json
import re
import shutil
import signal
import socket
import threading

import keras
import numpy as np
import pytest
import tiny
from google.protobuf import json_format
from PIL import Image
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2
from untrained import folder_of
from verbs import called, start

import zoo
from zoo.commands import request, serve
from zoo.inputs import pixels
from zoo.serving import client
from zoo.serving.server import listening, served
from zoo.serving.server.app import Limits

SIGNATURES = ["sample", "sample_png", "encode", "reconstruct_png", "interpolate"]


@pytest.fixture(scope="module")
def models():
    """The models of version 1 and of version 2."""
    keras.utils.set_random_seed(1)
    return tiny.model("vae"), tiny.model("vae")


@pytest.fixture(scope="module")
def folder(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving") / "vae"
    zoo.export(models[0], folder, ["sample"], warmup=False)
    zoo.export(models[1], folder, SIGNATURES, warmup=False)
    return folder


@contextlib.contextmanager
def running(model, **limits):
    """Yields the host:port at which `model` is served."""
    listener = listening.bound("127.0.0.1", 0)
    with listening.serving(model, listener, Limits(**limits)) as address:
        yield address.removeprefix("http://")


@pytest.fixture(scope="module")
def address(folder):
    with running(served.Model(folder)) as address:
        yield address


def asked(address, path, body=None, **headers):
    """Returns (status, reply) of a GET, or of a POST of a body."""
    if not isinstance(body, (bytes, type(None))):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection(address, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST" if body else "GET", path, body, headers)
        reply = connection.getresponse()
        content = reply.read()
    if "json" in reply.headers["content-type"]:
        content = json.loads(content)
    return reply.status, content


def predicted(address, **question):
    """Returns the reply to a question that is answered."""
    status, reply = asked(address, "/v1/models/vae:predict", question)
    assert status == 200, reply
    return reply


# --- the protocol ---------------------------------------------------------------------


def test_status_is_the_documented_message(address):
    status, reply = asked(address, "/v1/models/vae")
    message = json_format.ParseDict(
        reply, get_model_status_pb2.GetModelStatusResponse()
    )
    available = message.model_version_status[0].AVAILABLE
    states = {each.version: each.state for each in message.model_version_status}
    assert status == 200 and states == {1: available, 2: available}
    for path in ("versions/1", "labels/previous"):
        _, reply = asked(address, f"/v1/models/vae/{path}")
        assert [each["version"] for each in reply["model_version_status"]] == ["1"]
    assert asked(address, "/healthz") == (200, b"ok\n")


@pytest.mark.parametrize("path, version", [("", 2), ("/versions/1", 1)])
def test_metadata_are_the_definitions_of_the_version(path, version, address, folder):
    status, reply = asked(address, f"/v1/models/vae{path}/metadata")
    assert status == 200
    assert reply["model_spec"]["name"] == "vae"
    assert reply["model_spec"]["version"] == str(version)
    definitions = json_format.ParseDict(
        reply["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap()
    )
    content = (folder / str(version) / "saved_model.pb").read_bytes()
    saved = served.saved_model_pb2.SavedModel.FromString(content)
    assert definitions.signature_def == saved.meta_graphs[0].signature_def


@pytest.mark.parametrize(
    "version, number", [(None, 2), (1, 1), ("latest", 2), ("previous", 1)]
)
def test_the_client_gets_the_images_of_the_version(version, number, address, models):
    reply = client.Rest(address, "vae", version).predict(
        "sample", {"seed": np.arange(3)}
    )
    wanted = models[number - 1].sample(3, seed=0)
    np.testing.assert_allclose(reply["images"], wanted, atol=1e-6)


def test_rows_and_columns_are_the_same_question(address, models):
    images = models[1].sample(2, seed=7)
    for key, form in (("predictions", "instances"), ("outputs", "inputs")):
        for values in ([7, 8], by_form(form, seed=[7, 8])):
            reply = predicted(address, **{form: values})
            assert list(reply) == [key]  # of one output, without its name
            np.testing.assert_allclose(reply[key], images, atol=1e-6)
    inputs = tiny.floats(2).tolist()
    rows = predicted(address, signature_name="encode", instances=inputs)["predictions"]
    columns = predicted(address, signature_name="encode", inputs=inputs)["outputs"]
    assert set(columns) == {"z", "z_mean", "z_logvar"}
    assert rows == [{key: columns[key][i] for key in columns} for i in range(2)]
    np.testing.assert_allclose(
        columns["z"], models[1].encode(tiny.floats(2)), atol=1e-6
    )
    ends = {"z_a": [[0.5, 0, 0]] * 2, "z_b": [[0, 1, 0]] * 2, "weight": [0.25, 1]}
    replies = [
        predicted(
            address, signature_name="interpolate", **{form: by_form(form, **ends)}
        )
        for form in ("instances", "inputs")
    ]
    assert replies[0]["predictions"] == replies[1]["outputs"]
    np.testing.assert_allclose(
        replies[1]["outputs"],
        models[1].decode([[0.375, 0.25, 0], [0, 1, 0]]),
        atol=1e-6,
    )


def by_form(form, **columns):
    if form == "inputs":
        return columns
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def test_files_are_base64(address, models):
    images = tiny.images(2)
    files = [{"b64": base64.b64encode(pixels.png(image)).decode()} for image in images]
    wanted = pixels.to_uint8(models[1].reconstruct(images))[..., 0].astype(int)
    for form in ("instances", "inputs"):
        for values in (files, by_form(form, image_bytes=files)):
            question = {"signature_name": "reconstruct_png", form: values}
            ((_, reply),) = predicted(address, **question).items()
            assert [list(each) for each in reply] == [["b64"], ["b64"]]
            answers = [base64.b64decode(each["b64"]) for each in reply]
            pictures = [np.asarray(Image.open(io.BytesIO(each))) for each in answers]
            assert abs(np.array(pictures, int) - wanted).max() <= 1


def test_the_verb_of_the_client_works_unchanged(address, tmp_path, capsys):
    flags = f"--server={address}", "--model=vae", f"--out={tmp_path / 'reply'}"
    assert called(request, *flags, "--num_images=3") == 0, capsys.readouterr()
    assert len(list((tmp_path / "reply").glob("*.png"))) == 3
    assert called(request, *flags, "--version=9") == 1
    assert "status 404: Servable not found" in capsys.readouterr().err


def test_no_rows_are_no_images(address):
    assert predicted(address, inputs={"seed": []}) == {"outputs": []}


# --- wrong requests -------------------------------------------------------------------

SEED = "sample takes seed as int64 [N] in [0, 4611686018427387904]. Received: "
ASK = "/v1/models/vae:predict"
NONE = "Servable not found: here is model=vae with the versions 1, 2"
WRONG = {
    "no json": (ASK, b"{", 400, "A request is JSON (Expecting property name"),
    "no text": (ASK, b"\xff\xfe\xff", 400, "A request is JSON ("),
    "deep": (ASK, b"[" * 100_000, 400, "A request is JSON ("),
    "long number": (ASK, b'{"inputs": %s}' % (b"9" * 5000), 400, "A request is JSON"),
    "a list": (ASK, [1], 400, "an object with either 'inputs' or 'instances'."),
    "nothing": (ASK, {}, 400, "either 'inputs' or 'instances'. Received: {}."),
    "both": (ASK, {"inputs": [1], "instances": [1]}, 400, "either 'inputs' or"),
    "name": (ASK, {"signature_name": 3, "inputs": 1}, 400, "a string. Received: 3."),
    "signature": (
        ASK,
        {"signature_name": "sampel", "inputs": [1]},
        400,
        "Signatures are encode, interpolate, reconstruct_png, sample, sample_png, "
        "serving_default. Received: signature_name=sampel.",
    ),
    "no row": (ASK, {"instances": []}, 400, "at least one row. Received: []."),
    "no list": (ASK, {"instances": 3}, 400, "at least one row. Received: 3."),
    "other input": (ASK, {"inputs": {"sed": [1]}}, 400, "are seed. Received: 'sed'."),
    "more input": (ASK, {"inputs": {"seed": [1], "x": [1]}}, 400, "are seed. Received"),
    "other row": (ASK, {"instances": [{"seed": 1}, {"sed": 2}]}, 400, "{'sed': 2}."),
    "mixed rows": (ASK, {"instances": [{"seed": 1}, 2]}, 400, "of seed. Received: 2."),
    "no names": (
        ASK,
        {"signature_name": "interpolate", "inputs": [[1, 2, 3]]},
        400,
        "The inputs are named: ",
    ),
    "float": (ASK, {"inputs": [1.5]}, 400, "seed is int64, in lists of equal lengths."),
    "boolean": (ASK, {"inputs": [True]}, 400, "seed is int64"),
    "null": (ASK, {"inputs": [None]}, 400, "seed is int64"),
    "text": (ASK, {"inputs": ["1"]}, 400, "seed is int64"),
    "large": (ASK, {"inputs": [2**64]}, 400, "seed is int64"),
    "ragged": (ASK, {"inputs": [[1], [2, 3]]}, 400, "seed is int64"),
    "shape": (ASK, {"inputs": [[1], [2]]}, 400, f"{SEED}shape [2, 1]."),
    "range": (ASK, {"inputs": [3, -2]}, 400, f"{SEED}-2."),
    "rows": (ASK, {"inputs": [1] * 1025}, 400, "at most 1024 rows. Received: 1025."),
    "nan": (
        ASK,
        {"signature_name": "encode", "inputs": np.full((1, 8, 8, 1), np.nan).tolist()},
        400,
        "encode takes images as float32 [N, 8, 8, 1] in [-1, 1]. Received: nan.",
    ),
    "no base64": (
        ASK,
        {"signature_name": "reconstruct_png", "inputs": [{"b64": "?"}]},
        400,
        "image_bytes is string",
    ),
    "no file": (
        ASK,
        {"signature_name": "reconstruct_png", "inputs": [{"b64": "aGVsbG8"}]},
        400,
        "files of 8x8x1. Received: a file of 5 bytes",
    ),
    "model": ("/v1/models/gan:predict", {}, 404, f"{NONE} and the labels"),
    "version": ("/v1/models/vae/versions/3:predict", {}, 404, "model=vae, version=3."),
    "label": ("/v1/models/vae/labels/old:predict", {}, 404, "model=vae, label=old."),
    "status": ("/v1/models/gan", None, 404, NONE),
    "method": ("/v1/models/vae:classify", {}, 400, "by :predict. Received: :classify."),
    "path": ("/v1/model/vae", None, 400, "Malformed request: GET /v1/model/vae"),
    "verb": ("/v1/models/vae/metadata", {}, 400, "Malformed request: POST /v1/models"),
    "elsewhere": ("/models", None, 404, "Not Found: GET /models"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_gets_a_sentence(name, address):
    path, body, status, text = WRONG[name]
    received, reply = asked(address, path, body)
    assert (received, list(reply)) == (status, ["error"])
    assert text in reply["error"] and len(reply["error"]) < 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8501"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_foreign_hosts_and_pages_are_refused(headers, address):
    for path, body in ((ASK, {"inputs": [1]}), ("/v1/models/vae", None)):
        status, reply = asked(address, path, body, **headers)
        assert status == 403 and "its own machine alone" in reply["error"]
        assert (
            asked(address, path, body, Host=address, Origin=f"http://{address}")[0]
            == 200
        )


# --- many requests --------------------------------------------------------------------


def test_of_200_requests_at_once_none_is_lost_or_mixed_up(address, models):
    count, barrier = 200, threading.Barrier(200)

    def image(seed):
        barrier.wait()
        return predicted(address, inputs={"seed": [seed]})["outputs"]

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        images = np.concatenate(list(pool.map(image, range(count))))
    wanted = models[1].sample(count, seed=0)
    apart = abs(wanted[1:] - wanted[:-1]).max(axis=(1, 2, 3)).min()
    assert apart > 1e-3
    np.testing.assert_allclose(images, wanted, atol=1e-5)


class Slow:
    """A model that answers when it is let, and counts what it began."""

    name, number = "vae", 1

    def __init__(self):
        self.begun, self.free = threading.Semaphore(0), threading.Event()

    def chosen(self, *_):
        return [self]

    def takes(self, signature):
        return {"seed": ("int64", (-1,))}

    def answer(self, signature, rows):
        self.begun.release()
        assert self.free.wait(60)
        return {"double": 2 * rows["seed"]}


def in_progress(address):
    _, text = asked(address, "/monitoring/prometheus/metrics")
    return int(re.search(rb"^zoo_requests_in_progress\S+ (\d+)", text, re.M)[1])


def until(condition):
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it does not come to pass within 30 seconds")


def test_beyond_the_queue_requests_are_refused_and_those_within_answered():
    model = Slow()
    with running(model, workers=1, queue=2) as address:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            replies = [pool.submit(predicted, address, inputs=[n]) for n in range(3)]
            until(lambda: in_progress(address) == 3)
            status, reply = asked(address, ASK, {"inputs": [9]})
            assert status == 503 and "busy with 3 requests" in reply["error"]
            assert asked(address, "/healthz")[0] == 200
            model.free.set()
            answers = [each.result()["outputs"] for each in replies]
        assert answers == [[0], [2], [4]] and in_progress(address) == 0
        assert predicted(address, inputs=[9])["outputs"] == [18]


def test_a_server_that_stops_finishes_what_it_began_and_refuses_what_waits():
    model = Slow()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with running(model, workers=1) as address:
            first = pool.submit(asked, address, ASK, {"inputs": [1]})
            assert model.begun.acquire(timeout=30)
            second = pool.submit(asked, address, ASK, {"inputs": [2]})
            until(lambda: in_progress(address) == 2)
            threading.Timer(0.3, model.free.set).start()
        assert first.result() == (200, {"outputs": [2]})
        assert second.result() == (503, {"error": "The server stops."})
    with pytest.raises(ConnectionError):
        asked(address, "/healthz")


def test_a_fault_of_the_server_is_told_and_survived(monkeypatch, caplog):
    model = Slow()
    monkeypatch.setattr(model, "answer", lambda *_: 1 / 0)
    with running(model) as address:
        status, reply = asked(address, ASK, {"inputs": [1]})
        assert status == 500 and "what it prints tells why" in reply["error"]
        until(lambda: "ZeroDivisionError" in caplog.text)
        assert asked(address, "/healthz")[0] == 200


# --- limits ---------------------------------------------------------------------------


def test_a_large_body_is_refused():
    with running(Slow(), body=1000) as address:
        chunks = (b"1," * 100 for _ in range(1000))  # no Content-Length
        for body in (b"x" * 10_000_000, chunks):
            connection = http.client.HTTPConnection(address, timeout=60)
            with contextlib.closing(connection):
                connection.request("POST", ASK, body)
                reply = connection.getresponse()
                assert reply.status == 413
                error = json.loads(reply.read())["error"]
                assert error == "A request has at most 1,000 bytes."
        assert in_progress(address) == 0


def test_a_client_that_stops_amid_its_request_is_not_waited_for():
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n"
    with running(Slow(), timeout=0.5) as address:
        host, _, port = address.partition(":")
        for content, answer in ((head % ASK.encode(), b""), (b"", b"")):
            with socket.create_connection((host, int(port)), timeout=30) as client:
                client.sendall(content)
                with contextlib.suppress(ConnectionResetError):
                    assert client.recv(1000) == answer
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(head % ASK.encode() + b"\r\n{")
            reply = http.client.HTTPResponse(client)
            reply.begin()
            assert reply.status == 408
            assert b"has to arrive within 0.5 seconds" in reply.read()
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(head % ASK.encode() + b"\r\n{")  # and is gone
        until(lambda: in_progress(address) == 0)


def test_a_client_that_does_not_read_its_reply_is_not_waited_for(monkeypatch):
    model, size = Slow(), 20_000_000  # bytes, more than the system keeps for a reader
    reply = {"file_bytes": np.array([b"x" * size], object)}
    monkeypatch.setattr(model, "answer", lambda *_: model.begun.release() or reply)
    with running(model, timeout=0.5) as address:
        connection = http.client.HTTPConnection(address, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", ASK, json.dumps({"inputs": [1]}))
            assert model.begun.acquire(timeout=30)
            until(lambda: in_progress(address) == 0)
            threading.Event().wait(1)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                connection.getresponse().read()
        assert asked(address, "/healthz")[0] == 200


def test_a_request_that_computes_longer_than_a_client_may_take_is_answered():
    model = Slow()
    with running(model, timeout=0.3) as address:
        threading.Timer(1.0, model.free.set).start()
        assert predicted(address, inputs=[4])["outputs"] == [8]


def test_too_many_connections_are_refused_until_others_close(monkeypatch):
    monkeypatch.setattr(listening, "MOST", 20)
    with running(Slow()) as address:
        host, _, port = address.partition(":")
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                place = socket.create_connection((host, int(port)), timeout=30)
                stack.enter_context(place)
            status, reply = asked(address, "/healthz")
            assert status == 503 and "connections and takes no more" in reply["error"]
        until(lambda: asked(address, "/healthz")[0] == 200)


def test_prometheus_reads_counts_and_times():
    model = Slow()
    model.free.set()
    with running(model) as address:
        for body in ({"inputs": [1]}, {"inputs": [2]}, {"inputs": [1.5]}):
            asked(address, ASK, body)
        status, text = asked(address, "/monitoring/prometheus/metrics")
    assert status == 200
    line = re.compile(
        r'([a-zA-Z_:]\w*(?::\w+)*)\{(\w+="[^"]*"(?:,\w+="[^"]*")*)\} (\S+)'
    )
    lines = [each for each in text.decode().splitlines() if not each.startswith("#")]
    parsed = [line.fullmatch(each).groups() for each in lines]
    counts = {
        labels: value for name, labels, value in parsed if name.endswith("_count")
    }
    assert counts == {
        'model_name="vae",status="OK"': "2",
        'model_name="vae",status="INVALID_ARGUMENT"': "1",
        'model_name="vae",API="predict",entrypoint="REST"': "3",
    }
    buckets = [int(value) for name, _, value in parsed if name.endswith("_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == 3
    assert 'le="+Inf"' in text.decode()


# --- the verb -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_verb_serves_until_it_is_told_to_stop(
    number, folder, tmp_path, monkeypatch
):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    if number == signal.SIGTERM:
        what = f"--workdir={folder_of(tmp_path / 'vae-digits', 'vae')}"
    else:
        what = f"--model_dir={folder}"
    process = start("serve", what, "--port=0", cwd=tmp_path)
    try:
        line = process.stdout.readline()
        address, name = re.match(
            r"serving: http://(\S+)/v1/models/(\S+) ", line
        ).groups()
        assert name == ("vae-digits" if number == signal.SIGTERM else "vae")
        assert client.Rest(address, name).states()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "", "")
    assert not list((tmp_path / "tmp").iterdir())


def test_a_port_that_is_taken_is_a_sentence(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert called(serve, f"--model_dir={folder}", f"--port={port}") == 1
    err = capsys.readouterr().err
    assert "cannot listen there: Address already in use" in err
    assert err.endswith(f"Received: 127.0.0.1, port {port}.\n") and err.count("\n") == 1


def test_without_its_packages_a_sentence_tells_what_to_install(
    folder, monkeypatch, capsys
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name != "uvicorn" and find(name)
    )
    assert called(serve, f"--model_dir={folder}") == 1
    assert "needs uvicorn (the extra `serve`): pip install" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_version_is_a_sentence(file, folder, tmp_path, capsys):
    copy = shutil.copytree(folder / "1", tmp_path / "vae" / "1")
    (copy / file).write_bytes((copy / file).read_bytes()[:-40])
    assert called(serve, f"--model_dir={tmp_path / 'vae'}", "--port=0") == 1
    err = capsys.readouterr().err
    assert "The version cannot be loaded (" in err and err.count("\n") == 1
