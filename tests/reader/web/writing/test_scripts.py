"""Writing in a real browser: what the page of a draft does by itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Dialog, FilePayload, Page, Route, expect

from pillarbox.reader.model import Contact, Draft, Identity, MessageKey
from tests.reader.browser import browsing, came
from tests.reader.web.writing.conftest import Table, make_table
from tests.reader.web.writing.test_composing import HTML, SHOP, TO_A_SUBADDRESS

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLOURS: dict[str, Any] = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


@pytest_asyncio.fixture(loop_scope="module")
async def table(tmp_path: Path) -> Table:
    return make_table(tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, table: Table, tmp_path: Path) -> AsyncIterator[Page]:
    async with browsing(browser, table.desk, tmp_path, "/drafts") as page:
        yield page


async def hurried(page: Page) -> None:
    """From the next page on the test may let time pass by :func:`pass_time`."""
    await page.clock.install()


async def pass_time(page: Page, seconds: int) -> None:
    await page.clock.fast_forward(seconds * 1000)


async def pause(page: Page) -> None:
    """From now on no time passes by itself."""
    await page.clock.pause_at(await page.evaluate("Date.now() + 1000"))


async def leaves(page: Page, *, within: int) -> None:
    """That is said, less the seconds until the page had come."""
    notice = page.locator("#writing-done")
    await expect(notice).to_contain_text("Leaves in ")
    found = re.search(r"Leaves in (\d+) s", await notice.inner_text())
    assert found is not None
    assert within // 3 < int(found[1]) <= within


async def saved(page: Page) -> None:
    await expect(page.locator("#saved")).to_contain_text("Saved ")


async def opened(page: Page, draft: Draft) -> None:
    await page.goto(f"/compose/{draft.id}?back=/drafts")
    await expect(page.locator("html")).to_have_class("scripted")


async def test_a_message_is_written_by_keys_alone(page: Page, table: Table) -> None:
    table.contacts.save(Contact("Byrne, David", "david@x.example"))
    await page.keyboard.press("c")
    await expect(page.locator("#to")).to_be_focused()
    await page.keyboard.type("by")
    offered = page.locator("#to + .choices li")
    await expect(offered).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#to")).to_have_attribute("aria-activedescendant", "choices-1-0")
    await page.keyboard.press("Enter")
    await expect(page.locator("#to")).to_have_value('"Byrne, David" <david@x.example>, ')
    await page.keyboard.press("Tab")  # Cc, Bcc
    await page.keyboard.press("Tab")
    await page.keyboard.type("Tea")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Now?")
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    await leaves(page, within=10)
    (parcel,) = table.outbox.parcels.values()
    assert parcel.recipients == ("david@x.example",)
    assert b"Now?" in parcel.message


async def test_what_was_sent_is_taken_back_by_a_key_wherever_one_is(
    page: Page, table: Table
) -> None:
    table.desk.settings.hold_seconds = 30
    for where in ("/drafts", "/outbox", "/contacts", "/settings"):
        draft = table.begun(to="ada@x.example", subject="Tea", text="Now?")
        await page.goto(f"/compose/{draft.id}?back={where}")
        await expect(page.locator("html")).to_have_class("scripted")
        await page.keyboard.press("Control+Enter")
        await came(page, where)
        await leaves(page, within=30)
        await page.locator("h1").click()
        await page.keyboard.press("z")
        await came(page, f"/compose/{draft.id}")
        await expect(page.locator("#text")).to_have_value(re.compile(r"Now\?"))
        assert table.outbox.parcels == {}


async def test_what_was_sent_is_taken_back_some_pages_later_and_once(
    page: Page, table: Table
) -> None:
    table.desk.settings.hold_seconds = 600
    await hurried(page)
    draft = table.begun(to="ada@x.example", subject="Tea", text="Now?")
    await opened(page, draft)
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    await leaves(page, within=600)
    await pass_time(page, 100)
    for where in ("/outbox", "/contacts", "/contacts"):
        await page.goto(where)
        await expect(page.locator("#writing-done")).to_contain_text(re.compile(r"in [45]\d\d s"))
    await page.keyboard.press("z")
    await came(page, f"/compose/{draft.id}")
    assert table.outbox.parcels == {}
    await page.goto("/settings")
    await expect(page.locator("#writing-done")).to_have_count(0)


async def test_z_takes_back_no_other_message_than_the_one_that_was_discarded_in_the_outbox(
    page: Page, table: Table
) -> None:
    """It took back the newer one, and opened it. What cannot be undone was done last: then there is nothing to undo."""
    table.desk.settings.hold_seconds = 600
    for subject in ("Older", "Newer"):
        await opened(page, table.begun(to="ada@x.example", subject=subject, text="Now?"))
        await page.keyboard.press("Control+Enter")
        await came(page, "/drafts")
        await expect(page.locator("#writing-done")).to_contain_text(f"“{subject}”")
    older, newer = table.outbox.parcels
    await page.goto(f"/outbox/{older}/discard")
    await page.wait_for_load_state()
    await page.get_by_role("button", name="Discard").click()
    await came(page, "/outbox?discarded")
    await expect(page.locator(".outbox > .notice")).to_contain_text("was discarded")
    await expect(page.locator("#writing-done")).to_have_count(0)
    await page.keyboard.press("z")
    await page.keyboard.press("?")  # comes after it, and shows
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert list(table.outbox.parcels) == [newer]
    assert page.url.endswith("/outbox?discarded")


@pytest.mark.parametrize(
    ("subject", "to", "said"),
    [
        ("Tea", "ada@x.example", "“Tea”"),
        ("", "Ada <ada@x.example>", "“Ada <ada@x.example>”"),
        ("{left}" + "a" * 40, "ada@x.example", "“{left}" + "a" * 34 + "…”"),
    ],
)
async def test_what_leaves_says_which_message_it_is(
    page: Page, table: Table, subject: str, to: str, said: str
) -> None:
    """The notices of two that waited were the same."""
    table.desk.settings.hold_seconds = 600
    await opened(page, table.begun(to=to, subject=subject, text="Now?"))
    await page.keyboard.press("Control+Enter")
    if not subject:
        await page.get_by_role("button", name="Send it").click()
    await came(page, "/drafts")
    await leaves(page, within=600)
    await expect(page.locator("#writing-done > span")).to_contain_text(f": {said}")


async def test_what_has_left_is_not_offered_to_be_taken_back(page: Page, table: Table) -> None:
    await hurried(page)
    await opened(page, table.begun(to="ada@x.example", subject="Tea", text="Now?"))
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#writing-done")).to_contain_text("Undo")
    await page.clock.set_system_time(await page.evaluate("Date.now() + 10000"))
    await page.reload()
    await expect(page.locator("#writing-done")).to_have_count(0)


async def test_escape_closes_what_is_offered(page: Page, table: Table) -> None:
    await opened(page, table.begun())
    await page.fill("#to", "")
    await page.locator("#to").press_sequentially("by")
    await expect(page.locator("#to + .choices")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#to + .choices")).to_be_hidden()
    await expect(page.locator("#to")).to_have_value("by")


async def test_enter_puts_nobody_in_the_place_of_a_whole_address(page: Page, table: Table) -> None:
    table.contacts.save(Contact("Al", "al@corp.com.au"))
    await opened(page, table.begun())
    await page.locator("#to").press_sequentially("al@corp.com")
    await expect(page.locator("#to + .choices")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator("#to + .choices")).to_be_hidden()
    await expect(page.locator("#to")).to_have_value("al@corp.com")
    await page.fill("#to", "")
    await page.locator("#to").press_sequentially("al")
    await expect(page.locator("#to + .choices")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator("#to")).to_have_value("Al <al@corp.com.au>, ")


async def pasted(page: Page, text: str) -> None:
    """Into what has the focus, as by Ctrl+V."""
    await page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const field = document.activeElement;
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          if (field.dispatchEvent(event)) document.execCommand("insertText", false, text.replace(/[\\r\\n]+/g, " "));
        }""",
        text,
    )


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (
            "",
            "Bob <bob@x.example>\nAlice Example <alice@x.example>\nCarol <carol@x.example>",
            "Bob <bob@x.example>, Alice Example <alice@x.example>, Carol <carol@x.example>, ",
        ),
        (
            "",
            "Bob\tbob@x.example\r\nAlice\talice@x.example\r\n",
            "Bob bob@x.example, Alice alice@x.example, ",
        ),
        (
            "carol@x.example",
            "bob@x.example\nalice@x.example",
            "carol@x.example, bob@x.example, alice@x.example, ",
        ),
        (
            "carol@x.example, ",
            "bob@x.example,\n Alice\n <alice@x.example>;",
            "carol@x.example, bob@x.example, Alice <alice@x.example>; ",
        ),
        ("", "Bob\nAlice\talice@x.example", "Bob, Alice alice@x.example, "),
        ("", "bob@x.example alice@x.example\n", "bob@x.example alice@x.example "),
    ],
)
async def test_a_list_that_is_pasted_gets_a_comma_for_each_end_of_a_line(
    page: Page, table: Table, before: str, text: str, after: str
) -> None:
    await opened(page, table.begun(to=before, subject="Tea", text="Now?"))
    await page.locator("#to").focus()
    await page.keyboard.press("End")
    await pasted(page, text)
    await expect(page.locator("#to")).to_have_value(after)
    await page.keyboard.press("Control+z")
    await expect(page.locator("#to")).to_have_value(before)


