"""Pages that follow the news, in a real browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route

from tests.postoffice import PATIENCE
from tests.reader.browser import browsing
from tests.reader.desk import make_desk

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(("path", "kind"), [("/outbox", "outbox"), ("/drafts", "drafts")])
async def test_news_that_come_while_a_reply_is_on_its_way_are_not_lost(
    browser: Browser, tmp_path: Path, path: str, kind: str
) -> None:
    """What had asked was swapped away with what it still wanted to ask: a message that had left was shown for ever."""
    asked: asyncio.Queue[Route] = asyncio.Queue()
    async with (
        browsing(browser, make_desk(), tmp_path, path) as page,
        asyncio.timeout(PATIENCE),
    ):
        await page.route(f"**{path}", asked.put)
        say = f"document.dispatchEvent(new CustomEvent('news:{kind}'))"
        await page.evaluate(say)
        first = await asked.get()
        await page.evaluate(say)
        await first.continue_()
        await (await asked.get()).continue_()
        await page.wait_for_load_state("networkidle")
