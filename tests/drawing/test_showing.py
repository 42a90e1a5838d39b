"""zoo.show: in a notebook, on a desktop, and where there is no display."""

import sys
import types

import numpy as np
import pytest
from PIL import Image, ImageShow
from refusals import refusal

import zoo

IMAGES = np.linspace(-1, 1, 5 * 12 * 10 * 3, dtype="float32").reshape(5, 12, 10, 3)


@pytest.fixture(autouse=True)
def no_display(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_display_the_images_are_a_file(tmp_path, capsys):
    grid = zoo.show(IMAGES)
    assert capsys.readouterr().out == (
        f"no display: the images are in {tmp_path / 'zoo.png'}\n"
    )
    with Image.open("zoo.png") as written:
        np.testing.assert_array_equal(np.asarray(written), np.asarray(grid))
    assert grid.mode == "RGB" and grid.height > grid.width / 2 > 250


@pytest.mark.parametrize(
    "images, mode",
    [
        (IMAGES[0], "RGB"),
        (IMAGES[..., :1], "L"),
        (IMAGES[0, ..., :1], "L"),
        (IMAGES[..., 0], "L"),
        (np.full((2, 8, 8, 1), 200, "uint8"), "L"),
        (list(IMAGES), "RGB"),
    ],
)
def test_one_image_or_many_grey_or_colour_floats_or_bytes(images, mode):
    assert zoo.show(images).mode == mode


def test_bytes_and_floats_are_the_same_picture():
    pixels = np.rint((IMAGES + 1) * 127.5).astype("uint8")
    pictures = [np.asarray(zoo.show(images, columns=5)) for images in (IMAGES, pixels)]
    np.testing.assert_array_equal(*pictures)


def test_a_desktop_opens_its_viewer(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(ImageShow, "show", lambda grid: opened.append(grid) or True)
    monkeypatch.setenv("DISPLAY", ":0")
    assert opened == [zoo.show(IMAGES)]
    assert capsys.readouterr().out == "" and not list(tmp_path.iterdir())


def test_a_desktop_without_a_viewer_gets_the_file(monkeypatch, capsys):
    monkeypatch.setattr(ImageShow, "show", lambda grid: False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    zoo.show(IMAGES)
    assert capsys.readouterr().out.endswith("zoo.png\n")


def test_a_notebook_shows_what_is_returned(tmp_path, monkeypatch, capsys):
    shell = types.SimpleNamespace(kernel=object())
    notebook = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert hasattr(zoo.show(IMAGES), "_repr_png_")
    assert capsys.readouterr().out == "" and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "images, told",
    [
        (np.zeros((2, 8, 8, 4)), "1 channel or 3"),
        (np.zeros((0, 8, 8, 3)), "1 channel or 3"),
        (np.zeros((8, 8)), "1 channel or 3"),
        (np.full((2, 8, 8, 3), 255.0), "255"),
        (np.full((2, 8, 8, 3), np.nan), "NaN"),
        (np.zeros((2, 8, 8, 3), "int64"), "uint8"),
        ("images", "one array"),
    ],
)
def test_what_is_no_image_is_one_sentence(images, told, tmp_path):
    assert told.lower() in refusal(zoo.show, images).lower()
    assert not list(tmp_path.iterdir())
