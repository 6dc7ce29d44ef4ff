"""axe finds nothing, on any page of a reader that was used for a while: wide and on a phone, light and dark."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FilePayload, Page, expect

from pillarbox.reader.model import INBOX, Row
from pillarbox.reader.web.password import Password, hash_password
from tests.reader.browser import browsing, chromium
from tests.reader.lived_in.house import House, lived_in
from tests.reader.lived_in.mail import AWKWARD, RECEIPTS

pytestmark = pytest.mark.long  # minutes: each page is looked at whole


RULES: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOURS: dict[str, Any] = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
}
PLAIN = (
    "/mail/Inbox",
    "/mail/Trash",
    "/mail/Travel",
    "/mail/There%20is%20none",
    "/search?q=festival",
    "/search?q=festival&in=Trash",
    "/search?q=xylophone",
    "/status",
    "/drafts",
    "/contacts",
    "/outbox",
    "/folders",
    "/rules",
    "/rules/new",
    "/rules/festival",
    "/import",
    "/export",
    "/accounts",
    "/accounts/work",
    "/accounts/home",
    "/accounts/new",
    "/accounts/work/sending",
    "/compose?mailto=ada%40example.org",
    "/folders?made=Travel",
    "/settings",
    "/settings/size",
    "/nowhere",
)
SUBJECTS = (
    "Re: Opening hours in December",
    "Invitation: planning the reading festival",
    "Glue, thread and patience",
    "Snow already",
    "Invoice 2026-1147",
    "تبادل الكتب بين مكتبتينا",
)
"""Of messages that are opened in their list."""
MENUS = ".more-tools, .letter-more, .letter-people details, .letter-folded, .hints"


class Inspector:
    """Opens pages and keeps what is found, so that one run tells all."""

    def __init__(self, page: Page, house: House, *, dark: bool) -> None:
        self.page, self.house, self.dark = page, house, dark
        self.found: list[str] = []

    async def visit(self, path: str) -> None:
        """Open *path* and look at it."""
        await self.page.goto(path)
        await self.look(path)

    async def look(self, where: str) -> None:
        """At what is shown now. In the dark only colours are other, and they are the same on a phone."""
        await self._frames()
        await self._axe(where, RULES)
        if self.dark:
            await self.page.emulate_media(color_scheme="dark")
            await self._axe(f"{where} in the dark", COLOURS)
            await self.page.emulate_media(color_scheme="light")
        wider = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wider > 0:
            self.found.append(f"{where}: {wider} px wider than its window")
        longer = await self.page.evaluate("document.documentElement.scrollHeight - innerHeight")
        if longer > 0:
            self.found.append(f"{where}: {longer} px longer than its window")

    async def _frames(self) -> None:
        for frame in self.page.frames[1:]:
            await frame.wait_for_load_state()

    async def _axe(self, where: str, options: dict[str, Any]) -> None:
        said = await Axe().run(self.page, options=options)
        for fault in said.response["violations"]:
            nodes = "; ".join(str(node["html"])[:160] for node in fault["nodes"][:3])
            self.found.append(f"{where}: {fault['id']}: {fault['help']}: {nodes}")


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
async def inspector(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Inspector]:
    with lived_in(tmp_path) as house:
        async with (
            chromium() as browser,
            browsing(browser, house.desk, tmp_path, "/mail/Inbox", **request.param) as page,
        ):
            yield Inspector(page, house, dark=request.param is WIDE)


def _rows(house: House) -> Iterator[Row]:
    """One message for each of SUBJECTS, and some of those that are not as they should be."""
    rows = house.desk.library.page(INBOX, 0, 100).rows
    for subject in SUBJECTS:
        yield next(row for row in rows if row.subject == subject)
    yield from house.desk.library.page(AWKWARD, 0, 100).rows[::20]


async def test_every_page(inspector: Inspector) -> None:
    house = inspector.house
    for path in PLAIN:
        await inspector.visit(path)
    for row in _rows(house):
        await inspector.visit(f"/mail/{row.folder}?m={row.key}")
    # Not the print view and the frame of an HTML mail: nothing can run in them, and so axe cannot either.
    first = next(_rows(house))
    await inspector.visit(f"/message/{first.key}/source")
    for draft in house.drafts:
        await inspector.visit(f"/compose/{draft.id}")
    for leaving in house.desk.outbox.all():
        for question in ("", "/again", "/discard"):
            if question != "/again" or "Keys" in leaving.subject:
                await inspector.visit(f"/outbox/{leaving.id}{question}")
    contact = house.desk.contacts.all()[0]
    await inspector.visit(f"/contacts/{contact.id}")
    assert inspector.found == []


async def test_what_was_removed(inspector: Inspector) -> None:
    desk = inspector.house.desk
    contact, rule = desk.contacts.all()[0], desk.rules.all()[0]
    desk.contacts.remove(contact.id)
    await inspector.visit(f"/contacts?removed={contact.id}")
    desk.rules.remove(rule.id)
    await inspector.visit(f"/rules?removed={rule.id}")
    assert inspector.found == []


async def test_an_import(inspector: Inspector) -> None:
    page = inspector.page
    await page.goto("/import")
    letter = FilePayload(
        name="letter.eml", mimeType="message/rfc822", buffer=b"Subject: x\r\n\r\ny\r\n"
    )
    await page.locator("main input[type=file]").set_input_files(letter)
    await page.locator("main").get_by_role("button", name=re.compile("Import")).click()
    await expect(page.locator("main")).to_contain_text("1 message imported")
    await inspector.look("what was imported")
    assert inspector.found == []


async def test_the_door(inspector: Inspector) -> None:
    await inspector.page.context.clear_cookies()
    await inspector.visit("/mail/Inbox")
    await expect(inspector.page.locator("h1")).to_be_visible()
    assert inspector.found == []


async def test_the_door_with_a_password(tmp_path: Path) -> None:
    password = Password(hash_password("secret"))
    with lived_in(tmp_path) as house:
        async with (
            chromium() as browser,
            browsing(browser, house.desk, tmp_path, "/", password, **WIDE) as page,
        ):
            inspector = Inspector(page, house, dark=True)
            await page.context.clear_cookies()
            await inspector.visit("/mail/Inbox")
            await page.get_by_label("Password").fill("wrong")
            await page.keyboard.press("Enter")
            await expect(page.locator("#wrong")).to_be_visible()
            await inspector.look("a wrong password")
    assert inspector.found == []


async def test_what_opens_on_pages(inspector: Inspector) -> None:
    page = inspector.page
    opened = next(_rows(inspector.house))
    await page.goto(f"/mail/Inbox?m={opened.key}")
    for menu in await page.locator(MENUS).all():
        if await menu.is_visible():
            await menu.evaluate("each => { each.open = true }")
            await inspector.look("an open menu")
            await menu.evaluate("each => { each.open = false }")
    await page.keyboard.press("m")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await inspector.look("where to move")
    await page.keyboard.press("Escape")
    # It closes a moment later: until then keys are the dialog's.
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await inspector.look("the keys")
    await page.keyboard.press("Escape")
    await page.goto(f"/mail/{RECEIPTS}")
    await page.locator(".row-link").first.focus()
    await page.keyboard.press("e")
    await expect(page.locator("#toasts")).to_contain_text("Archived")
    await inspector.look("what was done")
    await page.goto("/mail/Trash")
    await page.locator(".row-link").first.focus()
    await page.keyboard.press("#")
    await expect(page.get_by_role("dialog", name=re.compile("Remove"))).to_be_visible()
    await inspector.look("whether to remove")
    assert inspector.found == []
