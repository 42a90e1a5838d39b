"""Opens the tour and a comparison in a browser without a screen: with `-m full`, the
system's Chromium and Playwright (requirements-playground.txt)."""

import shutil

import numpy as np
import pytest
import tiny
from scipy import ndimage
from test_comparison import cache, entries, folders, text  # noqa: F401
from test_tour import bare, command, results  # noqa: F401

import zoo
from zoo import pages
from zoo.pages import tour
from zoo.pages.tour import live

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

# Finds texts and pictures that reach beyond the window or are cut off by their box.
CUT_OFF = """() => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect(), width = document.documentElement.clientWidth;
  const inline = getComputedStyle(e).display === 'inline';
  return box.width && (box.right > width + 1 || box.left < -1
    || (!inline && e.scrollWidth > e.clientWidth + 1));
}).map(e => e.tagName + ' ' + e.textContent.slice(0, 60))"""
MISSING = "() => [...document.images].filter(i => !i.naturalWidth).length"


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        # Chromium runs without a sandbox, because containers run as root.
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )


def require_sound(browser, path, width):
    """Opens a page in a window of `width` pixels and asserts that nothing is missing or
    cut off, and that no other host is asked."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(MISSING) == 0
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert not said
    page.close()


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("lang", tour.LANGUAGES)
def test_the_tour_is_whole(results, bare, browser, tmp_path, lang, width):  # noqa: F811
    path = tmp_path / "tour.html"
    tour.write(results, bare, path, lang, command, quick=True)
    require_sound(browser, path, width)


@pytest.mark.parametrize("width", [400, 1400])
def test_a_comparison_is_whole(text, browser, tmp_path, width):  # noqa: F811
    path = tmp_path / "compare.html"
    path.write_text(text)
    require_sound(browser, path, width)


def seen(page, place):
    """The grey values of a canvas, int `[H, W]`."""
    values = page.evaluate(
        """k => { const c = document.querySelectorAll('.live canvas')[k];
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        return [c.width, ...data] }""",
        place,
    )
    return np.array(values[1:]).reshape(-1, values[0], 4)[..., 0]


def test_a_filter_by_hand_is_a_convolution(results, bare, browser, tmp_path):  # noqa: F811
    path = tmp_path / "tour.html"
    tour.write(results, bare, path, "en", command, quick=True)
    page = browser.new_page(viewport={"width": 400, "height": 900}, has_touch=True)
    page.goto(path.as_uri())
    images = bare.test()[0][..., 0].astype(int)

    def require_answer(image, kernel):
        wanted = ndimage.correlate(image.astype(float), kernel, mode="constant")
        wanted = np.floor(128 + wanted / 2 + 0.5).clip(0, 255)
        assert np.abs(seen(page, 0) - image).max() == 0
        assert np.abs(seen(page, 1) - wanted).max() <= 1

    require_answer(images[0], np.array(live.KERNELS["across"]).reshape(3, 3))
    page.get_by_role("button", name="outlines").tap()
    page.get_by_role("button", name="picture 3").tap()
    kernel = np.array(live.KERNELS["outline"], float).reshape(3, 3)
    require_answer(images[2], kernel)
    field = page.get_by_label("weight in row 1, column 3")
    field.fill("2.5")
    kernel[0, 2] = 2.5
    require_answer(images[2], kernel)
    field.press("ArrowUp")  # whole steps by the keyboard
    assert float(field.input_value()) > 2.5
    page.close()


def test_without_scripts_there_is_no_place_that_would_answer(
    results,  # noqa: F811
    bare,  # noqa: F811
    browser,
    tmp_path,
):
    path = tmp_path / "tour.html"
    tour.write(results, bare, path, "en", command, quick=True)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(path.as_uri())
    assert not page.locator(".live").is_visible()
    page.close()


@pytest.mark.parametrize("name", ["gan", "cgan"])
def test_a_generator_in_the_page_makes_the_images_of_the_model(name, browser, tmp_path):
    model, words = zoo.get(name, weights="digits"), tour.Words("en")
    place = live.generator(model, words, name)
    path = tmp_path / "page.html"
    path.write_text(pages.page("t", place, script=live.SCRIPT.read_text("utf-8")))
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(path.as_uri())
    a, b = model.prior(2, seed=0) if name == "gan" else model.noise(np.arange(2))
    angle = np.arccos(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
    for share, label in ((0, 0), (50, 3), (100, 7)):
        slider = page.get_by_label("from one noise to another")
        slider.fill(str(share))
        z = np.sin((1 - share / 100) * angle) * a + np.sin(share / 100 * angle) * b
        inputs = z / np.sin(angle)
        if name == "cgan":
            page.get_by_role("button", name=str(label), exact=True).click()
            inputs = np.concatenate([inputs, np.eye(10)[label]])
        network = model.averaged_network("generator", True)
        image = np.array(network(inputs[None].astype("float32")))[0, ..., 0]
        assert np.abs(seen(page, 0) - (image + 1) * 127.5).max() < 1.6
    before = seen(page, 0)
    page.get_by_role("button", name="new noise").click()
    assert np.abs(seen(page, 0) - before).mean() > 1
    page.close()


def test_a_point_on_two_maps_is_drawn_by_both_decoders(browser, tmp_path):
    config = {"latent_dim": 2, "width": 4, "hidden": 16}
    models = {
        role: zoo.get(name, image_shape=(28, 28, 1), **config)
        for role, name in zip(tour.MAPPED, ("ae", "vae"))
    }
    images, colours = tiny.images(9, (28, 28, 1)), ["red"] * 9
    place = live.maps(models, images, colours, ("a",), tour.Words("en"))
    path = tmp_path / "page.html"
    path.write_text(pages.page("t", place, script=live.SCRIPT.read_text("utf-8")))
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(path.as_uri())

    def require_images(share):
        for k, model in enumerate(models.values()):
            z = model.encode(tiny.images(9, (28, 28, 1)))
            low, high = z.min(axis=0), z.max(axis=0)
            image = model.decode((low + np.array(share) * (high - low))[None])[
                0, ..., 0
            ]
            assert np.abs(seen(page, 2 * k + 1) - (image + 1) * 127.5).max() < 1.6

    require_images([0.5, 0.5])
    box = page.locator("canvas.map").nth(1).bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.up()
    require_images([0.75, 0.5])
    page.locator("canvas.map").first.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    require_images([1.0, 0.48])
    page.close()
