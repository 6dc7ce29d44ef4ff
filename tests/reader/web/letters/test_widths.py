"""HTML mail that was made for another width, on a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FrameLocator, Page, expect

from pillarbox.reader.model import inbox_of
from tests.reader.browser import browsing
from tests.reader.lived_in.house import House, lived_in
from tests.reader.mail.corpus import part, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORK = inbox_of("work")
WORDS = "<p id='words' style='font-size: 14px'>" + "Words of a newsletter. " * 30 + "</p>"
IMAGE = "<img alt='' width='560' height='20' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
NEWSLETTERS = {
    "a table": f"<table width='560' cellpadding='20'><tr><td width='560'>{WORDS}{IMAGE}</td></tr></table>",
    "a style": f"<div style='width: 560px; padding: 20px; min-width: 560px'>{WORDS}</div>",
    "a sheet": f"<style>body {{ width: 560px }} .in {{ width: 560px; margin: 0 auto }}</style><div class='in'>{WORDS}</div>",
    "fixed": f"<table style='table-layout: fixed; width: 560px'><tr><td width='180'>Left<td width='380'>{WORDS}</td></tr></table>",
    "in a cell": f"<table width='100%'><tr><td><div style='color: red; width: 560px'>{WORDS}{IMAGE}</div></td></tr></table>",
    "nested": f"<center><table width='100%'><tr><td><table width='560' align='center'><tr><td>{WORDS}</td></tr></table></td></tr></table></center>",
}
SIZE = "e => parseFloat(getComputedStyle(e).fontSize) * e.currentCSSZoom"
"""In pixels of the screen."""
WIDER = "e => document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""By how much it can be scrolled sideways."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with lived_in(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, house: House, tmp_path: Path) -> AsyncIterator[Page]:
    phone = {"width": 360, "height": 740}
    async with browsing(browser, house.desk, tmp_path, "/mail/Inbox", viewport=phone) as page:
        yield page


async def opened(page: Page, house: House, html: str) -> FrameLocator:
    """Its frame, when it is as high as what is in it."""
    key = house.desk.library.add(WORK, whole(part("text/html", html)))
    await page.goto(f"/mail/{WORK}?m={key}")
    frame = page.locator("iframe.letter-frame")
    await expect(frame).to_have_attribute("style", re.compile("height"))
    return frame.content_frame


@pytest.mark.parametrize("kind", NEWSLETTERS)
async def test_a_newsletter_of_a_fixed_width_takes_the_width_of_a_phone(
    page: Page, house: House, kind: str
) -> None:
    """It had to be scrolled sideways, line by line."""
    frame = await opened(page, house, NEWSLETTERS[kind])
    words = frame.locator("#words")
    await expect(words).to_be_visible()
    assert await words.evaluate(WIDER) == 0
    assert await words.evaluate(SIZE) == 14
    assert await page.locator("body").evaluate(WIDER) == 0


def as_wide_as(pixels: int) -> str:
    """What cannot be made narrower."""
    return f"{WORDS}<p><span style='display: inline-block; width: {pixels}px'>A picture of words.</span></p>"


async def test_what_is_somewhat_too_wide_is_made_smaller_as_far_as_it_can_be_read(
    page: Page, house: House
) -> None:
    frame = await opened(page, house, as_wide_as(420))
    words = frame.locator("#words")
    assert await words.evaluate(WIDER) == 0
    assert 0.75 * 14 <= await words.evaluate(SIZE) < 14
    below = await frame.locator("body").evaluate(
        "e => e.getBoundingClientRect().bottom - innerHeight"
    )
    assert -2 < below <= 0, "the frame is as high as what is in it"
    await page.set_viewport_size({"width": 700, "height": 740})
    await page.wait_for_function(
        "() => !document.querySelector('iframe.letter-frame').contentDocument.body.style.zoom"
    )
    assert await words.evaluate(SIZE) == 14


async def test_what_is_much_too_wide_scrolls_in_its_frame_and_the_page_stands_still(
    page: Page, house: House
) -> None:
    frame = await opened(page, house, as_wide_as(2000))
    words = frame.locator("#words")
    assert await words.evaluate(WIDER) > 1000
    assert await words.evaluate(SIZE) == 14
    assert await page.locator("body").evaluate(WIDER) == 0


@pytest.mark.parametrize(
    "style", ["width: 0px", "color: red; width:0", "width: 1px", "max-width: 0", "max-width: 1px"]
)
async def test_what_is_hidden_by_its_width_stays_hidden_on_a_phone(
    page: Page, house: House, style: str
) -> None:
    """Words for the list of an inbox, which the message itself does not show."""
    hidden = f"<div id='hidden' style='{style}; overflow: hidden'>Only in a list</div>"
    frame = await opened(page, house, hidden + WORDS)
    assert await frame.locator("#hidden").evaluate("e => e.offsetWidth") <= 1


async def test_what_a_newsletter_says_of_widths_on_a_phone_counts(page: Page, house: House) -> None:
    rule = "@media (max-width: 480px) { .half { width: 50% !important } }"
    halves = f"<tr><td class='half' width='50'>Left</td><td class='half' width='400'>{WORDS}</td>"
    frame = await opened(
        page, house, f"<style>{rule}</style><table width='100%' cellspacing='0'>{halves}</table>"
    )
    left, right = await frame.locator(".half").evaluate_all("all => all.map(e => e.offsetWidth)")
    assert abs(left - right) <= 1


async def test_what_is_as_wide_as_its_place_stays_so_on_a_phone(page: Page, house: House) -> None:
    frame = await opened(page, house, "<table style='width: 100%'><tr><td>Tea</table>" + WORDS)
    wide = await frame.locator("table").evaluate("e => e.offsetWidth")
    assert wide == await frame.locator("#words").evaluate("e => e.offsetWidth")


async def test_a_newsletter_that_is_made_larger_by_itself_does_not_scroll_sideways(
    page: Page, house: House
) -> None:
    larger = "<style>body { zoom: 3 !important }</style>"
    frame = await opened(page, house, larger + as_wide_as(420))
    assert await frame.locator("#words").evaluate(WIDER) == 0
