"""What is answered is on the standby, too: also when the database was asked what became of something.

A commit that waits for the standby can be seen without having been answered: by everybody, when the
primary was restarted meanwhile. So it is not enough to look: who asks writes, and so waits for the
standby himself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator

import pytest

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.database import database
from pillarbox.model import Identity, Recipient
from pillarbox.store.cluster import clock
from pillarbox.store.cluster.engine import ClusterStore, open_cluster
from pillarbox.store.cluster.settings import ClusterSettings
from tests.cluster.trials.pair import Pair, pair
from tests.world import as_stored

SECONDS = 1.5
"""Patience with a statement: there will be no answer."""
ALICE = Identity("alice")
LETTER = as_stored(b"Subject: hello\r\n\r\nthere\r\n")


@pytest.fixture(scope="module")
def databases() -> Iterator[Pair]:
    with pair() as both:
        yield both


@pytest.fixture
async def store(databases: Pair, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    """One that has a letter for Alice, and little patience."""
    monkeypatch.setattr(database, "STATEMENT_SECONDS", SECONDS)
    opened = await open_cluster(ClusterSettings(databases.primary.new_database()))
    assert await opened.deliver(LETTER, [Recipient("alice")]) == [None]
    monkeypatch.setattr(clock, "STATEMENT_SECONDS", SECONDS)
    yield opened
    await opened.close()


async def restarted_while(databases: Pair, work: Awaitable[object]) -> object:
    """What comes of *work*: the standby hangs, and the primary is restarted while that is waited for."""
    with databases.standby.hanging():
        working = asyncio.ensure_future(work)
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while not await asyncio.to_thread(databases.primary.run, waits):
            assert not working.done()
        await asyncio.to_thread(databases.primary.restart, "immediate")
        (outcome,) = await asyncio.gather(working, return_exceptions=True)
        return outcome


async def test_a_delivery_that_only_the_primary_has_is_not_acknowledged(
    databases: Pair, store: ClusterStore
) -> None:
    outcome = await restarted_while(databases, store.deliver(LETTER, [Recipient("alice")]))
    assert isinstance(outcome, list)
    assert isinstance(outcome[0], StoreUnavailable)
    assert len(await store.listing("alice")) == 2  # it can be seen


async def test_a_deletion_that_only_the_primary_has_is_not_confirmed(
    databases: Pair, store: ClusterStore
) -> None:
    maildrop = await store.open(ALICE)
    assert isinstance(await restarted_while(databases, maildrop.commit([1])), StoreUnavailable)
    assert await store.listing("alice") == []


async def test_nor_is_one_whose_lease_was_taken_away_meanwhile(
    databases: Pair, store: ClusterStore
) -> None:
    """Whoever asks what became of it has nothing to write there for his own sake."""
    maildrop = await store.open(ALICE)
    name = store.database.name.rpartition("/")[2]
    for statement in (
        """CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.opening = NULL; NEW.holder = NULL; RETURN NEW; END $$""",
        """CREATE TRIGGER lose BEFORE UPDATE OF changes ON views
        FOR EACH ROW EXECUTE FUNCTION lose()""",
    ):
        databases.primary.run(statement, name)
    assert isinstance(await restarted_while(databases, maildrop.commit([1])), StoreUnavailable)
    assert await store.listing("alice") == []
