"""The browser, an office and a reader for each story."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.postoffice import PATIENCE, PostOffice
from tests.reader.browser import chromium
from tests.reader.story.world import Reading, Way, reading


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with PostOffice(tmp_path_factory.mktemp("office"), users=["alice", "bob"]) as running:
        yield running


class Desk(NamedTuple):
    """What a story needs."""

    page: Page
    reader: Reading
    smtp: Way
    office: PostOffice


@pytest_asyncio.fixture(loop_scope="module")
async def desk(browser: Browser, office: PostOffice, tmp_path: Path) -> AsyncIterator[Desk]:
    """A browser's page (nothing is opened yet), a reader (not started), the way to the submission server (open)."""
    for user in ("alice", "bob"):
        office.collect(user, keep=False)
    smtp = Way(office.addresses["smtp"].port)
    await smtp.open()
    complaints: list[str] = []
    async with reading(tmp_path) as reader:
        context = await browser.new_context(
            reduced_motion="reduce", viewport={"width": 1280, "height": 800}
        )
        context.set_default_timeout(PATIENCE * 1000)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Desk(page, reader, smtp, office)
        await context.close()
    await smtp.cut()
    assert complaints == []
    assert '"error"' not in reader.log
