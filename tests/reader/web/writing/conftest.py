"""A desk at which one can write: real drafts, contacts and writing; an outbox that keeps what it gets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from pillarbox.reader.compose.contacts import KeptContacts, open_contacts
from pillarbox.reader.compose.drafts import KeptDrafts, open_drafts
from pillarbox.reader.compose.writing import Writing
from pillarbox.reader.desk import Desk
from pillarbox.reader.model import Draft, FolderState, Identity, Settings
from pillarbox.reader.news import News
from tests.reader.compose.outboxes import HeldOutbox
from tests.reader.compose.people import HOME, NOW, WORK, FixedAccounts, Shelf
from tests.reader.desk import make_desk, visitor

SCRIPT = {"HX-Request": "true"}


class PageShelf(Shelf):
    """With what every page asks for."""

    def folders(self) -> list[FolderState]:
        return []


@dataclass
class Table:
    """What one writes with."""

    desk: Desk
    drafts: KeptDrafts
    contacts: KeptContacts
    writing: Writing
    outbox: HeldOutbox
    library: Shelf

    def begun(self, **fields: str) -> Draft:
        return self.writing.new(Draft("", **cast("Any", fields)))

    def sign(self, *identities: Identity) -> None:
        """From now on these are the accounts."""
        cast("FixedAccounts", self.desk.accounts).have(*identities)

    def opened(self, reply: httpx.Response) -> Draft:
        """The draft whose page a reply leads to."""
        assert reply.status_code == 303
        found = re.match(r"/compose/(\w+)", reply.headers["location"])
        assert found is not None
        return self.drafts.find(found[1])


@dataclass
class Bench(Table):
    """With a browser without scripts."""

    browser: httpx.AsyncClient


def make_table(folder: Path) -> Table:
    """On an event loop."""
    outbox, library, settings = HeldOutbox(), PageShelf(), Settings()
    accounts = cast("Any", FixedAccounts(WORK, HOME))
    news = News()
    drafts = open_drafts(folder / "drafts", outbox=outbox, tell=news.tell, clock=lambda: NOW)
    contacts = open_contacts(folder / "contacts.json", correspondents=library.correspondents)
    writing = Writing(
        accounts=accounts,
        library=cast("Any", library),
        drafts=drafts,
        outbox=outbox,
        settings=settings,
        clock=lambda: NOW,
    )
    desk = make_desk(
        accounts=accounts,
        library=library,
        drafts=drafts,
        contacts=contacts,
        writing=writing,
        outbox=outbox,
        settings=settings,
        news=news,
    )
    return Table(desk, drafts, contacts, writing, outbox, library)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    table = make_table(tmp_path)
    async with visitor(table.desk) as browser:
        yield Bench(**vars(table), browser=browser)
