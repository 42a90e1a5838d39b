"""Tests the playground's page in a browser without a screen: with `-m full`, the
system's Chromium and the packages of requirements-playground.txt."""

import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from untrained import folder_of

from zoo.commands import workers

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 120  # how long a test waits on a busy machine

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]


@contextlib.contextmanager
def serving(folder, *names):
    """Serves a page of models; yields its address, home folder and folder of temporary
    files."""
    home, temporary = folder / "home", folder / "tmp"
    home.mkdir(), temporary.mkdir()
    runs = [folder_of(folder / "runs" / name, name) for name in names]
    (port,) = workers.free_ports(1)
    command = [sys.executable, "-m", "experiments.playground", f"--port={port}"]
    command += [f"--workdir={','.join(map(str, runs))}"]
    root = str(pathlib.Path(__file__).parents[2])
    process = subprocess.Popen(
        command,
        cwd=home,
        env=os.environ
        | {"PYTHONPATH": root, "HOME": str(home), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = iter(process.stdout.readline, "")
    address = next(line.split()[1] for line in lines if line.startswith("serving: "))
    yield address, home, temporary
    process.terminate()
    assert process.wait(30) == 0
    assert not list(temporary.iterdir())
    written = {path.name for path in home.rglob("*") if path.is_file()}
    assert written <= {"keras.json"}  # Keras writes its settings there


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Yields what `serving` yields for a page of two models."""
    pytest.importorskip("gradio")
    with serving(tmp_path_factory.mktemp("page"), "vae", "ddpm") as page:
        yield page


def sync_api():
    return pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser():
    sync_api().expect.set_options(timeout=SECONDS * 1000)
    with sync_api().sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )


@pytest.fixture
def page(served, browser):
    """Opens a new page, and asserts at the end that it asked no other host for
    anything."""
    address, hosts = served[0], set()
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(SECONDS * 1000)
    page.on("request", lambda request: hosts.add(re.split("[/?]", request.url)[2]))
    page.goto(address)
    page.get_by_role("heading", name="zoo playground").wait_for()
    yield page
    page.close()
    assert hosts == {address.split("/")[2]}


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).locator("visible=true").click()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def picture(page, label):
    """Returns the file of the picture with this label, or None if there is no
    picture."""
    images = page.locator(".picture:visible", has_text=label).locator("img")
    if not images.count():
        return None
    return page.request.get(images.first.get_attribute("src")).body()


def changed(page, label, before=None):
    """Returns the file of the picture with this label once it differs from `before`."""
    end = time.monotonic() + SECONDS
    while (now := picture(page, label)) == before:
        assert time.monotonic() < end, f"{label} is as before"
        time.sleep(0.2)
    return now


def upload(page, name, content):
    file = {"name": name, "mimeType": "image/png", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(file)


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_slider_changes_the_picture(page):
    tab(page, "Directions")
    before = changed(page, "Image")
    slider = page.locator("input[type=range]:visible").first
    slider.focus()
    page.keyboard.press("End")
    after = changed(page, "Image", before)
    press(page, "All to 0")
    assert changed(page, "Image", after) == before


def test_an_uploaded_picture_is_rebuilt(page):
    tab(page, "Your image")
    labels = ("What the model sees", "Reconstruction", "Encoding")
    # Pictures of a test image.
    before = {label: changed(page, label) for label in labels}
    stripes = np.tile(np.repeat([0, 255], 10), (60, 3)).astype("uint8")
    upload(page, "mine.png", png(Image.fromarray(stripes)))
    for label in labels:
        with Image.open(io.BytesIO(changed(page, label, before[label]))) as answer:
            assert min(answer.size) > 100 and len(answer.getcolors(10**6)) > 1
    page.get_by_text("Class, by the zoo's classifier-digits").wait_for()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("huge.png", png(Image.new("L", (5000, 4000))), "at most 16 megapixels"),
        ("fake.png", b"hello", "5 bytes that are none of them"),
        ("heavy.png", b"\0" * (11 * 2**20), "size"),
        ("notes.txt", b"hello", "Invalid file type"),
    ],
)
def test_a_wrong_upload_is_told_on_the_page(name, content, message, page):
    tab(page, "Your image")
    before = changed(page, "Reconstruction")
    upload(page, name, content)
    toast = page.get_by_test_id("toast-body").filter(has_text=message)
    toast.first.wait_for()
    assert "Traceback" not in page.content()
    assert picture(page, "Reconstruction") in (None, before)


def test_a_drawing_is_seen(page):
    tab(page, "Your image")
    before = changed(page, "What the model sees")
    tab(page, "Draw")
    box = page.locator("canvas:visible").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=10)
    page.mouse.up()
    press(page, "Look at the drawing")
    drawn = changed(page, "What the model sees", before)
    with Image.open(io.BytesIO(drawn)) as answer:
        # The picture without its frame.
        inside = np.asarray(answer.convert("L"))[40:-40, 40:-40]
    assert inside.max() > 200 and inside.mean() < 50  # white on black


def test_two_seeds_are_joined(page):
    tab(page, "Between two")
    before = changed(page, "From one to the other")
    page.get_by_label("To number").locator("visible=true").fill("5")
    press(page, "Interpolate")
    changed(page, "From one to the other", before)


def test_noise_becomes_an_image_step_by_step(page):
    tab(page, "ddpm")
    tab(page, "Step by step")
    before = changed(page, "From noise to image")
    page.get_by_label("Seed", exact=True).locator("visible=true").fill("3")
    press(page, "Denoise")
    changed(page, "From noise to image", before)
    step = page.get_by_label("number input for Step", exact=False).last
    sync_api().expect(step).to_have_value("4")  # the tiny model has 4 steps
    now = picture(page, "Image at this step")
    step.fill("0")
    step.press("Enter")
    changed(page, "Image at this step", now)


def test_what_is_shown_can_be_downloaded(page):
    changed(page, "Samples")
    with page.expect_download() as download:
        page.locator(".picture:visible").get_by_label("Download").first.click()
    with Image.open(download.value.path()) as file:
        assert file.format == "PNG" and file.width > 500
