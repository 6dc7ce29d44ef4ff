"""The record of imports in the database: nothing twice, whatever breaks an import off."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pillarbox.app.importing import database_journal
from pillarbox.app.importing.database_journal import DatabaseJournal, forget_imports
from pillarbox.app.importing.journal import JournalUnusable
from pillarbox.app.importing.run import Importer
from pillarbox.database import Database
from pillarbox.model import Identity, Recipient
from pillarbox.sources.found import Found
from pillarbox.store.memory import MemoryStore

USER = "alice"
MAIL = [b"Subject: %d\r\n\r\n" % number for number in (1, 2, 2, 3)]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


def found(raws: list[bytes]) -> list[Found]:
    return [Found(str(number), raw) for number, raw in enumerate(raws)]


async def bring(store: MemoryStore, database: Database, raws: list[bytes]) -> tuple[int, int]:
    async with DatabaseJournal(database, USER) as journal:
        importer = Importer(store, Recipient(USER), journal)
        await importer.settle()
        outcome = await importer.run(found(raws))
    return outcome.stored, outcome.known


async def count(store: MemoryStore) -> int:
    maildrop = await store.open(Identity(USER))
    await maildrop.release()
    return maildrop.count


async def test_a_second_import_brings_what_is_new(database: Database) -> None:
    store = MemoryStore()
    assert await bring(store, database, MAIL) == (4, 0)
    assert await bring(store, database, [*MAIL, b"Subject: new\r\n\r\n"]) == (1, 4)


async def test_each_maildrop_has_its_own(database: Database) -> None:
    await bring(MemoryStore(), database, MAIL)
    async with DatabaseJournal(database, "bob") as journal:
        assert await journal.stored() == {}


async def test_a_process_that_dies_between_delivery_and_note_is_settled(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies_before_it(*_: object) -> None:
        """In place of what a process that died has not done."""

    store = MemoryStore()
    with monkeypatch.context() as patch:
        patch.setattr(DatabaseJournal, "settle", dies_before_it)
        assert await bring(store, database, MAIL[:3]) == (3, 0)
    assert await bring(store, database, MAIL) == (1, 3)
    assert await count(store) == 4


async def test_two_imports_at_once_are_refused(database: Database) -> None:
    async with DatabaseJournal(database, USER):
        with pytest.raises(JournalUnusable, match=r"try again in \d+ seconds"):
            await bring(MemoryStore(), database, MAIL)
    assert await bring(MemoryStore(), database, MAIL) == (4, 0)


async def test_an_import_that_was_taken_for_dead_stores_nothing_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_journal, "LEASE_SECONDS", -1)
    store = MemoryStore()
    async with DatabaseJournal(database, USER) as journal:
        importer = Importer(store, Recipient(USER), journal)
        async with DatabaseJournal(database, USER):
            with pytest.raises(JournalUnusable, match="has begun meanwhile"):
                await importer.run(found(MAIL))
    assert await count(store) == 0


async def test_an_import_is_known_to_nobody_once_it_is_forgotten(database: Database) -> None:
    await bring(MemoryStore(), database, MAIL)
    await forget_imports(database, USER)
    assert await bring(MemoryStore(), database, MAIL) == (4, 0)
    async with DatabaseJournal(database, USER) as journal:
        await journal.forget()
    assert await bring(MemoryStore(), database, MAIL) == (4, 0)


async def test_a_database_that_is_away_is_named(database: Database) -> None:
    await database.close()
    with pytest.raises(JournalUnusable, match=f"the record of imports: database {database.name}"):
        await bring(MemoryStore(), database, MAIL)
    with pytest.raises(JournalUnusable, match=f"the record of imports: database {database.name}"):
        await forget_imports(database, USER)
