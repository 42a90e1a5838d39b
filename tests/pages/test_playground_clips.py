"""Tests the rooms of moving pictures by the page's own server: with `-m full` and the
packages of requirements-playground.txt."""

import io
import json
import urllib.request

import pytest
import tiny
from PIL import Image
from test_playground_server import called
from untrained import folder_of

from zoo.commands import workers

pytestmark = pytest.mark.full
FRAMES = 5
WHERE = {"dataset": "moving:digits", "frames": FRAMES, "image_size": 28}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """Returns {model: address} of a page each."""
    pytest.importorskip("gradio")
    from zoo.pages import playground
    from zoo.pages.playground import page

    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "FRAMES", FRAMES)
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "files"))
        runs = {n: folder_of(folder / n, n) for n in ("rnn_vaegan", "interpolator")}
        players = [playground.Player(run, **WHERE) for run in runs.values()]
        ports = workers.free_ports(2)
        pages = [page.of_players([player]) for player in players]
        with (
            page.serving(pages[0], "127.0.0.1", ports[0]) as first,
            page.serving(pages[1], "127.0.0.1", ports[1]) as second,
        ):
            yield dict(zip(runs, (first.rstrip("/"), second.rstrip("/"))))


def film_of(event):
    """The GIF of an answer, which has a film and a picture."""
    assert "event: complete" in event
    film, _ = json.loads(event.split("data: ", 1)[1])
    with urllib.request.urlopen(film["url"], timeout=60) as reply:
        return Image.open(io.BytesIO(reply.read()))


def test_a_film_goes_on_in_several_ways(addresses):
    address = addresses["rnn_vaegan"]
    assert film_of(called(address, "go_on", 3, None, 2, 5)).format == "GIF"
    event = called(address, "go_on", 3, None, FRAMES, 5)
    assert "event: error" in event or "null" in event


def test_new_films_are_made(addresses):
    assert film_of(called(addresses["rnn_vaegan"], "drawn", 0, 2, 7)).n_frames > 1


def test_frames_are_drawn_between_two(addresses):
    address = addresses["interpolator"]
    assert film_of(called(address, "draw", 1, None, 0, 4, 3)).n_frames > 1
    event = called(address, "draw", 1, None, 0, 9, 3)
    assert "event: error" in event or "null" in event
