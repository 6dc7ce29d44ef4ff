"""What a browser shows of pages that are longer than its window, wide and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from pillarbox.reader.model import INBOX, Draft
from tests.reader.browser import browsing, chromium
from tests.reader.lived_in.house import House, lived_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
LONGER = "document.documentElement.scrollHeight - innerHeight"
"""Pixels by which the page itself can be scrolled: then all of it goes away."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    with lived_in(tmp_path) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module", params=[WIDE, PHONE], ids=["wide", "phone"])
async def page(
    request: pytest.FixtureRequest, browser: Browser, house: House, tmp_path: Path
) -> AsyncIterator[Page]:
    async with browsing(browser, house.desk, tmp_path, "/mail/Inbox", **request.param) as page:
        yield page


async def test_a_long_page_scrolls_within_itself(page: Page, house: House) -> None:
    """Words that are only heard made the page as long as what they stand in: it scrolled away, sidebar and all, into white."""
    for number in range(40):
        house.desk.library.make_folder(f"Folder {number}")
    draft = house.desk.writing.new(Draft("", to="ada@x.example", text="A line.\n" * 2_000))
    for path in ("/folders", f"/compose/{draft.id}", "/mail/Inbox", "/settings"):
        await page.goto(path)
        assert await page.evaluate(LONGER) == 0, path
    await page.goto("/folders")
    await page.locator("#main").focus()
    await page.keyboard.press("End")
    await expect(page.locator("#main").get_by_role("link", name="Rules")).to_be_in_viewport()
    await expect(page.locator("#status")).to_be_in_viewport(ratio=1)


async def test_a_message_is_moved_without_typing(page: Page, house: House) -> None:
    """The folders lay below the edge of the dialog: only who knew their names could use it."""
    row = house.desk.library.page(INBOX, 0, 1).rows[0]
    await page.goto(f"/mail/Inbox?m={row.key}")
    await page.wait_for_selector("#rows.windowed", state="attached")
    tools = page.locator("#pane .letter-tools")
    await tools.get_by_role("button", name="Move to a folder").click()
    dialog = page.locator("#move-to")
    choices = dialog.get_by_role("option")
    await expect(choices.filter(has_text="Archive")).to_be_in_viewport(ratio=1)
    for part in (dialog.locator("h2"), dialog.get_by_role("button", name="Cancel")):
        await expect(part).to_be_in_viewport(ratio=1)
    assert await dialog.evaluate("box => box.scrollHeight - box.clientHeight") == 0
    await choices.filter(has_text="Travel").click()
    await expect(page.locator(".toast").filter(has_text="to Travel")).to_be_visible()


async def test_offers_for_a_name_still_float_below_it(page: Page, house: House) -> None:
    """Their styles and those of folders were for the same class."""
    draft = house.desk.writing.new(Draft(""))
    await page.goto(f"/compose/{draft.id}")
    await expect(page.locator("html")).to_have_class("scripted")
    below = await page.locator("#subject").bounding_box()
    await page.locator("#to").press_sequentially("a")
    offered = page.locator("#to + .choices")
    await expect(offered.locator("li").first).to_be_in_viewport(ratio=1)
    assert await page.locator("#subject").bounding_box() == below
    await offered.locator("li").first.click()
    await expect(page.locator("#to")).not_to_have_value("a")
