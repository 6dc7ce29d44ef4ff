"""What goes no further by itself calls the user, wherever they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from pillarbox.reader.model import Outgoing, Sending
from pillarbox.reader.news import OutboxChanged
from pillarbox.reader.web.features.outbox.states import said_of
from pillarbox.reader.web.stuck import LONGEST_SUBJECT, stuck
from tests.reader.browser import browsing
from tests.reader.desk import NOW, visitor
from tests.reader.outbox.world import BOB, CAROL
from tests.reader.web.outbox.test_pages import Place, outgoing

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = {BOB: "550 5.1.1 No such user"}
WAITING: dict[str, Any] = {"waiting": (BOB,), "refused": {}}
REFUSED: dict[str, Any] = {"waiting": (), "refused": NOBODY}
UNCONFIRMED: dict[str, Any] = {"waiting": (), "unsure": (CAROL,)}
GREYLISTED: dict[str, Any] = {"problem": "450 4.2.0 Greylisted"}


@pytest_asyncio.fixture(loop_scope="module")
async def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, place: Place, tmp_path: Path) -> AsyncIterator[Page]:
    async with browsing(browser, place.desk, tmp_path, "/settings") as page:
        yield page


@pytest.mark.parametrize(
    ("found", "words", "happened"),
    [
        (outgoing(Sending.HELD), "", ""),
        (outgoing(Sending.WAITING), "", ""),
        (outgoing(Sending.WAITING, problem="Offline.", next_try=NOW), "", ""),
        (outgoing(Sending.WAITING, problem="450 Greylisted."), "", ""),  # and it is due
        (outgoing(Sending.SENDING), "", ""),
        (outgoing(Sending.SENDING, discarded=True), "", ""),
        (outgoing(Sending.SENDING, problem="It was refused for eve@x: 550."), "", ""),
        (outgoing(Sending.REFUSED), "1 message was not sent", "“News” was refused."),
        (
            outgoing(Sending.WAITING, problem="No password.", stopped=True),
            "1 message was not sent",
            "“News” was not sent.",
        ),
        (
            outgoing(Sending.WAITING, problem="No password.", stopped=True, unsure=(BOB,)),
            "1 message may have been sent",
            "“News” was not sent.",
        ),
        (
            outgoing(Sending.UNCONFIRMED),
            "1 message may have been sent",
            "“News” may have arrived, or not.",
        ),
        (
            outgoing(Sending.SENDING, problem="No room.", left=True, unfiled=True),
            "1 message has left, and is not in Sent",
            "“News” has left, and is not in Sent.",
        ),
        (
            outgoing(Sending.SENDING, problem="Drafts cannot be read.", left=True),
            "1 message has left, and is still in the outbox",
            "“News” has left, and is still in the outbox.",
        ),
        (
            outgoing(Sending.SENDING, problem="No drafts.", left=True, discarded=True),
            "1 message was discarded, and is still in the outbox",
            "“News” was discarded, and is still in the outbox.",
        ),
    ],
)
async def test_what_goes_no_further_by_itself(found: Outgoing, words: str, happened: str) -> None:
    kinds = stuck([found])
    assert [kind.words for kind in kinds] == ([words] if words else [])
    assert [said for kind in kinds for said in kind.each.values()] == ([happened] if words else [])
    assert bool(kinds) == said_of(found, NOW).warn, "as the outbox itself has it"


async def test_a_long_subject_is_cut_short() -> None:
    (kind,) = stuck([outgoing(Sending.REFUSED, subject="word " * 200)])
    assert len(kind.each["1"]) < LONGEST_SUBJECT + 20


async def test_every_page_says_what_was_not_sent_and_apart_from_it_what_waits(place: Place) -> None:
    """All was "4 waiting", as if it left as soon as there was a network."""
    for changes in (REFUSED, REFUSED, REFUSED, UNCONFIRMED, GREYLISTED):
        place.put(**changes)
    async with visitor(place.desk) as place.browser:
        for path in ("/settings", "/status"):
            page = await place.text(path)
            for words in ("3 messages were not sent", "1 message may have been sent", "1 waiting"):
                assert words in page, path
            assert ", 3 not sent, 1 perhaps sent, 1 waiting" in page
            assert "5 waiting" not in page
        assert "1 message waits in the outbox." in page


def change(place: Place, sent: str, changes: dict[str, Any]) -> None:
    """What the sender notes; and it is told."""
    place.outbox._shelf.change(sent, lambda record: replace(record, **changes))
    place.desk.news.tell(OutboxChanged())


async def test_a_refusal_is_said_when_it_comes_and_only_once(page: Page, place: Place) -> None:
    """Only who opened the outbox learned that the mail had not gone."""
    old = place.put(**REFUSED)
    await page.reload()
    notice = page.locator("#stuck")
    sent = place.put()
    place.desk.news.tell(OutboxChanged())
    await expect(page.locator("#status")).to_contain_text("1 waiting")
    await expect(notice).to_contain_text("“Grüße <b>” was refused.")
    await expect(notice.get_by_role("link")).to_have_attribute("href", f"/outbox/{old}")
    await notice.evaluate("notice => notice.remove()")
    change(place, sent, UNCONFIRMED)
    await expect(notice).to_contain_text("“Grüße <b>” may have arrived, or not.")
    await expect(page.locator("#folders")).to_contain_text("1 not sent, 1 perhaps sent")
    await notice.get_by_role("link", name="Look at it").click()
    await expect(page).to_have_url(f"/outbox/{sent}")
    await page.goto("/settings")
    await expect(page.locator("#status")).to_contain_text("1 message was not sent")
    await expect(notice).to_have_count(0)


async def test_several_at_once_are_one_sentence_and_none_where_one_sees_them(
    page: Page, place: Place
) -> None:
    each = [place.put() for _ in range(3)]

    def all_become(changes: dict[str, Any]) -> None:
        for sent in each:
            place.outbox._shelf.change(sent, lambda record: replace(record, **changes))
        place.desk.news.tell(OutboxChanged())

    all_become(REFUSED)
    await expect(page.locator("#stuck")).to_contain_text("3 messages in the outbox need a look.")
    await page.goto("/outbox")
    all_become(WAITING)
    await expect(page.locator("#status")).to_contain_text("3 waiting")
    all_become(REFUSED)
    await expect(page.locator("#status")).to_contain_text("3 messages were not sent")
    await expect(page.locator("#stuck")).to_have_count(0)


async def test_a_new_tab_is_told_by_the_line_below_and_no_notice(
    browser: Browser, place: Place, tmp_path: Path
) -> None:
    place.put(**REFUSED)
    async with browsing(browser, place.desk, tmp_path, "/settings") as page:
        await expect(page.locator("#status a")).to_have_text("1 message was not sent")
        await page.goto("/drafts")
        await expect(page.locator("#status a")).to_have_text("1 message was not sent")
        await expect(page.locator("#stuck")).to_have_count(0)
