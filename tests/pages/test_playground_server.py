"""Tests the playground's server with requests that its own page would not send: with
`-m full` and the packages of requirements-playground.txt."""

import json
import pathlib
import re
import time
import urllib.error
import urllib.request

import pytest
from test_playground_page import serving
from untrained import folder_of

from zoo.commands import workers

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    pytest.importorskip("gradio")
    with serving(tmp_path_factory.mktemp("page"), "vae") as (address, _, _):
        yield address.rstrip("/")


def asked(url, content=None, **headers):
    """Returns (status, headers, text) of the reply."""
    request = urllib.request.Request(url, content, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


FILE = (
    b"--x\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n"
    b"Content-Type: image/png\r\n\r\nhello\r\n--x--\r\n"
)
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def test_only_its_own_page_is_answered(address):
    upload = f"{address}/gradio_api/upload"
    assert asked(upload, FILE, **FORM, Origin=address)[0] == 200
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ):
        status, _, text = asked(upload, FILE, **FORM, **headers)
        assert status == 403 and "/" not in text
        status, _, text = asked(f"{address}/config", **headers)
        assert status == 403 and "components" not in text


def called(address, name, *values):
    """Returns the last event of a call of the page's function `name`."""
    url = f"{address}/gradio_api/call/{name}"
    content = json.dumps({"data": values}).encode()
    status, _, text = asked(url, content, **{"Content-Type": "application/json"})
    if status != 200:
        return text
    return asked(f"{url}/{json.loads(text)['event_id']}")[2]


@pytest.mark.parametrize("seed", ["text", [1, 2], {"a": 1}, "NaN", True, 1e300, -1])
def test_a_seed_that_is_none_gets_words(seed, address):
    event = called(address, "draw", seed, 2)
    assert "event: error" in event or "null" in event
    assert not re.search("Traceback|not supported|NoneType", event)
    if isinstance(seed, (str, list, dict, bool)):
        assert "is a number. Received: a" in event


def test_a_seed_makes_its_image(address):
    assert "event: complete" in called(address, "draw", 3, 2)


def test_an_upload_is_removed_after_its_time(tmp_path, monkeypatch):
    pytest.importorskip("gradio")
    from zoo.pages import playground
    from zoo.pages.playground import page

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "files"))
    monkeypatch.setattr(page, "KEPT", 6)  # seconds
    player = playground.Player(folder_of(tmp_path / "vae", "vae"))
    (port,) = workers.free_ports(1)
    with page.serving([player], "127.0.0.1", port) as address:
        status, _, text = asked(f"{address}gradio_api/upload", FILE, **FORM)
        (path,) = map(pathlib.Path, json.loads(text))
        assert status == 200 and path.is_file() and tmp_path in path.parents
        end = time.monotonic() + 60
        while path.exists():
            assert time.monotonic() < end
            time.sleep(0.5)
        assert list((tmp_path / "files").rglob("*.png"))  # the page's own pictures stay
