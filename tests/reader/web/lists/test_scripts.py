"""Lists in a real browser: the window, the keys, what happens at once and what happens when the server says no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from pillarbox.reader.desk import Desk
from pillarbox.reader.model import ARCHIVE, INBOX, TRASH, Flag, Folder
from pillarbox.reader.news import MailChanged
from tests.reader.browser import browsing, came
from tests.reader.desk import NOW, make_desk
from tests.reader.web.lists.library import WORK, MemoryLibrary, key, letter

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 400
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 700}

# The row on top of what is seen of the list, and how far it sticks out.
ON_TOP = """() => {
  const top = document.getElementById("scroller").getBoundingClientRect().top;
  const rows = [...document.querySelectorAll("#rows > li")];
  const row = rows.find((each) => each.getBoundingClientRect().bottom > top + 2);
  return [row.dataset.message, Math.round(row.getBoundingClientRect().top - top)];
}"""
FOCUSED = "document.activeElement.closest('#rows > li')?.dataset.message ?? null"
IN_ORDER = """() => {
  const places = [...document.querySelectorAll("#rows > li")].map((row) => Number(row.dataset.place));
  return places.every((place, at) => !at || place > places[at - 1]);
}"""


class Open(Protocol):
    def __call__(
        self, path: str = ..., viewport: dict[str, int] = ...
    ) -> AbstractAsyncContextManager[Page]: ...


@pytest.fixture
def library() -> MemoryLibrary:
    """Of :data:`MANY` messages in one inbox, the highest number being the latest."""
    return MemoryLibrary(
        (letter(number) for number in range(MANY)), folders=["Lists", "Projects/2026"]
    )


@pytest_asyncio.fixture(loop_scope="module")
async def desk(library: MemoryLibrary) -> Desk:
    return make_desk(library=library)


@pytest.fixture
def open_page(browser: Browser, desk: Desk, tmp_path: Path) -> Open:
    def opened(
        path: str = "/mail/Inbox", viewport: dict[str, int] = WIDE
    ) -> AbstractAsyncContextManager[Page]:
        return browsing(browser, desk, tmp_path, path, viewport=viewport)

    return opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(open_page: Open) -> AsyncIterator[Page]:
    async with open_page() as page:
        await page.wait_for_selector("#rows.windowed")
        yield page


def row(page: Page, number: int) -> Locator:
    return page.locator(f"#rows > li[data-message='{key(number)}']")


async def focused(page: Page) -> str | None:
    found: str | None = await page.evaluate(FOCUSED)
    return found


async def focus_is_on(page: Page, number: int) -> None:
    focused = page.locator("#rows > li:focus-within")
    await expect(focused).to_have_attribute("data-message", key(number))


async def is_open(page: Page, number: int) -> None:
    await expect(page.locator(f"#opened[data-message='{key(number)}']")).to_be_attached()
    await expect(row(page, number).locator("a")).to_have_attribute("aria-current", "true")


async def toast(page: Page, text: str) -> None:
    await expect(page.locator(".toast").filter(has_text=text)).to_be_visible()


async def scroll_to(page: Page, place: int, beyond: int = 0) -> None:
    await page.evaluate(
        """([place, beyond]) => {
          const list = document.getElementById("rows");
          const height = list.offsetHeight / list.lastElementChild.ariaSetSize;
          list.parentElement.scrollTop = place * height + beyond;
        }""",
        [place, beyond],
    )
    await page.wait_for_selector(f"li[data-place='{place}']")


# The window.


async def test_any_part_of_the_list_is_there_when_it_is_scrolled_to(page: Page) -> None:
    await scroll_to(page, MANY // 2)
    middle = row(page, MANY - 1 - MANY // 2)
    await expect(middle).to_be_visible()
    assert await middle.get_attribute("aria-posinset") == str(MANY // 2 + 1)
    assert await middle.get_attribute("aria-setsize") == str(MANY)
    await page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
    await expect(row(page, 0)).to_be_visible()
    await scroll_to(page, 0)
    assert await page.evaluate(IN_ORDER)


async def test_what_is_far_away_is_dropped(page: Page) -> None:
    for place in range(0, MANY, 25):
        await scroll_to(page, min(place, MANY - 12))
    await expect(page.locator("li[data-place='0']")).to_have_count(0)


async def test_new_mail_does_not_move_what_one_looks_at(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    await scroll_to(page, 100, beyond=11)
    before = await page.evaluate(ON_TOP)
    for number in range(3):
        new = letter(MANY + number, date=NOW + timedelta(seconds=number))
        library.rows[new.key] = new
    desk.news.tell(MailChanged(frozenset({WORK}), arrived=3))
    await expect(page.locator("#about")).to_have_text(f"{MANY + 3} messages, {MANY + 3} unread")
    await expect(page.locator("p[role=status]")).to_have_text("3 new messages")
    top = await page.locator(f"li[data-message='{before[0]}']").get_attribute("data-place")
    assert top == "103"
    assert await page.evaluate(ON_TOP) == before
    await scroll_to(page, 0)
    await expect(row(page, MANY + 2)).to_be_visible()


async def test_at_the_top_new_mail_is_seen_at_once(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    new = letter(MANY, date=NOW)
    library.rows[new.key] = new
    desk.news.tell(MailChanged(frozenset({WORK}), arrived=1))
    await expect(row(page, MANY)).to_be_visible()
    count = page.locator("#folders a[href='/mail/Inbox'] .count")
    await expect(count).to_contain_text(str(MANY + 1))


async def test_an_empty_folder_fills(open_page: Open, library: MemoryLibrary, desk: Desk) -> None:
    async with open_page("/mail/Lists") as page:
        await expect(page.locator("#nothing")).to_be_visible()
        library.move([key(1)], Folder("Lists"))
        desk.news.tell(MailChanged(frozenset({Folder("Lists")})))
        await expect(row(page, 1)).to_be_visible()


# Keys.


async def test_on_a_wide_screen_going_on_is_opening(page: Page, library: MemoryLibrary) -> None:
    await page.clock.install()
    await page.reload()
    await page.wait_for_selector("#rows.windowed")
    await page.clock.pause_at(await page.evaluate("Date.now() + 1000"))
    for press, number in (("j", MANY - 1), ("j", MANY - 2), ("k", MANY - 1)):
        await page.keyboard.press(press)
        await page.clock.run_for(200)  # as long as one rests there: much less than it takes to read
        await is_open(page, number)
    assert await focused(page) == key(MANY - 1)
    await page.clock.resume()
    await expect(row(page, MANY - 1)).not_to_have_class("row unread")
    assert Flag.SEEN in library.rows[key(MANY - 1)].flags
    assert Flag.SEEN not in library.rows[key(MANY - 2)].flags, "passing by is not reading"


@pytest.mark.parametrize(("press", "does"), [("r", "reply"), ("a", "reply-all"), ("f", "forward")])
async def test_an_answer_is_to_the_message_that_one_has_come_to(
    page: Page, press: str, does: str
) -> None:
    """It was to the one before, until the page with the next had come."""
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    pages: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(f"**/mail/Inbox?m={key(MANY - 2)}", pages.put)
    answered: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/message/**", answered.put)
    await page.keyboard.press("j")
    await page.keyboard.press(press)
    await (await pages.get()).fulfill(status=503, body="")
    await toast(page, "This did not work.")
    await page.keyboard.press(press)
    held = await pages.get()
    assert answered.empty(), "the one before is what is open"
    await held.continue_()
    asked = await answered.get()
    assert asked.request.url.endswith(f"/message/{key(MANY - 2)}/{does}")
    await asked.fulfill(status=204)
    assert answered.empty()


async def test_a_key_that_waits_is_forgotten_when_one_goes_on(page: Page) -> None:
    answered: asyncio.Queue[Route] = asyncio.Queue()
    passed_by: list[Route] = []

    async def hold(route: Route) -> None:
        passed_by.append(route)

    await page.route("**/message/**", answered.put)
    await page.route(f"**/mail/Inbox?m={key(MANY - 2)}", hold)  # however slow the keys come
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    for press in ("j", "r", "j", "r"):
        await page.keyboard.press(press)
    asked = await answered.get()
    assert asked.request.url.endswith(f"/message/{key(MANY - 3)}/reply")
    await asked.fulfill(status=204)
    await is_open(page, MANY - 3)
    assert answered.empty()
    for route in passed_by:
        await route.abort()


async def test_what_one_goes_on_to_does_not_wait_for_the_page_before(
    page: Page, library: MemoryLibrary
) -> None:
    """It was opened when that had come at last, was not marked in the list, and stayed unread."""
    pages: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(f"**/mail/Inbox?m={key(MANY - 1)}", pages.put)
    await page.keyboard.press("j")
    held = await pages.get()
    await page.keyboard.press("j")
    await is_open(page, MANY - 2)
    await expect(row(page, MANY - 2)).not_to_have_class("row unread")
    await held.abort()
    assert Flag.SEEN in library.rows[key(MANY - 2)].flags


async def test_on_a_phone_a_key_is_for_the_message_that_one_has_come_to(
    open_page: Open, library: MemoryLibrary
) -> None:
    async with open_page(f"/mail/Inbox?m={key(MANY - 1)}", PHONE) as page:
        await page.wait_for_selector("#rows.windowed", state="attached")
        for press in ("j", "j", "e"):
            await page.keyboard.press(press)
        await toast(page, "Archived 1 message")
        await expect(page.locator("#list")).to_be_visible()
    away = [row.key for row in library.rows.values() if row.folder != WORK]
    assert away == [key(MANY - 3)]


async def test_who_holds_j_down_comes_far(page: Page) -> None:
    for _ in range(120):
        await page.keyboard.down("j")
    await page.keyboard.up("j")
    await page.wait_for_selector("#opened")
    place = await page.evaluate("Number(document.activeElement.closest('li').dataset.place)")
    assert place > 20
    assert await page.evaluate(IN_ORDER)


async def test_what_is_marked_unread_stays_so_while_it_is_open(
    page: Page, library: MemoryLibrary
) -> None:
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await expect(page.locator("#opened[data-seen]")).to_be_attached()
    await page.keyboard.press("Shift+U")
    await toast(page, "Marked 1 message as unread")
    await expect(row(page, MANY - 1)).to_have_class("row unread")
    await page.clock.install()
    await page.reload()
    await page.wait_for_selector("#rows.windowed")
    await page.clock.fast_forward("10")
    await page.keyboard.press("s")
    await toast(page, "Flagged 1 message")  # what was asked before is answered
    assert library.rows[key(MANY - 1)].flags == {Flag.FLAGGED}
    await page.keyboard.press("j")
    await page.clock.fast_forward("01")
    await is_open(page, MANY - 2)
    await page.keyboard.press("k")
    await page.clock.fast_forward("01")
    await is_open(page, MANY - 1)
    await page.clock.fast_forward("10")
    await expect(page.locator("#opened[data-seen]")).to_be_attached()
    assert Flag.SEEN in library.rows[key(MANY - 1)].flags, "opened again, it is read again"


async def test_the_next_one_is_opened_when_one_has_left_and_comes_back_by_undo(
    page: Page, library: MemoryLibrary
) -> None:
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("e")
    await is_open(page, MANY - 2)
    await focus_is_on(page, MANY - 2)
    await toast(page, "Archived 1 message")
    assert library.rows[key(MANY - 1)].folder == ARCHIVE
    await page.keyboard.press("z")
    await toast(page, "Undone")
    await expect(row(page, MANY - 1)).to_be_visible()
    assert library.rows[key(MANY - 1)].folder == WORK
    await is_open(page, MANY - 2)


async def test_undo_is_not_lost_while_the_answer_is_on_its_way(
    page: Page, library: MemoryLibrary
) -> None:
    """The key did nothing until the notice with its button had come."""
    asked: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/do/archive", asked.put)
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("e")
    held = await asked.get()
    await page.keyboard.press("z")
    await held.continue_()
    await toast(page, "Undone")
    await expect(row(page, MANY - 1)).to_be_visible()
    assert library.rows[key(MANY - 1)].folder == WORK


@pytest.mark.parametrize("held", [0, 1, 3])
async def test_of_three_things_done_all_can_be_undone(
    page: Page, library: MemoryLibrary, held: int
) -> None:
    """The notice knew of the last one only. *held*: how many answers come after all keys."""
    asked: asyncio.Queue[Route] = asyncio.Queue()
    undone: asyncio.Queue[str] = asyncio.Queue()
    await page.route("**/do/archive", asked.put)
    page.on("requestfinished", lambda sent: undone.put_nowait(sent.url))
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    late: list[Route] = []
    for number in (1, 2, 3):
        await page.keyboard.press("e")
        await focus_is_on(page, MANY - number - 1)
        route = await asked.get()
        if number > 3 - held:
            late.append(route)
            continue
        async with page.expect_request_finished(lambda sent: "/do/archive" in sent.url):
            await route.continue_()
    for _ in range(3):
        await page.keyboard.press("z")
    for route in late:
        await route.continue_()
    for _ in range(3):
        while "/undo/" not in await undone.get():
            pass
    await expect(page.locator("#changed")).to_have_text("Undone")
    assert [row.folder for row in library.rows.values()].count(WORK) == MANY


async def test_what_has_left_before_it_was_open_is_not_opened(
    page: Page, library: MemoryLibrary
) -> None:
    """It came into the pane when it had been archived."""
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    for press in ("j", "e", "e"):
        await page.keyboard.press(press)
    await is_open(page, MANY - 4)
    await focus_is_on(page, MANY - 4)
    away = [row.key for row in library.rows.values() if row.folder != WORK]
    assert away == [key(MANY - 3), key(MANY - 2)]


async def test_what_was_done_before_can_be_undone_from_the_next_page(
    page: Page, library: MemoryLibrary
) -> None:
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("e")
    await toast(page, "Archived 1 message")
    await is_open(page, MANY - 2)
    await page.keyboard.press("#")
    await toast(page, "Moved 1 message to Trash")
    await page.goto("/mail/Sent")
    await page.keyboard.press("z")
    notice = page.locator("#changed")
    await expect(notice).to_contain_text("Undone. Before that: Archived 1 message")
    await notice.get_by_role("button", name="Undo").click()
    await expect(notice).to_have_text("Undone")
    assert [row.folder for row in library.rows.values()].count(WORK) == MANY


async def test_an_undo_that_has_failed_is_tried_again(page: Page, library: MemoryLibrary) -> None:
    """A full disk, or who is signed out: that passes."""

    async def fail(route: Route) -> None:
        headers = {"HX-Trigger": '{"trouble": {"say": "The disk is full."}}'}
        await route.fulfill(status=503, headers=headers, body="")

    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("e")
    await toast(page, "Archived 1 message")
    await page.route("**/undo/**", fail)
    await page.keyboard.press("z")
    await toast(page, "The disk is full.")
    await page.unroute("**/undo/**")
    await page.keyboard.press("z")
    await expect(page.locator("#changed")).to_have_text("Undone")
    assert library.rows[key(MANY - 1)].folder == WORK


async def test_what_cannot_be_undone_any_more_is_not_in_the_way_of_what_can(
    page: Page, library: MemoryLibrary
) -> None:
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("e")
    await toast(page, "Archived 1 message")
    await is_open(page, MANY - 2)
    await page.keyboard.press("#")
    await toast(page, "Moved 1 message to Trash")
    library.changes.popitem()
    await page.keyboard.press("z")
    await toast(page, "This cannot be undone any more.")
    await toast(page, "Archived 1 message")
    await page.keyboard.press("z")
    await expect(page.locator("#changed")).to_have_text("Undone")
    assert library.rows[key(MANY - 1)].folder == WORK


async def test_what_was_done_last_is_undone_first_also_from_the_next_page(
    page: Page, library: MemoryLibrary
) -> None:
    done = {"say": "Leaves in {left} s", "undo": "/outbox/x/edit", "stays": 30000}
    await page.evaluate(
        "done => sessionStorage.setItem('writing-done', JSON.stringify({...done, since: Date.now()}))",
        done,
    )
    await page.goto("/mail/Inbox")
    await toast(page, "Leaves in ")
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("e")
    await toast(page, "Archived 1 message")
    await page.keyboard.press("z")
    await toast(page, "Undone")
    assert library.rows[key(MANY - 1)].folder == WORK
    await page.keyboard.press("e")
    await toast(page, "Archived 1 message")
    await page.goto("/mail/Sent")
    await toast(page, "Archived 1 message")
    await page.keyboard.press("z")
    await toast(page, "Undone")
    assert [row.folder for row in library.rows.values()].count(WORK) == MANY
    await page.goto("/settings")
    await expect(page.locator("#changed")).to_have_count(0)


async def test_z_takes_back_that_a_folder_was_removed(page: Page, library: MemoryLibrary) -> None:
    library.delete([key(1)])
    await page.goto("/folders?removed=Lists&messages=1&change=change-0")
    await page.keyboard.press("z")
    await came(page, "/folders")
    await toast(page, "Undone")
    assert library.rows[key(1)].folder == WORK


async def test_the_menu_of_a_message_closes_by_escape_and_by_a_click_elsewhere(
    page: Page, library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = b"Content-Type: text/html\n\n<p>Hello</p>"
    monkeypatch.setattr(library, "read", lambda _: html)
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    more = page.locator("#pane .letter-more")
    await more.locator("summary").click()
    await expect(more).to_have_attribute("open", "")
    await page.keyboard.press("Escape")
    await expect(more).not_to_have_attribute("open", "")
    await expect(more.locator("summary")).to_be_focused()
    await more.locator("summary").click()
    await expect(more).to_have_attribute("open", "")
    await page.locator("#pane .letter-head").click()
    await expect(more).not_to_have_attribute("open", "")
    await more.locator("summary").click()
    await expect(more).to_have_attribute("open", "")
    await page.frame_locator("iframe.letter-frame").locator("p").click()
    await expect(more).not_to_have_attribute("open", "")


async def test_several_at_once_go_to_a_new_folder_by_keys_alone(
    page: Page, library: MemoryLibrary
) -> None:
    for press in ("j", "x", "j", "x", "j", "x", "x"):
        await page.keyboard.press(press)
    await expect(page.locator("#chosen-count")).to_have_text("2 selected")
    await page.keyboard.press("m")
    await expect(page.locator("#move-to")).to_be_visible()
    await page.keyboard.type("Holidays")
    await expect(page.get_by_role("option")).to_have_text(["New folder “Holidays”"])
    await page.keyboard.press("Enter")
    await toast(page, "Moved 2 messages to Holidays")
    await expect(page.locator("#folders [data-folder=Holidays]")).to_be_visible()
    assert [row.folder for row in list(library.rows.values())[-2:]] == ["Holidays"] * 2


async def test_the_folder_one_means_is_found_by_a_part_of_its_name(
    page: Page, library: MemoryLibrary
) -> None:
    await page.keyboard.press("j")
    await page.keyboard.press("m")
    await page.keyboard.type("20 proj")
    await page.keyboard.press("Enter")
    await toast(page, "Moved 1 message to Projects / 2026")
    await page.keyboard.press("m")
    await page.keyboard.press("Escape")
    await expect(page.locator("#move-to")).to_be_hidden()
    assert [row.folder for row in library.rows.values()].count(WORK) == MANY - 1


LONG = b"\n".join(b"Line %d" % number for number in range(300))
SCROLLED = """() => ["pane", "scroller"].map((id) => {
  const part = document.getElementById(id);
  return Math.round(part.scrollTop / part.clientHeight * 10);
})"""


async def test_space_scrolls_the_message_while_the_focus_is_in_the_list(
    page: Page, library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It scrolled the list, and a long message could not be read by keys."""
    monkeypatch.setattr(library, "read", lambda _: b"Subject: Long\n\n" + LONG)
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    for press, tenths in (("Space", 9), ("Space", 18), ("Shift+Space", 9), ("Shift+Space", 0)):
        await page.keyboard.press(press)
        assert await page.evaluate(SCROLLED) == [tenths, 0]
    await focus_is_on(page, MANY - 1)
    box = row(page, MANY - 1).locator("input")
    await box.focus()
    await page.keyboard.press("Space")
    await expect(box).to_be_checked()
    assert await page.evaluate(SCROLLED) == [0, 0]