async def test_all_of_a_pasted_list_get_the_message(page: Page, table: Table) -> None:
    await opened(page, table.begun(subject="Tea", text="Now?"))
    await page.locator("#to").focus()
    await pasted(
        page, "Bob <bob@x.example>\nAlice Example <alice@x.example>\nCarol\tcarol@x.example"
    )
    await page.keyboard.press("Control+Enter")
    await leaves(page, within=10)
    (parcel,) = table.outbox.parcels.values()
    assert parcel.recipients == ("bob@x.example", "alice@x.example", "carol@x.example")


async def test_a_list_is_pasted_in_front_of_people(page: Page, table: Table) -> None:
    await opened(page, table.begun(to="carol@x.example", subject="Tea", text="Now?"))
    await page.locator("#to").focus()
    await page.keyboard.press("Home")
    await pasted(page, "bob@x.example\nalice@x.example\n")
    await expect(page.locator("#to")).to_have_value(
        "bob@x.example, alice@x.example, carol@x.example"
    )


async def test_what_is_typed_is_saved_by_itself_and_on_leaving(
    page: Page, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = table.begun()
    await hurried(page)
    await opened(page, draft)
    await page.fill("#text", "typed")
    await pass_time(page, 2)
    await saved(page)
    assert table.drafts.find(draft.id).text == "typed"
    loop, again, save = asyncio.get_running_loop(), asyncio.Event(), table.writing.save

    def saving(typed: Draft) -> Draft:
        kept = save(typed)
        loop.call_soon_threadsafe(again.set)
        return kept

    monkeypatch.setattr(table.writing, "save", saving)
    await page.fill("#text", "typed and left at once")
    await page.goto("/drafts")
    await again.wait()
    assert table.drafts.find(draft.id).text == "typed and left at once"


async def test_what_is_typed_without_a_pause_is_saved_meanwhile(page: Page, table: Table) -> None:
    """Each key once put saving off anew: who typed for minutes lost them with the browser."""
    draft = table.begun()
    await hurried(page)
    await opened(page, draft)
    await pause(page)
    await page.locator("#text").press("Control+Home")
    for typed in ("one two three ", "four five six "):
        async with page.expect_response("**/save") as reply:
            for letter in typed:
                await page.keyboard.type(letter)
                await pass_time(page, 1)
        assert (await reply.value).ok
    assert "one two three " in table.drafts.find(draft.id).text


class Slow:
    """Saves wait until they may go on."""

    def __init__(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        self._save, self._loop = table.writing.save, asyncio.get_running_loop()
        self.begun, self.done, self.may_go_on = asyncio.Event(), asyncio.Event(), Event()
        monkeypatch.setattr(table.writing, "save", self.save)

    def save(self, draft: Draft) -> Draft:
        self._loop.call_soon_threadsafe(self.begun.set)
        self.may_go_on.wait()
        try:
            return self._save(draft)
        finally:
            self._loop.call_soon_threadsafe(self.done.set)


async def test_who_loads_a_draft_again_while_it_is_saved_sees_what_was_typed_last(
    page: Page, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page had the text from before; and what was typed there could not be saved."""
    slow = Slow(table, monkeypatch)
    draft = table.begun(to="a@x.example", subject="Tea", text="old")
    await opened(page, draft)
    before = await page.locator("#text").input_value()
    await page.fill("#text", "new")
    await page.reload()
    await slow.begun.wait()
    await expect(page.locator("html")).to_have_class("scripted")
    await expect(page.locator("#text")).to_have_value(before)
    await page.locator("#subject").focus()
    slow.may_go_on.set()
    await expect(page.locator("#text")).to_have_value("new")
    await expect(page.locator("#subject")).to_be_focused()
    await expect(page.locator("#compose [name=back]")).to_have_value("/drafts")
    await page.locator("#text").press("Control+End")
    await page.keyboard.type("er")
    await kept_text(page, table, draft, "newer")


async def test_what_was_saved_before_a_page_listens_is_seen_by_it(
    page: Page, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(table, monkeypatch)
    draft = table.begun(to="a@x.example", subject="Tea", text="old")
    await opened(page, draft)
    before = await page.locator("#text").input_value()
    may_listen = asyncio.Event()

    async def deaf(route: Route) -> None:
        await may_listen.wait()
        await route.continue_()

    await page.route("**/events?*", deaf)
    await page.fill("#text", "new")
    await page.reload()
    await expect(page.locator("html")).to_have_class("scripted")
    await expect(page.locator("#text")).to_have_value(before)
    slow.may_go_on.set()
    await slow.done.wait()
    may_listen.set()
    await expect(page.locator("#text")).to_have_value("new")


async def test_what_one_has_typed_by_then_is_not_replaced(
    page: Page, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(table, monkeypatch)
    draft = table.begun(to="a@x.example", subject="Tea", text="old")
    await hurried(page)
    await opened(page, draft)
    await page.fill("#text", "new")
    await page.reload()
    await slow.begun.wait()
    await expect(page.locator("html")).to_have_class("scripted")
    await pause(page)
    await page.fill("#text", "other")
    slow.may_go_on.set()
    await slow.done.wait()
    await pass_time(page, 2)
    await expect(page.locator("#saved")).to_contain_text("another tab")
    await expect(page.locator("#text")).to_have_value("other")
    assert table.drafts.find(draft.id).text == "new"
    await page.locator("#compose").evaluate("form => form.remove()")  # else the browser asks


async def test_another_window_of_a_draft_shows_what_is_typed_in_the_first(
    page: Page, table: Table
) -> None:
    draft = table.begun(to="a@x.example", subject="Tea", text="old")
    await opened(page, draft)
    second = await page.context.new_page()
    await opened(second, draft)
    elsewhere = second.get_by_role("link", name="Contacts")
    await elsewhere.focus()
    await page.fill("#text", "new")
    await page.locator("#subject").focus()
    await expect(second.locator("#text")).to_have_value("new")
    await expect(elsewhere).to_be_focused()
    await second.fill("#text", "newer")
    await expect(second.locator("#saved")).to_contain_text("Saved ")
    assert table.drafts.find(draft.id).text == "newer"
    await second.close()


async def test_a_save_that_comes_while_the_one_before_is_looked_at_is_shown_too(
    page: Page, table: Table
) -> None:
    """The window stayed at the older version, and what was typed there could not be saved."""
    draft = table.begun(to="ada@x.example", text="old")
    await opened(page, draft)
    second = await page.context.new_page()
    await opened(second, draft)
    await second.evaluate(
        "told = []; document.addEventListener('news:draft', (event) => told.push(event.detail.version))"
    )
    has_read = asyncio.Event()
    may_come = [asyncio.Event(), asyncio.Event()]
    looks = iter(may_come)

    async def late(route: Route) -> None:
        mine = next(looks)
        reply = await route.fetch()
        has_read.set()
        await mine.wait()
        await route.fulfill(response=reply)

    await second.route(re.compile(rf"/compose/{draft.id}\?"), late)
    await page.fill("#text", "new")
    await has_read.wait()
    await page.fill("#text", "newer")
    await second.wait_for_function("() => told.length === 2")
    may_come[0].set()
    await expect(second.locator("#text")).to_have_value("new")
    may_come[1].set()
    await expect(second.locator("#text")).to_have_value("newer")
    await second.close()


async def listeners(page: Page) -> int:
    """Of the document and the window, of all scripts."""
    client = await page.context.new_cdp_session(page)
    count = 0
    for target in ("document", "window"):
        found = await client.send("Runtime.evaluate", {"expression": target})
        of_it = {"objectId": found["result"]["objectId"]}
        count += len((await client.send("DOMDebugger.getEventListeners", of_it))["listeners"])
    await client.detach()
    return count


async def test_a_form_that_is_replaced_leaves_nothing_behind(page: Page, table: Table) -> None:
    """Its listeners kept it, and all that was in it, for as long as the page was there."""
    draft = table.begun(to="ada@x.example", text="old")
    await opened(page, draft)
    second = await page.context.new_page()
    await opened(second, draft)
    before = await listeners(second)
    for text in ("new", "newer"):
        await page.fill("#text", text)
        await expect(second.locator("#text")).to_have_value(text)
    assert await listeners(second) == before
    await second.close()


@pytest.mark.parametrize("answer", [None, 503])
async def test_while_it_cannot_be_saved_nothing_is_lost(
    page: Page, table: Table, answer: int | None
) -> None:
    draft = table.begun()
    await hurried(page)
    await opened(page, draft)
    away = f"**/compose/{draft.id}/save"

    async def gone(route: Route) -> None:
        await (route.fulfill(status=answer) if answer else route.abort("connectionaborted"))

    await page.route(away, gone)
    await page.fill("#text", "typed on a train")
    await pass_time(page, 2)
    await expect(page.locator("#saved")).to_have_class("meta failed")
    await expect(page.locator("#text")).to_have_value("typed on a train")
    await page.unroute(away)
    await pass_time(page, 6)
    await saved(page)
    assert table.drafts.find(draft.id).text == "typed on a train"


async def test_a_save_whose_reply_is_lost_is_not_taken_for_another_tab(
    page: Page, table: Table
) -> None:
    """A phone that sleeps, a tunnel that breaks: what was typed since could not be saved any more."""
    draft = table.begun()
    await hurried(page)
    await opened(page, draft)
    away = f"**/compose/{draft.id}/save"

    async def cut(route: Route) -> None:
        await route.fetch()
        await route.abort("connectionaborted")

    await page.route(away, cut)
    await page.fill("#text", "typed on a train")
    await pass_time(page, 2)
    await expect(page.locator("#saved")).to_have_class("meta failed")
    assert table.drafts.find(draft.id).text == "typed on a train"
    await page.unroute_all(behavior="wait")
    await page.fill("#text", "typed on a train, and behind the tunnel")
    await pass_time(page, 6)
    await saved(page)
    assert table.drafts.find(draft.id).text == "typed on a train, and behind the tunnel"


async def test_another_tab_is_not_overwritten(page: Page, table: Table) -> None:
    draft = table.begun()
    await hurried(page)
    await opened(page, draft)
    await pause(page)
    await page.fill("#text", "too late")  # else it would show what comes from there
    table.drafts.save(draft)
    await pass_time(page, 2)
    await expect(page.locator("#saved")).to_contain_text("another tab")
    await expect(page.locator("#text")).to_have_value("too late")
    await page.locator("#compose").evaluate("form => form.remove()")  # else the browser asks


async def test_files_come_by_button_and_by_drop_and_go(page: Page, table: Table) -> None:
    draft = table.begun()
    await opened(page, draft)
    file = FilePayload(name="a.txt", mimeType="text/plain", buffer=b"hello")
    await page.set_input_files("#files", [file])
    await expect(page.locator("#attached li")).to_have_count(1)
    await page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["dropped"], "b.txt"));
          document.getElementById("text").dispatchEvent(
            new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    await expect(page.locator("#attached li")).to_have_count(2)
    assert [one.octets for one in table.drafts.find(draft.id).files] == [5, 7]
    await page.get_by_role("button", name="Remove a.txt").click()
    await expect(page.locator("#attached li")).to_have_count(1)
    assert [one.name for one in table.drafts.find(draft.id).files] == ["b.txt"]


async def test_sending_waits_for_files_that_are_still_being_attached(
    page: Page, table: Table
) -> None:
    await opened(page, table.begun(to="ada@x.example", subject="Tea", text="Now?"))
    arrived = asyncio.Event()

    async def hold(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.route("**/attach", hold)
    names = ["a.txt", "b.txt", "c.txt"]
    files = [FilePayload(name=name, mimeType="text/plain", buffer=b"hello") for name in names]
    await page.set_input_files("#files", files[:2])
    await expect(page.locator(".upload")).to_have_count(2)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#saved")).to_contain_text("Sends when the files are attached")
    await page.set_input_files("#files", files[2:])
    assert table.outbox.parcels == {}
    arrived.set()
    await came(page, "/drafts")
    (parcel,) = table.outbox.parcels.values()
    assert all(name.encode() in parcel.message for name in names)


async def test_a_message_does_not_leave_without_a_file_that_did_not_come(
    page: Page, table: Table
) -> None:
    draft = table.begun(to="ada@x.example", subject="Tea", text="Now?")
    await opened(page, draft)
    begun = asyncio.Event()

    async def hold(_route: Route) -> None:
        begun.set()

    await page.route("**/attach", hold)
    names = ["a.txt", "b.txt"]
    files = [FilePayload(name=name, mimeType="text/plain", buffer=b"hello") for name in names]
    await page.set_input_files("#files", files)
    await begun.wait()
    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.evaluate("() => { location.href = '/drafts'; }")
    await page.locator("#text").press("Control+Enter")
    for name in names:
        await page.get_by_role("button", name=f"Do not attach {name}").press("Enter")
    await expect(page.locator("#saved")).to_have_text("Not sent: a file was not attached.")
    assert asked == ["beforeunload"]
    assert table.outbox.parcels == {}
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    (parcel,) = table.outbox.parcels.values()
    assert b"a.txt" not in parcel.message


async def test_what_is_wrong_then_what_is_asked_then_it_is_sent(page: Page, table: Table) -> None:
    await opened(page, table.begun(to="nobody", subject="Tea", text="It is attached."))
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#to-error")).to_contain_text("no @")
    await expect(page.locator("#to")).to_be_focused()
    await page.fill("#to", "ada@x.example")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("alert")).to_contain_text("attachment")
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    assert len(table.outbox.parcels) == 1


async def test_who_leaves_the_quote_out_can_think_better_of_it(page: Page, table: Table) -> None:
    table.library.put("k", HTML)
    draft = table.writing.reply(MessageKey("k"))
    await opened(page, draft)
    box = page.get_by_label("Leave out the quoted message")
    async with page.expect_response("**/save"):
        await box.check()
        await hide(page)  # then it is saved at once
    assert table.drafts.find(draft.id).quoted == ""
    await opened(page, draft)
    await expect(box).to_be_checked()
    await expect(page.get_by_role("group", name="Left out", exact=True)).to_be_visible()
    await expect(page.locator("iframe")).to_have_css("opacity", "0.3")
    await box.uncheck()
    await expect(page.get_by_role("group", name="Goes below your text")).to_be_visible()
    await expect(page.locator("iframe")).to_have_css("opacity", "1")
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    (parcel,) = table.outbox.parcels.values()
    assert b"<b>now</b>" in parcel.message


async def test_another_account_signs_otherwise(page: Page, table: Table) -> None:
    await hurried(page)
    await opened(page, table.begun(text="Hi"))
    await expect(page.locator("#text")).to_have_value("Hi\n\n-- \nMax\nWork Ltd\n")
    await page.select_option("#account", "home")
    await pass_time(page, 2)
    await expect(page.locator("#text")).to_have_value("Hi")


async def test_why_one_has_to_choose_from_whom_stands_below_the_choice(
    page: Page, table: Table
) -> None:
    """It was squeezed into the column of the labels."""
    await opened(page, table.drafts.new(Draft("", account="work", sender="gone@work.example")))
    choice = await page.locator("#account").bounding_box()
    hint = await page.locator("#account-gone").bounding_box()
    assert choice is not None
    assert hint is not None
    assert hint["x"] == choice["x"]
    assert hint["y"] >= choice["y"] + choice["height"]


async def test_another_address_is_chosen_by_keys_and_the_text_stays(
    page: Page, table: Table
) -> None:
    table.sign(SHOP)
    table.library.put("k", TO_A_SUBADDRESS)
    draft = table.writing.reply(MessageKey("k"))
    await opened(page, draft)
    chosen = page.locator("#account")
    await expect(chosen).to_have_value("work max+tea@work.example")
    text = await page.locator("#text").input_value()
    await chosen.focus()
    async with page.expect_response("**/save") as reply:
        await page.keyboard.press("ArrowUp")
    assert (await reply.value).ok
    await expect(chosen).to_have_value("work max@shop.example")
    await expect(page.locator("#text")).to_have_value(text)
    await opened(page, draft)
    await expect(chosen).to_have_value("work max@shop.example")
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    (parcel,) = table.outbox.parcels.values()
    assert parcel.sender == "max@shop.example"


OTHERS = (
    Identity("work", "alice@work.example", "Alice", "Alice Example\nDemo Ltd"),
    Identity("home", "bob@home.example", "Bob", "Bob \u00b7 \u30dc\u30d6"),
)
WORKS, HOMES = "\n\n-- \nAlice Example\nDemo Ltd\n", "\n\n-- \nBob \u00b7 \u30dc\u30d6\n"


async def hide(page: Page, *, hidden: bool = True) -> None:
    """As if one looked at another tab, or came back."""
    await page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def kept_text(page: Page, table: Table, draft: Draft, text: str) -> None:
    """*text* is on the page, is what is kept, and is there after a reload."""
    await expect(page.locator("#text")).to_have_value(text)
    await page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    while (
        table.drafts.find(draft.id).text != text
    ):  # saves may be in a queue: which is the last one nothing tells
        await page.evaluate("() => 0")
    await opened(page, draft)
    await expect(page.locator("#text")).to_have_value(text)
    assert table.drafts.find(draft.id).text == text


async def test_looking_at_another_tab_keeps_no_signature_of_another_account(
    page: Page, table: Table
) -> None:
    """It once left the old one under the new name, for good."""
    table.sign(*OTHERS)
    draft = table.begun(text="")
    await opened(page, draft)
    await expect(page.locator("#text")).to_have_value(WORKS)
    await page.locator("#text").press("Control+Home")
    await page.keyboard.type("Hi")
    async with page.expect_response("**/save"):
        await page.select_option("#account", "home")
        await hide(page)
    await hide(page, hidden=False)
    await page.locator("#text").focus()
    await page.keyboard.type(" there")
    await kept_text(page, table, draft, f"Hi there{HOMES}")
    assert table.drafts.find(draft.id).account == "home"


async def saves_held(page: Page) -> tuple[asyncio.Event, asyncio.Event]:
    """Saves wait from now on: one has begun, and they may go on."""
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        begun.set()
        await may_go_on.wait()
        await route.continue_()

    await page.route("**/save", slow)
    return begun, may_go_on


async def test_what_is_typed_while_it_is_saved_gets_the_other_signature_too(
    page: Page, table: Table
) -> None:
    table.sign(*OTHERS)
    draft = table.begun(text="")
    await opened(page, draft)
    begun, may_go_on = await saves_held(page)
    await page.select_option("#account", "home")
    await page.locator("#text").press("Control+Home")
    await page.keyboard.type("Hi")
    await begun.wait()
    await page.keyboard.type(" there\n\nand")
    await hide(page)  # it was said to be changed in another tab: it was, here
    await hide(page, hidden=False)
    may_go_on.set()
    await expect(page.locator("#text")).to_have_value(f"Hi there\n\nand{HOMES}")
    await page.keyboard.type(" here")
    await kept_text(page, table, draft, f"Hi there\n\nand here{HOMES}")


async def test_a_signature_that_one_is_changing_stays(page: Page, table: Table) -> None:
    table.sign(*OTHERS)
    draft = table.begun(text="Hi")
    await opened(page, draft)
    await page.locator("#text").press("Control+End")
    await page.keyboard.type("+41")
    await page.select_option("#account", "home")
    await saved(page)
    await kept_text(page, table, draft, f"Hi{WORKS}+41")


@pytest.mark.parametrize(("before", "above"), [("Hi ho", "Hi"), ("Hi\n\n", "Hi\n")])
async def test_the_caret_stays_where_it_is_when_the_signature_changes(
    page: Page, table: Table, before: str, above: str
) -> None:
    table.sign(*OTHERS)
    draft = table.begun(text=before)
    await opened(page, draft)
    text = page.locator("#text")
    for account, below in (("home", HOMES), ("work", WORKS)):
        await text.focus()
        await text.evaluate("(text, at) => text.setSelectionRange(at, at)", len(above))
        async with page.expect_response("**/save"):
            await page.select_option("#account", account)
        await expect(text).to_have_value(f"{before}{below}")
        await text.focus()
        assert (
            await text.evaluate("text => [text.selectionStart, text.selectionEnd]")
            == [len(above)] * 2
        )


async def test_a_caret_in_the_signature_selects_nothing_when_it_changes(
    page: Page, table: Table
) -> None:
    """The next key would replace it."""
    table.sign(*OTHERS)
    await opened(page, table.begun(text="Hi"))
    text = page.locator("#text")
    whole = f"Hi{HOMES}"
    for at, then in ((10, 10), (len(f"Hi{WORKS}"), len(whole))):
        await text.focus()
        await text.evaluate("(text, at) => text.setSelectionRange(at, at)", at)
        await page.select_option("#account", "home")
        await expect(text).to_have_value(whole)
        assert await text.evaluate("text => [text.selectionStart, text.selectionEnd]") == [then] * 2
        await page.select_option("#account", "work")
        await expect(text).to_have_value(f"Hi{WORKS}")


async def test_what_was_typed_can_be_undone_after_the_signature_has_changed(
    page: Page, table: Table
) -> None:
    """Ctrl+Z ended where From was changed: the browser forgets what it knows of a field whose value is set."""
    table.sign(*OTHERS)
    draft = table.begun(text="Dear Ada,")
    await opened(page, draft)
    text = page.locator("#text")
    await text.press("Control+Home")
    await page.keyboard.type("Oh ")
    for account, below in (("home", HOMES), ("work", WORKS)):
        await page.locator("#account").focus()
        async with page.expect_response("**/save") as reply:
            await page.select_option("#account", account)
        assert (await reply.value).ok
        await expect(text).to_have_value(f"Oh Dear Ada,{below}")
        await expect(page.locator("#account")).to_be_focused()
        await saved(page)
    saves: list[str] = []
    page.on(
        "request", lambda request: saves.append(request.url) if "/save" in request.url else None
    )
    await hide(page)  # whatever is not saved is saved now
    await hide(page, hidden=False)
    assert saves == [], "the page itself has typed nothing"
    await text.focus()
    assert await text.evaluate("text => [text.selectionStart, text.selectionEnd]") == [3, 3]
    await undone(page, f"Dear Ada,{WORKS}")
    for _ in range(6):
        await page.keyboard.press("Control+Shift+Z")
    await expect(text).to_have_value(f"Oh Dear Ada,{WORKS}")
    await kept_text(page, table, draft, f"Oh Dear Ada,{WORKS}")


async def test_one_ctrl_z_takes_back_one_change_of_the_signature(page: Page, table: Table) -> None:
    """It left both of them there: the new one came in one step, and the old one went in another."""
    table.sign(*OTHERS)
    await opened(page, table.begun(text="Dear Ada,"))
    text = page.locator("#text")
    await text.press("Control+Home")
    await page.keyboard.type("Oh ")
    await page.locator("#account").focus()
    await page.select_option("#account", "home")
    await expect(text).to_have_value(f"Oh Dear Ada,{HOMES}")
    await text.focus()
    for key, value in (
        ("Control+z", f"Oh Dear Ada,{WORKS}"),
        ("Control+z", f"Dear Ada,{WORKS}"),
        ("Control+Shift+Z", f"Oh Dear Ada,{WORKS}"),
        ("Control+Shift+Z", f"Oh Dear Ada,{HOMES}"),
    ):
        await page.keyboard.press(key)
        await expect(text).to_have_value(value)


async def undone(page: Page, text: str) -> None:
    """By as many Ctrl+Z as it takes: two of them are signatures that have come."""
    for _ in range(4):
        await page.keyboard.press("Control+z")
    await expect(page.locator("#text")).to_have_value(text)


async def test_who_types_elsewhere_stays_there_when_the_signature_changes(
    page: Page, table: Table
) -> None:
    table.sign(*OTHERS)
    draft = table.begun(text="")
    await opened(page, draft)
    await page.locator("#text").press("Control+Home")
    await page.keyboard.type("Hi")
    begun, may_go_on = await saves_held(page)
    await page.select_option("#account", "home")
    await begun.wait()
    await page.evaluate(
        "() => document.getElementById('subject').addEventListener('blur', () => { window.left = true; })"
    )
    await page.locator("#subject").focus()
    await page.keyboard.type("Te")
    may_go_on.set()
    await expect(page.locator("#text")).to_have_value(f"Hi{HOMES}")
    await page.keyboard.type("a")
    await expect(page.locator("#subject")).to_have_value("Tea")
    assert await page.evaluate("() => window.left") is None


async def test_a_character_that_is_being_composed_is_not_disturbed(
    page: Page, table: Table
) -> None:
    table.sign(*OTHERS)
    draft = table.begun(text="")
    await opened(page, draft)
    _, may_go_on = await saves_held(page)
    await page.select_option("#account", "home")
    await page.locator("#text").press("Control+Home")
    keys = await page.context.new_cdp_session(page)
    await keys.send("Input.imeSetComposition", _composed("\u306b"))
    async with page.expect_response("**/save"):
        may_go_on.set()
    await keys.send("Input.imeSetComposition", _composed("\u306b\u307b"))
    await expect(page.locator("#text")).to_have_value(f"\u306b\u307b{WORKS}")
    await keys.send("Input.insertText", {"text": "\u65e5\u672c"})
    await expect(page.locator("#text")).to_have_value(f"\u65e5\u672c{HOMES}")
    await page.keyboard.type("!")
    await kept_text(page, table, draft, f"\u65e5\u672c!{HOMES}")


def _composed(text: str) -> dict[str, Any]:
    return {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}


async def test_a_discarded_draft_comes_back_by_z(page: Page, table: Table) -> None:
    await opened(page, table.begun())
    await page.fill("#text", "kept")
    await page.get_by_role("button", name="Discard").click()
    await came(page, "/drafts")
    await expect(page.locator("#changed")).to_contain_text("Draft discarded")
    assert table.drafts.all() == []
    await page.keyboard.press("z")
    await expect(page.locator("#text")).to_have_value("kept")


async def test_what_a_link_has_begun_is_sent_once_and_leads_back(page: Page, table: Table) -> None:
    link = "/compose?mailto=mailto:ada@x.example%3Fsubject%3DTea"
    await page.evaluate("link => location.assign(link)", link)
    await expect(page.locator("html")).to_have_class("scripted")
    await page.wait_for_load_state()
    await page.fill("#text", "Now?")
    await page.keyboard.press("Control+Enter")
    await came(page, "/drafts")
    await leaves(page, within=10)
    assert table.drafts.all() == []
    (parcel,) = table.outbox.parcels.values()
    assert b"Now?" in parcel.message
    await page.keyboard.press("z")
    await expect(page.locator("#text")).to_have_value(re.compile("Now"))


async def test_what_a_link_from_elsewhere_has_begun_can_be_discarded(
    page: Page, table: Table
) -> None:
    await page.goto("/compose?mailto=ada@x.example")
    await page.get_by_role("button", name="Write it").click()
    await expect(page.locator("html")).to_have_class("scripted")
    await page.wait_for_load_state()
    await page.fill("#text", "Now?")
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator("#changed")).to_contain_text("Draft discarded")
    await came(page, "/drafts")
    assert table.drafts.all() == []


async def test_a_contact_that_was_removed_is_brought_back_by_a_key(
    page: Page, table: Table
) -> None:
    ada = table.contacts.save(Contact("Ada", "ada@x.example"))
    await page.goto(f"/contacts/{ada.id}")
    await page.get_by_role("button", name="Remove this contact").click()
    await expect(page.get_by_role("status").get_by_text("Ada is removed")).to_be_visible()
    assert table.contacts.all() == []
    await page.wait_for_load_state()
    await page.keyboard.press("z")
    await expect(page.get_by_role("status").get_by_text("Ada is there again")).to_be_visible()
    assert table.contacts.all() == [ada]


async def test_everybody_can_use_these_pages(
    browser: Browser, table: Table, tmp_path: Path
) -> None:
    table.library.put("k", HTML)
    kept = table.drafts.save(table.writing.reply(table.library.put("k", HTML)))
    table.drafts.attach(kept.id, "a.txt", "text/plain", [b"a"])
    ada = table.contacts.save(Contact("Ada", "ada@x.example"))
    gone = table.contacts.save(Contact("Bob", "bob@x.example"))
    table.contacts.remove(gone.id)
    wrong = table.begun(to="nobody", subject="s")
    async with browsing(
        browser,
        table.desk,
        tmp_path,
        "/drafts",
        viewport={"width": 360, "height": 740},
    ) as page:
        for path in (
            "/drafts",
            "/drafts?discarded=1",
            f"/compose/{kept.id}",
            "/contacts",
            f"/contacts?removed={gone.id}",
            f"/contacts/{ada.id}",
            "/compose?mailto=a@b",
        ):
            await page.goto(path)
            await expect_no_violation(page)
        await opened(page, wrong)
        await page.locator("#to").focus()
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#to-error")).to_be_visible()
        await page.fill("#to", "")
        await page.locator("#to").press_sequentially("b")
        await expect(page.locator("#to + .choices")).to_be_visible()
        await expect_no_violation(page)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await page.locator("#compose").evaluate("form => form.remove()")


async def expect_no_violation(page: Page) -> None:
    """In the light; in the dark only colours are other."""
    axe = Axe()
    found = await axe.run(page)
    assert found.violations_count == 0, found.generate_report()
    await page.emulate_media(color_scheme="dark")
    found = await axe.run(page, options=COLOURS)
    assert found.violations_count == 0, f"in the dark: {found.generate_report()}"
    await page.emulate_media(color_scheme="light")
