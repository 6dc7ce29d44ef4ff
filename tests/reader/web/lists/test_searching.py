"""The search field in a real browser: what stands below it is in nobody's way, and one comes out of it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from pillarbox.reader import model
from pillarbox.reader.model import Folder
from tests.reader.browser import browsing
from tests.reader.desk import make_desk
from tests.reader.web.lists.library import MemoryLibrary, key, letter

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 40
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 700},
    "has_touch": True,
    "is_mobile": True,
}

# Without time for an answer in between.
ENTER = "q.form.requestSubmit();"
TYPE = "q.value = '{}'; q.dispatchEvent(new Event('input', {{ bubbles: true }}));".format


@pytest_asyncio.fixture(loop_scope="module", params=[WIDE])
async def page(
    request: pytest.FixtureRequest, browser: Browser, tmp_path: Path
) -> AsyncIterator[Page]:
    """The folder Lists, with :data:`MANY` messages."""
    library = MemoryLibrary((letter(number) for number in range(MANY)), folders=["Lists"])
    library.move(list(library.rows), library.own[0])
    desk = make_desk(library=library)
    async with browsing(browser, desk, tmp_path, "/mail/Lists", **request.param) as page:
        await page.wait_for_selector("#rows.windowed")
        yield page


class Uncounted(MemoryLibrary):
    """Finds no more than what is asked for and one page; of what is behind that it does not know how much it is."""

    def search(
        self, query: str, first: int, count: int, *, within: Folder | None = None
    ) -> model.Page:
        whole = super().search(query, first, count, within=within)
        known = min(whole.total, first + 2 * count)
        return replace(whole, total=known, more=known < whole.total)


on_both = pytest.mark.parametrize("page", [WIDE, PHONE], ids=["wide", "phone"], indirect=True)


def row(page: Page, number: int) -> Locator:
    return page.locator(f"#rows > li[data-message='{key(number)}']")


async def search(page: Page, words: str, about: str) -> None:
    await page.locator("#q").fill(words)
    await expect(page.locator("#about")).to_have_text(about)


async def press_and_release(page: Page, place: Locator, *, down: float = 0.8) -> None:
    """As a hand does it: the page may change as soon as the button is down."""
    box = await place.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * down)
    await page.mouse.down()
    await page.mouse.up()


async def is_open(page: Page, number: int) -> None:
    await expect(page.locator(f"#opened[data-message='{key(number)}']")).to_be_visible()


@on_both
async def test_the_first_click_on_what_was_found_opens_it(page: Page) -> None:
    """What stands below the field went away when the mouse was pressed: it was let go on another row, and nothing happened."""
    await search(page, "subject 1", "11 messages")
    await press_and_release(page, row(page, 17))
    await is_open(page, 17)


@on_both
async def test_nothing_jumps_when_one_goes_from_the_empty_field_to_the_list(page: Page) -> None:
    before = await row(page, MANY - 3).bounding_box()
    await page.locator("#q").click()
    await expect(page.get_by_text("Search tips")).to_be_in_viewport(ratio=1)
    assert await row(page, MANY - 3).bounding_box() == before
    await press_and_release(page, row(page, MANY - 3))
    await is_open(page, MANY - 3)
    await expect(page.get_by_text("Search tips")).to_be_hidden()


@on_both
async def test_where_to_search_is_chosen_by_its_words_before_anything_is_typed(page: Page) -> None:
    """A press on a word takes the focus out of the field."""
    await page.locator("#q").click()
    await press_and_release(page, page.get_by_text("In Lists"), down=0.5)
    await expect(page.get_by_label("In Lists")).to_be_checked()
    await page.locator("#q").press_sequentially("zebra")
    await expect(page).to_have_url("/search?q=zebra&in=Lists")
    await expect(page.get_by_label("In Lists")).to_be_in_viewport(ratio=1)


async def test_open_tips_stay_beside_the_list(page: Page) -> None:
    await page.locator("#q").click()
    await page.get_by_text("Search tips").click()
    tip = page.get_by_text("has:attachment")
    await expect(tip).to_be_in_viewport(ratio=1)
    await press_and_release(page, row(page, MANY - 2))
    await is_open(page, MANY - 2)
    await expect(tip).to_be_in_viewport(ratio=1)


# By keyboard.


async def test_escape_leaves_an_empty_field_for_the_list(page: Page) -> None:
    """Whoever had pressed the key by mistake typed from then on: j was searched for."""
    await page.keyboard.press("/")
    await page.keyboard.press("Escape")
    await expect(row(page, MANY - 1).locator("a")).to_be_focused()
    await page.keyboard.press("j")
    await is_open(page, MANY - 2)
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Everywhere")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(row(page, MANY - 2).locator("a")).to_be_focused()
    assert "/search" not in page.url


async def test_enter_goes_to_what_was_found(page: Page) -> None:
    await page.keyboard.press("/")
    await page.keyboard.type("subject 1")
    await page.keyboard.press("Enter")
    await expect(row(page, 19).locator("a")).to_be_focused()
    await page.keyboard.press("j")
    await is_open(page, 18)
    await page.keyboard.press("/")
    await page.keyboard.type("zebra")
    await page.keyboard.press("Enter")
    await expect(page.locator("#nothing")).to_contain_text("has “zebra”")
    await expect(page.locator("#q")).to_be_focused()


async def test_enter_on_a_search_that_is_there_already_goes_to_the_list_too(page: Page) -> None:
    await search(page, "subject 1", "11 messages")
    await page.keyboard.press("Enter")
    await expect(row(page, 19).locator("a")).to_be_focused()
    assert page.url.endswith("/search?q=subject+1")


async def test_who_goes_on_typing_after_enter_stays_in_the_field(page: Page) -> None:
    await page.keyboard.press("/")
    await page.keyboard.insert_text("subject")
    await page.evaluate(f"{ENTER} {TYPE('subject 12')}")
    await expect(page.locator("#about")).to_have_text("1 message")
    await expect(page.locator("#q")).to_be_focused()


async def test_what_is_open_stays_in_the_url_of_a_search_and_behind_it(page: Page) -> None:
    """The message stayed in the pane, but was gone when the page was loaded again."""
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await search(page, "subject 1", "11 messages")
    await expect(page).to_have_url(f"/search?q=subject+1&m={key(MANY - 1)}")
    await page.locator("#q").press("Escape")
    await expect(page).to_have_url(f"/mail/Lists?m={key(MANY - 1)}")
    await page.reload()
    await is_open(page, MANY - 1)


async def test_a_search_that_is_given_up_on_its_way_does_not_come(page: Page) -> None:
    """It came, below a field that was empty."""
    async with page.expect_event("requestfailed") as failed:
        await page.evaluate(f"{TYPE('zebra')} {ENTER} {TYPE('')} {ENTER}")
    assert (await failed.value).url.endswith("/search?q=zebra")
    assert page.url.endswith("/mail/Lists")


async def test_at_the_end_of_what_was_found_nothing_older_is_offered(
    browser: Browser, tmp_path: Path
) -> None:
    """The link led to where the end had been at first."""
    desk = make_desk(library=Uncounted(letter(number) for number in range(230)))
    async with browsing(browser, desk, tmp_path, "/search?q=subject") as page:
        await page.wait_for_selector("#rows.windowed")
        older = page.get_by_role("link", name="Older", exact=True)
        await expect(older).to_have_attribute("href", "/search?q=subject&first=100")
        for end in (100, 150, 200, 230):
            await page.locator("#scroller").evaluate("e => { e.scrollTop = 1e9; }")
            await expect(page.locator(f"#rows > li[data-place='{end - 1}']")).to_be_in_viewport()
            if end < 200:
                following = f"/search?q=subject&first={end + 50}"
                await expect(older).to_have_attribute("href", following)
                await expect(older).to_be_visible()
        await expect(row(page, 0)).to_be_in_viewport()
        await expect(older).to_be_hidden()
