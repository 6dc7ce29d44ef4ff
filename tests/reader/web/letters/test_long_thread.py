"""A long conversation in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.reader.browser import browsing
from tests.reader.desk import make_desk
from tests.reader.web.lists.library import MemoryLibrary, key, letter

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = 60
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.mark.parametrize("looks", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_message_that_is_opened_of_a_long_conversation_is_in_sight(
    browser: Browser, tmp_path: Path, looks: dict[str, Any]
) -> None:
    desk = make_desk(library=MemoryLibrary(letter(number, thread=1) for number in range(LONG)))
    async with browsing(browser, desk, tmp_path, "/mail/Inbox", **looks) as page:
        await page.locator(f"#rows > li[data-message='{key(LONG - 1)}'] a").first.click()
        await expect(page.get_by_text(f"Opening of {LONG - 1}").last).to_be_in_viewport()
        await expect(page.locator("#pane [data-key=r]")).to_be_in_viewport()
        folded = page.get_by_text("56 earlier messages")
        await folded.focus()
        await page.keyboard.press("Enter")
        await page.locator(f".letter-line[href*='{key(7)}']").click()
        await expect(page.locator(f"#opened[data-message='{key(7)}']")).to_be_attached()
        await expect(page.locator("#pane [data-key=r]")).to_be_in_viewport()
        await expect(page.get_by_text("49 later messages")).to_be_visible()
