"""Opens the tour and a comparison in a browser without a screen: with `-m full`, the
system's Chromium and Playwright (requirements-playground.txt)."""

import shutil

import pytest
from test_comparison import cache, entries, folders, text  # noqa: F401
from test_tour import bare, command, results  # noqa: F401

from zoo.pages import tour

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
