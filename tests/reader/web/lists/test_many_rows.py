"""A list of 100,000 rows in a real browser: what is in the page, and what is asked of the server, stays little."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request

from pillarbox.reader import model
from pillarbox.reader.model import Folder
from tests.reader.browser import browsing
from tests.reader.desk import make_desk
from tests.reader.web.lists.library import MemoryLibrary, letter

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

MANY = 100_000
MOST_ROWS = 700
"""In the page at a time: 200 on either side of what is seen, and what comes by the page of 50."""
MOST_ASKED = 4
"""Requests where one comes to rest: pages of what is seen, and a screen on either side."""
LAST = f"li[data-place='{MANY - 1}']"


class Endless(MemoryLibrary):
    """So many messages that are made when they are asked for."""

    def page(self, folder: Folder, first: int, count: int) -> model.Page:
        del folder
        places = range(first, min(MANY, first + count))
        return model.Page([letter(MANY - 1 - place) for place in places], first, MANY)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    desk = make_desk(library=Endless())
    size = {"width": 1280, "height": 800}
    async with browsing(browser, desk, tmp_path, "/mail/Inbox", viewport=size) as page:
        await page.wait_for_selector("#rows.windowed")
        yield page


async def rows(page: Page) -> int:
    return await page.locator("#rows > li").count()


async def scroll_to(page: Page, place: int) -> None:
    """And wait for the row there."""
    await page.evaluate(
        "place => { const row = document.querySelector('#rows > li');"
        " document.getElementById('scroller').scrollTop = place * row.offsetHeight; }",
        place,
    )
    await page.wait_for_selector(f"li[data-place='{place}']")


async def test_where_one_jumps_to_a_few_pages_are_asked_for(page: Page) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/mail/Inbox" in request.url:
            asked.append(request.url)

    page.on("request", note)
    for place in (50_000, 99_000, 30, 75_025):
        asked.clear()
        await scroll_to(page, place)
        await page.wait_for_load_state("networkidle")
        assert 1 <= len(asked) <= MOST_ASKED
        assert await rows(page) <= MOST_ROWS


async def test_however_far_one_scrolls_few_rows_are_in_the_page(page: Page) -> None:
    for place in range(0, 3_000, 100):
        await scroll_to(page, place)
        assert await rows(page) <= MOST_ROWS


async def test_what_flies_past_is_not_kept_waiting_for(page: Page) -> None:
    """From the top to the end in a hundred frames: the last row is there, and what lay between is not."""
    await page.evaluate(
        """() => new Promise((done) => {
          const scroller = document.getElementById("scroller");
          let frame = 0;
          const next = () => {
            scroller.scrollTop = scroller.scrollHeight * (++frame / 100);
            if (frame < 100) requestAnimationFrame(next); else done();
          };
          requestAnimationFrame(next);
        })"""
    )
    await page.wait_for_selector(LAST)
    assert await rows(page) <= MOST_ROWS
    assert await page.locator(LAST).get_attribute("aria-setsize") == str(MANY)
