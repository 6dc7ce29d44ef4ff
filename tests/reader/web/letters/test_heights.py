"""HTML mail that takes its height from the window it is read in: here, from its frame, which takes its own from the mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.reader.browser import browsing
from tests.reader.lived_in.house import House, lived_in
from tests.reader.web.letters.test_widths import WORDS, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

END = "<p id='end' style='margin: 0'>The end.</p>"
WHOLE = "<table height='100%'><tr><td>Tea</table>"
NEWSLETTERS = {
    "body": "<style>body { min-height: 100vh }</style>",
    "style": f"<div style='min-height: 100dvh'>{WORDS}</div>",
    "calc": f"<div style='height: calc(100VH + 9px)'>{WORDS}</div>",
    "percent": f"<style>html, body {{ height: 100% !important }}</style>{WHOLE}",
    "least percent": f"<style>html {{ height: 100% }} body {{ min-height: 100% }}</style>{WORDS}",
    "root": f"<style>:root {{ min-height: 200px; height: 100% }} body {{ height: 100% }}</style>{WHOLE}",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with lived_in(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, house: House, tmp_path: Path) -> AsyncIterator[Page]:
    async with browsing(browser, house.desk, tmp_path, "/mail/Inbox") as page:
        yield page


@pytest.mark.parametrize("kind", NEWSLETTERS)
async def test_a_frame_is_as_high_as_what_is_in_it_though_that_is_to_be_as_high_as_the_frame(
    page: Page, house: House, kind: str
) -> None:
    """It grew by itself, step by step, to the highest that a frame may be."""
    frame = await opened(page, house, NEWSLETTERS[kind] + END)
    below = await frame.locator("#end").evaluate(
        "e => innerHeight - e.getBoundingClientRect().bottom"
    )
    assert 10 <= below <= 14, "below it is the padding only"
