"""What was done last is undone first, whatever it was and wherever one is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from pillarbox.reader.library.rules import RulesFile
from pillarbox.reader.model import ARCHIVE, Contact, Draft, Rule
from tests.reader.browser import browsing, came
from tests.reader.web.lists.library import WORK, MemoryLibrary, key, letter
from tests.reader.web.writing.conftest import Table, make_table

pytestmark = pytest.mark.asyncio(loop_scope="module")

THREE = [Rule(name, sender=name, flag=True) for name in ("one", "two", "three")]

# The ten seconds for which something can be undone are a thousand, however slow the machine is.
SLOWLY = """{
  const [now, later, start] = [Date.now.bind(Date), setTimeout.bind(window), 1.7e12];
  Date.now = () => start + (now() - start) / 100;
  window.setTimeout = (work, delay, ...rest) => later(work, delay < 5000 ? delay : delay * 100, ...rest);
}"""


@dataclass
class Place:
    """Where all this is done."""

    table: Table
    rules: RulesFile
    library: MemoryLibrary


@pytest_asyncio.fixture(loop_scope="module")
async def place(tmp_path: Path) -> Place:
    table = make_table(tmp_path)
    rules = RulesFile(tmp_path / "rules.json")
    rules.save(THREE)
    library = MemoryLibrary([letter(1), letter(2)])
    table.desk = replace(table.desk, rules=rules, library=cast("Any", library))
    return Place(table, rules, library)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, place: Place, tmp_path: Path) -> AsyncIterator[Page]:
    async with browsing(browser, place.table.desk, tmp_path, "/rules") as page:
        await page.add_init_script(SLOWLY)
        yield page


async def remove_rule(page: Page, name: str, number: int) -> None:
    """The rule *name*, which is the one of that *number* on its page."""
    await page.get_by_role("button", name=re.compile(f"Remove ?: rule {number}")).click()
    await came(page, f"/rules?removed={name}")
    await expect(page.get_by_text("This rule is removed")).to_be_visible()


async def remove_contact(page: Page, contact: Contact) -> None:
    await page.goto(f"/contacts/{contact.id}")
    await page.get_by_role("button", name="Remove this contact").click()
    await came(page, f"/contacts?removed={contact.id}")


async def archive(page: Page, number: int) -> None:
    """The message of that *number*, which is the first of the inbox."""
    await page.goto("/mail/Inbox")
    await page.keyboard.press("j")
    await expect(page.locator(f"#opened[data-message='{key(number)}']")).to_be_attached()
    await page.keyboard.press("e")
    await says(page, "Archived 1 message")


async def says(page: Page, words: str) -> None:
    await expect(page.locator("#changed")).to_contain_text(words)


async def discard(page: Page, place: Place, text: str) -> str:
    """A draft of that *text*, on its page; which draft it was."""
    draft = place.table.begun(to="ada@x.example")
    await page.goto(f"/compose/{draft.id}?back=/mail/Inbox")
    await expect(page.locator("html")).to_have_class("scripted")
    await page.fill("#text", text)
    await page.get_by_role("button", name="Discard").click()
    await came(page, "/mail/Inbox")
    await says(page, "Draft discarded")
    return draft.id


def typed(place: Place, subject: str) -> Draft:
    """A draft that is not as it was begun."""
    return place.table.drafts.save(replace(place.table.begun(), subject=subject))


async def test_of_two_rules_that_were_removed_both_come_back(page: Page, place: Place) -> None:
    """The first was gone for good, without a word."""
    await remove_rule(page, "one", 1)
    await remove_rule(page, "two", 1)
    await page.keyboard.press("z")
    await came(page, "/rules")
    await says(page, "The rule is there again. Before that: Rule for one removed")
    assert [rule.id for rule in place.rules.all()] == ["two", "three"]
    await page.keyboard.press("z")
    await expect(page.locator("#changed")).to_have_text("The rule is there again")
    assert list(place.rules.all()) == THREE
    await expect(page.get_by_role("button", name=re.compile("Remove ?: rule 3"))).to_be_visible()


async def test_of_two_contacts_that_were_removed_both_come_back(page: Page, place: Place) -> None:
    contacts = place.table.contacts
    both = [contacts.save(Contact(name, f"{name}@x.example")) for name in ("Ada", "Björn")]
    for contact in both:
        await remove_contact(page, contact)
    await page.keyboard.press("z")
    await came(page, "/contacts")
    await says(page, "Björn is there again. Before that: Ada is removed")
    await page.keyboard.press("z")
    await expect(page.locator("#changed")).to_have_text("Ada is there again")
    assert contacts.all() == both
    await expect(page.locator("#people li")).to_have_count(2)


async def test_a_contact_comes_back_from_another_page(page: Page, place: Place) -> None:
    """The key did nothing there, and the contact was lost."""
    ada = place.table.contacts.save(Contact("Ada", "ada@x.example"))
    await remove_contact(page, ada)
    await page.goto("/mail/Inbox")
    await says(page, "Ada is removed")
    await page.keyboard.press("z")
    await says(page, "Ada is there again")
    assert place.table.contacts.all() == [ada]
    await came(page, "/mail/Inbox")
    await page.reload()
    await expect(page.locator("#rows li")).to_have_count(2)
    await expect(page.locator("#changed")).to_have_count(0)


async def test_rules_contacts_and_filing_are_undone_in_the_order_in_which_they_were_done(
    page: Page, place: Place
) -> None:
    ada = place.table.contacts.save(Contact("Ada", "ada@x.example"))
    await remove_rule(page, "one", 1)
    await archive(page, 2)
    await remove_contact(page, ada)
    await page.goto("/settings")
    await says(page, "Ada is removed")
    await page.keyboard.press("z")
    await says(page, "Ada is there again. Before that: Archived 1 message")
    assert place.table.contacts.all() == [ada]
    await page.keyboard.press("z")
    await says(page, "Undone. Before that: Rule for one removed")
    assert place.library.rows[key(2)].folder == WORK
    await page.keyboard.press("z")
    await expect(page.locator("#changed")).to_have_text("The rule is there again")
    assert list(place.rules.all()) == THREE


async def test_a_page_that_one_goes_back_to_says_nothing_new(page: Page, place: Place) -> None:
    """What was done after it is undone before it."""
    await remove_rule(page, "one", 1)
    there = await page.evaluate("history.length")
    await archive(page, 2)
    await page.evaluate("there => history.go(there - history.length)", there)
    await came(page, "/rules?removed=one")
    await expect(page.get_by_text("This rule is removed")).to_be_visible()
    await says(page, "Archived 1 message")
    await page.keyboard.press("z")
    await says(page, "Undone. Before that: Rule for one removed")
    assert place.library.rows[key(2)].folder == WORK
    assert len(place.rules.all()) == 2
    await page.keyboard.press("z")
    await expect(page.locator("#changed")).to_have_text("The rule is there again")
    assert list(place.rules.all()) == THREE


async def test_a_rule_that_cannot_come_back_does_not_stand_before_what_can(
    page: Page, place: Place
) -> None:
    """Its file came back another way, say, and what was removed was forgotten."""
    await archive(page, 2)
    await page.goto("/rules")
    await remove_rule(page, "one", 1)
    place.rules._removed.forget("one")
    await page.keyboard.press("z")
    await expect(page.locator("#toasts")).to_contain_text("cannot be brought back any more")
    await says(page, "Archived 1 message")
    await page.locator("#changed").get_by_role("button", name="Undo").click()
    await says(page, "Undone")
    assert place.library.rows[key(2)].folder == WORK


async def test_a_draft_that_was_discarded_is_undone_in_its_turn(page: Page, place: Place) -> None:
    draft = await discard(page, place, "kept")
    await archive(page, 2)
    assert place.library.rows[key(2)].folder == ARCHIVE
    await page.keyboard.press("z")
    await says(page, "Undone. Before that: Draft discarded")
    assert place.library.rows[key(2)].folder == WORK
    assert place.table.drafts.all() == []
    await page.keyboard.press("z")
    await came(page, f"/compose/{draft}")
    await expect(page.locator("#text")).to_have_value(re.compile("kept"))
    await expect(page.locator("#changed")).to_have_count(0)


async def test_the_draft_is_opened_if_one_undoes_faster_than_the_server_answers(
    page: Page, place: Place
) -> None:
    draft = await discard(page, place, "kept")
    await page.goto("/rules")
    await remove_rule(page, "one", 1)
    asked: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/rules/*/restore", asked.put)
    await page.keyboard.press("z")
    held = await asked.get()
    await page.keyboard.press("z")
    await held.continue_()
    await came(page, f"/compose/{draft}")
    assert list(place.rules.all()) == THREE
    assert [each.id for each in place.table.drafts.all()] == [draft]


async def test_of_two_drafts_that_were_discarded_both_come_back(page: Page, place: Place) -> None:
    first = await discard(page, place, "first")
    second = await discard(page, place, "second")
    await page.keyboard.press("z")
    await came(page, f"/compose/{second}")
    await says(page, "Before that: Draft discarded")
    await page.locator("#changed").get_by_role("button", name="Undo").click()
    await came(page, f"/compose/{first}")
    assert {draft.id for draft in place.table.drafts.all()} == {first, second}


async def test_drafts_discarded_in_their_list_come_back_from_another_page(
    page: Page, place: Place
) -> None:
    draft = typed(place, "Tea")
    await page.goto("/drafts")
    await page.get_by_role("button", name="Discard the draft Tea").click()
    await came(page, f"/drafts?discarded={draft.id}")
    typed(place, "Cake")  # news: the list is fetched anew, and still says it
    await expect(page.locator(".draft")).to_have_count(1)
    await expect(page.get_by_text("The draft was discarded")).to_be_visible()
    await page.goto("/settings")
    await says(page, "Draft discarded")
    await page.keyboard.press("z")
    await came(page, f"/compose/{draft.id}")
    await page.goto(f"/drafts?discarded={draft.id}")
    await expect(page.locator(".draft")).to_have_count(2)
    await expect(page.get_by_text("The draft was discarded")).to_have_count(0)
