"""A page that a password opens, in a real browser: what is seen by who is signed out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from pillarbox.reader.web.password import Password
from tests.reader.browser import browsing, chromium
from tests.reader.web.test_guard import HASHED, PASSWORD
from tests.reader.web.writing.conftest import Table, make_table

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def table(tmp_path: Path) -> Table:
    return make_table(tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, table: Table, tmp_path: Path) -> AsyncIterator[Page]:
    """Signed in, at the drafts."""
    door = Password(HASHED)
    async with browsing(browser, table.desk, tmp_path, "/drafts", password=door) as page:
        yield page


async def sign_in(page: Page) -> None:
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Open my mail").click()


async def test_a_mail_link_is_still_there_after_the_password(page: Page, table: Table) -> None:
    """It was an empty message, begun without a word, and sending it led to the page for the password."""
    await page.context.clear_cookies()
    await page.goto("/compose?mailto=mailto%3Aada%40x.example%3Fsubject%3DTea")
    await sign_in(page)
    # Anybody's link may have led to the door: it is confirmed as any other.
    await page.get_by_role("button", name="Write it").click()
    await expect(page.locator("#to")).to_have_value("ada@x.example")
    await expect(page.locator("#subject")).to_have_value("Tea")
    await page.fill("#text", "Now?")
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator("#writing-done")).to_contain_text("Draft discarded")
    await expect(page).to_have_url("/drafts")
    assert table.drafts.all() == []
