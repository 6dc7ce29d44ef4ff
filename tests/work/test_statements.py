"""What is said to SQLite. Each statement of the event loop's thread keeps all sessions waiting, and
each transaction waits for the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillarbox.app.wire_up_servers import PostOffice
from tests.work.conftest import Within
from tests.work.judging import Spent
from tests.work.office import USER, Visitor, message, open_office, poll, put, quiet, send_by_lmtp
from tests.work.statements import Statement, Statements, parts

FEW = 50
MANY = 3000


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch) -> Statements:
    statements = Statements()
    monkeypatch.setattr(sqlite3, "connect", statements.connect)
    return statements


@pytest.fixture
async def office(sqlite: Statements, tmp_path: Path) -> AsyncIterator[PostOffice]:
    """With :data:`FEW` messages."""
    async with open_office(tmp_path) as place:
        await put(place.store, FEW, 500)
        yield place


def spent(what: str, said: list[Statement]) -> list[Spent]:
    """The three figures of statements that belong to *what*."""
    counted = {
        "accounts": parts(said, "accounts"),
        "index, on the loop": parts(said, "index", by_the_loop=True),
        "index, behind it": parts(said, "index", by_the_loop=False),
    }
    return [
        Spent(f"{what}: statements, {where}", found.total(), found)
        for where, found in counted.items()
    ]


async def test_the_first_poll_of_all(
    office: PostOffice, sqlite: Statements, within: Within
) -> None:
    with sqlite.heard() as said:
        await poll(office.pop3)
        await quiet(office.store)
    within(*spent("the first poll of all", said))


async def test_a_poll_that_finds_nothing_new(
    office: PostOffice, sqlite: Statements, within: Within
) -> None:
    await poll(office.pop3)
    await quiet(office.store)
    with sqlite.heard() as said:
        await poll(office.pop3)
        await quiet(office.store)
    within(*spent("a poll", said))


async def test_a_poll_of_a_device(office: PostOffice, sqlite: Statements, within: Within) -> None:
    await office.store.add_view(USER, "phone")  # type: ignore[attr-defined] # by StoreAdmin
    password = office.accounts.add_device(USER, "phone").printed
    await poll(office.pop3, USER, password)
    await quiet(office.store)
    with sqlite.heard() as said:
        await poll(office.pop3, USER, password)
        await quiet(office.store)
    within(*spent("a poll of a device", said))


async def test_collecting_what_is_there(
    office: PostOffice, sqlite: Statements, within: Within
) -> None:
    visitor = await Visitor(office.pop3).signed_in()
    await quiet(office.store)
    with sqlite.heard() as said:
        await visitor.ask(*(b"RETR %d" % number for number in range(1, FEW + 1)), long=True)
        await quiet(office.store)
    within(*spent("50 times RETR", said))


async def test_deleting_all_that_is_there(
    office: PostOffice, sqlite: Statements, within: Within
) -> None:
    visitor = await Visitor(office.pop3).signed_in()
    await quiet(office.store)
    with sqlite.heard() as said:
        await visitor.ask(*(b"DELE %d" % number for number in range(1, FEW + 1)))
        await visitor.leave()
        await quiet(office.store)
    within(*spent("50 times DELE, and QUIT", said))


async def test_listing_thousands_of_messages(
    office: PostOffice, sqlite: Statements, within: Within
) -> None:
    await put(office.store, MANY - FEW, 500)
    visitor = await Visitor(office.pop3).signed_in()
    await quiet(office.store)
    with sqlite.heard() as said:
        await visitor.ask(b"UIDL", b"LIST", long=True)
        await quiet(office.store)
    within(*spent("UIDL and LIST of 3,000", said))


async def test_a_message_that_comes_by_lmtp(
    office: PostOffice, sqlite: Statements, within: Within
) -> None:
    content = message(500)
    await send_by_lmtp(office, content)
    await quiet(office.store)
    with sqlite.heard() as said:
        await send_by_lmtp(office, content)
        await quiet(office.store)
    within(*spent("a message by LMTP", said))


async def test_signing_in_and_retr_cost_the_same_however_much_there_is(
    office: PostOffice, sqlite: Statements
) -> None:
    """A query that has lost its index looks like any other statement, but takes more steps."""

    async def steps() -> int:
        before = sqlite.steps
        visitor = await Visitor(office.pop3).signed_in()
        await visitor.ask(b"RETR 2", b"RETR 40", long=True)
        await visitor.leave()
        await quiet(office.store)
        return sqlite.steps - before

    await poll(office.pop3)
    await quiet(office.store)
    among_few = await steps()
    await put(office.store, MANY - FEW, 500)
    await quiet(office.store)
    among_many = await steps()
    assert among_few > 0
    assert among_many == among_few
