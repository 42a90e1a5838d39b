"""Tests models on a hub, by a stub of one on this machine."""

import base64
import contextlib
import hashlib
import http.server
import json
import sys
import threading

import numpy as np
import pytest
import tiny
import tiny_runs
from untrained import FEW, cache  # noqa: F401
from verbs import called

import zoo
from zoo import backend, evaluation
from zoo.commands import publish, sample
from zoo.files import hub

pytestmark = pytest.mark.skipif(
    not backend.HAS_TF_DATA, reason="files are the same on all backends"
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Stub(http.server.BaseHTTPRequestHandler):
    """Speaks as much of a hub's protocol as one file up or down takes."""

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def do_HEAD(self):
        self.answer_file(with_content=False)

    def do_GET(self):
        if self.path.startswith("/api/"):
            self.reply({"id": "me/mine", "sha": COMMIT, "siblings": []})
        else:
            self.answer_file(with_content=True)

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/repos/create"):
            self.server.made.append(json.loads(content)["name"])
            self.reply({"url": f"{self.address}/me/mine"})
        elif self.path.endswith("/validate-yaml"):  # of the head of README.md
            self.reply({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(content)["files"]
            ]
            self.reply({"files": files, "commitOid": COMMIT})
        else:
            for line in content.decode().splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    content = base64.b64decode(value["content"])
                    self.server.files[value["path"]] = content
            self.reply(
                {
                    "commitUrl": f"{self.address}/me/mine/commit/{COMMIT}",
                    "commitOid": COMMIT,
                }
            )

    def answer_file(self, with_content):
        content = self.server.files.get(self.path.rpartition("/")[2])
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def reply(self, answer):
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.files, server.made = {}, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """A hub on this machine, and a cache and a token of the test's own."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    with serving() as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield server


def test_a_model_is_fetched_by_its_name(stub, tmp_path, capsys):
    model = tiny.model("vae")
    model.save(tmp_path / "model.keras")
    stub.files["model.keras"] = (tmp_path / "model.keras").read_bytes()
    loaded = zoo.load("hf://me/mine")
    np.testing.assert_array_equal(loaded.sample(2, seed=3), model.sample(2, seed=3))
    out = f"--out={tmp_path / 'samples.npz'}"
    assert called(sample, "--workdir=hf://me/mine", "--num_images=2", out) == 0
    assert np.load(tmp_path / "samples.npz")["images"].shape == (2, 8, 8, 1)
    with pytest.raises(OSError, match="gives no such file .* Received: hf://me/mine/"):
        zoo.load("hf://me/mine/other.keras")
    stub.files["bad.keras"] = b"no model"
    with pytest.raises(ValueError, match="Received: .*bad.keras"):
        zoo.load("hf://me/mine/bad.keras")


@pytest.mark.slow
def test_a_run_is_sent_with_its_card_and_comes_back(stub, tmp_path, capsys):
    run = tmp_path / "gan-digits"
    tiny_runs.trained(run, "--epochs=1", base=tiny_runs.of("gan"))
    evaluation.evaluate(run, FEW).write()
    assert called(publish, f"--workdir={run}", "--hub=hf://me/mine") == 0
    assert "/me/mine/commit/" in capsys.readouterr().out
    assert stub.made == ["mine"] or stub.made == ["me/mine"]
    assert set(stub.files) == {"README.md", "model.keras", "gan-digits.png"}
    card = stub.files["README.md"].decode()
    assert card.startswith("---\nlibrary_name: keras\n")
    assert 'zoo.load("hf://me/mine")' in card and "zoo.get(" not in card
    digest = hashlib.sha256(stub.files["model.keras"]).hexdigest()
    assert f"`model.keras`, sha256 `{digest}`" in card
    assert "half precision" not in card and ".npz" not in card
    flags = [f"--workdir={run}", "--hub=hf://me/mine", "--without=discriminator"]
    assert called(publish, *flags) == 1
    assert "goes to a hub as a whole" in capsys.readouterr().err
    back = zoo.load("hf://me/mine").sample(2, seed=1)
    np.testing.assert_array_equal(back, zoo.load(run).sample(2, seed=1))
    assert len(stub.files["model.keras"]) < (run / "model.keras").stat().st_size


@pytest.mark.parametrize("name", ["hf://mine", "hf://a/b/c.txt", "hf://a/../b.keras"])
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match="hf://USER/REPO.* Received: "):
        zoo.load(name)


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="pip install 'huggingface_hub>=1'"):
        hub.fetch("hf://me/mine")


@pytest.mark.full  # its library tries again for 20 seconds
def test_a_hub_that_does_not_answer_is_a_sentence(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OSError, match="gives no such file .* Received: hf://me/mine"):
        hub.fetch("hf://me/mine")