@pytest.mark.parametrize("into", ["o", "Enter"])
@pytest.mark.parametrize("kind", ["plain", "html"])
async def test_keys_lead_into_the_open_message_and_back(
    page: Page, library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch, into: str, kind: str
) -> None:
    head = f"Content-Type: text/{kind}\n\n".encode()
    text = b"<p>" + LONG.replace(b"\n", b"<p>") if kind == "html" else LONG
    monkeypatch.setattr(library, "read", lambda _: head + text)
    pane = page.locator("#pane")
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press(into)
    await expect(pane).to_be_focused()
    if kind == "html":
        await page.frame_locator("iframe.letter-frame").locator("p").nth(1).click()
        await expect(page.locator("iframe.letter-frame")).to_be_focused()
    await page.keyboard.press("Escape")
    await focus_is_on(page, MANY - 1)
    await page.keyboard.press(into)
    await expect(pane).to_be_focused()
    await pane.locator(".letter-more summary").press("Enter")
    await page.keyboard.press("Escape")
    await expect(pane.locator(".letter-more summary")).to_be_focused()
    await page.keyboard.press("u")
    await focus_is_on(page, MANY - 1)
    await page.keyboard.press("j")
    await is_open(page, MANY - 2)


async def test_a_key_flags_and_takes_the_flag_off(page: Page, library: MemoryLibrary) -> None:
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.keyboard.press("s")
    await toast(page, "Flagged 1 message")
    await expect(row(page, MANY - 1).get_by_label("Flagged")).to_be_visible()
    await page.keyboard.press("s")
    await toast(page, "Took the flag off 1 message")
    await expect(row(page, MANY - 1).get_by_label("Flagged")).to_have_count(0)


