"""A page that a password opens, in a real browser: what is seen by who is signed out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, expect

from pillarbox.reader.web.password import Password
from tests.reader.browser import browsing
from tests.reader.web.test_guard import HASHED, PASSWORD
from tests.reader.web.writing.conftest import Table, make_table

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    await expect(page.locator("html")).to_have_class("scripted")
    await expect(page.locator("#to")).to_have_value("ada@x.example")
    await expect(page.locator("#subject")).to_have_value("Tea")
    await page.fill("#text", "Now?")
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator("#changed")).to_contain_text("Draft discarded")
    await expect(page).to_have_url("/drafts")
    assert table.drafts.all() == []


async def signed_in_beside(page: Page) -> None:
    """By the link that the page shows, in another tab."""
    async with page.expect_popup() as opening:
        await page.get_by_role("link", name="Sign in").first.click()
    other = await opening.value
    await expect(other).to_have_url("/login")
    await other.goto("/login?to=/drafts")  # there is no inbox on this desk
    await sign_in(other)
    await expect(other).to_have_url("/drafts")
    await other.close()


async def test_a_draft_goes_on_when_one_has_signed_in_again(page: Page, table: Table) -> None:
    """It said "pillarbox read", which a phone has not; that it would go on was said nowhere."""
    draft = table.begun(to="ada@x.example")
    await page.clock.install()
    await page.goto(f"/compose/{draft.id}")
    await page.context.clear_cookies()
    await page.fill("#text", "A long letter.")
    await page.clock.fast_forward(2_000)
    note = page.locator("#saved")
    await expect(note).to_contain_text("You are signed out here. Sign in, in another tab")
    link = note.get_by_role("link", name="Sign in")
    await link.focus()
    await page.clock.fast_forward(6_000)  # it has been tried again meanwhile
    await expect(link).to_be_focused()
    await page.set_input_files("#files", [FilePayload(name="a.txt", mimeType="", buffer=b"a")])
    missing = page.locator("#signed-out")
    await expect(missing).to_contain_text("a.txt was not attached. You are signed out here.")
    await expect(missing.get_by_role("link", name="Sign in")).to_be_visible()
    assert "letter" not in table.drafts.find(draft.id).text
    await signed_in_beside(page)
    await page.clock.fast_forward(6_000)
    await expect(note).to_contain_text("Saved ")
    await expect(note.get_by_role("link")).to_have_count(0)
    assert table.drafts.find(draft.id).text == "A long letter."


async def test_a_page_that_listens_says_that_one_is_signed_out(page: Page) -> None:
    await page.evaluate(
        """() => {
            Object.defineProperty(document, "visibilityState", { get: () => window.seen, configurable: true });
            window.look = (seen) => { window.seen = seen; document.dispatchEvent(new Event("visibilitychange")); };
            look("hidden");
        }"""
    )
    await page.context.clear_cookies()
    await page.evaluate("look('visible')")
    notice = page.locator("#signed-out")
    await expect(notice).to_contain_text("You are signed out here. Sign in, in another tab")
    await signed_in_beside(page)
    await page.evaluate("look('hidden'); look('visible')")
    await expect(notice).to_have_count(0)
