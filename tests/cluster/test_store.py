"""What the cluster engine does beyond the contract: much mail, many maildrops, and how it starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from pillarbox.contracts.errors import BodyDamaged, LockLost, StoreUnavailable
from pillarbox.contracts.store import Retention
from pillarbox.model import Column, Identity, Recipient
from pillarbox.store.ahead import WINDOW_MESSAGES
from pillarbox.store.cluster import parts, retention
from pillarbox.store.cluster.clock import Patience
from pillarbox.store.cluster.engine import ClusterStore, open_cluster
from pillarbox.store.cluster.opening import SMALL, Before, Opening
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.testing.store_contract.material import contents, letter, listed, put
from tests.cluster.postgres import PostgresServer
from tests.cluster.proxy import proxy_before
from tests.cluster.stores import ALICE, BOB, Looking, delete_all, stores

MANY = 100_000
YEAR = 365 * 86_400


@pytest.fixture
def looking(postgres: PostgresServer, database_url: str) -> Looking:
    return Looking(postgres, database_url)


@pytest_asyncio.fixture
async def store(database_url: str) -> AsyncIterator[ClusterStore]:
    async with stores(database_url) as (store,):
        yield store


async def test_default_may_hold_mail_back_from_the_beginning(
    database_url: str, looking: Looking
) -> None:
    async with stores(database_url, default_holds=True) as (store,):
        await put(store, ALICE, letter("one"), letter("two"))
        await store.add_view(ALICE, "phone")
        assert (await store.status(ALICE)).views[0].holds
        assert await delete_all(store, ALICE, "phone") == 2
        assert looking.counts()["messages"] == 2
        expired = await store.expire(Retention(absent_seconds=1e-6))
        assert [view for _, view in expired.absent] == ["phone"]  # never default
        assert await delete_all(store, ALICE) == 2
        assert looking.counts() == {"messages": 0, "bodies": 0, "hidden": 0}


async def test_retention_looks_through_all_maildrops(store: ClusterStore, looking: Looking) -> None:
    """More of them than are looked at together, some with old mail, some without."""
    number = 2 * retention.PAGE_MAILDROPS + 10
    looking.rows(
        "INSERT INTO maildrops (name, next_seq, messages, octets)"
        f" SELECT 'user' || n, 2, 1, 100 FROM generate_series(1, {number}) AS n"
    )
    looking.rows(
        "INSERT INTO views (maildrop, name, token)"
        f" SELECT 'user' || n, 'default', 1 FROM generate_series(1, {number}) AS n"
    )
    looking.rows(
        "INSERT INTO messages (maildrop, seq, unique_id, octets, stored, international, checksum,"
        " received_at) SELECT 'user' || n, 1, 'id' || n, 100, 100, FALSE, 0,"
        " now() - CASE WHEN n % 50 = 0 THEN INTERVAL '2 years' ELSE INTERVAL '1 day' END"
        f" FROM generate_series(1, {number}) AS n"
    )
    expired = await store.expire(Retention(expire_seconds=YEAR))
    assert (expired.messages, expired.octets, expired.busy) == (number // 50, number // 50 * 100, 0)
    assert looking.counts()["messages"] == number - number // 50
    assert (await store.expire(Retention(expire_seconds=YEAR))).messages == 0


async def test_who_is_dead_keeps_no_mail_from_expiring(database_url: str, looking: Looking) -> None:
    async with stores(database_url, 2) as (frozen, other):
        await put(other, ALICE, letter("one"))
        await frozen.open(Identity(ALICE))
        assert (await other.expire(Retention(expire_seconds=1e-6))).busy == 1
        looking.lapse("node1")
        assert (await other.expire(Retention(expire_seconds=1e-6))).messages == 1


@pytest.mark.parametrize("views", [[], pytest.param(["phone"], marks=pytest.mark.long)])
async def test_a_hundred_thousand_messages_go_at_once(
    store: ClusterStore, looking: Looking, views: list[str]
) -> None:
    """With gaps and without, where there is one view and where there are two."""
    await put(store, ALICE, letter("one"))
    for table, columns in (
        ("messages", "unique_id, octets, stored, international, checksum"),
        ("bodies", "data"),
    ):
        values = "'id' || n, 100, 5, FALSE, 0" if table == "messages" else "'12345'::BYTEA"
        looking.rows(
            f"INSERT INTO {table} (maildrop, seq, {columns})"
            f" SELECT '{ALICE}', n, {values} FROM generate_series(2, {MANY}) AS n"
        )
    octets = letter("one").octets + (MANY - 1) * 100
    looking.rows(
        f"UPDATE maildrops SET next_seq = {MANY + 1}, messages = {MANY}, octets = {octets}"
    )
    for view in views:
        await store.add_view(ALICE, view)
    maildrop = await store.open(Identity(ALICE))
    assert (maildrop.count, maildrop.octets) == (MANY, octets)
    await maildrop.commit(range(1, MANY, 2))
    await maildrop.release()
    maildrop = await store.open(Identity(ALICE))
    assert maildrop.count == MANY // 2
    assert len(await maildrop.column(Column.OCTETS, 1, 1000)) == 1000
    assert (await maildrop.body(MANY // 2)).content == b"12345"
    await maildrop.commit(range(1, MANY // 2 + 1))
    await maildrop.release()
    for view in views:
        assert await delete_all(store, ALICE, view) == MANY
    assert looking.counts() == {"messages": 0, "bodies": 0, "hidden": 0}
    assert await store.check() == []


async def test_messages_in_a_row_are_read_together(
    postgres: PostgresServer, database_url: str
) -> None:
    letters = [letter(str(n)) for n in range(2 * WINDOW_MESSAGES)]
    async with proxy_before(postgres.port) as proxy:
        through = postgres.url(database_url.rpartition("/")[2], port=proxy.port)
        async with stores(through, connections=1, lease_seconds=3600) as (store,):
            await put(store, ALICE, *letters)
            for gone in ([], [3, 5, 70]):  # without gaps, and with
                maildrop = await store.open(Identity(ALICE))
                before = proxy.round_trips
                assert await contents(maildrop) == [message.data for message in letters]
                assert proxy.round_trips - before <= 6  # a connection sees two statements first
                await maildrop.commit(gone)
                await maildrop.release()
                letters = [each for n, each in enumerate(letters, 1) if n not in gone]


async def test_a_body_that_is_not_whole_is_not_sent(store: ClusterStore, looking: Looking) -> None:
    await put(store, ALICE, *(letter(str(n)) for n in range(5)))
    looking.rows("DELETE FROM bodies WHERE seq = 2")
    looking.rows("UPDATE bodies SET data = '123' WHERE seq = 4")
    maildrop = await store.open(Identity(ALICE))
    for number in range(1, 6):
        if number % 2:
            assert (await maildrop.body(number)).content == letter(str(number - 1)).data
        else:
            with pytest.raises(BodyDamaged):
                await maildrop.body(number)


async def test_a_listing_from_which_somebody_has_taken_is_refused(
    store: ClusterStore, looking: Looking
) -> None:
    """The lock was taken away and somebody else has deleted: no number means another message."""
    await put(store, ALICE, *(letter(str(n)) for n in range(150)))
    maildrop = await store.open(Identity(ALICE))
    await store.unlock(ALICE)
    other = await store.open(Identity(ALICE))
    await other.commit(range(50, 100))
    with pytest.raises(StoreUnavailable, match="has changed during a session"):
        await listed(maildrop)
    with pytest.raises(StoreUnavailable, match="has changed during a session"):
        await maildrop.body(75)


@pytest.mark.parametrize("number", [3, 150])
async def test_a_removed_users_session_reads_nothing_of_the_next_user_of_that_name(
    store: ClusterStore, number: int
) -> None:
    """Whose messages have the same sequence numbers."""
    await put(store, ALICE, *(letter(f"old {n}") for n in range(number)))
    maildrop = await store.open(Identity(ALICE))
    await store.remove(ALICE)
    await put(store, ALICE, *(letter(f"new {n}") for n in range(number)))
    for n in range(1, number + 1):  # the second and all after it would be read ahead
        with pytest.raises(StoreUnavailable, match="has changed during a session"):
            await maildrop.body(n)
    if number > SMALL:  # else it came along, before
        with pytest.raises(StoreUnavailable, match="has changed during a session"):
            await listed(maildrop)
        with pytest.raises(StoreUnavailable, match="has changed during a session"):
            await maildrop.octets_of([1])
        for column in Column:
            with pytest.raises(StoreUnavailable, match="has changed during a session"):
                await maildrop.column(column, 1, number)
    with pytest.raises(LockLost):
        await maildrop.commit([1])
    await maildrop.release()
    assert await delete_all(store, ALICE) == number


async def test_a_small_listing_that_is_shorter_than_its_counter_is_refused(
    store: ClusterStore, looking: Looking
) -> None:
    await put(store, ALICE, *(letter(str(n)) for n in range(5)))
    looking.rows("DELETE FROM messages WHERE seq = 2")
    maildrop = await store.open(Identity(ALICE))
    assert maildrop.count == 5
    with pytest.raises(StoreUnavailable, match="maildrop check alice") as caught:
        await maildrop.column(Column.UNIQUE_ID, 1, 5)
    assert caught.value.temporary
    with pytest.raises(StoreUnavailable, match="maildrop check alice"):
        await maildrop.body(2)
    await maildrop.release()


async def test_nothing_expires_by_a_clock_that_is_far_ahead(
    store: ClusterStore, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, ALICE, letter("one"))
    monkeypatch.setattr(retention, "_NOW", "SELECT clock_timestamp() + INTERVAL '2 years'")
    with pytest.raises(StoreUnavailable, match=r"175\d\d\.\d hours ahead"):
        await store.expire(Retention(expire_seconds=YEAR))
    assert looking.counts()["messages"] == 1


async def test_without_its_tables_nothing_starts(postgres: PostgresServer) -> None:
    url = postgres.new_database(migrated=False)
    with pytest.raises(StoreUnavailable, match="cluster migrate") as caught:
        await open_cluster(ClusterSettings(url))
    assert not caught.value.temporary
    postgres.drop(url)


async def test_a_database_that_is_away_keeps_no_node_from_starting(
    postgres: PostgresServer, database_url: str
) -> None:
    postgres.stop()
    with capture_logs() as log:
        store = await open_cluster(ClusterSettings(database_url))
    assert [entry["log_level"] for entry in log] == ["warning"]
    store.begin()
    (outcome,) = await store.deliver(letter("x"), [Recipient(ALICE)])
    assert isinstance(outcome, StoreUnavailable)
    postgres.start()
    await put(store, BOB, letter("x"))
    assert await delete_all(store, BOB) == 1
    await store.close()


async def test_what_is_checked_at_the_start_is_checked_when_the_database_comes_back(
    postgres: PostgresServer, database_url: str
) -> None:
    postgres.run(
        "INSERT INTO migrations (number, name, needs) VALUES (9999, 'later', 9999)",
        database_url.rpartition("/")[2],
    )
    postgres.stop()
    store = await open_cluster(ClusterSettings(database_url))
    postgres.start()
    with pytest.raises(StoreUnavailable, match="9999") as caught:
        await store.probe()
    assert not caught.value.temporary
    with pytest.raises(StoreUnavailable, match="9999"):
        await store.open(Identity(ALICE))
    (outcome,) = await store.deliver(letter("x"), [Recipient(ALICE)])
    assert "9999" in str(outcome)
    await store.close()


async def test_of_many_sessions_that_end_without_the_database_few_ask_for_it(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PAUSE_SECONDS", 3600.0)
    opening = Refused()
    asking = [
        asyncio.create_task(store._parts.give_back(cast("Opening", opening), Patience()))
        for _ in range(100)
    ]
    for _ in range(10):  # turns of the loop: whoever asks has asked by then
        await asyncio.sleep(0)
    assert opening.asked == parts.RETURNING
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


class Refused:
    """An opening that cannot be given back now."""

    asked = 0

    async def give_back(self, before: Before | None) -> int | None:
        del before
        self.asked += 1
        raise StoreUnavailable("it is away", temporary=True)


async def test_no_password_is_shown(database_url: str) -> None:
    settings = ClusterSettings(database_url)
    assert "password" not in repr(replace(settings, connections=3))