async def test_keys_are_for_the_message_of_a_conversation_that_one_has_opened(
    open_page: Open, library: MemoryLibrary
) -> None:
    """They marked the latest one, and deleted all of them."""
    seen = frozenset({Flag.SEEN})
    for number in range(MANY - 4, MANY):
        library.rows[key(number)] = letter(number, thread=MANY - 1, flags=seen)
    async with open_page() as page:
        await page.wait_for_selector("#rows.windowed")
        await page.keyboard.press("j")
        await is_open(page, MANY - 1)
        await page.locator("#pane .letter-line", has_text=f"Opening of {MANY - 3}").click()
        opened = page.locator("#opened")
        await expect(opened).to_have_attribute("data-message", key(MANY - 3))
        await page.keyboard.press("s")
        await toast(page, "Flagged 1 message")
        await expect(page.locator("#pane [title='Take the flag off']").first).to_be_attached()
        await page.keyboard.press("Shift+U")
        await toast(page, "Marked 1 message as unread")
        assert library.rows[key(MANY - 3)].flags == {Flag.FLAGGED}
        assert library.rows[key(MANY - 1)].flags == seen
        await page.keyboard.press("#")
        await toast(page, "Moved 1 message to Trash")
        await is_open(page, MANY - 1)
        assert library.rows[key(MANY - 3)].folder == TRASH
        await focus_is_on(page, MANY - 1)
        await page.keyboard.press("#")
        await toast(page, "Moved 3 messages to Trash")
        await is_open(page, MANY - 5)
    assert [row.folder for row in library.rows.values()].count(TRASH) == 4


