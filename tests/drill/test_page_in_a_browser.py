"""The page of a rehearsal as a person sees it: on a phone and on a desk, in light and in darkness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drill.report import write
from tests.support.browser import Browser, browser
from tests.support.outcomes import FAILED, OUTCOME

pytestmark = pytest.mark.slow

PHONE, DESK = (360, 740), (1280, 900)
SMALLEST = 12
"""Pixels of CSS: what is smaller nobody reads on a phone."""
ENOUGH = 4.5
"""The contrast of text: https://www.w3.org/TR/WCAG22/#contrast-minimum."""

TEXTS = """
(() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => channels(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, number) => sum + part * [0.2126, 0.7152, 0.0722][number], 0);
  const paper = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const has_text = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter(element => has_text(element) && element.checkVisibility() && !element.closest("svg"))
    .map(element => {
      const style = getComputedStyle(element), box = element.getBoundingClientRect();
      const pair = [luminance(style.color), luminance(paper(element))].sort((one, other) => other - one);
      return {
        text: element.textContent.slice(0, 40), pixels: parseFloat(style.fontSize), right: box.right, left: box.left,
        contrast: (pair[0] + 0.05) / (pair[1] + 0.05), scrolls: element.closest(".wide") !== null,
      };
    });
})()
"""
"""Each element with words of its own: its size, its place and the contrast to what is behind it."""

BARS = """
[...document.querySelector("svg").querySelectorAll("rect")]
  .map(bar => bar.getBoundingClientRect()).map(box => [box.width, box.height])
"""
"""Width and height of each stretch of the first picture."""


@dataclass(frozen=True)
class View:
    """How a page is looked at."""

    screen: tuple[int, int]
    scheme: str


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all."""
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module", params=[(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")], ids=str)
def view(request: pytest.FixtureRequest) -> View:
    """A screen, and whether its owner likes it light or dark."""
    screen, scheme = request.param
    return View(screen, scheme)


@pytest.fixture(scope="module")
def page(chromium: Browser, view: View, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """A page of a rehearsal that passed and of one that did not, shown."""
    file = tmp_path_factory.mktemp("page") / "drill-report.html"
    write(file, [OUTCOME, FAILED])
    chromium.complaints.clear()
    chromium.requests.clear()
    width, height = view.screen
    chromium.look_like(width=width, height=height, is_phone=view.screen == PHONE, scheme=view.scheme)
    chromium.show(file)
    return chromium


def texts(page: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.value(TEXTS)
    assert len(found) > 100
    return found


def test_the_browser_complains_of_nothing_and_loads_nothing_else(page: Browser) -> None:
    assert page.complaints == []
    assert [address for address in page.requests if not address.endswith("/drill-report.html")] in ([], ["data:,"])


def test_nothing_reaches_beyond_the_screen(page: Browser, view: View) -> None:
    width = view.screen[0]
    assert page.value("window.innerWidth") == width
    assert page.value("document.documentElement.scrollWidth") == width
    outside = [one for one in texts(page) if not one["scrolls"] and (one["right"] > width or one["left"] < 0)]
    assert outside == []


def test_all_text_can_be_read(page: Browser) -> None:
    assert [one for one in texts(page) if one["pixels"] < SMALLEST or one["contrast"] < ENOUGH] == []


def test_the_screen_is_as_its_owner_likes_it(page: Browser, view: View) -> None:
    paper = page.value("getComputedStyle(document.body).backgroundColor")
    brightness = sum(json.loads(paper.replace("rgb(", "[").replace(")", "]"))) / 3 / 255
    assert brightness > 0.9 if view.scheme == "light" else brightness < 0.2


def test_the_picture_of_the_time_is_as_wide_as_the_page(page: Browser) -> None:
    bars = page.value(BARS)
    assert len(bars) == 4
    width = page.value("document.querySelector('main').clientWidth")
    assert sum(bar[0] for bar in bars) > width * 0.9
    assert min(bar[1] for bar in bars) > 10


def test_a_screenshot_shows_it(page: Browser) -> None:
    picture = page.screenshot()
    assert picture.startswith(b"\x89PNG")
    page.value("document.body.hidden = true")
    nothing = page.screenshot()
    page.value("document.body.hidden = false")
    assert len(picture) > 5 * len(nothing)


def test_what_a_page_does_wrong_is_noticed(chromium: Browser, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text(
        "<!doctype html><img src=missing.png><script>console.error('first'); throw Error('second')</script>"
    )
    chromium.complaints.clear()
    chromium.show(wrong)
    told = "\n".join(chromium.complaints)
    assert [words for words in ("first", "second", "ERR_FILE_NOT_FOUND") if words not in told] == []
