"""The outbox on the page: each state in its own words, and what its buttons do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from pillarbox.reader.contracts import Library
from pillarbox.reader.errors import LibraryUnusable, TooLate
from pillarbox.reader.model import Draft, Outgoing, Parcel, Sending
from pillarbox.reader.news import News
from pillarbox.reader.outbox import open_outbox
from pillarbox.reader.outbox.box import FileOutbox
from pillarbox.reader.submission import Submission
from pillarbox.reader.web.features.outbox.states import said_of
from tests.reader.desk import NOW, make_desk, visitor
from tests.reader.outbox.world import ALICE, BOB, CAROL, Shelf

MESSAGE = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <b>\r\n"
    b"Date: Fri, 27 Nov 2026 11:00:00 +0000\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n<script>alert(1)</script> Hello\r\n"
)


class Writing:
    """Takes messages back."""

    def __init__(self, outbox: FileOutbox) -> None:
        self._outbox = outbox

    def take_back(self, outgoing_id: str) -> Draft:
        self._outbox.take_out(outgoing_id)
        return Draft("d7")


class Drafts:
    """Remembers what was discarded."""

    def __init__(self) -> None:
        self.discarded: list[str] = []
        self.problem = ""

    def all(self) -> list[Draft]:
        return []

    def discard(self, draft_id: str) -> None:
        if self.problem:
            raise LibraryUnusable(self.problem)
        self.discarded.append(draft_id)


class Place:
    """An outbox that nobody runs, and a visitor of its pages."""

    def __init__(self, folder: Path) -> None:
        def nowhere(account: str) -> Submission:
            raise AssertionError(account)

        self.drafts = Drafts()
        self.outbox = open_outbox(
            folder / "outbox",
            submit_for=nowhere,
            library=cast("Library", Shelf()),
            discard_draft=self.drafts.discard,
            news=News(),
            clock=lambda: NOW,
        )
        self.desk = make_desk(outbox=self.outbox, writing=Writing(self.outbox), drafts=self.drafts)
        self.browser: httpx.AsyncClient

    def put(self, **changes: Any) -> str:
        parcel = Parcel(MESSAGE, "work", ALICE, (BOB, CAROL), "Grüße <b>", draft="d1")
        sent = self.outbox.put(parcel, hold_seconds=0)
        self.outbox._shelf.change(sent, lambda record: replace(record, **changes))
        return sent

    async def text(self, path: str) -> str:
        reply = await self.browser.get(path)
        assert reply.status_code == 200, path
        return " ".join(unescape(reply.text).split())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    async with visitor(place.desk) as place.browser:
        yield place


async def test_an_empty_outbox_says_so(place: Place) -> None:
    assert "Nothing waits to leave." in await place.text("/outbox")


async def test_what_is_damaged_is_said_on_every_page_and_where_its_files_are(
    tmp_path: Path,
) -> None:
    sent = Place(tmp_path).put()
    (tmp_path / "outbox" / f"{sent}.json").write_bytes(b"{")
    place = Place(tmp_path)
    async with visitor(place.desk) as place.browser:
        assert "The outbox is damaged" in await place.text("/settings")
        page = await place.text("/outbox")
        assert "may have left before, or not" in page
        for suffix in ("eml", "damaged"):
            assert f"{sent}.{suffix}" in page
            (tmp_path / "outbox" / f"{sent}.{suffix}").unlink()
        assert "damaged" not in await place.text("/outbox")


def outgoing(state: Sending, **more: Any) -> Outgoing:
    found = Outgoing("1", "work", state, "News", (BOB,), NOW)
    return replace(found, **more)


IN_FIVE = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("found", "words", "send", "back"),
    [
        (outgoing(Sending.HELD, next_try=IN_FIVE), "Leaves in 5 minutes.", "Send now", "Take back"),
        (outgoing(Sending.WAITING), "Waiting to leave.", "Send now", "Edit"),
        (
            outgoing(Sending.WAITING, problem="No network.", next_try=IN_FIVE),
            "Waiting. Tries again in 5 minutes.",
            "Send now",
            "Edit",
        ),
        (
            outgoing(Sending.WAITING, problem="Wrong password.", stopped=True),
            "Stopped",
            "Try again",
            "Edit",
        ),
        (outgoing(Sending.WAITING, problem="450 and due"), "Waiting to leave.", "Send now", "Edit"),
        (outgoing(Sending.SENDING), "Being handed over", "", ""),
        (outgoing(Sending.SENDING, discarded=True), "Discarded, and not sent.", "", ""),
        (
            outgoing(Sending.SENDING, problem="No drafts.", left=True, discarded=True),
            "Discarded, and not sent.",
            "",
            "",
        ),
        (outgoing(Sending.REFUSED, problem="550"), "Refused. Edit or discard", "Try again", "Edit"),
        (
            outgoing(Sending.UNCONFIRMED, problem="?", unsure=(BOB,)),
            "not confirmed",
            "Send again…",
            "Edit…",
        ),
        (
            outgoing(Sending.WAITING, problem="450", unsure=(BOB,), next_try=IN_FIVE),
            "Waiting.",
            "Send now…",
            "Edit…",
        ),
    ],
)
def test_each_state_has_words_and_buttons_of_its_own(
    found: Outgoing, words: str, send: str, back: str
) -> None:
    said = said_of(found, NOW)
    assert words in said.words
    assert (said.send, said.back) == (send, back)
    assert said.asks is bool(found.unsure)


async def test_the_list_shows_what_waits_and_why(place: Place) -> None:
    sent = place.put(waiting=(), refused={BOB: "550 5.1.1 no <such> user", CAROL: "550 full"})
    text = await place.text("/outbox")
    assert f'href="/outbox/{sent}"' in text
    assert "It was refused for bob@example.org: 550 5.1.1 no <such> user" in text
    raw = (await place.browser.get("/outbox")).text
    assert "<such>" not in raw
    assert "Gr" in raw
    assert "<b>" not in raw.partition("outgoing-list")[2]
    assert raw.count('name="csrf"') >= 2


async def test_one_message_is_shown_as_it_will_be_read(place: Place) -> None:
    sent = place.put()
    reply = await place.browser.get(f"/outbox/{sent}")
    text = unescape(reply.text)
    assert "Grüße" in text
    assert "Alice <alice@example.org>" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Hello" in reply.text
    assert f"{BOB}, {CAROL}" in text


async def test_a_message_that_has_left_leads_to_the_list(place: Place) -> None:
    for path in ("/outbox/0123", "/outbox/0123/again", "/outbox/0123/discard"):
        reply = await place.browser.get(path)
        assert reply.status_code == 303
        assert reply.headers["Location"] == "/outbox?gone"
    assert "has left, or was taken out" in await place.text("/outbox?gone")


async def test_send_now(place: Place) -> None:
    sent = place.put(held_until=NOW.timestamp() + 60)
    reply = await place.browser.post(f"/outbox/{sent}/send")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/outbox")
    found = place.outbox.find(sent)
    assert found is not None
    assert found.state is Sending.WAITING


async def test_what_may_have_arrived_is_asked_about_first(place: Place) -> None:
    sent = place.put(waiting=(), unsure=(BOB, CAROL))
    reply = await place.browser.post(f"/outbox/{sent}/send")
    assert reply.headers["Location"] == f"/outbox/{sent}/again"
    assert place.outbox._shelf.all()[0].unsure == (BOB, CAROL)
    text = await place.text(f"/outbox/{sent}/again")
    assert f"{BOB}, {CAROL} will get it twice" in text
    reply = await place.browser.post(f"/outbox/{sent}/again")
    assert reply.headers["Location"] == "/outbox"
    assert place.outbox._shelf.all()[0].waiting == (BOB, CAROL)


async def test_what_may_have_arrived_for_some_and_waits_for_others_is_asked_about_too(
    place: Place,
) -> None:
    sent = place.put(waiting=(CAROL,), unsure=(BOB,), problem="450 busy")
    for act in ("send", "edit"):
        reply = await place.browser.post(f"/outbox/{sent}/{act}")
        assert reply.headers["Location"] == f"/outbox/{sent}/again"
    assert f"arrived, {BOB} will get it twice" in await place.text(f"/outbox/{sent}/again")
    assert place.outbox._shelf.all()[0].waiting == (CAROL,)


async def test_edit_of_what_may_have_arrived_is_asked_about_first(place: Place) -> None:
    sent = place.put(waiting=(), unsure=(BOB, CAROL))
    page = (await place.browser.get("/outbox")).text
    assert f'action="/outbox/{sent}/edit"' not in page
    reply = await place.browser.post(f"/outbox/{sent}/edit")
    assert (reply.status_code, reply.headers["Location"]) == (303, f"/outbox/{sent}/again")
    assert place.outbox.find(sent) is not None
    assert "Edit it instead" in await place.text(f"/outbox/{sent}/again")
    reply = await place.browser.post(f"/outbox/{sent}/edit", data={"sure": "yes"})
    assert reply.headers["Location"] == "/compose/d7"
    assert place.outbox.all() == []


async def test_edit_makes_a_draft_of_it(place: Place) -> None:
    sent = place.put()
    reply = await place.browser.post(f"/outbox/{sent}/edit")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/compose/d7")
    assert place.outbox.all() == []


async def test_discard_asks_and_then_takes_message_and_draft(place: Place) -> None:
    sent = place.put()
    text = await place.text(f"/outbox/{sent}/discard")
    assert "It will not be sent to bob@example.org, carol@example.org" in text
    assert len(place.outbox.all()) == 1
    reply = await place.browser.post(f"/outbox/{sent}/discard")
    assert reply.headers["Location"] == "/outbox?discarded"
    assert place.outbox.all() == []
    assert place.drafts.discarded == ["d1"]


async def test_that_a_message_was_discarded_is_said(place: Place) -> None:
    """The list came without it, and without a word."""
    reply = await place.browser.post(f"/outbox/{place.put()}/discard")
    assert "The message was discarded." in await place.text(reply.headers["Location"])
    assert "was discarded" not in await place.text("/outbox")


async def test_a_discard_that_cannot_be_done_yet_is_said_and_done_later(place: Place) -> None:
    """The page said that the drafts cannot be read, and the draft was there again at the next start."""
    sent = place.put(waiting=(CAROL,), refused={BOB: "550 no"})
    place.drafts.problem = "Your drafts cannot be read."
    reply = await place.browser.post(f"/outbox/{sent}/discard")
    assert reply.headers["Location"] == "/outbox"
    text = await place.text("/outbox")
    assert "Discarded, and not sent." in text
    assert "its draft, and what the outbox has of it, are still to be removed. Your drafts" in text
    assert "1 message was discarded, and is still in the outbox" in await place.text("/settings")
    for act in ("send", "again", "edit", "discard"):
        assert f'action="/outbox/{sent}/{act}"' not in text
        reply = await place.browser.post(f"/outbox/{sent}/{act}")
        assert reply.status_code == 409
        assert "was discarded" in reply.text
    place.drafts.problem = ""
    await place.outbox._noting.run()
    assert place.outbox.all() == []
    assert place.drafts.discarded == ["d1"]


@pytest.mark.parametrize("act", ["send", "again", "edit", "discard"])
async def test_what_comes_too_late_says_so(place: Place, act: str) -> None:
    reply = await place.browser.post(f"/outbox/0123/{act}")
    assert reply.status_code == 409
    assert "has left" in reply.text
    sent = place.put(in_hand=(BOB, CAROL), waiting=())
    if act != "discard":
        reply = await place.browser.post(f"/outbox/{sent}/{act}")
        assert reply.status_code == 409
        assert "too late" in reply.text
    with pytest.raises(TooLate):
        place.outbox.take_out(sent)
    assert place.drafts.discarded == []


async def test_a_message_that_cannot_be_read_can_be_discarded(place: Place, tmp_path: Path) -> None:
    sent = place.put(waiting=(CAROL,), taken=(BOB,))
    path = tmp_path / "outbox" / f"{sent}.eml"
    path.unlink()
    path.symlink_to(path)
    assert "cannot be read" in await place.text(f"/outbox/{sent}")
    assert "It will not be sent to carol@example.org" in await place.text(f"/outbox/{sent}/discard")
    reply = await place.browser.post(f"/outbox/{sent}/discard")
    assert reply.headers["Location"] == "/outbox?discarded"
    assert place.outbox.all() == []


async def test_discard_says_that_what_some_have_got_will_not_be_in_sent(
    place: Place, tmp_path: Path
) -> None:
    sent = place.put(waiting=(CAROL,), taken=(BOB,))
    (tmp_path / "outbox" / f"{sent}.eml").unlink()
    with pytest.raises(LibraryUnusable):
        await place.outbox._noting.run()
    text = await place.text(f"/outbox/{sent}/discard")
    assert "It has left for some, and will not be sent to carol@example.org; its file here" in text
    assert "there will be no copy of it in Sent" in text
    assert "is among your drafts again" in text
    await place.browser.post(f"/outbox/{sent}/discard")
    assert (place.outbox.all(), place.drafts.discarded) == ([], [])


async def test_one_that_has_left_and_cannot_be_read_can_be_discarded_and_its_draft_stays(
    place: Place, tmp_path: Path
) -> None:
    sent = place.put(waiting=(), taken=(BOB, CAROL))
    path = tmp_path / "outbox" / f"{sent}.eml"
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(LibraryUnusable):
        await place.outbox._noting.run()
    text = await place.text("/outbox")
    assert "It has left, and is not in Sent." in text
    assert f'href="/outbox/{sent}/discard"' in text
    assert "cannot be read" in await place.text(f"/outbox/{sent}")
    assert "is among your drafts again" in await place.text(f"/outbox/{sent}/discard")
    reply = await place.browser.post(f"/outbox/{sent}/discard")
    assert reply.headers["Location"] == "/outbox?discarded"
    assert place.outbox.all() == []
    assert place.drafts.discarded == []
