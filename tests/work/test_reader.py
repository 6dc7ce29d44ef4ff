"""What a page of the reader asks of its index: so many statements, however much mail there is."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.model import Flag, Folder, Settings
from pillarbox.reader.news import News
from pillarbox.reader.preferences import Preferences
from tests.reader.desk import make_desk, visitor
from tests.work.conftest import Within
from tests.work.judging import Spent
from tests.work.statements import Statement, Statements, parts

WORK = Folder("Inbox/work")
FEW = 180
"""More than a page of threads."""
MANY = 900
IN_A_THREAD = 3


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch) -> Statements:
    statements = Statements()
    monkeypatch.setattr(sqlite3, "connect", statements.connect)
    return statements


@pytest.fixture
async def library(sqlite: Statements, tmp_path: Path) -> AsyncIterator[MailLibrary]:
    """Of :data:`FEW` messages in threads of :data:`IN_A_THREAD`."""
    del sqlite  # has to be there before it is opened
    library = put_together(tmp_path / "library", News(), Settings(), open_index)
    library.folder_of("work")
    put(library, range(FEW))
    yield library
    library.close()


@pytest.fixture
async def browser(library: MailLibrary, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    preferences = Preferences(tmp_path / "settings.json")
    async with visitor(make_desk(library=library, preferences=preferences)) as client:
        yield client


def put(library: MailLibrary, numbers: range) -> None:
    """As another program would, and looked at."""
    cur = library.folder_of("work") / "cur"
    for number in numbers:
        first = number - number % IN_A_THREAD
        answers = f"In-Reply-To: <{first}@example.org>\n" if number != first else ""
        minutes = f"{number // 60 % 24:02}:{number % 60:02}"
        text = (
            f"From: ada@example.org\nTo: bob@example.org\nSubject: Plan {first}\n{answers}"
            f"Message-ID: <{number}@example.org>\n"
            f"Date: {1 + number // 1440} Nov 2026 {minutes}:00 +0000\n\nBicycles, number {number}.\n"
        )
        (cur / f"{1_790_000_000 + number}.M{number}.here:2,S").write_text(text)
    library.look()


async def asked(
    browser: httpx.AsyncClient, sqlite: Statements, path: str
) -> tuple[list[Statement], int]:
    """The statements of a page, and the steps they took; its connection has been opened before."""
    assert (await browser.get(path)).status_code == 200
    steps = sqlite.steps
    with sqlite.heard() as said:
        assert (await browser.get(path)).status_code == 200
    return said, sqlite.steps - steps


def spent(what: str, said: list[Statement]) -> Spent:
    found = parts(said, "index")
    for text in [text for text in found if text.startswith("-- ")]:
        del found[text]  # of the full text's own tables: as many as it has parts
    return Spent(f"{what}: statements", found.total(), found)


async def test_a_list(browser: httpx.AsyncClient, sqlite: Statements, within: Within) -> None:
    said, _ = await asked(browser, sqlite, "/mail/Inbox")
    assert parts(said, "index", by_the_loop=True).total() == 0
    within(spent("a list in the reader", said))


async def test_a_search(browser: httpx.AsyncClient, sqlite: Statements, within: Within) -> None:
    said, _ = await asked(browser, sqlite, "/search?q=bicycles")
    assert parts(said, "index", by_the_loop=True).total() == 0
    within(spent("a search in the reader", said))


async def test_an_open_message(
    browser: httpx.AsyncClient, library: MailLibrary, sqlite: Statements, within: Within
) -> None:
    key = library.page(WORK, 0, 1).rows[0].key
    said, _ = await asked(browser, sqlite, f"/mail/Inbox?m={key}")
    assert parts(said, "index", by_the_loop=True).total() == 0
    within(spent("a list in the reader with a message open", said))


async def test_a_message_that_is_marked(
    library: MailLibrary, sqlite: Statements, within: Within
) -> None:
    key = library.page(WORK, 0, 1).rows[0].key
    library.mark([key], Flag.FLAGGED)
    with sqlite.heard() as said:
        library.mark([key], Flag.FLAGGED, on=False)
    within(spent("a message marked in the reader", said))


@pytest.mark.parametrize("path", ["/mail/Inbox", "/mail/Inbox/work", "/search?q=plan"])
async def test_the_first_page_costs_the_same_however_much_there_is(
    path: str, browser: httpx.AsyncClient, library: MailLibrary, sqlite: Statements
) -> None:
    """A query that has lost its index looks like any other statement, but takes more steps."""
    _, among_few = await asked(browser, sqlite, path)
    put(library, range(FEW, MANY))
    _, among_many = await asked(browser, sqlite, path)
    assert among_few > 0
    # A search counts what it finds, up to a limit; a list does not.
    most = MANY / FEW if path.startswith("/search") else 1.1
    assert among_many <= among_few * most


async def test_the_end_of_a_list_costs_what_its_beginning_does(
    browser: httpx.AsyncClient, library: MailLibrary, sqlite: Statements
) -> None:
    put(library, range(FEW, MANY))
    _, at_the_beginning = await asked(browser, sqlite, "/mail/Inbox")
    last = MANY // IN_A_THREAD - 50
    _, at_the_end = await asked(browser, sqlite, f"/mail/Inbox?first={last}")
    assert at_the_end <= at_the_beginning * 1.1
