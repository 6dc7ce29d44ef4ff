"""A search in a real browser, in mail on disk: each row shows where the words were found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.model import Settings
from pillarbox.reader.news import News
from tests.reader.browser import browsing
from tests.reader.desk import make_desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 120
"""More than are sent at a time."""
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 700}, "is_mobile": True}
NEARLY_ALL = 0.9
"""What is marked is a little higher than its line."""
FAR = "lorem ipsum dolor sit amet " * 30
ARABIC = "يرجى مراجعة التقرير قبل نهاية الأسبوع " * 8


def mail(number: int) -> str:
    text = f"{FAR}\nThere are bicycles in cellar {number}.\n{FAR}"
    if number == MANY - 2:
        text = f"{ARABIC}الدراجات (bicycles) هنا {ARABIC}"
    if number == MANY - 3:
        text = "Hello."
    if number == MANY - 4:
        text = "Text Nummer 0, diese Nachricht erzählt vom Bahnhof."
    to = "Bicycles Ltd <shop@example.net>" if number == MANY - 3 else "bob@example.org"
    return (
        f"From: Ada <ada@example.org>\nTo: Ben <ben@example.org>, {to}\nSubject: Number {number}\n"
        f"Message-ID: <{number}@example.org>\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    )


@pytest_asyncio.fixture(loop_scope="module")
async def library(tmp_path: Path) -> AsyncIterator[MailLibrary]:
    library = put_together(tmp_path / "library", News(), Settings(), open_index)
    cur = library.folder_of("work") / "cur"
    for number in range(MANY):
        (cur / f"{1_790_000_000 + number}.M{number}.here:2,S").write_text(mail(number))
    library.look()
    yield library
    library.close()


@pytest_asyncio.fixture(loop_scope="module", params=[WIDE, PHONE], ids=["wide", "phone"])
async def page(
    request: pytest.FixtureRequest, browser: Browser, library: MailLibrary, tmp_path: Path
) -> AsyncIterator[Page]:
    desk = make_desk(library=library)
    async with browsing(browser, desk, tmp_path, "/mail/Inbox/work", **request.param) as page:
        await page.wait_for_selector("#rows.windowed")
        yield page


def opening(page: Page, number: int) -> Locator:
    row = page.locator("#rows > li", has=page.get_by_text(f"Number {number}", exact=True))
    return row.locator(".opening")


async def is_seen(place: Locator, marked: str) -> None:
    """What was found stands in the part of the line that there is room for."""
    await expect(place.locator("mark")).to_have_text(marked)
    await expect(place.locator("mark")).to_be_in_viewport(ratio=NEARLY_ALL)


async def test_each_row_of_a_search_shows_where_the_word_is(page: Page) -> None:
    last = MANY - 1
    await expect(opening(page, last)).to_have_text("lorem ipsum dolor sit amet " * 7 + "lorem…")
    await page.locator("#q").fill("bicyc")
    await is_seen(opening(page, last), "bicyc")
    await expect(opening(page, last)).to_contain_text(f"There are bicycles in cellar {last}.")
    await page.locator("#q").fill("bicycles cellar")
    await expect(opening(page, last).locator("mark")).to_have_text(["bicycles", "cellar"])
    await expect(opening(page, last).locator("mark").last).to_be_in_viewport(ratio=NEARLY_ALL)


async def test_what_is_written_from_right_to_left_shows_it_too(page: Page) -> None:
    await page.locator("#q").fill("bicycles")
    await is_seen(opening(page, MANY - 2), "bicycles")


async def test_what_was_found_in_no_part_of_the_row_is_named(page: Page) -> None:
    await page.locator("#q").fill("bicycles")
    place = opening(page, MANY - 3)
    await is_seen(place, "Bicycles")
    await expect(place).to_have_text("To: Bicycles Ltd · Hello.")


async def test_a_word_near_the_end_of_what_a_row_has_room_for_is_not_cut_off(
    page: Page,
) -> None:
    await page.locator("#q").fill("bahnhof")
    place = opening(page, MANY - 4)
    await is_seen(place, "Bahnhof")
    assert await place.evaluate(
        "e => e.querySelector('mark').getBoundingClientRect().right < e.getBoundingClientRect().right"
    )


async def test_far_down_in_the_list_it_is_the_same(page: Page) -> None:
    await page.locator("#q").fill("bicycles")
    await is_seen(opening(page, MANY - 1), "bicycles")
    await page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
    await is_seen(opening(page, 0), "bicycles")


async def test_the_folder_shows_openings_again(page: Page) -> None:
    await page.locator("#q").fill("bicycles")
    await is_seen(opening(page, MANY - 1), "bicycles")
    await page.locator("#q").fill("")
    await expect(opening(page, MANY - 1)).to_have_text("lorem ipsum dolor sit amet " * 7 + "lorem…")