async def test_enter_in_a_box_does_nothing(page: Page, library: MemoryLibrary) -> None:
    await row(page, MANY - 1).locator("input").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("j")
    await is_open(page, MANY - 2)
    assert library.rows[key(MANY - 1)].folder == WORK


async def test_without_scripts_enter_in_a_box_only_asks(
    browser: Browser, desk: Desk, tmp_path: Path, library: MemoryLibrary
) -> None:
    async with browsing(browser, desk, tmp_path, "/mail/Inbox", java_script_enabled=False) as page:
        box = row(page, MANY - 1).locator("input")
        await box.check()
        await box.press("Enter")
        await expect(page.locator("h1")).to_have_text("Move to a folder")
        await page.get_by_label("Archive", exact=True).check()
        await page.get_by_role("button", name="Move", exact=True).click()
        await expect(page.locator("#done")).to_contain_text("Moved 1 message to Archive.")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator("#done")).to_contain_text("Undone.")
    assert library.rows[key(MANY - 1)].folder == WORK


# Several windows.


async def test_when_the_open_message_is_filed_elsewhere_a_key_is_for_no_other(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    """The row below it got the focus, and the next key filed what nobody had looked at."""
    await row(page, MANY - 2).locator("a").click()
    await is_open(page, MANY - 2)
    library.archive([key(MANY - 2)])
    desk.news.tell(MailChanged(frozenset({WORK, ARCHIVE})))
    elsewhere = page.locator("#elsewhere")
    await expect(elsewhere).to_have_text("This message is in Archive now.")
    await expect(row(page, MANY - 2)).to_have_count(0)
    await expect(page.locator("#list")).to_be_focused()
    await page.keyboard.press("#")
    await toast(page, "Moved 1 message to Trash")
    await is_open(page, MANY - 3)
    await focus_is_on(page, MANY - 3)
    await expect(elsewhere).to_be_empty()
    assert library.rows[key(MANY - 2)].folder == TRASH
    assert [row.folder for row in library.rows.values()].count(WORK) == MANY - 1


async def test_j_and_k_go_on_from_where_a_row_was_that_has_left(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    await row(page, MANY - 4).locator("a").click()
    await is_open(page, MANY - 4)
    library.archive([key(MANY - 4), key(MANY - 1)])
    desk.news.tell(MailChanged(frozenset({WORK, ARCHIVE})))
    await expect(page.locator("#list")).to_be_focused()
    await page.keyboard.press("k")
    await is_open(page, MANY - 3)
    library.archive([key(MANY - 3)])
    desk.news.tell(MailChanged(frozenset({WORK, ARCHIVE})))
    await expect(page.locator("#list")).to_be_focused()
    await page.keyboard.press("j")
    await is_open(page, MANY - 5)


async def test_what_is_open_says_so_when_it_is_gone_and_when_it_is_back(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    await row(page, MANY - 1).locator("a").click()
    await is_open(page, MANY - 1)
    elsewhere = page.locator("#elsewhere")
    await expect(elsewhere).to_be_empty()
    mine = library.rows.pop(key(MANY - 1))
    desk.news.tell(MailChanged(frozenset({WORK})))
    await expect(elsewhere).to_contain_text("This message is not there any more.")
    library.rows[mine.key] = mine
    desk.news.tell(MailChanged(frozenset({WORK})))
    await is_open(page, MANY - 1)
    await expect(elsewhere).to_be_empty()


# What the server refuses.


async def refuse_to_mark(route: Route) -> None:
    await route.fulfill(status=503, body="")


async def test_what_was_refused_comes_back(page: Page) -> None:
    async def refuse(route: Route) -> None:
        headers = {"HX-Trigger": '{"trouble": {"say": "The disk is full."}}'}
        await route.fulfill(status=409, headers=headers, body="")

    await page.route("**/do/mark", refuse_to_mark)  # who opens it has read it, after a second
    await page.keyboard.press("j")
    await is_open(page, MANY - 1)
    await page.route("**/do/archive", refuse)
    await page.keyboard.press("e")
    await toast(page, "The disk is full.")
    await is_open(page, MANY - 1)
    await focus_is_on(page, MANY - 1)
    await expect(page.locator("#about")).to_have_text(f"{MANY} messages, {MANY} unread")


async def test_a_server_that_does_not_answer_is_said(page: Page) -> None:
    await page.evaluate(
        "() => { window.fetch = () => Promise.reject(new TypeError('no network')); }"
    )
    await row(page, MANY - 1).locator("a").focus()
    await page.keyboard.press("#")
    await toast(page, "Pillarbox does not answer.")
    await expect(row(page, MANY - 1)).to_be_visible()


# Mouse.


async def test_a_range_by_shift_is_whole_though_most_of_it_is_not_in_the_page(
    page: Page, library: MemoryLibrary
) -> None:
    await row(page, MANY - 1).locator("input").click()
    await page.locator("#q").focus()  # a row with the focus stays
    await scroll_to(page, 330)
    await expect(page.locator("li[data-place='0']")).to_have_count(0)
    library.archive([key(MANY - 200)])
    new = letter(MANY, date=NOW)
    library.rows[new.key] = new
    await page.locator("li[data-place='330'] input").click(modifiers=["Shift"])
    await page.keyboard.press("e")
    await toast(page, "Archived 330 messages")
    left = [row.key for row in library.rows.values() if row.folder == WORK]
    assert left == [key(number) for number in (*range(MANY - 331), MANY)]


async def test_all_but_one_is_without_an_answer_to_it(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    await page.locator("#all").click()
    await row(page, MANY - 2).locator("input").click()
    new = letter(MANY, thread=MANY - 2, date=NOW)
    library.rows[new.key] = new
    desk.news.tell(MailChanged(frozenset({WORK}), arrived=1))
    await expect(row(page, MANY).locator("input")).not_to_be_checked()
    await expect(page.locator("#chosen-count")).to_have_text(f"{MANY - 1} selected")
    await page.keyboard.press("e")
    await toast(page, f"Archived {MANY - 1} messages")
    left = [row.key for row in library.rows.values() if row.folder == WORK]
    assert left == [key(MANY - 2), key(MANY)]


async def test_all_is_without_what_comes_later_unless_it_is_chosen_too(
    page: Page, library: MemoryLibrary, desk: Desk
) -> None:
    """What came after the box was ticked went along, perhaps outside of the view."""
    await page.locator("#all").click()
    for number in (MANY, MANY + 1):
        new = letter(number, date=NOW + timedelta(seconds=number))
        library.rows[new.key] = new
    answer = letter(MANY + 2, thread=3, date=NOW)
    library.rows[answer.key] = answer
    desk.news.tell(MailChanged(frozenset({WORK}), arrived=3))
    await expect(row(page, MANY).locator("input")).not_to_be_checked()
    await expect(row(page, MANY + 2).locator("input")).to_be_checked()
    await expect(page.locator("#chosen-count")).to_have_text(f"{MANY} selected")
    assert await page.locator("#all").evaluate("box => box.indeterminate")
    await row(page, MANY).locator("input").click()
    await expect(page.locator("#chosen-count")).to_have_text(f"{MANY + 1} selected")
    await page.keyboard.press("e")
    await toast(page, f"Archived {MANY + 1} messages")
    left = [row.key for row in library.rows.values() if row.folder == WORK]
    assert left == [key(MANY + 1), key(MANY + 2)]
    await expect(row(page, MANY + 1)).to_be_visible()
    await page.locator("#all").click()
    await page.keyboard.press("e")
    await toast(page, "Archived 2 messages")


async def test_a_range_by_shift_and_all_but_one(page: Page, library: MemoryLibrary) -> None:
    await row(page, MANY - 1).locator("input").click()
    await row(page, MANY - 4).locator("input").click(modifiers=["Shift"])
    await expect(page.locator("#chosen-count")).to_have_text("4 selected")
    await page.locator("#all").click()
    await row(page, MANY - 2).locator("input").click()
    await expect(page.locator("#chosen-count")).to_have_text(f"{MANY - 1} selected")
    await scroll_to(page, 200)
    await expect(page.locator("li[data-place='200'] input")).to_be_checked()
    await page.get_by_role("button", name="Delete", exact=True).first.click()
    await toast(page, f"Moved {MANY - 1} messages to Trash")
    assert [row.key for row in library.rows.values() if row.folder == WORK] == [key(MANY - 2)]


async def test_rows_are_dropped_on_folders(page: Page, library: MemoryLibrary) -> None:
    await row(page, MANY - 3).locator("a").drag_to(page.locator("#folders [data-folder=Lists]"))
    await toast(page, "Moved 1 message to Lists")
    assert library.rows[key(MANY - 3)].folder == "Lists"


async def test_for_good_only_after_a_question_about_all_that_goes(
    open_page: Open, library: MemoryLibrary
) -> None:
    """A row of Trash is a conversation: the question spoke of one message, and all of them went."""
    library.delete([key(1), key(2), key(3)])
    for number in (3, 4):
        library.rows[key(number)] = replace(library.rows[key(number)], thread=2)
    async with open_page("/mail/Trash") as page:
        await page.keyboard.press("j")
        await is_open(page, 3)
        await page.keyboard.press("#")
        await page.get_by_role("button", name="Keep").click()
        assert library.rows[key(2)].folder == TRASH
        await page.keyboard.press("#")
        dialog = page.locator("#sure")
        await expect(dialog).to_contain_text("2 messages of 1 conversation will be removed.")
        library.delete([key(4)])  # which nobody has seen there, and so it stays
        library.move([key(2)], WORK)
        await dialog.get_by_role("button", name="Remove for good").click()
        await expect(dialog).to_contain_text("1 message will be removed.")
        await dialog.get_by_role("button", name="Remove for good").click()
        await toast(page, "Removed 1 message for good")
        await expect(row(page, 4)).to_be_visible()
    assert list(library.rows)[:4] == [key(0), key(1), key(2), key(4)]
    assert len(library.rows) == MANY - 1


async def test_what_a_search_finds_in_trash_goes_for_good_by_the_same_question(
    open_page: Open, library: MemoryLibrary
) -> None:
    library.delete([key(number) for number in (10, 11, 12)])
    async with open_page("/search?q=subject+1&in=Trash") as page:
        dialog = page.locator("#sure")
        await page.wait_for_selector("#rows.windowed")
        await page.keyboard.press("j")
        await is_open(page, 12)
        await page.keyboard.press("#")
        await expect(dialog).to_contain_text("1 message will be removed.")
        await dialog.get_by_role("button", name="Remove for good").click()
        await toast(page, "Removed 1 message for good")
        await is_open(page, 11)
        assert key(12) not in library.rows
        await page.evaluate(
            "document.querySelector('#choose [data-key=\\'#\\']').formAction = '/do/delete'"
        )  # as where a search finds messages elsewhere, too
        await row(page, 10).locator("input").click()
        await page.keyboard.press("#")
        await expect(dialog).to_contain_text("1 message will be removed.")
        await expect(row(page, 10)).to_be_visible()
        await dialog.get_by_role("button", name="Remove for good").click()
        await toast(page, "Removed 1 message for good")
        await expect(row(page, 10)).to_have_count(0)
    assert key(10) not in library.rows
    assert key(11) in library.rows


async def test_a_question_is_asked_again_before_the_first_is_gone(
    open_page: Open, library: MemoryLibrary
) -> None:
    """The end of the first was taken for the answer to the second: the button did nothing."""
    library.delete([key(1), key(2)])
    async with open_page("/mail/Trash") as page:
        await page.keyboard.press("j")
        await is_open(page, 2)
        await page.keyboard.press("#")
        await page.locator("#sure").wait_for()
        await page.evaluate(
            """() => {
              document.querySelector("#sure button").click();
              document.dispatchEvent(new KeyboardEvent("keydown", { key: "#", bubbles: true }));
            }"""
        )
        await page.locator("#sure").get_by_role("button", name="Remove for good").click()
        await toast(page, "Removed 1 message for good")


# Searching.


async def test_the_list_follows_what_is_typed_in_one_entry_of_the_history(page: Page) -> None:
    await page.keyboard.press("/")
    await page.keyboard.type("subject 39", delay=20)
    await expect(page.locator("#about")).to_have_text("11 messages")
    await expect(page.locator("#rows mark").first).to_have_text("Subject 39")
    assert page.url.endswith("/search?q=subject+39")
    assert await page.evaluate("document.activeElement.id") == "q"
    await page.keyboard.press("ArrowDown")
    await focus_is_on(page, 399)
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("All inboxes")
    assert page.url.endswith("/mail/Inbox")


async def test_a_search_that_is_emptied_is_the_folder_again(page: Page) -> None:
    await page.keyboard.press("/")
    await page.keyboard.type("zebra")
    await expect(page.locator("#nothing")).to_contain_text("has “zebra”")
    await page.keyboard.press("Escape")
    await expect(row(page, MANY - 1)).to_be_visible()


# Narrow screens: one thing at a time.


async def test_on_a_phone_a_message_takes_the_place_of_the_list(
    open_page: Open, library: MemoryLibrary
) -> None:
    async with open_page(viewport=PHONE) as page:
        await page.wait_for_selector("#rows.windowed")
        await scroll_to(page, 100)
        await page.keyboard.press("j")
        assert await page.locator("#opened").count() == 0, "moving opens nothing here"
        await row(page, MANY - 104).locator("a").click()
        await expect(page.locator("#opened")).to_be_visible()
        await expect(page.locator("#list")).to_be_hidden()
        await page.go_back()
        await expect(row(page, MANY - 104)).to_be_visible()
        await focus_is_on(page, MANY - 104)
        await row(page, MANY - 104).locator("a").click()
        await expect(page.locator("#opened")).to_be_visible()
        await page.keyboard.press("e")
        await toast(page, "Archived 1 message")
        await expect(page.locator("#list")).to_be_visible()
        await focus_is_on(page, MANY - 105)
        assert library.rows[key(MANY - 104)].folder == ARCHIVE


async def test_on_a_phone_a_message_in_trash_goes_for_good_or_back(
    open_page: Open, library: MemoryLibrary
) -> None:
    """Its button said that nothing had to be changed, and the list with the other one is hidden."""
    library.delete([key(1), key(2), key(3)])
    async with open_page(f"/mail/Trash?m={key(2)}", PHONE) as page:
        tools = page.locator("#pane .letter-tools")
        await page.wait_for_selector("#rows.windowed", state="attached")
        await expect(page.locator("#list")).to_be_hidden()
        await expect(tools.get_by_role("button", name="Delete")).to_have_count(0)
        erase = tools.get_by_role("button", name="Remove for good")
        await erase.click()
        dialog = page.locator("#sure")
        await expect(dialog).to_contain_text("1 message will be removed.")
        await dialog.get_by_role("button", name="Keep").click()
        await expect(dialog).to_be_hidden()
        assert key(2) in library.rows
        await erase.click()
        await dialog.get_by_role("button", name="Remove for good").click()
        await toast(page, "Removed 1 message for good")
        await expect(page.locator("#list")).to_be_visible()
        await row(page, 1).locator("a").click()
        await tools.get_by_role("button", name="Move to a folder").click()
        await page.keyboard.type("inbox of work")
        await page.keyboard.press("Enter")
        await toast(page, "Moved 1 message to Inbox / work")
    assert key(2) not in library.rows
    assert [library.rows[key(number)].folder for number in (1, 3)] == [WORK, TRASH]


async def test_folders_stay_folded(page: Page) -> None:
    await page.locator("[data-tree=Projects] > summary").click()
    await page.reload()
    await expect(page.locator("#folders [data-folder='Projects/2026']")).to_be_hidden()
    assert INBOX in page.url
